//! Posts messages to webhooks: straight to the host that was allowed, through no proxy, and wherever that host sends us
//! instead is not gone to. Knows no message.

use crate::config;
use crate::ports::WebhookClient;
use async_trait::async_trait;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use std::time::Duration;

/// A client with a deadline for each message.
pub struct HttpWebhookClient {
    client: Client,
}

impl HttpWebhookClient {
    /// Makes it.
    ///
    /// # Errors
    /// When the system has no certificates to trust.
    pub fn new(webhooks: &config::Webhooks) -> Result<Self, reqwest::Error> {
        // The client takes the process's TLS provider; installing it again is refused, which is as good.
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("docent/", env!("CARGO_PKG_VERSION")))
            .timeout(Duration::from_millis(webhooks.timeout_ms))
            .redirect(Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { client })
    }
}

#[async_trait]
impl WebhookClient for HttpWebhookClient {
    async fn post(
        &self,
        url: &str,
        headers: [(&'static str, String); 3],
        body: String,
    ) -> Result<u16, String> {
        let request = self.client.post(url).header(CONTENT_TYPE, "application/json").body(body);
        let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        match request.send().await {
            // The body goes unread with the response.
            Ok(response) => Ok(response.status().as_u16()),
            Err(error) if error.is_timeout() => Err("no answer in time".to_owned()),
            Err(error) if error.is_connect() => Err("no connection".to_owned()),
            Err(error) => Err(format!("the request failed: {}", error.without_url())),
        }
    }
}
