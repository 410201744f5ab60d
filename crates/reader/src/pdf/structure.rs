//! Headings that the file marks as such: the tree of its logical structure (ISO 32000-1, 14.7 and 14.8).
//! Knows no layout of pages.

use super::file::PageObject;
use super::glyph::Glyph;
use super::interpret::PageRun;
use super::layout;
use super::marked::Ended;
use super::objects;
use super::outline::Title;
use super::strings;
use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Object;
use lopdf::ObjectId;
use std::collections::HashMap;
use std::collections::HashSet;

/// Elements visited, and how deep they nest; honest trees have some ten levels.
const MAX_ELEMENTS: usize = 500_000;
const MAX_DEPTH: usize = 48;
/// A role is mapped to another, that one to the next, at most so often.
const MAX_ROLES: usize = 8;
/// A longer heading is a paragraph that somebody wanted large.
const MAX_GLYPHS: usize = 300;
/// Headings kept of one page.
const MAX_ON_PAGE: usize = 500;
/// Where more of the file than this is headings, the marks say nothing.
const MAX_PART: f64 = 0.25;

/// The headings of the tree, in its order, and where their text is drawn.
#[derive(Default)]
pub(super) struct Structure {
    levels: Vec<u8>,
    /// From page and number of marked content to the heading that it belongs to.
    places: HashMap<(ObjectId, u32), usize>,
}

/// Text of a heading on a page, and where it begins, in points from the top.
pub(super) struct Tagged {
    number: u32,
    text: String,
    top: f32,
}

impl PageRun<'_, '_> {
    /// Keeps what a numbered sequence has drawn, if it is a heading.
    pub(super) fn tag(&mut self, ended: Option<&Ended>) {
        let Some(&Ended { number, first_glyph }) = ended else { return };
        let glyphs = self.result.glyphs.get(first_glyph..).unwrap_or_default();
        let known = &self.result.tagged;
        let is_new = known.len() < MAX_ON_PAGE && known.iter().all(|tagged| tagged.number != number);
        if glyphs.is_empty() || glyphs.len() > MAX_GLYPHS || !is_new || !self.is_heading(number) {
            return;
        }
        let seen: Vec<Glyph> = glyphs.iter().filter(|glyph| glyph.look.hidden.is_none()).cloned().collect();
        let top = seen.iter().map(|glyph| glyph.bounds().y0).fold(f32::INFINITY, f32::min);
        let steps = (seen.len() + known.len()) as u64;
        let text = strings::one_line(&layout::lay_out(seen, None).text);
        if !text.is_empty() && self.spend(steps) {
            self.result.tagged.push(Tagged { number, text, top });
        }
    }
}

impl Structure {
    /// Reads the tree.
    pub(super) fn new(document: &Document) -> Self {
        let root =
            document.catalog().ok().and_then(|root| objects::dictionary(document, root, b"StructTreeRoot"));
        let Some(root) = root else { return Self::default() };
        let roles = objects::dictionary(document, root, b"RoleMap");
        let mut walk = Walk {
            document,
            roles,
            seen: HashSet::new(),
            elements_left: MAX_ELEMENTS,
            structure: Self::default(),
        };
        if let Ok(kids) = root.get(b"K") {
            walk.kids(kids, Within { page: None, heading: None, sections: 0, depth: 0 });
        }
        walk.structure
    }

    /// Says whether marked content of a page belongs to a heading.
    pub(super) fn holds(&self, page: ObjectId, number: u32) -> bool {
        self.places.contains_key(&(page, number))
    }

    /// Puts the headings together from what was drawn on the pages, in the order of the pages; none if nearly everything
    /// is said to be one.
    pub(super) fn titles<'p>(
        &self,
        drawn: impl Iterator<Item = (usize, &'p PageObject<'p>, Vec<Tagged>)>,
        characters: u64,
    ) -> Vec<Title> {
        let mut titles: Vec<Option<Title>> = self.levels.iter().map(|_| None).collect();
        for (page, object, tagged) in drawn {
            let Some(id) = object.id else { continue };
            for Tagged { number, text, top } in tagged {
                let Some(&index) = self.places.get(&(id, number)) else { continue };
                match titles.get_mut(index) {
                    Some(Some(title)) if title.page == page => {
                        title.text = strings::one_line(&format!("{} {text}", title.text));
                    }
                    Some(empty @ None) => {
                        *empty = Some(Title { level: self.levels[index], text, page, top: Some(top) });
                    }
                    Some(Some(_)) | None => {}
                }
            }
        }
        let titles: Vec<Title> = titles.into_iter().flatten().collect();
        let marked: usize = titles.iter().map(|title| title.text.chars().count()).sum();
        if marked as f64 > MAX_PART * characters as f64 { Vec::new() } else { titles }
    }
}

/// Where in the tree an element is.
#[derive(Clone, Copy)]
struct Within {
    page: Option<ObjectId>,
    heading: Option<usize>,
    /// Sections around it, by which headings without a level are ranked.
    sections: u8,
    depth: usize,
}

struct Walk<'a> {
    document: &'a Document,
    roles: Option<&'a Dictionary>,
    seen: HashSet<ObjectId>,
    elements_left: usize,
    structure: Structure,
}

impl<'a> Walk<'a> {
    /// Visits what an element holds: elements, marked content, or a list of both.
    fn kids(&mut self, kids: &'a Object, within: Within) {
        if within.depth > MAX_DEPTH || self.elements_left == 0 {
            return;
        }
        match objects::resolve(self.document, kids).as_array() {
            Ok(array) => array.iter().for_each(|kid| self.kid(kid, within)),
            Err(_) => self.kid(kids, within),
        }
    }

    fn kid(&mut self, kid: &'a Object, within: Within) {
        let Some(left) = self.elements_left.checked_sub(1) else { return };
        self.elements_left = left;
        if let Some(number) = objects::as_number(objects::resolve(self.document, kid)) {
            self.content(number, within);
            return;
        }
        if kid.as_reference().is_ok_and(|id| !self.seen.insert(id)) {
            return;
        }
        let element = objects::as_dictionary(objects::resolve(self.document, kid));
        let Some(element) = element.filter(|element| !element.has_type(b"OBJR")) else { return };
        let page = element.get(b"Pg").ok().and_then(|page| page.as_reference().ok()).or(within.page);
        let within = Within { page, depth: within.depth + 1, ..within };
        if let Some(number) = objects::number(self.document, element, b"MCID") {
            if !element.has(b"Stm") {
                self.content(number, within);
            }
            return;
        }
        let Ok(kids) = element.get(b"K") else { return };
        let role = self.role(element);
        let sections =
            within.sections + u8::from(matches!(role, b"Sect" | b"Part" | b"Art") && within.sections < 8);
        let heading = within.heading.or_else(|| self.heading(role, sections));
        self.kids(kids, Within { heading, sections, ..within });
    }

    /// Returns what kind of element this is in the end.
    fn role(&self, element: &'a Dictionary) -> &'a [u8] {
        let mut role = objects::name(self.document, element, b"S").unwrap_or_default();
        for _ in 0..MAX_ROLES {
            let mapped = self.roles.and_then(|roles| objects::name(self.document, roles, role));
            match mapped.filter(|mapped| *mapped != role) {
                Some(mapped) => role = mapped,
                None => break,
            }
        }
        role
    }

    /// Begins a heading if the role is one of a heading.
    fn heading(&mut self, role: &[u8], sections: u8) -> Option<usize> {
        let level = match role {
            b"Title" => 1,
            b"H" => sections.max(1),
            [b'H', digit @ b'1'..=b'9'] => digit - b'0',
            _ => return None,
        };
        self.structure.levels.push(level);
        Some(self.structure.levels.len() - 1)
    }

    fn content(&mut self, number: f64, within: Within) {
        if let (Some(page), Some(heading), true) = (within.page, within.heading, (0.0..1e9).contains(&number))
        {
            self.structure.places.insert((page, number as u32), heading);
        }
    }
}
