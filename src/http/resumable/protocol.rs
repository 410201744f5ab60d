//! The words of the tus protocol 1.0.0: versions, lengths, offsets, digests. Knows no upload but its numbers.

use crate::domain::Fault;
use crate::http::error::AppError;
use crate::ports::StoredUpload;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::Sha1;
use sha2::Digest;
use sha2::Sha256;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,termination,expiration,checksum";
const ALGORITHMS: &str = "sha1,sha256";
const PIECE: &str = "application/offset+octet-stream";
/// Of a piece that carries a digest: nothing of it is kept before all of it is there.
pub(super) const MAX_CHECKED: usize = 8 * 1024 * 1024;
/// As HTTP writes dates (RFC 9110 §5.6.7).
const DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

static RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
static VERSIONS: HeaderName = HeaderName::from_static("tus-version");
static LENGTH: HeaderName = HeaderName::from_static("upload-length");
static OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// Turns away who speaks another version, and says in every answer which one is spoken. Looking at an upload as JSON is
/// not of the protocol, and to ask what is spoken one need not know it.
pub(in crate::http) async fn speak(request: Request, next: Next) -> Response {
    let spoken = matches!(*request.method(), Method::GET | Method::OPTIONS)
        || request.headers().get(&RESUMABLE).is_some_and(|version| version == VERSION);
    let mut response = if spoken {
        next.run(request).await
    } else {
        let detail = format!("send `Tus-Resumable: {VERSION}`");
        let refusal = AppError::invalid("wrong_tus_version", detail);
        let mut response = refusal.with_status(StatusCode::PRECONDITION_FAILED).into_response();
        response.headers_mut().insert(VERSIONS.clone(), HeaderValue::from_static(VERSION));
        response
    };
    response.headers_mut().insert(RESUMABLE.clone(), HeaderValue::from_static(VERSION));
    response
}

/// What is spoken here.
pub(super) fn abilities(limit: usize) -> HeaderMap {
    let fixed =
        [("tus-version", VERSION), ("tus-extension", EXTENSIONS), ("tus-checksum-algorithm", ALGORITHMS)];
    let fixed = fixed.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let mut headers = HeaderMap::from_iter(fixed);
    headers.insert(HeaderName::from_static("tus-max-size"), HeaderValue::from(limit));
    headers
}

/// How far an upload is and when it is forgotten.
pub(super) fn progress(upload: &StoredUpload) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([(OFFSET.clone(), HeaderValue::from(upload.received))]);
    let date = upload.announced.expires_at.to_offset(time::UtcOffset::UTC).format(DATE);
    if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
        headers.insert(HeaderName::from_static("upload-expires"), date);
    }
    headers
}

/// How long the whole file is.
pub(super) fn length_of(upload: &StoredUpload) -> HeaderMap {
    HeaderMap::from_iter([(LENGTH.clone(), HeaderValue::from(upload.announced.bytes))])
}

/// `Upload-Length`.
pub(super) fn length(headers: &HeaderMap) -> Result<u64, AppError> {
    let wanted =
        || AppError::invalid("invalid_upload_length", "`Upload-Length` says the bytes of the whole file");
    number(headers, &LENGTH).ok_or_else(wanted)
}

/// What a PATCH says before its bytes.
pub(super) struct Piece {
    offset: u64,
    announced: Option<u64>,
    checksum: Option<Checksum>,
}

impl Piece {
    /// Reads its headers.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, AppError> {
        if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != PIECE) {
            return Err(AppError::unsupported(format!("send pieces as `Content-Type: {PIECE}`")));
        }
        let wanted =
            || AppError::invalid("invalid_upload_offset", "`Upload-Offset` says where the bytes begin");
        Ok(Self {
            offset: number(headers, &OFFSET).ok_or_else(wanted)?,
            announced: number(headers, &header::CONTENT_LENGTH),
            checksum: headers.get("upload-checksum").map(Checksum::read).transpose()?,
        })
    }

    /// Whether it begins where the stored bytes end, and fits.
    pub(super) fn check_place(&self, upload: &StoredUpload) -> Result<(), AppError> {
        let (received, bytes) = (upload.received as u64, upload.announced.bytes as u64);
        if self.offset != received {
            let detail = format!("the next byte is {received}, not {}", self.offset);
            return Err(AppError::new(Fault::Conflict, "wrong_offset", detail));
        }
        if self.announced.is_some_and(|length| length > bytes - received) { Err(too_long()) } else { Ok(()) }
    }

    /// The digest that its bytes must have.
    pub(super) fn into_checksum(self) -> Option<Checksum> {
        self.checksum
    }
}

/// More bytes than the upload announced.
pub(super) fn too_long() -> AppError {
    AppError::new(Fault::TooLarge, "too_long", "there are more bytes than `Upload-Length` announced")
}

/// The digest of a piece.
pub(super) enum Checksum {
    Sha1(Vec<u8>),
    Sha256(Vec<u8>),
}

impl Checksum {
    fn read(header: &HeaderValue) -> Result<Self, AppError> {
        let read = || {
            let (algorithm, digest) = header.to_str().ok()?.split_once(' ')?;
            let digest = STANDARD.decode(digest.trim()).ok()?;
            match (algorithm, digest.len()) {
                ("sha1", 20) => Some(Self::Sha1(digest)),
                ("sha256", 32) => Some(Self::Sha256(digest)),
                _ => None,
            }
        };
        let detail = "`Upload-Checksum` is `sha256` or `sha1` and the digest in base64";
        read().ok_or_else(|| AppError::invalid("invalid_checksum", detail))
    }

    /// Refuses bytes of another digest.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<(), AppError> {
        let same = match self {
            Self::Sha1(digest) => digest.as_slice() == Sha1::digest(bytes).as_slice(),
            Self::Sha256(digest) => digest.as_slice() == Sha256::digest(bytes).as_slice(),
        };
        if same {
            return Ok(());
        }
        let status = StatusCode::from_u16(460).expect("a status has three digits");
        let refusal =
            AppError::invalid("checksum_mismatch", "the bytes have another digest; send them again");
        Err(refusal.with_status(status))
    }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    let text = headers.get(name)?.to_str().ok()?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(pairs: &[(&'static str, &'static str)]) -> Result<Piece, AppError> {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        Piece::read(&pairs.iter().map(pair).collect())
    }

    #[test]
    fn a_piece_says_what_it_is_and_where_it_begins() {
        assert_eq!(piece(&[("content-type", PIECE), ("upload-offset", "70")]).ok().unwrap().offset, 70);
        assert_eq!(
            piece(&[("upload-offset", "70")]).err().unwrap().status,
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        );
        for wrong in ["", "-1", "+1", "1.0", "18446744073709551616"] {
            assert!(piece(&[("content-type", PIECE), ("upload-offset", wrong)]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_digest_is_compared_by_its_own_algorithm() {
        // SHA-1 and SHA-256 of `abc` (FIPS 180-4, examples).
        for digest in
            ["sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=", "sha256 ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="]
        {
            let checksum = Checksum::read(&HeaderValue::from_static(digest)).ok().unwrap();

            assert!(checksum.check(b"abc").is_ok(), "{digest}");
            assert_eq!(checksum.check(b"abd").unwrap_err().status.as_u16(), 460);
        }
        for wrong in ["", "sha256", "md5 kAFQmDzST7DWlj99KOF/cg==", "sha256 AAAA", "sha1 ???"] {
            assert!(Checksum::read(&HeaderValue::from_static(wrong)).is_err(), "{wrong}");
        }
    }
}
