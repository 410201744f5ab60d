//! Requests to the hub and to where it redirects: timeouts, the token for the hub alone, no step down to plain HTTP.
//! Knows no file on disk.

use super::announcement::Announcement;
use crate::config::Secrets;
use reqwest::Method;
use reqwest::Response;
use reqwest::StatusCode;
use reqwest::Url;
use reqwest::header::LOCATION;
use reqwest::header::RANGE;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use std::error::Error;
use std::time::Duration;

const DEFAULT_ENDPOINT: &str = "https://huggingface.co";
/// Name lookup, TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Silence in the middle of a file.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Everything the hub says of a file before it is sent.
const ANNOUNCEMENT_TIMEOUT: Duration = Duration::from_secs(15);
const MAX_REDIRECTS: usize = 8;

/// A connection pool to one hub.
pub(super) struct Client {
    inner: reqwest::Client,
    endpoint: Url,
    token: Option<SecretString>,
}

/// Why a request gave nothing.
#[derive(Debug)]
pub(super) struct Refusal {
    /// For a person.
    pub(super) detail: String,
    /// The host does not answer at all.
    pub(super) unreachable: bool,
    /// Asking again cannot help.
    pub(super) lasting: bool,
}

impl Client {
    /// # Errors
    /// Why no connection can ever be made.
    pub(super) fn new(secrets: &Secrets) -> Result<Self, String> {
        let endpoint = secrets.hub_endpoint.as_deref().unwrap_or(DEFAULT_ENDPOINT).trim_end_matches('/');
        let endpoint =
            Url::parse(endpoint).map_err(|error| format!("`HF_ENDPOINT` is no address: {error}"))?;
        if !matches!(endpoint.scheme(), "http" | "https") {
            return Err(format!(
                "`HF_ENDPOINT` must begin with http:// or https://, not {}://",
                endpoint.scheme()
            ));
        }
        // an error means that another part of the process has installed one
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(concat!("docent/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let inner = client.map_err(|error| format!("cannot connect: {}", root_cause(&error)))?;
        Ok(Self { inner, endpoint, token: secrets.hub_token.clone() })
    }

    /// The address of a file.
    pub(super) fn url(&self, repository: &str, revision: &str, path: &str) -> String {
        format!("{}/{repository}/resolve/{revision}/{path}", self.endpoint.as_str().trim_end_matches('/'))
    }

    /// What the hub says of a file.
    pub(super) async fn announcement(&self, url: &str) -> Result<Announcement, Refusal> {
        let mut announced = Announcement::default();
        let asked = self.follow(&Method::HEAD, url, 0, &mut announced);
        let Ok(asked) = tokio::time::timeout(ANNOUNCEMENT_TIMEOUT, asked).await else {
            let detail = format!("said nothing within {} s", ANNOUNCEMENT_TIMEOUT.as_secs());
            return Err(Refusal { detail, unreachable: true, lasting: false });
        };
        asked?;
        Ok(announced)
    }

    /// The file from byte `from` on; 416 is an answer.
    pub(super) async fn get(&self, url: &str, from: u64) -> Result<Response, Refusal> {
        let response = self.follow(&Method::GET, url, from, &mut Announcement::default()).await?;
        Ok(response.expect("only a HEAD ends before the last answer"))
    }

    async fn follow(
        &self,
        method: &Method,
        url: &str,
        from: u64,
        announced: &mut Announcement,
    ) -> Result<Option<Response>, Refusal> {
        let mut url = Url::parse(url).map_err(|error| lasting(format!("is no address: {error}")))?;
        for _ in 0..MAX_REDIRECTS {
            let response = self.send(method, &url, from).await?;
            let next = redirect(&response, &url)?;
            announced.learn(response.headers(), next.is_none());
            match next {
                // a signed address of the store may be for GET only
                Some(_) if method == Method::HEAD && announced.is_whole() => return Ok(None),
                Some(next) => url = next,
                None => return refuse(response, self.token.is_some()).map(Some),
            }
        }
        Err(lasting(format!("redirects more than {MAX_REDIRECTS} times")))
    }

    async fn send(&self, method: &Method, url: &Url, from: u64) -> Result<Response, Refusal> {
        let mut request = self.inner.request(method.clone(), url.clone());
        if let Some(token) = self.token.as_ref().filter(|_| url.origin() == self.endpoint.origin()) {
            request = request.bearer_auth(token.expose_secret());
        }
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        request.send().await.map_err(|error| Refusal {
            detail: format!("cannot reach {}: {}", url.host_str().unwrap_or_default(), root_cause(&error)),
            unreachable: error.is_connect() || error.is_timeout(),
            lasting: false,
        })
    }
}

/// Where an answer sends us; nothing when it is the last one.
fn redirect(response: &Response, from: &Url) -> Result<Option<Url>, Refusal> {
    if !response.status().is_redirection() {
        return Ok(None);
    }
    let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let next = location.and_then(|location| from.join(location).ok());
    let next = next.ok_or_else(|| lasting("redirects to nowhere".to_owned()))?;
    let steps_down = from.scheme() == "https" && next.scheme() != "https";
    if steps_down || !matches!(next.scheme(), "http" | "https") {
        return Err(lasting(format!("redirects to `{}://`, which is not trusted", next.scheme())));
    }
    Ok(Some(next))
}

/// A status as a sentence, when it is no file.
fn refuse(response: Response, has_token: bool) -> Result<Response, Refusal> {
    let status = response.status();
    if status.is_success() || status == StatusCode::RANGE_NOT_SATISFIABLE {
        return Ok(response);
    }
    let advice = match (status, has_token) {
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, false) => ": set HF_TOKEN if the model needs one",
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, true) => ": HF_TOKEN has no access to it",
        (_, _) => "",
    };
    let passing = status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT;
    Err(Refusal { detail: format!("answers {status}{advice}"), unreachable: false, lasting: !passing })
}

fn lasting(detail: String) -> Refusal {
    Refusal { detail, unreachable: false, lasting: true }
}

/// The first byte of a partial answer.
pub(super) fn begins_at(response: &Response) -> Option<u64> {
    let range = response.headers().get("content-range")?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

/// What really happened, below the wrappers, and no address with a signature in it.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if cause.source().is_none() && error.source().is_none() {
        "the request failed".to_owned()
    } else {
        cause.to_string()
    }
}
