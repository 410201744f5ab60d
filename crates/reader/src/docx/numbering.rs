//! The numbers that Word puts before paragraphs and keeps out of their text: `第一条`, `2.1`, `(a)` (ISO/IEC 29500-1,
//! 17.9). Knows no paragraph.

use crate::error::ReadError;
use crate::numerals::chinese;
use crate::numerals::circled;
use crate::numerals::letters;
use crate::numerals::one_of;
use crate::numerals::roman;
use crate::office::xml::Element;
use crate::office::xml::Node;
use crate::office::xml::walk;
use std::collections::HashMap;
use std::collections::HashSet;

/// Levels of a numbering.
const LEVELS: usize = 9;

/// The numberings of a file, with how far each has counted.
#[derive(Default)]
pub(super) struct Numbering {
    abstracts: HashMap<String, Levels>,
    instances: HashMap<String, Instance>,
    counters: HashMap<String, [Option<u32>; LEVELS]>,
    /// Instances and levels that have counted: what one overrides counts at its first use.
    begun: HashSet<(String, usize)>,
}

type Levels = HashMap<usize, Level>;

#[derive(Clone, Default)]
struct Level {
    start: u32,
    format: String,
    text: String,
    legal: bool,
    style: Option<String>,
    keeps_counting: bool,
}

#[derive(Clone, Default)]
struct Instance {
    of: String,
    starts: HashMap<usize, u32>,
    levels: Levels,
}

/// What is open while `numbering.xml` is read.
#[derive(Default)]
struct Open {
    numbering: Option<(String, Levels)>,
    instance: Option<(String, Instance)>,
    overridden: Option<usize>,
    level: Option<(usize, Level)>,
}

impl Numbering {
    /// Reads `numbering.xml`.
    pub(super) fn read(part: &[u8]) -> Result<Self, ReadError> {
        let (mut numbering, mut open) = (Self::default(), Open::default());
        walk(part, &mut |node| {
            match node {
                Node::Open(element) => open.element(element),
                Node::Close(name) => numbering.close(name, &mut open),
                Node::Text(_) => {}
            }
            Ok(())
        })?;
        Ok(numbering)
    }

    fn close(&mut self, name: &str, open: &mut Open) {
        match name {
            "abstractNum" => self.abstracts.extend(open.numbering.take()),
            "num" => self.instances.extend(open.instance.take()),
            "lvlOverride" => open.overridden = None,
            "lvl" => {
                let of = match (&mut open.instance, &mut open.numbering) {
                    (Some((_, instance)), _) => Some(&mut instance.levels),
                    (None, Some((_, levels))) => Some(levels),
                    (None, None) => None,
                };
                if let (Some(levels), Some((at, level))) = (of, open.level.take()) {
                    levels.insert(at, level);
                }
            }
            _ => {}
        }
    }

    /// The level that paragraphs of a style have in a numbering.
    pub(super) fn level_of_style(&self, id: &str, style: &str) -> Option<u8> {
        let levels = self.abstracts.get(&self.instances.get(id)?.of)?;
        let (at, _) = levels.iter().find(|(_, level)| level.style.as_deref() == Some(style))?;
        u8::try_from(*at).ok()
    }

    /// Counts one paragraph and gives its number; none where nothing is printed.
    pub(super) fn next(&mut self, id: &str, level: u8) -> Option<String> {
        let at = usize::from(level).min(LEVELS - 1);
        let instance = self.instances.get(id)?;
        let levels = self.abstracts.get(&instance.of)?;
        let level = |at: usize| instance.levels.get(&at).or_else(|| levels.get(&at));
        let start = |at: usize| level(at).map_or(1, |level| level.start);
        let counters = self.counters.entry(instance.of.clone()).or_default();
        let anew = self.begun.insert((id.to_owned(), at)).then(|| instance.starts.get(&at)).flatten();
        let counted = counters[at].map_or_else(|| start(at), |last| last.saturating_add(1));
        counters[at] = Some(anew.copied().unwrap_or(counted));
        for (deeper, counter) in counters.iter_mut().enumerate().skip(at + 1) {
            if !level(deeper).is_some_and(|level| level.keeps_counting) {
                *counter = None;
            }
        }
        let shown = level(at)?;
        let counted = |of: usize| counters.get(of).copied().flatten().unwrap_or_else(|| start(of));
        let format = |of: usize| level(of).map_or("decimal", |level| level.format.as_str());
        let label = label(shown, counted, format);
        (!label.trim().is_empty()).then_some(label)
    }
}

impl Open {
    fn element(&mut self, element: &Element<'_>) {
        let at = || element.attribute("ilvl").and_then(|level| level.parse().ok());
        match element.name.as_str() {
            "abstractNum" => {
                self.numbering = element.attribute("abstractNumId").map(|id| (id, Levels::default()));
            }
            "num" => self.instance = element.attribute("numId").map(|id| (id, Instance::default())),
            "abstractNumId" => {
                if let (Some((_, instance)), Some(of)) = (&mut self.instance, element.value()) {
                    instance.of = of;
                }
            }
            "lvlOverride" => self.overridden = at(),
            "startOverride" => {
                let anew = (&mut self.instance, self.overridden, element.number());
                if let (Some((_, instance)), Some(at), Some(start)) = anew {
                    instance.starts.insert(at, start);
                }
            }
            "lvl" => self.level = at().map(|at| (at, Level::default())),
            _ => self.of_level(element),
        }
    }

    fn of_level(&mut self, element: &Element<'_>) {
        let Some((_, level)) = &mut self.level else { return };
        match element.name.as_str() {
            "start" => level.start = element.number().unwrap_or(0),
            "numFmt" => level.format = element.value().unwrap_or_default(),
            "lvlText" => level.text = element.value().unwrap_or_default(),
            "isLgl" => level.legal = element.value().is_none_or(|value| value != "0" && value != "false"),
            "pStyle" => level.style = element.value(),
            "lvlRestart" => level.keeps_counting = element.number() == Some(0),
            _ => {}
        }
    }
}

/// Puts counters into a level's text: `第%1条`, `%1.%2`.
fn label<'f>(level: &Level, counted: impl Fn(usize) -> u32, format: impl Fn(usize) -> &'f str) -> String {
    if level.format == "bullet" {
        return "•".to_owned();
    }
    let (mut label, mut text) = (String::new(), level.text.chars().peekable());
    while let Some(character) = text.next() {
        let of = text.peek().and_then(|digit| digit.to_digit(10)).filter(|digit| *digit > 0);
        match of.filter(|_| character == '%') {
            Some(of) => {
                text.next();
                let of = of as usize - 1;
                label.push_str(&number(if level.legal { "decimal" } else { format(of) }, counted(of)));
            }
            None => label.push(character),
        }
    }
    label
}

/// Writes a number in one of the formats of ISO/IEC 29500-1, 17.18.59; in digits where the format is another.
fn number(format: &str, number: u32) -> String {
    match format {
        "none" => String::new(),
        "decimalZero" => format!("{number:02}"),
        "upperRoman" => roman(number),
        "lowerRoman" => roman(number).to_lowercase(),
        "upperLetter" => letters(number),
        "lowerLetter" => letters(number).to_lowercase(),
        "chineseCounting"
        | "chineseCountingThousand"
        | "taiwaneseCounting"
        | "taiwaneseCountingThousand"
        | "japaneseCounting"
        | "ideographDigital"
        | "taiwaneseDigital"
        | "japaneseDigitalTenThousand" => chinese(number),
        "ideographTraditional" => one_of("甲乙丙丁戊己庚辛壬癸", number),
        "ideographZodiac" => one_of("子丑寅卯辰巳午未申酉戌亥", number),
        "decimalEnclosedCircle" | "decimalEnclosedCircleChinese" => circled(number),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_word_writes_them() {
        let check = |format: &str, of: &[(u32, &str)]| {
            for (count, expected) in of {
                assert_eq!(number(format, *count), *expected, "{format}");
            }
        };

        check(
            "chineseCounting",
            &[
                (1, "一"),
                (10, "十"),
                (11, "十一"),
                (20, "二十"),
                (101, "一百零一"),
                (110, "一百一十"),
                (1010, "一千零一十"),
            ],
        );
        check("upperRoman", &[(4, "IV"), (1999, "MCMXCIX"), (0, "0")]);
        check("lowerLetter", &[(1, "a"), (26, "z"), (27, "aa"), (0, "0")]);
        check("decimalZero", &[(3, "03")]);
        check("ideographTraditional", &[(2, "乙"), (11, "11")]);
        check("decimalEnclosedCircle", &[(20, "⑳"), (21, "21")]);
        check("ordinal", &[(3, "3")]);
    }
}
