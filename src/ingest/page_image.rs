//! A page as it looks, with the characters of a citation marked. Knows no citation.

use crate::domain::AclFilter;
use crate::domain::Rect;
use crate::ingest::Ingest;
use crate::ingest::IngestError;
use crate::ingest::PageImage;
use crate::ingest::child;
use crate::ingest::child::Call;
use crate::ingest::page_image_cache::ImageKey;
use crate::ingest::read;
use crate::ports::StoreError;
use crate::ports::StoredFile;
use reader::Format;
use reader::RenderRequest;
use reader::child::Job;
use reader::child::Reply;
use std::time::Duration;
use std::time::Instant;

/// Painting one page takes at most this long, however long reading a file may take.
const RENDER_DEADLINE: Duration = Duration::from_mins(1);
/// A request waits so long for others to be painted.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest image: 20 megapixels that hardly compress.
const MAX_IMAGE: u64 = 96 << 20;

/// Paints a page of a document within the filter.
#[tracing::instrument(skip_all, fields(document.id = %image.document, page = image.page))]
pub(super) async fn page_image(
    ingest: &Ingest,
    filter: &AclFilter,
    image: PageImage,
) -> Result<Vec<u8>, IngestError> {
    let parts = &ingest.parts;
    let missing = || IngestError::NoDocument(image.document);
    let stored = parts.documents.file(image.document, image.version, filter).await?.ok_or_else(missing)?;
    let StoredFile { collection, version: file, password } = stored;
    if !file.media_type.is_empty() && file.media_type != Format::Pdf.media_type() {
        return Err(IngestError::NoPageImage); // before its one page, the whole file, is read
    }
    let page = parts.documents.page(image.document, Some(file.number), image.page, filter).await?;
    let (layout, _) = page.ok_or(IngestError::NoSuchPage(image.page))?;
    // Only now: the format of a version that was not read yet is not known, and it has no pages either.
    if file.media_type != Format::Pdf.media_type() {
        return Err(IngestError::NoPageImage);
    }
    let scale = if image.scale.is_finite() { image.scale.clamp(0.5, 4.0) } else { 1.0 };
    let key = ImageKey {
        document: image.document,
        version: file.number,
        page: image.page,
        highlight: image.highlight,
        scale: (scale * 1_000.0).round() as u32,
    };
    if let Some(png) = ingest.images.get(&key) {
        return Ok(png);
    }

    let began = Instant::now();
    let turn = tokio::time::timeout(PATIENCE, ingest.renders.acquire()).await;
    let _turn = turn.map_err(|_| IngestError::RenderBusy)?.map_err(|_| IngestError::RenderBusy)?;
    // It may have been painted, or deleted, while this request waited.
    if let Some(png) = ingest.images.get(&key) {
        return Ok(png);
    }
    let bytes = parts.blobs.get(collection, &file.sha256).await.map_err(|error| match error {
        StoreError::Missing { .. } => IngestError::FileLost,
        other @ (StoreError::Unavailable { .. }
        | StoreError::Conflict { .. }
        | StoreError::Corrupt { .. }) => IngestError::Store(other),
    })?;
    let highlights = image.highlight.map(|span| layout.rects_for(span)).unwrap_or_default();
    let request = RenderRequest {
        page: image.page,
        scale,
        highlights: highlights.into_iter().map(rect).collect(),
        password: read::password(parts, &file.sha256, password.as_deref()),
    };
    let png = paint(ingest, request, bytes).await?;
    metrics::histogram!("docent_page_image_seconds").record(began.elapsed().as_secs_f64());
    ingest.images.put(key, &png);
    Ok(png)
}

async fn paint(ingest: &Ingest, request: RenderRequest, bytes: Vec<u8>) -> Result<Vec<u8>, IngestError> {
    let limits = &ingest.parts.reader;
    let call = Call {
        program: &ingest.parts.reader_program,
        limits,
        deadline: Duration::from_millis(limits.timeout_ms).min(RENDER_DEADLINE),
        max_reply: MAX_IMAGE,
        models: None,
    };
    match child::ask(&call, Job::Render(request), &bytes).await? {
        Reply::Rendered(png) => Ok(png),
        Reply::Failed(error) => Err(error.into()),
        Reply::Parsed(_) | Reply::Recognised(_) | Reply::Unpacked | Reply::Confined(_) => {
            Err(IngestError::ReaderBroken { detail: "a text for an image".to_owned() })
        }
    }
}

const fn rect(rect: Rect) -> reader::Rect {
    reader::Rect { x0: rect.x0, y0: rect.y0, x1: rect.x1, y1: rect.y1 }
}
