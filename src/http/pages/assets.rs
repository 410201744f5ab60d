//! Style, scripts and the mark, inside the binary. A new build has new names for none of them, so browsers ask each
//! time whether they changed.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use sha2::Digest;
use sha2::Sha256;

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

/// (name, media type, bytes)
const ASSETS: &[(&str, &str, &str)] = &[
    ("docent.css", STYLE, include_str!("assets/docent.css")),
    ("common.js", SCRIPT, include_str!("assets/common.js")),
    ("upload.js", SCRIPT, include_str!("assets/upload.js")),
    ("folders.js", SCRIPT, include_str!("assets/folders.js")),
    ("pieces.js", SCRIPT, include_str!("assets/pieces.js")),
    ("ask.js", SCRIPT, include_str!("assets/ask.js")),
    ("viewer.js", SCRIPT, include_str!("assets/viewer.js")),
    ("jobs.js", SCRIPT, include_str!("assets/jobs.js")),
    ("documents.js", SCRIPT, include_str!("assets/documents.js")),
    ("mark.svg", IMAGE, include_str!("assets/mark.svg")),
];

/// Gives an asset, or 304 to a browser that has it.
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some((_, kind, text)) = ASSETS.iter().find(|(known, _, _)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(text)[..12]));
    let cached = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, cached).into_response();
    }
    (cached, [(header::CONTENT_TYPE, *kind)], *text).into_response()
}
