//! The properties that an Office file gives itself. Knows no kind of document.

use crate::error::ReadError;
use crate::office::package::Package;
use crate::office::xml::Node;
use crate::office::xml::walk;

/// The title, if the file has one that can be read: without it the file is none the worse.
pub(crate) fn title(package: &mut Package<'_>) -> Option<String> {
    read(package).ok().flatten()
}

/// Reads `dc:title`, if it says anything.
fn read(package: &mut Package<'_>) -> Result<Option<String>, ReadError> {
    let Some(part) = package.part("docProps/core.xml")? else { return Ok(None) };
    let (mut title, mut open) = (String::new(), false);
    walk(&part, &mut |node| {
        match node {
            Node::Open(element) => open = element.name == "title",
            Node::Text(text) if open => title.push_str(text),
            Node::Close(_) => open = false,
            Node::Text(_) => {}
        }
        Ok(())
    })?;
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok((!title.is_empty()).then_some(title))
}
