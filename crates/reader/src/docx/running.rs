//! Headers and footers: each different one once, as `[Header: Contract No. 17]`, for the number or name that nothing else
//! in the file may say. Those that only number the pages are left out. Knows no page.

use super::body;
use super::body::Block;
use super::body::Parts;
use super::seen::Seen;
use crate::error::ReadError;
use crate::office::package::Package;
use crate::office::relationships::Relationships;
use std::collections::HashSet;

/// More different ones are not kept: each section of a file has at most six.
const MAX_RUNNING: usize = 50;
/// Digits of a page's number and of how many there are; a contract's number has more.
const MAX_DIGITS: usize = 6;
/// Letters of what only numbers pages.
const OF_NUMBERS: &[&str] = &["", "page", "pageof", "of", "p", "第页", "第页共页", "共页", "页"];

/// Reads the headers, then the footers.
pub(super) fn read(
    package: &mut Package<'_>,
    main: &str,
    parts: &mut Parts,
    seen: &mut Seen,
) -> Result<Vec<String>, ReadError> {
    let relationships = Relationships::of(package, main)?;
    let (mut lines, mut known) = (Vec::new(), HashSet::new());
    // The paragraphs of the text are counted from the start.
    let numbering = std::mem::take(&mut parts.numbering);
    for (kind, name) in [("header", "Header"), ("footer", "Footer")] {
        for target in relationships.all_of_kind(kind) {
            let Some(part) = package.part(target)? else { continue };
            let blocks = body::read(&part, parts, seen)?;
            let text = blocks.iter().map(Block::line).collect::<Vec<_>>().join(" ");
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if lines.len() < MAX_RUNNING && !only_numbers(&text) && known.insert(text.clone()) {
                lines.push(format!("[{name}: {text}]"));
            }
        }
    }
    parts.numbering = numbering;
    Ok(lines)
}

/// Recognises `- 3 -`, `Page 3 of 10`, `第 3 页 共 10 页`, and nothing at all.
fn only_numbers(text: &str) -> bool {
    let letters = text.chars().filter(|character| character.is_alphabetic());
    let letters: String = letters.flat_map(char::to_lowercase).collect();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    OF_NUMBERS.contains(&letters.as_str()) && digits <= MAX_DIGITS
}
