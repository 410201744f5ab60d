//! From the part of a slide, or of its notes, to blocks of text in the order of the shapes. Knows no archive.

use super::scheme::Scheme;
use crate::error::ReadError;
use crate::office::xml::Element;
use crate::office::xml::Node;
use crate::office::xml::walk;
use crate::table::Names;
use crate::table::Rows;
use crate::table::Table;

/// The second telling of what stands in `mc:Choice` already.
const LEFT_OUT: &[&str] = &["Fallback"];
/// Paragraphs are indented by two spaces a level up to this one, the last that PowerPoint has.
const MAX_LEVEL: usize = 8;

/// A stretch of text with a line, or lines, of its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) text: String,
    pub(super) is_title: bool,
    /// Its rows, where it is a table.
    pub(super) table: Option<Rows>,
}

/// A slide and what of it is not in its text.
#[derive(Default)]
pub(super) struct Slide {
    pub(super) blocks: Vec<Block>,
    /// The show passes over it.
    pub(super) hidden: bool,
    pub(super) pictures: u32,
    /// Charts, diagrams and embedded files.
    pub(super) objects: u32,
    /// Shapes that are not shown; their text is part of the blocks.
    pub(super) hidden_shapes: u32,
}

/// What kind of part it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Part {
    #[default]
    Slide,
    Notes,
}

/// Reads a part.
pub(super) fn read(part: &[u8], kind: Part) -> Result<Slide, ReadError> {
    let mut reading = Reading { kind, ..Reading::default() };
    walk(part, &mut |node| {
        match node {
            Node::Open(element) => reading.open(element),
            Node::Close(name) => reading.close(name),
            Node::Text(text) => reading.text(text),
        }
        Ok(())
    })?;
    Ok(reading.slide)
}

/// What a shape holds, by its placeholder.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Role {
    /// No placeholder: a text box, whose paragraphs have bullets only where they say so.
    #[default]
    Free,
    Title,
    Subtitle,
    /// Paragraphs have bullets unless they say otherwise.
    Body,
    /// Number, date, header and footer of the slide, which its design repeats.
    Repeated,
}

#[derive(Default)]
struct Shape {
    role: Role,
    lines: Vec<String>,
    has_bullets: bool,
}

#[derive(Default)]
struct Paragraph {
    text: String,
    level: usize,
    bullet: Option<bool>,
    scheme: Option<Scheme>,
}

#[derive(Default)]
struct Reading {
    kind: Part,
    slide: Slide,
    shape: Option<Shape>,
    table: Option<Table>,
    /// The first row of the table looks another way than those below it.
    first_row: bool,
    paragraph: Option<Paragraph>,
    /// Open elements since one that is left out, itself included.
    left_out: usize,
    in_text: bool,
    /// The last number of each level, where its paragraphs are numbered, and how.
    numbers: [Option<(Scheme, u32)>; MAX_LEVEL + 1],
}

impl Reading {
    fn open(&mut self, element: &Element<'_>) {
        let name = element.name.as_str();
        if self.left_out > 0 || LEFT_OUT.contains(&name) {
            self.left_out += 1;
            return;
        }
        match name {
            "sld" => {
                self.slide.hidden =
                    element.attribute("show").is_some_and(|show| show == "0" || show == "false");
            }
            "sp" | "cxnSp" => {
                self.shape = Some(Shape::default());
                self.numbers.fill(None);
            }
            "cNvPr" => self.slide.hidden_shapes += u32::from(is_set(element, "hidden")),
            "ph" => {
                if let Some(shape) = &mut self.shape {
                    shape.role = role(element.attribute("type").as_deref());
                }
            }
            "tbl" => self.table = Some(Table::default()),
            "tblPr" => self.first_row = is_set(element, "firstRow"),
            "tr" | "tc" => self.open_cell(element),
            "p" => self.paragraph = Some(Paragraph::default()),
            "t" => self.in_text = true,
            "br" => self.text_of("\n"),
            "tab" => self.text_of("\t"),
            "blip" => self.slide.pictures += 1,
            "chart" | "relIds" | "oleObj" | "contentPart" => self.slide.objects += 1,
            _ => self.property(element),
        }
    }

    fn open_cell(&mut self, element: &Element<'_>) {
        let Some(table) = &mut self.table else { return };
        if element.name == "tr" {
            table.begin_row();
            // The rows after the first one are not set off.
            if std::mem::take(&mut self.first_row) {
                table.names_columns(Names::Perhaps);
            }
            return;
        }
        table.begin_cell();
        let number = |name: &str| element.attribute(name)?.parse::<usize>().ok();
        if number("rowSpan").is_some_and(|rows| rows > 1) {
            table.merge(true);
        } else if is_set(element, "vMerge") {
            table.merge(false);
        }
        // The cells that a wide one covers stand in the file too.
        if is_set(element, "hMerge") {
            table.skip_cell();
        }
    }

    fn property(&mut self, element: &Element<'_>) {
        let Some(paragraph) = &mut self.paragraph else { return };
        match element.name.as_str() {
            "pPr" => {
                let level = element.attribute("lvl").and_then(|level| level.parse().ok()).unwrap_or(0);
                paragraph.level = usize::min(level, MAX_LEVEL);
            }
            "buNone" => paragraph.bullet = Some(false),
            "buChar" | "buBlip" => paragraph.bullet = Some(true),
            "buAutoNum" => {
                let start = element.attribute("startAt").and_then(|start| start.parse().ok());
                let kind = element.attribute("type").unwrap_or_default();
                paragraph.scheme = Some(Scheme { kind, start: start.unwrap_or(1) });
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        if self.left_out > 0 {
            self.left_out -= 1;
            return;
        }
        match name {
            "sp" | "cxnSp" => self.end_shape(),
            "p" => self.end_paragraph(),
            "t" => self.in_text = false,
            "tc" => self.table.iter_mut().for_each(Table::end_cell),
            "tr" => self.table.iter_mut().for_each(Table::end_row),
            "tbl" => {
                let rows = self.table.take().map(Table::rows).unwrap_or_default();
                self.slide.blocks.push(Block {
                    text: rows.lines.join("\n"),
                    is_title: false,
                    table: Some(rows),
                });
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_text && self.left_out == 0 {
            self.text_of(text);
        }
    }

    fn text_of(&mut self, text: &str) {
        if let Some(paragraph) = &mut self.paragraph {
            paragraph.text.push_str(text);
        }
    }

    fn end_paragraph(&mut self) {
        let Some(paragraph) = self.paragraph.take() else { return };
        let text = paragraph.text.trim();
        if let Some(table) = &mut self.table {
            return table.text(text);
        }
        let Some(shape) = &mut self.shape else { return };
        if text.is_empty() {
            return;
        }
        if matches!(shape.role, Role::Title | Role::Subtitle | Role::Repeated) {
            return shape.lines.push(text.to_owned());
        }
        let level = paragraph.level;
        let is_numbered = paragraph.scheme.is_some();
        let marker = match (paragraph.scheme, paragraph.bullet) {
            (Some(scheme), _) => {
                // Another numbering begins by itself.
                let last = self.numbers[level].as_ref().filter(|(last, _)| *last == scheme);
                let number = last.map_or(scheme.start, |(_, last)| last.saturating_add(1));
                let marker = scheme.marker(number);
                self.numbers[level] = Some((scheme, number));
                marker
            }
            (None, Some(true)) => "- ".to_owned(),
            (None, None) if shape.role == Role::Body && self.kind == Part::Slide => "- ".to_owned(),
            (None, Some(false) | None) => String::new(),
        };
        // A paragraph between numbered ones lets those of its own level and of deeper ones begin again.
        let first = if is_numbered { level + 1 } else { level };
        self.numbers[first..].fill(None);
        shape.has_bullets |= !marker.is_empty();
        let indent = "  ".repeat(level);
        let text = text.replace('\n', &format!("\n{indent}{}", " ".repeat(marker.chars().count())));
        shape.lines.push(format!("{indent}{marker}{text}"));
    }

    fn end_shape(&mut self) {
        let Some(Shape { role, lines, has_bullets, .. }) = self.shape.take() else { return };
        match role {
            Role::Title => self.write(lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" "), true),
            Role::Repeated => {}
            Role::Body | Role::Free if has_bullets => self.write(lines.join("\n"), false),
            Role::Subtitle | Role::Body | Role::Free => {
                for line in lines {
                    self.write(line, false);
                }
            }
        }
    }

    fn write(&mut self, text: String, is_title: bool) {
        if !text.trim().is_empty() {
            self.slide.blocks.push(Block { text, is_title, table: None });
        }
    }
}

fn is_set(element: &Element<'_>, name: &str) -> bool {
    element.attribute(name).is_some_and(|value| value == "1" || value == "true")
}

fn role(placeholder: Option<&str>) -> Role {
    match placeholder {
        Some("title" | "ctrTitle") => Role::Title,
        Some("subTitle") => Role::Subtitle,
        Some("sldNum" | "dt" | "ftr" | "hdr" | "sldImg") => Role::Repeated,
        // One without a type holds the slide's main text (ISO/IEC 29500-1, 19.3.1.36).
        Some(_) | None => Role::Body,
    }
}
