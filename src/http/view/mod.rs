//! A page as it reads: headings, tables, lists and notes from the stored text, with the cited characters marked. For formats
//! without page images it is what a citation opens. Nothing comes from the file itself, and of markup only what [`tree`]
//! allows: no pictures, no links, no markup of the text's own.
//!
//! Every letter and digit of the text is shown, in its order; what is left out are white space, the `|` between cells, the
//! signs of Markdown, the bullets of lists, the colon after the name of an e-mail's header and the words of the marks of
//! tracked changes, which become `ins` and `del`. So the text of the `mark` elements is the highlighted text without these.
//! A long page is cut into sections. Knows no store.

mod block;
mod line;
mod list;
mod markdown;
mod section;
mod table;
mod tree;

use crate::domain::AclFilter;
use crate::domain::DocumentId;
use crate::domain::Span;
use crate::domain::Structure;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::documents::Highlight;
use crate::http::documents::passage_span;
use crate::http::documents::read_highlight;
use crate::http::documents::version_of;
use crate::http::error::AppError;
use crate::http::params::Params;
use crate::http::params::Segments;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use maud::Markup;
use maud::html;
use std::ops::Range;
use std::sync::Arc;

/// A page as it reads, as a fragment of HTML with the highlighted characters in `mark` elements; for every format. A long
/// page is given in sections: the one where the highlight begins, or the one asked for.
#[utoipa::path(get, path = "/api/v1/documents/{id}/pages/{n}/view", operation_id = "get_page_view",
    tag = "documents",
    params(("id" = DocumentId, Path), ("n" = u32, Path, minimum = 1),
        ("highlight" = Option<String>, Query, description = "a passage's id, or `a-b`: characters of `content`"),
        ("version" = Option<i32>, Query, description = "the passage's, else the visible one, when left out"),
        ("section" = Option<u32>, Query, minimum = 1, description = "the highlight's, else the first, when left out")),
    responses((status = 200, description = "The page", body = String, content_type = "text/html")))]
pub(super) async fn page_view(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments((document, number)): Segments<(DocumentId, u32)>,
    mut params: Params,
) -> Result<Response, AppError> {
    let version = version_of(&mut params);
    let highlight = params.read_with("highlight", read_highlight);
    let section: Option<u32> = params.optional("section");
    params.check("section", section.is_none_or(|section| section >= 1), "counts from 1");
    params.finish()?;
    let (highlight, version) = match highlight {
        Some(Highlight::Passage(id)) => {
            let (span, of_passage) = passage_span(&state, &who, document, id).await?;
            (Some(span), version.or(Some(of_passage)))
        }
        Some(Highlight::Characters(span)) => (Some(span), version),
        None => (None, version),
    };
    let wanted = Wanted {
        document,
        version,
        page: number,
        highlight,
        part: section.map_or(Part::Whole, Part::Section),
    };
    drawn(&state, wanted, &who.acl_filter()).await.map(fragment)
}

/// Which page, and what of it.
pub(super) struct Wanted {
    pub(super) document: DocumentId,
    /// The visible one when left out.
    pub(super) version: Option<i32>,
    pub(super) page: u32,
    /// Characters of the content.
    pub(super) highlight: Option<Span>,
    pub(super) part: Part,
}

/// What of a long page is drawn.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// The section where the highlight begins, else the first, with the way to others.
    Whole,
    /// That section, with the way to others.
    Section(u32),
    /// The section where the highlight begins, and no way to others.
    Highlighted,
}

/// Draws a page of a document within the filter.
pub(super) async fn drawn(state: &Service, wanted: Wanted, filter: &AclFilter) -> Result<Markup, AppError> {
    let Wanted { document, version, page: number, highlight, part } = wanted;
    let file = state.documents.file(document, version, filter).await?;
    let file = file.ok_or_else(|| AppError::missing("document or version"))?.version;
    let page = state.documents.page(document, Some(file.number), number, filter).await?;
    let (layout, text) = page.ok_or_else(|| AppError::missing("page"))?;
    let structure = state.outlines.structure(document, Some(file.number), filter).await?.unwrap_or_default();
    let (kind, has_image) = (Kind::of(&file.media_type), file.media_type == "application/pdf");
    let (version, span) = (file.number, layout.span);
    let view = View { document, version, number, kind, has_image, span, text, structure };
    let drawn = tokio::task::spawn_blocking(move || view.draw(highlight, part)).await;
    let drawn = drawn.map_err(|_| AppError::bug("a view panicked"))?;
    drawn.ok_or_else(|| AppError::missing("section"))
}

/// A drawn page as what the API answers.
pub(super) fn fragment(drawn: Markup) -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], drawn.into_string()).into_response()
}

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// As its author typed it: only what is known of it is more than paragraphs.
    Plain,
    /// As our readers write it: rows of tables are lines between `|`, notes stand in brackets.
    Written,
    /// The same, with the lines of a message's header.
    Message,
    /// Rows begin with their number.
    Workbook,
    Markdown,
}

impl Kind {
    fn of(media_type: &str) -> Self {
        const OFFICE: &str = "application/vnd.openxmlformats-officedocument.";
        match media_type {
            "text/markdown" => Self::Markdown,
            "message/rfc822" => Self::Message,
            "text/html" => Self::Written,
            office if office.starts_with(OFFICE) && office.ends_with("spreadsheetml.sheet") => Self::Workbook,
            office if office.starts_with(OFFICE) => Self::Written,
            _ => Self::Plain,
        }
    }

    /// As the style sheet has it.
    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Written => "written",
            Self::Message => "message",
            Self::Workbook => "workbook",
            Self::Markdown => "markdown",
        }
    }
}

/// What a page is drawn from.
struct View {
    document: DocumentId,
    version: i32,
    number: u32,
    kind: Kind,
    /// The page can be shown as a picture too.
    has_image: bool,
    /// The page's stretch of the content.
    span: Span,
    text: String,
    structure: Structure,
}

impl View {
    /// Draws the section asked for; none if there is no such section.
    fn draw(&self, highlight: Option<Span>, part: Part) -> Option<Markup> {
        let sections = section::sections(&self.text, &self.headings());
        let marked = highlight.map(|span| self.on_page(span)).unwrap_or_default();
        let holds = |section: &Range<usize>| section.contains(&marked.start);
        let index = match part {
            Part::Section(number) => (number as usize).checked_sub(1)?,
            Part::Whole | Part::Highlighted => sections.iter().position(holds).unwrap_or(0),
        };
        let nodes = self.nodes(sections.get(index)?);
        let characters: Vec<char> = section::cut(&self.text, sections.get(index)?).chars().collect();
        let marked = section::within(&marked, sections.get(index)?).unwrap_or_default();
        let sheet = tree::markup(&nodes, &tree::Ink { characters: &characters, marked });
        Some(match part {
            Part::Highlighted => self.framed(0, 1, &sheet), // as if there were no others
            Part::Whole | Part::Section(_) => self.framed(index, sections.len(), &sheet),
        })
    }

    /// The blocks of a section; their ranges count from its start.
    fn nodes(&self, section: &Range<usize>) -> Vec<tree::Node> {
        let text = section::cut(&self.text, section);
        if self.kind == Kind::Markdown {
            return markdown::nodes(text);
        }
        let headings = self
            .headings()
            .into_iter()
            .filter_map(|(level, range)| Some((level, section::within(&range, section)?)));
        let known = self.structure.tables.iter().filter(|known| {
            known.rows.iter().any(|row| section::within(&self.on_page(*row), section).is_some())
        });
        let known = known.map(|known| {
            let rows: Vec<Range<usize>> = known.rows.iter().map(|row| self.on_page(*row)).collect();
            table::Known::new(&rows, known.header_rows as usize, section, &self.text)
        });
        let outline = block::Outline { headings: headings.collect(), tables: known.collect() };
        let above =
            if self.kind == Kind::Workbook { table::columns_above(&self.text, section.start) } else { None };
        block::nodes(&text.chars().collect::<Vec<_>>(), self.kind, &outline, above)
    }

    /// Levels and places on the page of the headings that stand there.
    fn headings(&self) -> Vec<(u8, Range<usize>)> {
        let headings = self.structure.headings.iter().map(|(level, span)| (*level, self.on_page(*span)));
        let mut headings: Vec<_> = headings.filter(|(_, range)| !range.is_empty()).collect();
        headings.sort_by_key(|(_, range)| range.start);
        headings
    }

    /// The part of a stretch of the content that lies on the page, in characters of its text.
    fn on_page(&self, span: Span) -> Range<usize> {
        let at = |position: u32| {
            (position.clamp(self.span.start, self.span.end.max(self.span.start)) - self.span.start) as usize
        };
        at(span.start)..at(span.end)
    }

    fn framed(&self, index: usize, sections: usize, sheet: &Markup) -> Markup {
        let number = index + 1;
        let link = |to: usize, name: &str| {
            let (document, page, version) = (self.document, self.number, self.version);
            let path = format!("/documents/{document}?page={page}&section={to}&version={version}");
            html! { @if (1..=sections).contains(&to) { a href=(path) data-section=(to) { (name) } } @else { span {} } }
        };
        let way = html! {
            @if sections > 1 {
                nav.sections aria-label="Sections of the page" {
                    (link(number - 1, "← Section before"))
                    span.quiet { "Section " (number) " of " (sections) }
                    (link(number + 1, "Section after →"))
                }
            }
        };
        html! {
            article.view.{ "of-" (self.kind.name()) } data-section=(number) data-sections=(sections) data-image[self.has_image] {
                (way) div.sheet { (sheet) } (way)
            }
        }
    }
}

#[cfg(test)]
mod tests;
