//! From the stored file to its text: the reader runs in a child process, pages that are pictures are recognised, the
//! findings become ours. Knows no passage.

use crate::domain::Coverage;
use crate::domain::HiddenReason;
use crate::domain::HiddenText;
use crate::domain::Lane;
use crate::domain::PageLayout;
use crate::domain::Recognised;
use crate::domain::Rect;
use crate::domain::Span;
use crate::domain::Stage;
use crate::domain::TableRows;
use crate::domain::Warning;
use crate::domain::Word;
use crate::ingest::IngestError;
use crate::ingest::IngestParts;
use crate::ingest::PASSWORD;
use crate::ingest::child;
use crate::ingest::child::Call;
use crate::ingest::recognise::recognise;
use crate::ingest::run::Run;
use crate::ports::StoreError;
use crate::ports::StoredText;
use crate::ports::StoredVersion;
use reader::Format;
use reader::Heading;
use reader::ReadOptions;
use reader::WarningCode;
use reader::child::Job;
use reader::child::Reply;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use std::time::Instant;

/// Longest reply for each character of text: words with their boxes take about 10 bytes a character.
const REPLY_BYTES_PER_CHARACTER: u64 = 16;
/// Longest reply besides.
const REPLY_BYTES: u64 = 16 << 20;

/// A version's text as the reader found it.
pub(super) struct Parsed {
    format: Format,
    title: Option<String>,
    content: String,
    pages: Vec<PageLayout>,
    headings: Vec<Heading>,
    tables: Vec<TableRows>,
    warnings: Vec<Warning>,
    coverage: Coverage,
    /// Pages that are pictures, and are recognised in another turn.
    pictures: usize,
}

/// What of the reader's findings is stored only for cutting the text again.
#[derive(Serialize, Deserialize)]
struct Reading {
    format: Format,
    headings: Vec<Heading>,
    warnings: Vec<Warning>,
    coverage: Coverage,
}

impl Parsed {
    /// What kind of file it was.
    pub(super) const fn format(&self) -> Format {
        self.format
    }

    /// The title the file gives itself.
    pub(super) fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// All text.
    pub(super) fn content(&self) -> &str {
        &self.content
    }

    /// The pages in order; their spans cover the text.
    pub(super) fn pages(&self) -> &[PageLayout] {
        &self.pages
    }

    /// How many pages are pictures that are recognised in another turn.
    pub(super) const fn pictures(&self) -> usize {
        self.pictures
    }

    /// Headings in the order of the text.
    pub(super) fn headings(&self) -> &[Heading] {
        &self.headings
    }

    /// Tables in the order of the text.
    pub(super) fn tables(&self) -> &[TableRows] {
        &self.tables
    }

    /// Gives the text, pages, warnings and what is known of the coverage to the next stage.
    pub(super) fn into_parts(self) -> (Option<String>, String, Vec<PageLayout>, Vec<Warning>, Coverage) {
        (self.title, self.content, self.pages, self.warnings, self.coverage)
    }

    /// What has to be stored beside text, pages and tables so that [`Parsed::from_stored`] gives all of it back.
    pub(super) fn reading(&self) -> String {
        let reading = Reading {
            format: self.format,
            headings: self.headings.clone(),
            warnings: self.warnings.clone(),
            coverage: self.coverage.clone(),
        };
        serde_json::to_string(&reading).expect("numbers, names and lists of them can be written")
    }

    /// What was stored, as the reader said it; none where another build stored it in another form.
    pub(super) fn from_stored(version: StoredVersion, text: StoredText) -> Option<Self> {
        let reading: Reading = serde_json::from_str(&version.made.reading).ok()?;
        let StoredText { content, pages } = text;
        Some(Self {
            format: reading.format,
            title: version.title,
            content,
            pages,
            headings: reading.headings,
            tables: version.tables,
            warnings: reading.warnings,
            coverage: reading.coverage,
            pictures: 0,
        })
    }

    /// Takes over what the reader said. A U+0000, which no store keeps, becomes U+FFFD here, so that what is stored is what
    /// was cut.
    pub(super) fn from_reader(mut parsed: reader::Parsed) -> Self {
        parsed.content = without_nul(parsed.content);
        let coverage = coverage(&parsed);
        let warnings = parsed.warnings.into_iter().map(warning).collect();
        let title = parsed.title.map(|title| without_nul(title).trim().to_owned());
        let title = title.filter(|title| !title.is_empty());
        Self {
            format: parsed.format,
            title,
            content: parsed.content,
            pages: parsed.pages.into_iter().map(page).collect(),
            headings: parsed.headings,
            tables: parsed.tables.into_iter().map(table).collect(),
            warnings,
            coverage,
            pictures: 0,
        }
    }
}

/// Reads the job's file; in the lane of words without the pages that have to be recognised.
#[tracing::instrument(name = "read", skip_all)]
pub(super) async fn read(parts: &IngestParts, run: &Run) -> Result<Parsed, IngestError> {
    let (began, job) = (Instant::now(), run.job());
    run.advance(Stage::Read, 0, 0).await?;
    let file = parts.blobs.get(job.collection, &job.sha256).await.map_err(|error| match error {
        StoreError::Missing { .. } => IngestError::FileLost,
        other @ (StoreError::Unavailable { .. }
        | StoreError::Conflict { .. }
        | StoreError::Corrupt { .. }) => IngestError::Store(other),
    })?;
    let size = file.len();
    run.advance(Stage::Read, 0, size).await?;
    let limits = &parts.reader;
    let options = ReadOptions {
        password: password(parts, &job.sha256, job.password.as_deref()),
        max_pages: limits.max_pages,
        max_characters: limits.max_characters,
        max_stream_bytes: limits.max_stream_bytes,
        will_recognise: parts.recogniser.is_some(),
    };
    let call = Call {
        program: &parts.reader_program,
        limits,
        deadline: Duration::from_millis(limits.timeout_ms),
        max_reply: REPLY_BYTES
            .saturating_add(limits.max_characters.saturating_mul(REPLY_BYTES_PER_CHARACTER)),
        models: None,
    };
    let parsed = match child::ask(&call, Job::Read(options), &file).await? {
        Reply::Parsed(parsed) => parsed,
        Reply::Failed(error) => return Err(error.into()),
        Reply::Rendered(_) | Reply::Recognised(_) | Reply::Unpacked | Reply::Confined(_) => {
            return Err(IngestError::ReaderBroken { detail: "another thing than a text".to_owned() });
        }
    };
    run.advance(Stage::Read, size, size).await?;
    run.took(Stage::Read, began);
    let later = run.job().lane == Lane::Words && parts.recogniser.is_some();
    let pictures = if later { parsed.unread.len() } else { 0 };
    let parsed = if later { *parsed } else { recognise(parts, run, *parsed, &file).await? };
    let taken = tokio::task::spawn_blocking(move || Parsed { pictures, ..Parsed::from_reader(parsed) });
    let parsed = taken.await.map_err(|_| IngestError::Panicked("read"))?;
    tracing::debug!(pages = parsed.pages.len(), bytes = size, "the file is read");
    Ok(parsed)
}

/// The password of a file, opened for its reader alone; one that does not open is none.
pub(super) fn password(parts: &IngestParts, sha256: &str, sealed: Option<&[u8]>) -> Option<String> {
    let opened = parts.vault.open(PASSWORD, sha256, sealed?);
    if opened.is_none() {
        tracing::error!("the password of a file does not open with this master key");
    }
    opened.map(|password| password.expose_secret().to_owned())
}

fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

fn page(page: reader::Page) -> PageLayout {
    PageLayout {
        number: page.number,
        label: page.label,
        width: page.width,
        height: page.height,
        span: span(page.span),
        words: page
            .words
            .into_iter()
            .map(|word| Word { span: span(word.span), rect: rect(word.rect) })
            .collect(),
        undecodable: page.undecodable,
        running: page.running,
        recognised: page.recognised.map(|found| Recognised {
            confidence: found.confidence,
            quarter_turns: found.quarter_turns,
            skew_degrees: found.skew_degrees,
        }),
        hidden: page.hidden.iter().map(hidden).collect(),
    }
}

fn hidden(hidden: &reader::HiddenText) -> HiddenText {
    let reason = match hidden.reason {
        reader::HiddenReason::Invisible => HiddenReason::Invisible,
        reader::HiddenReason::Background => HiddenReason::Background,
        reader::HiddenReason::Tiny => HiddenReason::Tiny,
        reader::HiddenReason::OffPage => HiddenReason::OffPage,
        reader::HiddenReason::Clipped => HiddenReason::Clipped,
        reader::HiddenReason::Covered => HiddenReason::Covered,
        reader::HiddenReason::Layer => HiddenReason::Layer,
    };
    // Neither Postgres nor a page can hold it.
    HiddenText { reason, characters: hidden.characters, text: hidden.text.replace('\0', " ") }
}

fn table(table: reader::Table) -> TableRows {
    TableRows { rows: table.rows.into_iter().map(span).collect(), header_rows: table.header_rows }
}

/// The reader's span as ours.
pub(super) const fn span(span: reader::Span) -> Span {
    Span { start: span.start, end: span.end }
}

const fn rect(rect: reader::Rect) -> Rect {
    Rect { x0: rect.x0, y0: rect.y0, x1: rect.x1, y1: rect.y1 }
}

fn warning(warning: reader::Warning) -> Warning {
    Warning { code: code(warning.code), page: warning.page, detail: warning.detail }
}

/// The code's name as it stands in JSON.
fn code(code: WarningCode) -> String {
    match serde_json::to_value(code) {
        Ok(serde_json::Value::String(name)) => name,
        _ => format!("{code:?}").to_lowercase(),
    }
}

/// What can be said before the text is cut: undecodable glyphs stand in it as U+FFFD and do not count as extracted.
fn coverage(parsed: &reader::Parsed) -> Coverage {
    let recognised = || parsed.pages.iter().filter_map(|page| page.recognised).map(|found| found.confidence);
    Coverage {
        pages: parsed.pages.len() as u32,
        pages_without_text: pages_without_text(parsed) as u32,
        characters_extracted: visible_characters(&parsed.content),
        pages_recognised: recognised().count() as u32,
        recognition_confidence: mean(recognised()),
        undecodable_glyphs: parsed.pages.iter().map(|page| u64::from(page.undecodable)).sum(),
        ..Coverage::default()
    }
}

fn pages_without_text(parsed: &reader::Parsed) -> usize {
    let mut rest = parsed.content.chars();
    let mut is_blank = |page: &&reader::Page| {
        let blank = rest.by_ref().take(page.span.len() as usize).filter(|c| !c.is_whitespace()).count() == 0;
        blank && page.running.is_empty()
    };
    parsed.pages.iter().filter(|page| is_blank(page)).count()
}

/// To three digits, as it is shown.
fn mean(confidences: impl Iterator<Item = f32> + Clone) -> Option<f64> {
    let count = confidences.clone().count();
    let sum: f64 = confidences.map(f64::from).sum();
    (count > 0).then(|| (sum / count as f64 * 1000.0).round() / 1000.0)
}

/// Characters that say something: not white space, not the mark of an undecodable one.
pub(super) fn visible_characters(text: &str) -> u64 {
    text.chars().filter(|c| !c.is_whitespace() && *c != char::REPLACEMENT_CHARACTER).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_reader_found_is_taken_over_whole() {
        let parsed = reader::Parsed {
            format: Format::Pdf,
            title: Some("  ".to_owned()),
            content: "租\u{fffd} 约\n".to_owned(),
            pages: vec![reader::Page {
                number: 1,
                label: Some("i".to_owned()),
                width: 595.0,
                height: 842.0,
                span: reader::Span { start: 0, end: 5 },
                words: vec![reader::Word {
                    span: reader::Span { start: 0, end: 2 },
                    rect: reader::Rect { x0: 1.0, y0: 2.0, x1: 3.0, y1: 4.0 },
                }],
                undecodable: 1,
                running: Vec::new(),
                recognised: None,
                hidden: Vec::new(),
            }],
            headings: Vec::new(),
            tables: Vec::new(),
            warnings: vec![reader::Warning {
                code: WarningCode::UndecodableGlyphs,
                page: Some(1),
                detail: "1 glyph".to_owned(),
            }],
            unread: Vec::new(),
        };

        let parsed = Parsed::from_reader(parsed);

        assert_eq!(parsed.title(), None);
        assert_eq!(parsed.pages()[0].words[0].rect, Rect { x0: 1.0, y0: 2.0, x1: 3.0, y1: 4.0 });
        assert_eq!(parsed.warnings[0].code, "undecodable_glyphs");
        assert_eq!((parsed.coverage.characters_extracted, parsed.coverage.undecodable_glyphs), (2, 1));
    }
}
