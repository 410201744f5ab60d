//! The PDF as a file: opening, decrypting, and the list of its pages with what they inherit.
//! Knows no content streams and no text.

use super::encryption;
use super::geometry::PageBox;
use super::objects;
use super::strings;
use crate::error::ReadError;
use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Error;
use lopdf::LoadOptions;
use lopdf::Object;
use lopdf::ObjectId;
use std::collections::HashSet;

/// Page trees of honest files are a few levels deep.
const MAX_TREE_DEPTH: usize = 64;
/// Counting goes this far beyond the bound on pages, so that the message can tell how many there are.
const MAX_COUNTED_PAGES: usize = 100_000;
/// Assumed where a page has no box: A4, in points.
const A4: [f64; 4] = [0.0, 0.0, 595.276, 841.89];

/// A page of the tree.
pub(super) struct PageObject<'a> {
    /// Where the page is an object of its own, as all should be.
    pub(super) id: Option<ObjectId>,
    /// `None` where the tree names a page that is missing from the file.
    pub(super) dictionary: Option<&'a Dictionary>,
    pub(super) resources: Option<&'a Dictionary>,
    pub(super) shown: PageBox,
}

/// Opens a PDF, with the empty password or the given one.
pub(super) fn open(bytes: &[u8], password: Option<&str>, stream_limit: usize) -> Result<Document, ReadError> {
    let password = password.filter(|password| !password.is_empty());
    let load = |bytes: &[u8], password: Option<&str>| {
        let options = LoadOptions {
            password: password.map(str::to_owned),
            max_decompressed_size: Some(stream_limit),
            ..LoadOptions::default()
        };
        Document::load_mem_with_options(bytes, options).map_err(|error| explain(&error, password))
    };
    let opened = load(bytes, password);
    let mended = match &opened {
        Ok(document) => encryption::with_reference(bytes, document),
        // Every password is wrong for an encryption that was overlooked; without one the file loads as it is.
        Err(ReadError::WrongPassword) => {
            load(bytes, None).ok().and_then(|document| encryption::with_reference(bytes, &document))
        }
        Err(_) => None,
    };
    let document = match mended {
        Some(bytes) => load(&bytes, password),
        None => opened,
    }?;
    // What has been decrypted no longer has the entry. `lopdf` overlooks one that is written into the trailer itself.
    let known = document.is_encrypted();
    if known || document.trailer.get(b"Encrypt").is_ok_and(|entry| entry.as_dict().is_ok()) {
        return Err(match (password, known) {
            (None, _) => ReadError::Encrypted,
            (Some(_), true) => ReadError::WrongPassword,
            (Some(_), false) => {
                ReadError::Damaged { detail: "it is encrypted in a way that is not supported".into() }
            }
        });
    }
    Ok(document)
}

/// Says in our words why a file does not open.
fn explain(error: &Error, password: Option<&str>) -> ReadError {
    let damaged = |detail: String| ReadError::Damaged { detail };
    if let Error::InvalidPassword = error {
        return if password.is_some() { ReadError::WrongPassword } else { ReadError::Encrypted };
    }
    if let Error::Decompress(_) = error {
        return ReadError::OutOfBudget {
            detail: "a part of the file unpacks to far more than it should".into(),
        };
    }
    if let Error::UnsupportedSecurityHandler(_) | Error::Decryption(_) = error {
        return damaged(format!("it is encrypted in a way that is not supported ({error})"));
    }
    damaged(error.to_string())
}

/// Lists the pages in order.
///
/// The tree is walked without trust: nodes that come twice are passed over, and where it leads to no page, all page
/// objects of the file are taken in the order of their numbers.
pub(super) fn pages(document: &Document, max_pages: u32) -> Result<Vec<PageObject<'_>>, ReadError> {
    let mut walk = Walk { document, pages: Vec::new(), seen: HashSet::new() };
    let root = document.catalog().ok().and_then(|catalog| catalog.get(b"Pages").ok());
    if let Some(root) = root {
        walk.visit(root, Inherited::default(), 0);
    }
    if walk.pages.is_empty() {
        walk.take_loose_pages();
    }
    let count = walk.pages.len();
    if count == 0 {
        return Err(ReadError::Damaged { detail: "it has no pages".into() });
    }
    if count > max_pages as usize {
        return Err(ReadError::TooManyPages { pages: count as u32, limit: max_pages });
    }
    Ok(walk.pages)
}

/// Attributes that pages take from the nodes above them (ISO 32000-1, 7.7.3.4).
#[derive(Clone, Copy, Default)]
struct Inherited<'a> {
    resources: Option<&'a Dictionary>,
    media: Option<[f64; 4]>,
    crop: Option<[f64; 4]>,
    rotate: Option<f64>,
}

struct Walk<'a> {
    document: &'a Document,
    pages: Vec<PageObject<'a>>,
    seen: HashSet<ObjectId>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, node: &'a Object, inherited: Inherited<'a>, depth: usize) {
        let id = node.as_reference().ok();
        if depth > MAX_TREE_DEPTH
            || self.pages.len() > MAX_COUNTED_PAGES
            || id.is_some_and(|id| !self.seen.insert(id))
        {
            return;
        }
        let Ok(dictionary) = objects::resolve(self.document, node).as_dict() else {
            // The tree names a page that is not there: it keeps its place and its number.
            if depth > 0 {
                self.pages.push(PageObject {
                    id,
                    dictionary: None,
                    resources: None,
                    shown: page_box(inherited),
                });
            }
            return;
        };
        let inherited = self.inherit(dictionary, inherited);
        match objects::array(self.document, dictionary, b"Kids") {
            Some(kids) if !dictionary.has_type(b"Page") => {
                for kid in kids {
                    self.visit(kid, inherited, depth + 1);
                }
            }
            _ if dictionary.has_type(b"Pages") => {}
            _ => self.push(id, dictionary, inherited),
        }
    }

    fn inherit(&self, dictionary: &'a Dictionary, above: Inherited<'a>) -> Inherited<'a> {
        let document = self.document;
        Inherited {
            resources: objects::dictionary(document, dictionary, b"Resources").or(above.resources),
            media: objects::numbers(document, dictionary, b"MediaBox").or(above.media),
            crop: objects::numbers(document, dictionary, b"CropBox").or(above.crop),
            rotate: objects::number(document, dictionary, b"Rotate").or(above.rotate),
        }
    }

    fn push(&mut self, id: Option<ObjectId>, dictionary: &'a Dictionary, inherited: Inherited<'a>) {
        self.pages.push(PageObject {
            id,
            dictionary: Some(dictionary),
            resources: inherited.resources,
            shown: page_box(inherited),
        });
    }

    fn take_loose_pages(&mut self) {
        let document = self.document;
        for (id, object) in &document.objects {
            let Ok(dictionary) = object.as_dict() else { continue };
            if dictionary.has_type(b"Page") && self.pages.len() <= MAX_COUNTED_PAGES {
                self.push(Some(*id), dictionary, self.inherit(dictionary, Inherited::default()));
            }
        }
    }
}

/// Works out what of a page is shown, by the rules of the renderer, so that boxes fit its images.
fn page_box(inherited: Inherited<'_>) -> PageBox {
    let ordered = |[a, b, c, d]: [f64; 4]| [a.min(c), b.min(d), a.max(c), b.max(d)];
    let media = ordered(inherited.media.unwrap_or(A4));
    let crop = ordered(inherited.crop.unwrap_or(media));
    let x0 = crop[0].max(media[0]);
    let y0 = crop[1].max(media[1]);
    let (x1, y1) = (crop[2].min(media[2]), crop[3].min(media[3]));
    let (width, height) = (x1 - x0, y1 - y0);
    let (width, height) =
        if width < 0.01 || height < 0.01 { (A4[2], A4[3]) } else { (width.max(1.0), height.max(1.0)) };
    let degrees = inherited.rotate.unwrap_or(0.0) as i64;
    let quarter_turns = if degrees % 90 == 0 { (degrees / 90).rem_euclid(4) as u8 } else { 0 };
    PageBox { x0, y0, x1: x0 + width, y1: y0 + height, quarter_turns }
}

/// Returns the title that the file gives itself, unless it is one that a program filled in.
pub(super) fn title(document: &Document) -> Option<String> {
    let information = document.trailer.get(b"Info").ok().map(|object| objects::resolve(document, object))?;
    let title = objects::entry(document, information.as_dict().ok()?, b"Title")?.as_str().ok()?;
    let title = strings::one_line(&strings::text_string(title));
    let lower = title.to_lowercase();
    let meaningless =
        lower.starts_with("untitled") || lower.starts_with("microsoft word - ") || title.contains('\u{fffd}');
    let title: String = title.chars().take(300).collect();
    (!meaningless && !title.is_empty()).then_some(title)
}
