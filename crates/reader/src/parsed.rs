//! What reading a file gives, and how it travels as JSON. Knows no file format.

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

/// A file that has been read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parsed {
    /// What kind of file it was.
    pub format: Format,
    /// The title that the file gives itself, if it gives one worth showing.
    pub title: Option<String>,
    /// All text in reading order. For Markdown and plain text it is the file's own text, byte order mark removed; for Word,
    /// PowerPoint, web pages and e-mail paragraphs with an empty line between them, and the rows of tables as
    /// `| Item | Price |`, as for the tables of a PDF; for Excel rows as `3 | Rent | 2400 |` under the letters of their
    /// columns. Tracked changes of Word stand in it as `[inserted: …]`, `[deleted: …]`, `[moved here: …]` and
    /// `[moved away: …]`, each on one line; a note is called as `[^1]` and follows its paragraph.
    ///
    /// Of a PDF: a word broken at the end of a line stands whole before the line break, as two [`Word`]s without a space
    /// between. A raised mark of a footnote is `[^1]`, so that it neither sticks to the number before it nor looks like
    /// anything that the page says; who compares quotes leaves it out. A power is `10^6`. Footnotes and `[Comment by A: …]`
    /// follow the text of their page as paragraphs. A form field stands at its place: its text, `[x]`, `[ ]`, `[Signature: A]`.
    /// What a reader of the page does not see is in [`Page::hidden`] instead.
    pub content: String,
    /// The pages in order; their spans cover `content` without gaps. Sheets and slides are pages; files without pages have one.
    pub pages: Vec<Page>,
    /// Headings in the order of the text.
    pub headings: Vec<Heading>,
    /// Tables in the order of the text.
    #[serde(default)]
    pub tables: Vec<Table>,
    /// Everything that was lost or doubtful.
    pub warnings: Vec<Warning>,
    /// Pages, from 1, that are pictures of text, or whose text is not what they show: recognition would say more.
    #[serde(default)]
    pub unread: Vec<u32>,
}

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Portable Document Format.
    Pdf,
    /// Markdown text.
    Markdown,
    /// Plain text.
    Text,
    /// A Word document (Office Open XML).
    Docx,
    /// An Excel workbook (Office Open XML).
    Xlsx,
    /// A PowerPoint presentation (Office Open XML).
    Pptx,
    /// A web page.
    Html,
    /// An e-mail message.
    Email,
}

impl Format {
    /// Returns the media type to serve such a file with.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Pdf => "application/pdf",
            Format::Markdown => "text/markdown",
            Format::Text => "text/plain",
            Format::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Format::Pptx => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            Format::Html => "text/html",
            Format::Email => "message/rfc822",
        }
    }
}

/// One page of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Position in the file, from 1.
    pub number: u32,
    /// The number printed on the page where the file names it and it differs from `number`, such as `iv` or `A-3`; the
    /// name of a sheet.
    pub label: Option<String>,
    /// Width in points after rotation; 0 where the file has no pages.
    pub width: f32,
    /// Height in points after rotation; 0 where the file has no pages.
    pub height: f32,
    /// The page's text, with the line break that ends it.
    pub span: Span,
    /// The words with their boxes, in the order of the text; empty where the file has no positions.
    pub words: Vec<Word>,
    /// Glyphs whose character could not be found; each is U+FFFD in the text.
    pub undecodable: u32,
    /// Running heads and feet of this page that the text has only where they come first.
    #[serde(default)]
    pub running: Vec<String>,
    /// How the text was recognised, where the page is a picture of text.
    #[serde(default)]
    pub recognised: Option<Recognised>,
    /// Text that a reader of the page does not see. It is no part of `content`.
    #[serde(default)]
    pub hidden: Vec<HiddenText>,
}

/// Text of a page that a reader of it does not see, all of one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HiddenText {
    /// Why it is not seen.
    pub reason: HiddenReason,
    /// Its characters without white space.
    pub characters: u32,
    /// The text, or as much of it as is kept.
    pub text: String,
}

/// Why text of a page is not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HiddenReason {
    /// It is drawn without leaving a trace.
    Invisible,
    /// It has the colour of what lies under it.
    Background,
    /// It is too small to be read.
    Tiny,
    /// It lies outside of the page.
    OffPage,
    /// Where it lies nothing can be painted.
    Clipped,
    /// Something is painted over it.
    Covered,
    /// It belongs to a layer that is switched off.
    Layer,
}

impl HiddenReason {
    /// Says it after "text that".
    pub(crate) fn phrase(self) -> &'static str {
        match self {
            HiddenReason::Invisible => "is drawn invisibly",
            HiddenReason::Background => "has the colour of its background",
            HiddenReason::Tiny => "is too small to read",
            HiddenReason::OffPage => "lies outside of the page",
            HiddenReason::Clipped => "is clipped away",
            HiddenReason::Covered => "is painted over",
            HiddenReason::Layer => "is on a layer that is off",
        }
    }
}

/// A page whose text was recognised in its picture (OCR).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recognised {
    /// Mean probability of the characters, 0 to 1.
    pub confidence: f32,
    /// Quarter turns clockwise that the picture was turned by to be upright, 0 to 3.
    pub quarter_turns: u8,
    /// Degrees clockwise that its lines lean after that.
    pub skew_degrees: f32,
}

/// A page as recognition found it, to be put in the place of what reading found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecognisedPage {
    /// Which page, from 1.
    pub number: u32,
    /// Its text in reading order, without a line break at the end; empty where nothing was found.
    pub text: String,
    /// The words with their boxes; the spans count from the start of `text`.
    pub words: Vec<Word>,
    /// How it was recognised.
    pub recognised: Recognised,
}

/// A table whose rows are lines of the content, `| Item | Price |`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The page that it begins on, from 1.
    pub page: u32,
    /// Its rows in order, each one line of the content without the line break.
    pub rows: Vec<Span>,
    /// How many of the first rows name the columns.
    pub header_rows: u32,
}

/// A run of characters without spaces, and where it stands on its page.
///
/// Chinese, Japanese and Korean text has no spaces: there a word is a run of evenly spaced characters of one line,
/// so that a part of it can be placed by counting characters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Word {
    /// The characters in the content.
    pub span: Span,
    /// The box on the page.
    pub rect: Rect,
}

/// A half-open range `[start, end)` counted in Unicode scalar values of the content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first character.
    pub start: u32,
    /// One past the last character.
    pub end: u32,
}

impl Span {
    /// Returns the number of characters.
    pub fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Says whether the span holds no character.
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// Returns the characters both spans hold, if there are any.
    pub fn intersection(self, other: Span) -> Option<Span> {
        let common = Span { start: self.start.max(other.start), end: self.end.min(other.end) };
        (!common.is_empty()).then_some(common)
    }
}

/// A box in points, origin at the top left of the page as shown, after rotation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x0: f32,
    /// Top edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Bottom edge.
    pub y1: f32,
}

impl Rect {
    /// Returns the distance from left to right, in points.
    pub fn width(self) -> f32 {
        self.x1 - self.x0
    }

    /// Returns the distance from top to bottom, in points.
    pub fn height(self) -> f32 {
        self.y1 - self.y0
    }

    /// Returns the smallest box that holds both.
    #[must_use]
    pub fn union(self, other: Rect) -> Rect {
        Rect {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }
}

/// A heading of the file's own outline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// Depth, from 1.
    pub level: u8,
    /// The text without markup.
    pub title: String,
    /// Where it stands in the content; empty, at the start of its page, where it was not found there.
    pub span: Span,
}

/// Something that was lost, repaired or guessed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// What kind of fault.
    pub code: WarningCode,
    /// The page, from 1, where the fault has one.
    pub page: Option<u32>,
    /// A sentence for people.
    pub detail: String,
}

/// The kinds of [`Warning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// Glyphs without a known character stand as U+FFFD.
    UndecodableGlyphs,
    /// The page's text looks wrong, as of a font that hides its characters.
    GarbledText,
    /// A page holds no text; it may be a scan.
    PageWithoutText,
    /// A part of the page was damaged or exceeded a bound and is missing.
    PageIncomplete,
    /// The page holds text that a reader of the page does not see; it is left out. Pages of a PDF list it.
    HiddenText,
    /// The file was damaged and has been repaired; parts may be missing.
    RepairedFile,
    /// The character encoding was guessed.
    EncodingGuessed,
    /// The file holds insertions and deletions that nobody has accepted or rejected yet; they are marked in the text.
    TrackedChanges,
    /// Pictures, charts and diagrams were passed over.
    PicturesNotRead,
    /// Text of pages was recognised in their pictures.
    RecognisedText,
    /// The text of a page was recognised with little certainty.
    LowConfidence,
    /// Pages that are pictures were not recognised.
    NotRecognised,
    /// Attachments of a message are named and were not read.
    AttachmentsNotRead,
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.start, self.end].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [start, end] = Deserialize::deserialize(deserializer)?;
        Ok(Span { start, end })
    }
}

impl Serialize for Rect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.x0, self.y0, self.x1, self.y1].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Rect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [x0, y0, x1, y1] = Deserialize::deserialize(deserializer)?;
        Ok(Rect { x0, y0, x1, y1 })
    }
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Word { span, rect } = self;
        (span.start, span.end, rect.x0, rect.y0, rect.x1, rect.y1).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (start, end, x0, y0, x1, y1) = Deserialize::deserialize(deserializer)?;
        Ok(Word { span: Span { start, end }, rect: Rect { x0, y0, x1, y1 } })
    }
}
