//! Layers: optional content that a viewer shows or not (ISO 32000-1, 8.11). Knows no operators.

use super::objects;
use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Object;
use lopdf::ObjectId;
use std::collections::HashSet;

/// More layers than any honest drawing has.
const MAX_LAYERS: usize = 10_000;
/// Expressions nest no deeper in honest files; deeper ones show their content.
const MAX_DEPTH: usize = 16;

/// Which layers are off when the file is opened.
pub(super) struct Layers {
    off: HashSet<ObjectId>,
    /// The file has layers at all.
    any: bool,
}

impl Layers {
    /// Reads the default configuration.
    pub(super) fn new(document: &Document) -> Self {
        let mut off = HashSet::new();
        let properties =
            document.catalog().ok().and_then(|root| objects::dictionary(document, root, b"OCProperties"));
        let Some(properties) = properties else { return Self { off, any: false } };
        let ids = |parent: &Dictionary, key: &[u8]| -> Vec<ObjectId> {
            let array = objects::array(document, parent, key).unwrap_or_default();
            array.iter().take(MAX_LAYERS).filter_map(|object| object.as_reference().ok()).collect()
        };
        let Some(default) = objects::dictionary(document, properties, b"D") else {
            return Self { off, any: true };
        };
        if objects::name(document, default, b"BaseState") == Some(b"OFF") {
            off.extend(ids(properties, b"OCGs"));
            for id in ids(default, b"ON") {
                off.remove(&id);
            }
        }
        off.extend(ids(default, b"OFF"));
        for usage in objects::array(document, default, b"AS").unwrap_or_default().iter().take(MAX_LAYERS) {
            let Some(usage) = objects::as_dictionary(objects::resolve(document, usage)) else { continue };
            if objects::name(document, usage, b"Event") == Some(b"View") {
                for id in ids(usage, b"OCGs") {
                    match viewed(document, id) {
                        Some(true) => off.remove(&id),
                        Some(false) => off.insert(id),
                        None => false,
                    };
                }
            }
        }
        Self { off, any: true }
    }

    /// Says whether what belongs to a layer, or to a membership in several, is not shown.
    pub(super) fn hide(&self, document: &Document, owner: &Object) -> bool {
        self.any && !self.shows(document, owner)
    }

    fn shows(&self, document: &Document, owner: &Object) -> bool {
        let Some(dictionary) = objects::as_dictionary(objects::resolve(document, owner)) else { return true };
        if !dictionary.has_type(b"OCMD") {
            return self.is_on(owner);
        }
        if let Some(expression) = objects::array(document, dictionary, b"VE") {
            return self.evaluate(document, expression, 0).unwrap_or(true);
        }
        let Ok(groups) = dictionary.get(b"OCGs") else { return true };
        let members = match objects::resolve(document, groups).as_array() {
            Ok(array) => array.as_slice(),
            Err(_) => std::slice::from_ref(groups),
        };
        let members: Vec<&Object> =
            members.iter().take(MAX_LAYERS).filter(|member| member.as_reference().is_ok()).collect();
        if members.is_empty() {
            return true;
        }
        let is_on = |member: &&Object| self.is_on(member);
        match objects::name(document, dictionary, b"P") {
            Some(b"AllOn") => members.iter().all(is_on),
            Some(b"AnyOff") => !members.iter().all(is_on),
            Some(b"AllOff") => !members.iter().any(is_on),
            Some(_) | None => members.iter().any(is_on),
        }
    }

    fn is_on(&self, group: &Object) -> bool {
        group.as_reference().map_or(true, |id| !self.off.contains(&id))
    }

    /// Works out `[/And …]`, `[/Or …]` and `[/Not …]` of layers; `None` for what is none of them.
    fn evaluate(&self, document: &Document, expression: &[Object], depth: usize) -> Option<bool> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (operator, operands) = expression.split_first()?;
        let value = |operand: &Object| match objects::resolve(document, operand).as_array() {
            Ok(inner) => self.evaluate(document, inner, depth + 1),
            Err(_) => Some(self.is_on(operand)),
        };
        let mut values = operands.iter().take(64).map(value);
        match operator.as_name().ok()? {
            b"And" => values.try_fold(true, |all, value| Some(all && value?)),
            b"Or" => values.try_fold(false, |any, value| Some(any || value?)),
            b"Not" => values.next()?.map(|value| !value),
            _ => None,
        }
    }
}

/// Returns whether a layer says of itself that it is for viewing.
fn viewed(document: &Document, group: ObjectId) -> Option<bool> {
    let group = document.get_dictionary(group).ok()?;
    let usage = objects::dictionary(document, group, b"Usage")?;
    let view = objects::dictionary(document, usage, b"View")?;
    match objects::name(document, view, b"ViewState")? {
        b"ON" => Some(true),
        b"OFF" => Some(false),
        _ => None,
    }
}
