//! From text to passages: stretches that cover it, each with its page, boxes and the headings above it. Knows no
//! vector.

use crate::domain::ClaimedJob;
use crate::domain::Coverage;
use crate::domain::PageLayout;
use crate::domain::Passage;
use crate::domain::PassageId;
use crate::domain::Sketch;
use crate::domain::Span;
use crate::domain::Stage;
use crate::domain::Structure;
use crate::domain::Warning;
use crate::ingest::IngestError;
use crate::ingest::IngestParts;
use crate::ingest::clauses;
use crate::ingest::clauses::Found;
use crate::ingest::outline;
use crate::ingest::outline::Outline;
use crate::ingest::read;
use crate::ingest::read::Parsed;
use crate::ingest::read::visible_characters;
use crate::ingest::recipe::recipe;
use crate::ingest::run::Run;
use crate::ingest::split;
use crate::ingest::split::Shape;
use crate::ingest::split::Sizes;
use crate::ingest::table_headers::TableHeaders;
use crate::ports::Embedder;
use crate::ports::Extracted;
use crate::ports::Made;
use crate::ports::StoredVersion;
use reader::Format;
use reader::Heading;
use std::ops::Range;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// A version's passages, with everything else that its text became.
pub(super) struct Chunks {
    extracted: Extracted,
}

impl Chunks {
    /// The passages in order; at least one.
    pub(super) fn passages(&self) -> &[Passage] {
        &self.extracted.passages
    }

    /// Gives everything to the next stage.
    pub(super) fn into_extracted(self) -> Extracted {
        self.extracted
    }

    /// What an earlier attempt cut and stored; of the text only what later stages need.
    pub(super) fn of_stored(version: &StoredVersion, passages: Vec<Passage>) -> Self {
        Self {
            extracted: Extracted {
                media_type: version.media_type.clone(),
                title: version.title.clone(),
                content: String::new(),
                pages: Vec::new(),
                passages,
                embedded_sha256: Vec::new(),
                structure: Structure::default(),
                sketch: Sketch::of(""),
                clauses: Vec::new(),
                warnings: version.warnings.clone(),
                coverage: version.coverage.clone(),
                made: version.made.clone(),
            },
        }
    }

    /// Cuts a text; none when `over` was cancelled meanwhile.
    fn cut(
        parsed: Parsed,
        job: &ClaimedJob,
        sizes: Sizes,
        count_tokens: &dyn Fn(&str) -> usize,
        over: &CancellationToken,
    ) -> Option<Self> {
        let shape = match parsed.format() {
            Format::Markdown => Shape::Markdown,
            Format::Pdf
            | Format::Text
            | Format::Docx
            | Format::Xlsx
            | Format::Pptx
            | Format::Html
            | Format::Email => Shape::Lines,
        };
        let found = clauses::find(parsed.content(), parsed.headings());
        let headings: Vec<Heading> = found.iter().map(Found::heading).collect();
        let marks = outline::marks(parsed.content(), &headings, parsed.tables(), parsed.pages());
        let cuts = split::split(parsed.content(), shape, &marks, sizes, count_tokens, over)?;
        let headers = TableHeaders::new(parsed.content(), parsed.tables());
        let passages = passages(&parsed, &Outline::new(&headings), &headers, job, &cuts);
        let structure = structure(&parsed);
        let made = Made { reading: parsed.reading(), ..Made::default() };
        let sketch = Sketch::of(parsed.content());
        let count = found.len();
        let clauses = found.into_iter().map(|found| found.clause_on(parsed.pages())).collect();
        let media_type = parsed.format().media_type().to_owned();
        let (title, content, pages, mut warnings, coverage) = parsed.into_parts();
        if count >= clauses::MAX_CLAUSES {
            let detail =
                format!("the outline has the first {count} clauses only; the text is searchable as a whole");
            warnings.push(Warning { code: "outline_cut".to_owned(), page: None, detail });
        }
        Some(Self {
            extracted: Extracted {
                media_type,
                title,
                content,
                pages,
                passages,
                embedded_sha256: Vec::new(),
                structure,
                sketch,
                clauses,
                warnings,
                coverage,
                made,
            },
        })
    }

    /// With what they were made.
    fn made_with(mut self, recipe: Made) -> Self {
        self.extracted.made = Made { reading: self.extracted.made.reading, ..recipe };
        self
    }
}

/// Cuts the text of a version into passages.
#[tracing::instrument(name = "chunk", skip_all)]
pub(super) async fn chunk(parts: &IngestParts, run: &Run, parsed: Parsed) -> Result<Chunks, IngestError> {
    let began = Instant::now();
    let characters = parsed.pages().last().map_or(0, |page| page.span.end) as usize;
    run.advance(Stage::Chunk, 0, characters).await?;
    let (job, over) = (run.job().clone(), run.over().clone());
    let (embedder, wanted) = (parts.embedder.clone(), parts.config.chunk_tokens);
    let (min_coverage, recognised) = (parts.config.min_coverage, parsed.pictures() == 0);
    let cut = tokio::task::spawn_blocking(move || {
        let count_tokens = |text: &str| embedder.count_tokens(text);
        let chunks = Chunks::cut(parsed, &job, sizes(embedder.as_ref(), wanted), &count_tokens, &over);
        chunks.map(|chunks| covered(chunks, min_coverage))
    });
    let chunks = cut.await.map_err(|_| IngestError::Panicked("chunk"))?.ok_or(IngestError::LeaseLost)?;
    if chunks.passages().is_empty() {
        return Err(IngestError::OnlyWhiteSpace);
    }
    run.advance(Stage::Chunk, characters, characters).await?;
    run.took(Stage::Chunk, began);
    tracing::debug!(passages = chunks.passages().len(), characters, "the text is cut");
    Ok(chunks.made_with(recipe(parts, recognised)))
}

/// A passage leaves an eighth of what the embedder takes for title and headings.
fn sizes(embedder: &dyn Embedder, wanted: usize) -> Sizes {
    let most = (embedder.max_tokens() - embedder.max_tokens() / 8).max(1);
    Sizes { wanted: wanted.min(most), most }
}

/// Headings that stand in the text, and tables.
fn structure(parsed: &Parsed) -> Structure {
    let headings = parsed.headings().iter().map(|heading| (heading.level, read::span(heading.span)));
    Structure {
        headings: headings.filter(|(_, span)| !span.is_empty()).collect(),
        tables: parsed.tables().to_vec(),
    }
}

fn passages(
    parsed: &Parsed,
    outline: &Outline,
    headers: &TableHeaders,
    job: &ClaimedJob,
    cuts: &[Range<usize>],
) -> Vec<Passage> {
    let title = title(parsed.title(), job);
    let (content, pages) = (parsed.content(), parsed.pages());
    let (mut byte, mut character) = (0, 0);
    let mut passages = Vec::with_capacity(cuts.len());
    for (ordinal, cut) in cuts.iter().enumerate() {
        let text = &content[cut.clone()];
        let start = character + content[byte..cut.start].chars().count() as u32;
        let span = Span { start, end: start + text.chars().count() as u32 };
        (byte, character) = (cut.end, span.end);
        let page = page_of(pages, span, text);
        let ordinal = ordinal as u32;
        passages.push(Passage {
            passage_id: PassageId::derive(job.document, job.version, ordinal),
            document_id: job.document,
            collection_id: job.collection,
            version: job.version,
            ordinal,
            title: title.clone(),
            page: page.map_or(1, |page| page.number),
            span,
            boxes: page.map(|page| page.rects_for(span)).unwrap_or_default(),
            heading_path: outline.path(span, text),
            table_header: headers.above(span),
            text: text.to_owned(),
        });
    }
    passages
}

/// Given at upload, else the file's own, else the file's name without its ending.
pub(super) fn title(read: Option<&str>, job: &ClaimedJob) -> String {
    let name = || match job.file_name.rsplit_once('.') {
        Some((stem, ending)) if !stem.trim().is_empty() && ending.len() <= 8 => stem.to_owned(),
        _ => job.file_name.clone(),
    };
    job.title.clone().or_else(|| read.map(str::to_owned)).unwrap_or_else(name)
}

/// The page of a passage's first visible character.
fn page_of<'a>(pages: &'a [PageLayout], span: Span, text: &str) -> Option<&'a PageLayout> {
    let blank = text.chars().take_while(|c| c.is_whitespace()).count() as u32;
    let first = (span.start + blank).min(span.end.saturating_sub(1));
    let index = pages.partition_point(|page| page.span.end <= first);
    pages.get(index).or(pages.last())
}

/// Counts what the passages hold, and warns when too little of the file's text is in them.
fn covered(mut chunks: Chunks, min_coverage: f64) -> Chunks {
    let Extracted { passages, coverage, pages, warnings, .. } = &mut chunks.extracted;
    coverage.characters_chunked = passages.iter().map(|passage| visible_characters(&passage.text)).sum();
    let expected = ratio(coverage, coverage.characters_chunked);
    if expected < min_coverage {
        let share = expected * 100.0;
        let pages = page_list(pages.iter().filter(|page| page.undecodable > 0).map(|page| page.number));
        let detail =
            format!("only {share:.1} % of the text can be searched; characters are missing on {pages}");
        warnings.push(Warning { code: "low_coverage".to_owned(), page: None, detail });
    }
    chunks
}

/// The share of a file's characters that can be found when `embedded` of them have vectors.
pub(super) fn ratio(coverage: &Coverage, embedded: u64) -> f64 {
    let all = coverage.characters_extracted + coverage.undecodable_glyphs;
    if all == 0 { 0.0 } else { embedded as f64 / all as f64 }
}

/// `pages 3, 7-9`; of very many only the first.
fn page_list(numbers: impl Iterator<Item = u32>) -> String {
    const MAX_RANGES: usize = 20;
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let shown = |(from, to): &(u32, u32)| if from == to { from.to_string() } else { format!("{from}-{to}") };
    let listed = ranges.iter().take(MAX_RANGES).map(shown).collect::<Vec<_>>().join(", ");
    let more = if ranges.len() > MAX_RANGES { " and more" } else { "" };
    match ranges.as_slice() {
        [] => "no page in particular".to_owned(),
        [(from, to)] if from == to => format!("page {listed}"),
        _ => format!("pages {listed}{more}"),
    }
}

#[cfg(test)]
#[path = "chunk_tests.rs"]
mod tests;
