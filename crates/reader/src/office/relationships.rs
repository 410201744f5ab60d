//! The way from one part of an Office file to another (ISO/IEC 29500-2, 9.3). Knows no kind of document.

use crate::error::ReadError;
use crate::office::package::Package;
use crate::office::xml::Node;
use crate::office::xml::walk;
use std::collections::HashMap;

/// What a part refers to.
#[derive(Default)]
pub(crate) struct Relationships {
    by_id: HashMap<String, Relationship>,
    /// The first target of each kind.
    of_kind: HashMap<String, String>,
}

struct Relationship {
    /// The last word of the type's address, such as `worksheet`.
    kind: String,
    /// The part's name in the archive.
    target: String,
}

impl Relationships {
    /// Reads the relationships of a part; of the whole file where the name is empty.
    pub(crate) fn of(package: &mut Package<'_>, part: &str) -> Result<Self, ReadError> {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let beside = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let Some(part) = package.part(&format!("{beside}_rels/{name}.rels"))? else {
            return Ok(Self::default());
        };
        let mut relationships = Self::default();
        walk(&part, &mut |node| {
            if let Node::Open(element) = node
                && let (Some(id), Some(kind)) = (element.attribute("Id"), element.attribute("Type"))
                && let Some(target) = element.attribute("Target")
                && element.attribute("TargetMode").as_deref() != Some("External")
            {
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                let target = resolve(folder, &target);
                relationships.of_kind.entry(kind.clone()).or_insert_with(|| target.clone());
                relationships.by_id.entry(id).or_insert(Relationship { kind, target });
            }
            Ok(())
        })?;
        Ok(relationships)
    }

    /// The part with this id.
    pub(crate) fn target(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(|entry| entry.target.as_str())
    }

    /// What the part with this id is.
    pub(crate) fn kind(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(|entry| entry.kind.as_str())
    }

    /// All parts of this kind by their names.
    pub(crate) fn all_of_kind(&self, kind: &str) -> Vec<&str> {
        let of_kind = self.by_id.values().filter(|entry| entry.kind == kind);
        let mut targets: Vec<&str> = of_kind.map(|entry| entry.target.as_str()).collect();
        targets.sort_unstable();
        targets.dedup();
        targets
    }

    /// The first part of this kind.
    pub(crate) fn of_kind(&self, kind: &str) -> Option<&str> {
        self.of_kind.get(kind).map(String::as_str)
    }
}

/// The part that the file names as its document, or else the usual one.
pub(crate) fn main_part(package: &mut Package<'_>, usual: &str) -> Result<String, ReadError> {
    let relationships = Relationships::of(package, "")?;
    Ok(relationships.of_kind("officeDocument").unwrap_or(usual).to_owned())
}

/// Makes a target, which is relative to a folder unless it begins with `/`, the name of a part.
fn resolve(folder: &str, target: &str) -> String {
    let mut path: Vec<&str> = Vec::new();
    let base = if target.starts_with('/') { "" } else { folder };
    for step in base.split('/').chain(target.split('/')) {
        match step {
            "" | "." => {}
            ".." => drop(path.pop()),
            step => path.push(step),
        }
    }
    path.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::package;
    use crate::options::ReadOptions;
    use std::time::Duration;
    use std::time::Instant;

    #[test]
    fn the_first_of_a_name_counts_and_is_found_at_once() {
        let entry = |at: usize| format!(r#"<Relationship Id="r{at}" Type="x/slide" Target="{at}.xml"/>"#);
        let rest: String = (0..50_000).map(entry).collect();
        let part = format!(
            r#"<Relationships><Relationship Id="r0" Type="x/notes" Target="n"/>{rest}</Relationships>"#
        );
        let archive = package::archive(&[("_rels/.rels", &part)]);
        let mut package = Package::open(&archive, &ReadOptions::default()).unwrap();

        let relationships = Relationships::of(&mut package, "").unwrap();

        assert_eq!((relationships.kind("r0"), relationships.target("r0")), (Some("notes"), Some("n")));
        assert_eq!((relationships.of_kind("slide"), relationships.of_kind("x")), (Some("0.xml"), None));
        let started = Instant::now();
        assert!((1..50_000).all(|at| relationships.target(&format!("r{at}")).is_some()));
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    }

    #[test]
    fn targets_are_found_from_their_folder() {
        assert_eq!(resolve("ppt/slides", "../media/a.png"), "ppt/media/a.png");
        assert_eq!(resolve("ppt", "slides/slide1.xml"), "ppt/slides/slide1.xml");
        assert_eq!(resolve("xl", "/xl/worksheets/./sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(resolve("", "../../word/document.xml"), "word/document.xml");
    }
}
