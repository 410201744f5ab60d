//! Radicals of Chinese characters that stand for the characters themselves: where a font draws both with one glyph, some
//! programs write the radical into the PDF, and `⼀⽅` would not be found by `一方`. Knows no fonts.

use unicode_normalization::char::decompose_compatible;

/// The characters of U+2E80 to U+2EF3 by the Unicode Character Database, `EquivalentUnifiedIdeograph.txt`; the two without
/// one stand for themselves.
const SUPPLEMENT: &str = "\
    ⺀厂乛乚乙亻冂𠘨刀刂卜㔾小小兀尣尢𡯂巳幺彑彐忄心扌攵⺚旡日月歺母民氵氺灬爫爫丬牛\
    犭王𤴔目示礻𥫗糹纟罓罒㓁冗𦉫羊𦍌𦍋耂肀聿肉𦥑艹艹艹虎衤覀西见角𧢲讠贝𧾷车辶辶辶邑\
    钅長镸长门𨸏阝雨青韦页风飞食𩙿飠饣𩠐马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟";

/// The ideograph that a radical stands for; every other character for itself.
pub(super) fn unified(character: char) -> char {
    match character {
        '\u{2e80}'..='\u{2ef3}' => {
            let at = u32::from(character) - 0x2e80;
            SUPPLEMENT.chars().nth(at as usize).unwrap_or(character)
        }
        '\u{2f00}'..='\u{2fd5}' => {
            let mut unified = character;
            decompose_compatible(character, |part| unified = part);
            unified
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn radicals_become_the_characters_they_look_like() {
        let text: String = "⼀⽅⽀付⽉⾦，⺠⻓⻔⻢⺟⻳⻰⿓⼳⺀⺚".chars().map(unified).collect();

        assert_eq!(text, "一方支付月金，民长门马母龟龙龍幺⺀⺚");
    }
}
