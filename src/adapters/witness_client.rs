//! Posts checkpoints to witnesses. Knows no signature.

use crate::ports::WitnessClient;
use async_trait::async_trait;
use reqwest::Client;
use reqwest::redirect::Policy;
use std::time::Duration;

/// A witness signs at most a few lines.
const MAX_ANSWER: usize = 64 * 1024;

/// A client with a deadline for each submission.
pub struct HttpWitnessClient {
    client: Client,
}

impl HttpWitnessClient {
    /// Makes it.
    ///
    /// # Errors
    /// When the system has no certificates to trust.
    pub fn new(timeout: Duration) -> Result<Self, reqwest::Error> {
        // The client takes the process's TLS provider; installing it again is refused, which is as good.
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("docent/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .redirect(Policy::none())
            .build()?;
        Ok(Self { client })
    }
}

#[async_trait]
impl WitnessClient for HttpWitnessClient {
    async fn submit(&self, url: &str, submission: String) -> Result<(u16, String), String> {
        let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        let failed = |error: reqwest::Error| error.without_url().to_string();
        let mut response = self.client.post(url).body(submission).send().await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            if body.len() + piece.len() > MAX_ANSWER {
                return Err("the answer is too long".to_owned());
            }
            body.extend_from_slice(&piece);
        }
        let body = String::from_utf8(body).map_err(|_| "the answer is not text".to_owned())?;
        Ok((response.status().as_u16(), body))
    }
}
