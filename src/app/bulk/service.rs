//! A running service as its API shows it: patient with one that is busy, clear about one that refuses. Knows no folder.

use crate::app::bulk::pieces::LARGE;
use anyhow::Context;
use anyhow::bail;
use reqwest::Method;
use reqwest::RequestBuilder;
use reqwest::Response;
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use reqwest::multipart::Form;
use reqwest::multipart::Part;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Silence in the middle of a response.
const READ_TIMEOUT: Duration = Duration::from_mins(2);
/// A request is sent so often while the service is busy or away.
const ATTEMPTS: u32 = 12;
/// Longest wait between two of them.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// A document is asked about so often at first, and so rarely at last.
const FIRST_LOOK: Duration = Duration::from_millis(200);
const LATER_LOOK: Duration = Duration::from_secs(2);
/// Collections are listed in pages of this size.
const PAGE: usize = 200;

/// Where the service is, and the key of whoever uploads.
#[derive(Debug)]
pub struct Access {
    /// Such as `http://127.0.0.1:8080`.
    pub url: String,
    /// `dk_…`.
    pub key: SecretString,
    /// Opens encrypted files.
    pub password: Option<SecretString>,
}

/// The service.
pub(super) struct Service {
    client: reqwest::Client,
    access: Access,
}

/// What the service says of a file: one document, or those of an archive.
#[derive(Debug, Deserialize)]
pub(super) struct Uploaded {
    pub(super) data: Vec<Taken>,
    #[serde(default)]
    errors: Vec<Value>,
}

impl Uploaded {
    /// The files of an archive that were refused: path there and reason.
    pub(super) fn refused(&self) -> impl Iterator<Item = (&str, String)> {
        self.errors.iter().map(|problem| (problem["file_name"].as_str().unwrap_or_default(), reason(problem)))
    }
}

/// A file that the service has taken.
#[derive(Debug, Deserialize)]
pub(super) struct Taken {
    document_id: String,
    /// Its name, or its path in the archive.
    pub(super) file_name: String,
    /// The same bytes were there before.
    pub(super) existing: bool,
}

impl Service {
    pub(super) fn new(access: Access) -> anyhow::Result<Self> {
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(concat!("docent/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { client, access })
    }

    /// The id of the collection with this name or id.
    pub(super) async fn collection(&self, wanted: &str) -> anyhow::Result<String> {
        let mut cursor: Option<String> = None;
        loop {
            let mut path = format!("/api/v1/collections?limit={PAGE}");
            if let Some(cursor) = &cursor {
                path = format!("{path}&cursor={cursor}");
            }
            let page = self.send(|| Ok(self.request(Method::GET, &path))).await;
            let page = page.map_err(anyhow::Error::msg).context("cannot list the collections")?;
            let collections = page["data"].as_array().cloned().unwrap_or_default();
            let found = collections.iter().find(|one| one["name"] == wanted || one["id"] == wanted);
            if let Some(id) = found.and_then(|one| one["id"].as_str()) {
                return Ok(id.to_owned());
            }
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                bail!(
                    "there is no collection `{wanted}` that this key may see; an administrator makes it on the page"
                );
            }
        }
    }

    /// Sends a file; the reason when it is refused.
    pub(super) async fn upload(&self, collection: &str, file: &Path) -> Result<Uploaded, String> {
        let unreadable = |error| format!("cannot be read: {error}");
        let size = tokio::fs::metadata(file).await.map_err(unreadable)?.len();
        if size > LARGE {
            return self.upload_large(collection, file, size).await;
        }
        let bytes = tokio::fs::read(file).await.map_err(unreadable)?;
        let bytes = axum::body::Bytes::from(bytes); // shared by all attempts
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = format!("/api/v1/collections/{collection}/documents");
        let request = || {
            let part = Part::stream(bytes.clone()).file_name(name.clone());
            let form = match &self.access.password {
                Some(password) => Form::new().text("password", password.expose_secret().to_owned()),
                None => Form::new(),
            };
            Ok(self.request(Method::POST, &path).multipart(form.part("file", part)))
        };
        let taken = self.send(request).await?;
        serde_json::from_value(taken).map_err(|_| "the service said nothing of it".to_owned())
    }

    /// Waits until the document is searchable; the reason when it fails.
    pub(super) async fn ready(&self, taken: &Taken) -> Result<(), String> {
        let mut pause = FIRST_LOOK;
        // Not the job: one that waits to be run is called ready too.
        let path = format!("/api/v1/documents/{}", taken.document_id);
        loop {
            let seen = self.send(|| Ok(self.request(Method::GET, &path))).await?;
            match seen["status"].as_str().unwrap_or_default() {
                "ready" | "ready_with_warnings" => return Ok(()),
                "failed" => return Err(reason(&seen["error"])),
                _ => tokio::time::sleep(pause).await,
            }
            pause = (pause * 2).min(LATER_LOOK);
        }
    }

    pub(super) const fn password(&self) -> Option<&SecretString> {
        self.access.password.as_ref()
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.access.url.trim_end_matches('/'));
        self.client.request(method, url).bearer_auth(self.access.key.expose_secret())
    }

    /// Sends until the service takes it or refuses it for good.
    async fn send(&self, request: impl Fn() -> Result<RequestBuilder, String>) -> Result<Value, String> {
        let mut problem = String::new();
        for attempt in 0..ATTEMPTS {
            let wait = match request()?.send().await {
                Ok(response) if response.status().is_success() => {
                    return response.json().await.map_err(|error| format!("the answer is no JSON: {error}"));
                }
                Ok(response) => {
                    let (status, wait) = (response.status(), retry_after(&response));
                    let body: Value = response.json().await.unwrap_or_default();
                    problem = format!("{} ({status})", reason(&body));
                    let busy =
                        matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
                    if !busy {
                        return Err(problem);
                    }
                    wait
                }
                Err(error) => {
                    problem = format!("the service cannot be reached: {}", error.without_url());
                    None
                }
            };
            let usual = Duration::from_millis(250 << attempt.min(7));
            tokio::time::sleep(wait.unwrap_or(usual).min(MAX_WAIT)).await;
        }
        Err(problem)
    }
}

/// Seconds; a date is not what our service says.
pub(super) fn retry_after(response: &Response) -> Option<Duration> {
    response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

/// The sentence of a problem or of a job's error.
pub(super) fn reason(problem: &Value) -> String {
    let detail = problem["detail"].as_str().or(problem["title"].as_str()).unwrap_or("it does not say why");
    match problem["code"].as_str() {
        Some(code) => format!("{detail} ({code})"),
        None => detail.to_owned(),
    }
}
