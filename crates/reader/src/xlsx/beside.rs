//! What stands on a sheet beside its cells: comments, which belong to one, and text boxes. Knows no cell's value.

use crate::error::ReadError;
use crate::office::package::Package;
use crate::office::relationships::Relationships;
use crate::office::xml::Node;
use crate::office::xml::walk;

/// Reads the comments and text boxes of a sheet, a paragraph each.
pub(super) fn read(package: &mut Package<'_>, sheet: &str) -> Result<Vec<String>, ReadError> {
    let relationships = Relationships::of(package, sheet)?;
    let mut texts = Vec::new();
    if let Some(part) = relationships.of_kind("comments") {
        texts.extend(package.part(part)?.map(|part| comments(&part)).transpose()?.unwrap_or_default());
    }
    if let Some(part) = relationships.of_kind("drawing") {
        texts.extend(package.part(part)?.map(|part| text_boxes(&part)).transpose()?.unwrap_or_default());
    }
    Ok(texts)
}

/// Reads comments as `[B3, Ada: Check this.]`.
fn comments(part: &[u8]) -> Result<Vec<String>, ReadError> {
    let (mut authors, mut comments) = (Vec::<String>::new(), Vec::new());
    let (mut place, mut text, mut in_author, mut in_text) = (String::new(), String::new(), false, false);
    walk(part, &mut |node| {
        match node {
            Node::Open(element) => match element.name.as_str() {
                "author" => {
                    authors.push(String::new());
                    in_author = true;
                }
                "comment" => {
                    let author = element.attribute("authorId").and_then(|id| id.parse::<usize>().ok());
                    let author = author.and_then(|id| authors.get(id)).filter(|author| !author.is_empty());
                    let cell = element.attribute("ref").unwrap_or_default();
                    place = author.map_or_else(|| cell.clone(), |author| format!("{cell}, {author}"));
                    text.clear();
                }
                "t" => in_text = true,
                _ => {}
            },
            Node::Close("author") => in_author = false,
            Node::Close("t") => in_text = false,
            Node::Close("comment") => {
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                comments.extend((!text.is_empty()).then(|| format!("[{place}: {text}]")));
            }
            Node::Text(piece) if in_text => text.push_str(piece),
            Node::Text(piece) if in_author => {
                if let Some(author) = authors.last_mut() {
                    author.push_str(piece);
                }
            }
            Node::Close(_) | Node::Text(_) => {}
        }
        Ok(())
    })?;
    Ok(comments)
}

/// Reads the paragraphs of shapes.
fn text_boxes(part: &[u8]) -> Result<Vec<String>, ReadError> {
    let (mut texts, mut text, mut in_text, mut fallback) = (Vec::new(), String::new(), false, 0_usize);
    walk(part, &mut |node| {
        match node {
            Node::Open(element) => match element.name.as_str() {
                "Fallback" => fallback += 1,
                "p" => text.clear(),
                "t" => in_text = fallback == 0,
                "br" => text.push('\n'),
                _ => {}
            },
            Node::Close("Fallback") => fallback = fallback.saturating_sub(1),
            Node::Close("t") => in_text = false,
            Node::Close("p") => {
                texts.extend(Some(text.trim().to_owned()).filter(|text| !text.is_empty()));
                text.clear();
            }
            Node::Text(piece) if in_text => text.push_str(piece),
            Node::Close(_) | Node::Text(_) => {}
        }
        Ok(())
    })?;
    Ok(texts)
}
