//! Large files in pieces, by the tus protocol 1.0.0: of a file, one piece is in memory, and one is sent again when the
//! line breaks. Knows no folder.

use crate::app::bulk::service::Service;
use crate::app::bulk::service::Uploaded;
use crate::app::bulk::service::reason;
use crate::app::bulk::service::retry_after;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::RequestBuilder;
use reqwest::Response;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use reqwest::header::HeaderMap;
use reqwest::header::LOCATION;
use secrecy::ExposeSecret;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;
use std::io::SeekFrom;
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncSeekExt;

/// Files above this go in pieces.
pub(super) const LARGE: u64 = 8 * 1024 * 1024;
/// A piece: as large as one with a digest may be.
const PIECE: u64 = 8 * 1024 * 1024;
/// A piece is sent so often without any getting through.
const ATTEMPTS: u32 = 12;
/// Longest wait between two of them.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// Why a step did not succeed.
enum Trouble {
    /// Another try may.
    Passing(String, Option<Duration>),
    /// The service does not know the upload any more.
    Gone,
    /// No other try will.
    Final(String),
}

/// An upload that the service knows.
struct Place {
    path: String,
    /// Where the next byte goes; none when only the service knows.
    offset: Option<u64>,
}

impl Service {
    /// Sends a file piece by piece; the reason when it is refused or the service stays away.
    pub(super) async fn upload_large(
        &self,
        collection: &str,
        file: &Path,
        size: u64,
    ) -> Result<Uploaded, String> {
        let mut place = None;
        let mut failures = 0;
        loop {
            let trouble = match self.step(collection, file, size, &mut place).await {
                Ok(Some(uploaded)) => return Ok(uploaded),
                Ok(None) => {
                    failures = 0;
                    continue;
                }
                Err(trouble) => trouble,
            };
            failures += 1;
            let (problem, wait) = match trouble {
                Trouble::Final(problem) => return Err(problem),
                Trouble::Gone => {
                    place = None;
                    ("the upload expired".to_owned(), None)
                }
                Trouble::Passing(problem, wait) => (problem, wait),
            };
            if failures >= ATTEMPTS {
                return Err(problem);
            }
            if let Some(place) = &mut place {
                place.offset = None;
            }
            let usual = Duration::from_millis(250 << failures.min(7));
            tokio::time::sleep(wait.unwrap_or(usual).min(MAX_WAIT)).await;
        }
    }

    /// Announces the file, asks how far it is, or sends a piece; gives what became of the file after the last one.
    async fn step(
        &self,
        collection: &str,
        file: &Path,
        size: u64,
        place: &mut Option<Place>,
    ) -> Result<Option<Uploaded>, Trouble> {
        let Some(known) = place else {
            *place = Some(self.announce(collection, file, size).await?);
            return Ok(None);
        };
        let Some(offset) = known.offset else {
            let head = asked(self.spoken(Method::HEAD, &known.path)).await?;
            known.offset = Some(number(head.headers(), "upload-offset")?);
            return Ok(None);
        };
        let piece =
            read(file, offset).await.map_err(|error| Trouble::Final(format!("cannot be read: {error}")))?;
        if piece.is_empty() && offset < size {
            return Err(Trouble::Final("the file became shorter while it was sent".to_owned()));
        }
        let mut request = self
            .spoken(Method::PATCH, &known.path)
            .header(CONTENT_TYPE, "application/offset+octet-stream")
            .header("upload-offset", offset);
        if !piece.is_empty() {
            let digest = STANDARD.encode(Sha256::digest(&piece));
            request = request.header("upload-checksum", format!("sha256 {digest}"));
        }
        let sent = asked(request.body(piece)).await?;
        let offset = number(sent.headers(), "upload-offset")?;
        known.offset = Some(offset);
        if offset < size {
            return Ok(None);
        }
        self.outcome(&known.path).await.map(Some)
    }

    async fn announce(&self, collection: &str, file: &Path, size: u64) -> Result<Place, Trouble> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let pair = |name: &str, value: &str| format!("{name} {}", STANDARD.encode(value));
        let mut metadata = vec![pair("filename", &name), pair("collection_id", collection)];
        metadata.extend(self.password().map(|password| pair("password", password.expose_secret())));
        let request = self
            .spoken(Method::POST, "/api/v1/uploads")
            .header("upload-length", size)
            .header("upload-metadata", metadata.join(","));
        let made = asked(request).await?;
        let path = made.headers().get(LOCATION).and_then(|path| path.to_str().ok());
        let path =
            path.ok_or_else(|| Trouble::Final("the service did not say where to send the file".to_owned()))?;
        Ok(Place { path: path.to_owned(), offset: Some(0) })
    }

    async fn outcome(&self, path: &str) -> Result<Uploaded, Trouble> {
        let view: Value = asked(self.spoken(Method::GET, path)).await?.json().await.unwrap_or_default();
        serde_json::from_value(view)
            .map_err(|_| Trouble::Passing("the service said nothing of it".to_owned(), None))
    }

    fn spoken(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header("tus-resumable", "1.0.0")
    }
}

/// The answer, if it is a good one.
async fn asked(request: RequestBuilder) -> Result<Response, Trouble> {
    let sent = request.send().await;
    let response = sent.map_err(|error| {
        Trouble::Passing(format!("the service cannot be reached: {}", error.without_url()), None)
    })?;
    let (status, wait) = (response.status(), retry_after(&response));
    if status.is_success() {
        return Ok(response);
    }
    let body: Value = response.json().await.unwrap_or_default();
    let problem = format!("{} ({status})", reason(&body));
    Err(match status {
        StatusCode::NOT_FOUND if body["code"] != "not_found" => Trouble::Gone,
        StatusCode::REQUEST_TIMEOUT
        | StatusCode::CONFLICT
        | StatusCode::LOCKED
        | StatusCode::TOO_MANY_REQUESTS => Trouble::Passing(problem, wait),
        status if status.is_server_error() || status.as_u16() == 460 => Trouble::Passing(problem, wait),
        _ => Trouble::Final(problem),
    })
}

fn number(headers: &HeaderMap, name: &str) -> Result<u64, Trouble> {
    let number = headers.get(name).and_then(|number| number.to_str().ok()?.parse().ok());
    number.ok_or_else(|| Trouble::Final(format!("the service did not say `{name}`")))
}

async fn read(file: &Path, offset: u64) -> std::io::Result<Vec<u8>> {
    let mut file = tokio::fs::File::open(file).await?;
    file.seek(SeekFrom::Start(offset)).await?;
    let mut piece = Vec::new();
    file.take(PIECE).read_to_end(&mut piece).await?;
    Ok(piece)
}
