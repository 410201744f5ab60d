//! PowerPoint presentations (ISO/IEC 29500-1, `PresentationML`): a page a slide with its title, text, tables and the
//! speaker's notes. What every slide repeats by design, such as its number and footer, is left out. Knows no place on a
//! slide: shapes follow each other as in the file, which is how they are read aloud.

mod comments;
mod presentation;
mod scheme;
mod slide;

use crate::error::ReadError;
use crate::manuscript::Manuscript;
use crate::office::package::Package;
use crate::office::properties;
use crate::office::relationships;
use crate::office::relationships::Relationships;
use crate::options::ReadOptions;
use crate::parsed::Format;
use crate::parsed::Parsed;
use crate::parsed::Warning;
use crate::parsed::WarningCode;
use crate::pptx::slide::Part;
use crate::pptx::slide::Slide;

/// Where the main part is when no relationship says.
const MAIN: &str = "ppt/presentation.xml";

/// Reads a presentation as text, a page for each slide.
pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Parsed, ReadError> {
    let mut package = Package::open(bytes, options)?;
    let main = relationships::main_part(&mut package, MAIN)?;
    let slides = presentation::slides(&mut package, &main, options)?;
    let title = properties::title(&mut package);
    let (mut manuscript, mut warnings) = (Manuscript::new(options), Vec::new());
    let (mut has_text, mut pictures, mut objects) = (false, 0_u32, 0_u32);
    for (number, part) in (1..).zip(&slides) {
        manuscript.page(None);
        let slide = slide(&mut package, part)?;
        let notes = beside(&mut package, part)?;
        write(&mut manuscript, &slide, &notes)?;
        let is_empty = slide.blocks.is_empty() && notes.is_empty();
        has_text |= !is_empty;
        pictures = pictures.saturating_add(slide.pictures);
        objects = objects.saturating_add(slide.objects);
        warnings.extend(of_slide(number, &slide, is_empty));
    }
    if !has_text {
        return Err(if slides.is_empty() {
            ReadError::Empty
        } else {
            ReadError::NoText { pages: slides.len() as u32 }
        });
    }
    if pictures + objects > 0 {
        let detail = format!(
            "{pictures} pictures and {objects} charts, diagrams or embedded files are not read; text in them cannot be found"
        );
        warnings.push(Warning { code: WarningCode::PicturesNotRead, page: None, detail });
    }
    manuscript.finish(Format::Pptx, title, warnings)
}

fn slide(package: &mut Package<'_>, part: &str) -> Result<Slide, ReadError> {
    let text = package.part(part)?.ok_or_else(|| ReadError::Damaged { detail: format!("no `{part}`") })?;
    slide::read(&text, Part::Slide)
}

/// The speaker's notes and the comments of a slide.
fn beside(package: &mut Package<'_>, slide: &str) -> Result<Vec<String>, ReadError> {
    let relationships = Relationships::of(package, slide)?;
    let mut blocks = Vec::new();
    if let Some(part) = relationships.of_kind("notesSlide")
        && let Some(part) = package.part(part)?
    {
        let notes: Vec<String> =
            slide::read(&part, Part::Notes)?.blocks.into_iter().map(|block| block.text).collect();
        blocks.extend((!notes.is_empty()).then(|| format!("Notes:\n{}", notes.join("\n"))));
    }
    if let Some(part) = relationships.of_kind("comments")
        && let Some(part) = package.part(part)?
    {
        blocks.extend(comments::read(&part)?);
    }
    Ok(blocks)
}

/// The title first, wherever it stands among the shapes.
fn write(manuscript: &mut Manuscript<'_>, slide: &Slide, beside: &[String]) -> Result<(), ReadError> {
    let title = slide.blocks.iter().position(|block| block.is_title);
    let mark = if slide.hidden { "(hidden slide)" } else { "" };
    if let Some(block) = title.and_then(|title| slide.blocks.get(title)) {
        manuscript.block(format!("{} {mark}", block.text).trim_end(), Some(1))?;
    } else if slide.hidden && !(slide.blocks.is_empty() && beside.is_empty()) {
        manuscript.block(mark, None)?;
    }
    for (at, block) in slide.blocks.iter().enumerate() {
        if Some(at) == title {
            continue;
        }
        match &block.table {
            Some(rows) => manuscript.table(rows)?,
            None => manuscript.block(&block.text, None)?,
        }
    }
    beside.iter().try_for_each(|text| manuscript.block(text, None))
}

fn of_slide(page: u32, slide: &Slide, is_empty: bool) -> Vec<Warning> {
    let warning = |code, detail: String| Warning { code, page: Some(page), detail };
    let mut warnings = Vec::new();
    if is_empty {
        warnings.push(warning(WarningCode::PageWithoutText, format!("slide {page} holds no text")));
    } else if slide.hidden {
        let detail = format!("slide {page} is hidden in the show and is part of the text");
        warnings.push(warning(WarningCode::HiddenText, detail));
    } else if slide.hidden_shapes > 0 {
        let detail = format!("{} hidden shapes of slide {page} are part of the text", slide.hidden_shapes);
        warnings.push(warning(WarningCode::HiddenText, detail));
    }
    warnings
}

#[cfg(test)]
mod tests;
