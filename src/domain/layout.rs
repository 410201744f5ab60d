//! Where text stands: spans of characters, rectangles of a page, and from the one to the other. Knows no file format.

use serde::{Deserialize, Serialize};

/// `[start, end)` in Unicode characters of a version's `content`; in JSON `[start, end]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(u32, u32)", into = "(u32, u32)")]
pub struct Span {
    /// First character.
    pub start: u32,
    /// One past the last.
    pub end: u32,
}

impl Span {
    /// Number of characters.
    pub const fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Says whether it holds no character.
    pub const fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// Says whether the two share a character.
    pub const fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

impl From<(u32, u32)> for Span {
    fn from((start, end): (u32, u32)) -> Self {
        Self { start, end }
    }
}

impl From<Span> for (u32, u32) {
    fn from(span: Span) -> Self {
        (span.start, span.end)
    }
}

/// A rectangle of a page in points, origin at the top left of the page as shown; in JSON `[x0, y0, x1, y1]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f32; 4]", into = "[f32; 4]")]
pub struct Rect {
    /// Left.
    pub x0: f32,
    /// Top.
    pub y0: f32,
    /// Right.
    pub x1: f32,
    /// Bottom.
    pub y1: f32,
}

impl From<[f32; 4]> for Rect {
    fn from([x0, y0, x1, y1]: [f32; 4]) -> Self {
        Self { x0, y0, x1, y1 }
    }
}

impl From<Rect> for [f32; 4] {
    fn from(rect: Rect) -> Self {
        [rect.x0, rect.y0, rect.x1, rect.y1]
    }
}

/// A run of characters without white space and where it stands; in JSON `[start, end, x0, y0, x1, y1]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "(u32, u32, f32, f32, f32, f32)", into = "(u32, u32, f32, f32, f32, f32)")]
pub struct Word {
    /// Which characters of `content`.
    pub span: Span,
    /// Where on the page.
    pub rect: Rect,
}

impl From<(u32, u32, f32, f32, f32, f32)> for Word {
    fn from((start, end, x0, y0, x1, y1): (u32, u32, f32, f32, f32, f32)) -> Self {
        Self { span: Span { start, end }, rect: Rect { x0, y0, x1, y1 } }
    }
}

impl From<Word> for (u32, u32, f32, f32, f32, f32) {
    fn from(word: Word) -> Self {
        (word.span.start, word.span.end, word.rect.x0, word.rect.y0, word.rect.x1, word.rect.y1)
    }
}

/// Where headings and tables stand in the text of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Structure {
    /// Levels, from 1, and places of headings, in order.
    pub headings: Vec<(u8, Span)>,
    /// Tables in order.
    pub tables: Vec<TableRows>,
}

/// A table whose rows are lines of the text, `| Item | Price |`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRows {
    /// Its rows in order, without line breaks.
    pub rows: Vec<Span>,
    /// How many of the first rows name the columns.
    pub header_rows: u32,
}

/// One page of a version: its size, its stretch of the text, its words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageLayout {
    /// From 1.
    pub number: u32,
    /// The printed page number, where the file says one.
    pub label: Option<String>,
    /// Points; 0 where the format has no pages.
    pub width: f32,
    /// Points; 0 where the format has no pages.
    pub height: f32,
    /// The page's stretch of `content`.
    pub span: Span,
    /// In reading order; empty where the format has no positions.
    pub words: Vec<Word>,
    /// Glyphs that could not be decoded; each is U+FFFD in the text.
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

/// What is told of a page in a list of all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PageSummary {
    /// From 1.
    pub number: u32,
    /// The printed page number, where the file says one; of workbooks the sheet's name.
    pub label: Option<String>,
    /// Points; 0 where the format has no pages.
    pub width: f32,
    /// Points; 0 where the format has no pages.
    pub height: f32,
    /// The page's stretch of `content`.
    pub span: Span,
    /// Glyphs that could not be decoded; each is U+FFFD in the text.
    pub undecodable: u32,
    /// How the text was recognised, where the page is a picture of text.
    #[serde(default)]
    pub recognised: Option<Recognised>,
    /// Text that a reader of the page does not see. It is no part of `content`.
    #[serde(default)]
    pub hidden: Vec<HiddenText>,
}

/// A page whose text was recognised in its picture (OCR).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Recognised {
    /// Mean probability of the characters, 0 to 1.
    pub confidence: f32,
    /// Quarter turns clockwise that the picture was turned by to be upright, 0 to 3.
    pub quarter_turns: u8,
    /// Degrees clockwise that its lines lean after that.
    pub skew_degrees: f32,
}

/// Text of a page that a reader of it does not see, all of one reason. It is shown as a finding and used for nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HiddenText {
    /// Why it is not seen.
    pub reason: HiddenReason,
    /// Its characters without white space.
    pub characters: u32,
    /// The text, or as much of it as is kept.
    pub text: String,
}

/// Why text of a page is not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
    /// Says it for people.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Invisible => "drawn invisibly",
            Self::Background => "in the colour of its background",
            Self::Tiny => "too small to read",
            Self::OffPage => "outside of the page",
            Self::Clipped => "clipped away",
            Self::Covered => "painted over",
            Self::Layer => "on a layer that is off",
        }
    }
}

impl PageLayout {
    /// The rectangles that cover the characters of `span` on this page, one for each line. A word covered in part
    /// is cut in proportion to its characters.
    pub fn rects_for(&self, span: Span) -> Vec<Rect> {
        let mut rects: Vec<Rect> = Vec::new();
        for word in self.words.iter().filter(|word| word.span.overlaps(span)) {
            let rect = covered_part(word, span);
            match rects.last_mut() {
                Some(last) if on_one_line(last, &rect) => *last = union(last, &rect),
                _ => rects.push(rect),
            }
        }
        rects
    }
}

/// In JSON a span is two numbers and a rectangle four.
macro_rules! array_schemas {
    ($($name:ident: $item:ty;)*) => {$(
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ArrayBuilder::new().items(<$item>::schema()).into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )*};
}

array_schemas! {
    Span: u32;
    Rect: f32;
}

fn covered_part(word: &Word, span: Span) -> Rect {
    let width = word.rect.x1 - word.rect.x0;
    let characters = word.span.len().max(1) as f32;
    let cut = |position: u32| word.rect.x0 + width * (position - word.span.start) as f32 / characters;
    Rect { x0: cut(span.start.max(word.span.start)), x1: cut(span.end.min(word.span.end)), ..word.rect }
}

fn on_one_line(left: &Rect, right: &Rect) -> bool {
    let height = (left.y1 - left.y0).min(right.y1 - right.y0);
    let shared = left.y1.min(right.y1) - left.y0.max(right.y0);
    shared > height * 0.5 && right.x0 >= left.x0 && right.x0 - left.x1 < (left.y1 - left.y0) * 3.0
}

fn union(left: &Rect, right: &Rect) -> Rect {
    Rect {
        x0: left.x0.min(right.x0),
        y0: left.y0.min(right.y0),
        x1: left.x1.max(right.x1),
        y1: left.y1.max(right.y1),
    }
}
