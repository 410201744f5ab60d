//! The bytes of a PATCH, stored part by part as they come, so that memory is bounded and a line that breaks loses none of
//! what has come. Only a piece with a digest is kept whole or not at all. Knows no file.

use crate::domain::Fault;
use crate::http::error::AppError;
use crate::http::resumable::protocol::Checksum;
use crate::http::resumable::protocol::MAX_CHECKED;
use crate::http::resumable::protocol::Piece;
use crate::http::resumable::protocol::too_long;
use crate::http::upload::SILENCE;
use crate::ingest::HeldUpload;
use axum::body::Body;
use axum::body::BodyDataStream;
use axum::body::Bytes;
use futures::StreamExt;

/// Bytes that are stored at a time.
const PART: usize = 4 * 1024 * 1024;

/// Takes the body's bytes until it ends or breaks off.
pub(super) async fn receive(held: &mut HeldUpload<'_>, piece: Piece, body: Body) -> Result<(), AppError> {
    let chunks = body.into_data_stream();
    match piece.into_checksum() {
        Some(checksum) => receive_checked(held, checksum, chunks).await,
        None => receive_parts(held, chunks).await,
    }
}

async fn receive_parts(held: &mut HeldUpload<'_>, mut chunks: BodyDataStream) -> Result<(), AppError> {
    let mut part = Vec::new();
    let ended = loop {
        match held.keeping(next(&mut chunks)).await? {
            Ok(Some(chunk)) if chunk.len() > held.missing() - part.len() => break Err(too_long()),
            Ok(Some(mut rest)) => {
                while part.len() + rest.len() >= PART {
                    part.extend_from_slice(&rest.split_to(PART - part.len()));
                    held.append(std::mem::take(&mut part)).await?;
                }
                part.extend_from_slice(&rest);
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    if !part.is_empty() {
        held.append(part).await?;
    }
    ended
}

async fn receive_checked(
    held: &mut HeldUpload<'_>,
    checksum: Checksum,
    mut chunks: BodyDataStream,
) -> Result<(), AppError> {
    let mut piece = Vec::new();
    while let Some(chunk) = held.keeping(next(&mut chunks)).await?? {
        if chunk.len() > held.missing() - piece.len() {
            return Err(too_long());
        }
        if piece.len() + chunk.len() > MAX_CHECKED {
            let detail = format!("a piece with `Upload-Checksum` has at most {MAX_CHECKED} bytes");
            return Err(AppError::new(Fault::TooLarge, "too_large", detail));
        }
        piece.extend_from_slice(&chunk);
    }
    let checking = tokio::task::spawn_blocking(move || checksum.check(&piece).map(|()| piece));
    let piece = checking.await.map_err(|_| AppError::bug("a digest panicked"))??;
    if piece.is_empty() { Ok(()) } else { Ok(held.append(piece).await?) }
}

/// The next bytes; none at the end.
async fn next(chunks: &mut BodyDataStream) -> Result<Option<Bytes>, AppError> {
    let chunk = tokio::time::timeout(SILENCE, chunks.next()).await.map_err(|_| AppError::slow_body())?;
    chunk
        .transpose()
        .map_err(|_| AppError::invalid("broken_body", "the body broke off; HEAD says how much came"))
}
