//! Numbers as contracts write them: clause marks, Chinese numerals, percentages. Knows no dictionary.

/// Units after `第…`.
const CLAUSE_UNITS: &[char] = &[
    '条', '條', '款', '项', '項', '章', '节', '節', '编', '編', '篇', '部', '目', '期', '页', '頁', '卷',
    '回', '号', '號', '次', '批',
];

/// Units that make a number a quantity.
pub(super) const QUANTITY_UNITS: &[char] = &[
    '日', '天', '月', '年', '元', '岁', '歲', '周', '倍', '号', '號', '条', '條', '人', '份', '次', '个',
    '個', '万', '萬', '亿', '億',
];

/// More numerals than any number of a contract has; bounds the work on hostile text.
const MAX_NUMERALS: usize = 16;

/// Multiplies what stands before it up to the last 亿; 亿 multiplies all before it.
const TEN_THOUSAND: u64 = 10_000;

/// Takes `第五百零九条` or `百分之五` as one term, and again with digits; gives how many characters it took.
pub(super) fn clause_mark(text: &[char], found: &mut Vec<String>) -> Option<usize> {
    if text.starts_with(&['百', '分', '之']) {
        let (length, number) = number(&text[3..])?;
        found.push(text[..3 + length].iter().collect());
        found.push(format!("{number}%"));
        return Some(3 + length);
    }
    if text.first() != Some(&'第') {
        return None;
    }
    let (digits, number_of_clause) = number(&text[1..])?;
    let mut length = 1 + digits;
    let unit = text.get(length).copied().filter(|unit| CLAUSE_UNITS.contains(unit))?;
    length += 1;
    let mut plain = format!("第{number_of_clause}{}", simplified(unit));
    if text.get(length) == Some(&'之')
        && let Some((digits, inserted)) = number(&text[length + 1..])
    {
        length += 1 + digits;
        plain = format!("{plain}之{inserted}");
    }
    let written: String = text[..length].iter().collect();
    if written != plain {
        found.push(written);
    }
    found.push(plain);
    Some(length)
}

/// The number and its unit with digits, if the text begins with a quantity in Chinese numerals, such as `三十日`. Takes
/// nothing away: the same characters may be part of a word (`一年级`).
pub(super) fn quantity(text: &[char]) -> Option<String> {
    let (length, number) = chinese_number(text)?;
    let unit = text.get(length).filter(|unit| QUANTITY_UNITS.contains(unit))?;
    Some(format!("{number}{}", simplified(*unit)))
}

/// Says whether the character is a Chinese numeral.
pub(super) fn is_numeral(character: char) -> bool {
    digit(character).is_some() || multiplier(character).is_some()
}

/// The few units and clause marks that differ between the scripts, so that both give one term.
pub(super) const fn simplified(unit: char) -> char {
    match unit {
        '條' => '条',
        '項' => '项',
        '節' => '节',
        '編' => '编',
        '頁' => '页',
        '號' => '号',
        '歲' => '岁',
        '個' => '个',
        '萬' => '万',
        '億' => '亿',
        same => same,
    }
}

/// Reads a number in digits or Chinese numerals; gives how many characters it took.
pub(in crate::domain) fn number(text: &[char]) -> Option<(usize, u64)> {
    let digits = text.iter().take(MAX_NUMERALS).take_while(|character| character.is_ascii_digit()).count();
    if digits == 0 {
        return chinese_number(text);
    }
    let written: String = text[..digits].iter().collect();
    written.parse().ok().map(|number| (digits, number))
}

/// Reads `五百零九`, `十二`, `二〇二四` and the forms used on cheques; gives how many characters it took.
fn chinese_number(text: &[char]) -> Option<(usize, u64)> {
    let length = text.iter().take(MAX_NUMERALS).take_while(|&&character| is_numeral(character)).count();
    let numerals = &text[..length];
    if length == 0 || multiplier(numerals[0]).is_some_and(|by| by != 10) {
        return None;
    }
    if numerals.iter().all(|&numeral| digit(numeral).is_some()) {
        let positional = numerals
            .iter()
            .try_fold(0_u64, |number, &numeral| number.checked_mul(10)?.checked_add(digit(numeral)?))?;
        return Some((length, positional));
    }
    let (mut total, mut section, mut pending) = (0_u64, 0_u64, 0_u64);
    for &numeral in numerals {
        match (digit(numeral), multiplier(numeral)) {
            (Some(digit), _) => pending = digit,
            (None, Some(by)) if by < TEN_THOUSAND => {
                section = section.checked_add(pending.max(1) * by)?;
                pending = 0;
            }
            (None, Some(TEN_THOUSAND)) => {
                total = section.checked_add(pending)?.checked_mul(TEN_THOUSAND)?.checked_add(total)?;
                (section, pending) = (0, 0);
            }
            (None, Some(by)) => {
                total = total.checked_add(section)?.checked_add(pending)?.checked_mul(by)?;
                (section, pending) = (0, 0);
            }
            (None, None) => return None,
        }
    }
    Some((length, total.checked_add(section)?.checked_add(pending)?))
}

const fn digit(character: char) -> Option<u64> {
    Some(match character {
        '零' | '〇' => 0,
        '一' | '壹' => 1,
        '二' | '两' | '兩' | '贰' | '貳' => 2,
        '三' | '叁' | '參' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' | '陸' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

const fn multiplier(character: char) -> Option<u64> {
    Some(match character {
        '十' | '拾' => 10,
        '百' | '佰' => 100,
        '千' | '仟' => 1_000,
        '万' | '萬' => TEN_THOUSAND,
        '亿' | '億' => 100_000_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<u64>) {
        let characters: Vec<char> = text.chars().collect();
        assert_eq!(chinese_number(&characters).map(|(_, number)| number), expected, "of `{text}`");
    }

    #[test]
    fn chinese_numerals_are_read_as_written_in_statutes_years_and_cheques() {
        check("五百零九", Some(509));
        check("十", Some(10));
        check("十二", Some(12));
        check("二十", Some(20));
        check("一千二百六十", Some(1_260));
        check("一万二千", Some(12_000));
        check("三亿五千万", Some(350_000_000));
        check("十万亿", Some(10_000_000_000_000));
        check("三亿五千万零六", Some(350_000_006));
        check("二〇二四", Some(2_024));
        check("壹佰贰拾叁", Some(123));
        check("两", Some(2));
        check("万一", None);
        check("亿", None);
        check("条", None);
        check("", None);
        check("九亿九亿九亿九亿九", None);
    }
}
