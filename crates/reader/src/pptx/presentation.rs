//! The presentation: its slides in the order in which they are shown. Knows no text.

use crate::error::ReadError;
use crate::manuscript::check_pages;
use crate::office::package::Package;
use crate::office::relationships::Relationships;
use crate::office::xml::Node;
use crate::office::xml::walk;
use crate::options::ReadOptions;

/// Reads the main part: the parts of the slides.
pub(super) fn slides(
    package: &mut Package<'_>,
    main: &str,
    options: &ReadOptions,
) -> Result<Vec<String>, ReadError> {
    let part = package.part(main)?.ok_or_else(|| ReadError::Damaged { detail: format!("no `{main}`") })?;
    let relationships = Relationships::of(package, main)?;
    let (mut slides, mut missing) = (Vec::new(), None);
    walk(&part, &mut |node| {
        if let Node::Open(element) = node
            && element.name == "sldId"
        {
            // `id` without a prefix is the slide's own number.
            let id = element.prefixed("id").unwrap_or_default();
            match relationships.target(&id) {
                Some(slide) => slides.push(slide.to_owned()),
                None => missing = Some(id),
            }
        }
        check_pages(slides.len(), options)
    })?;
    match missing {
        Some(id) => Err(ReadError::Damaged { detail: format!("no slide `{id}`") }),
        None => Ok(slides),
    }
}
