//! Signs that number what stands beside them: `4.1`, `(a)`, `iv)`, `第三条`, `（一）`, bullets. A column of them belongs to a
//! list, and counts for nothing when tables are told from lists. Knows no places.

use crate::numerals;

/// Part of a column's entries that are enumerators,
const MIN_PART: f32 = 0.8;
/// and part of those with numbers that come after the one above, or begin again. Amounts in brackets do not.
const MIN_IN_ORDER: f32 = 0.8;
/// Longer texts are none.
const MAX_CHARACTERS: usize = 12;
/// Lists have no more entries that Roman numerals number.
const MAX_ROMAN: u32 = 60;

/// Says whether a column numbers what stands beside it.
pub(in super::super) fn enumerates<'a>(column: impl IntoIterator<Item = &'a str>) -> bool {
    let (mut count, mut numbered) = (0, Vec::new());
    let mut enumerators = 0;
    for text in column {
        count += 1;
        let Some(enumerator) = Enumerator::of(text) else { continue };
        enumerators += 1;
        if let Enumerator::Number(readings) = enumerator {
            numbered.push(readings);
        }
    }
    let in_order = numbered.windows(2).filter(|pair| follows(&pair[0], &pair[1])).count();
    let pairs = numbered.len().saturating_sub(1);
    count > 1
        && enumerators as f32 >= MIN_PART * count as f32
        && in_order as f32 >= MIN_IN_ORDER * pairs as f32
}

/// What numbers one entry.
enum Enumerator {
    /// A bullet, a dash, a bracket or a colon between two texts.
    Sign,
    /// Its number, level by level, in each way that it can be read: `(i)` is the first or the ninth.
    Number(Vec<Vec<u32>>),
}

impl Enumerator {
    /// Reads a text without white space.
    fn of(text: &str) -> Option<Self> {
        const SIGNS: &str = "•·●○■□▪▫◆◇▶►➢➤*–—-―:：)|¦o";
        let count = text.chars().count();
        if count == 0 || count > MAX_CHARACTERS {
            return None;
        }
        let mut signs = text.chars();
        if let (Some(sign), None) = (signs.next(), signs.next())
            && (SIGNS.contains(sign) || ('\u{f000}'..='\u{f0ff}').contains(&sign))
        {
            return Some(Self::Sign);
        }
        chinese(text).or_else(|| western(text)).map(Self::Number)
    }
}

/// `1.`, `4.1`, `4.1.2)`, `(3)`, `§5`, `a)`, `(B)`, `iv.`; a number alone is none.
fn western(text: &str) -> Option<Vec<Vec<u32>>> {
    let (of_paragraph, inner) = text.strip_prefix('§').map_or((false, text), |rest| (true, rest));
    let (opened, inner) = inner.strip_prefix(['(', '（']).map_or((false, inner), |rest| (true, rest));
    let bracketed = inner.strip_suffix([')', '）']);
    let dotted = inner.strip_suffix(['.', '、', '．']).filter(|_| !opened);
    let closed = bracketed.or(dotted);
    if opened && closed.is_none() {
        return None;
    }
    let inner = closed.unwrap_or(inner);
    let levels: Option<Vec<u32>> = inner.split('.').map(number).collect();
    if let Some(levels) = levels {
        return (closed.is_some() || of_paragraph || levels.len() > 1).then(|| vec![levels]);
    }
    let readings: Vec<Vec<u32>> =
        letter(inner).into_iter().chain(roman(inner)).map(|number| vec![number]).collect();
    (closed.is_some() && !readings.is_empty()).then_some(readings)
}

fn number(digits: &str) -> Option<u32> {
    let is_number = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// `a` to `z`, then `aa` to `zz`.
fn letter(text: &str) -> Option<u32> {
    let first = text.bytes().next().filter(u8::is_ascii_alphabetic)?;
    let even = text.len() <= 2 && text.bytes().all(|byte| byte == first);
    even.then(|| u32::from(first.to_ascii_lowercase() - b'a') + 1 + 26 * (text.len() as u32 - 1))
}

fn roman(text: &str) -> Option<u32> {
    (1..=MAX_ROMAN).find(|number| numerals::roman(*number).eq_ignore_ascii_case(text))
}

/// `第三条`, `第十二章`, `一、`, `（二）`, `①`.
fn chinese(text: &str) -> Option<Vec<Vec<u32>>> {
    let mut characters = text.chars();
    if let (Some(circled @ '①'..='⑳'), None) = (characters.next(), characters.next()) {
        return Some(vec![vec![circled as u32 - '①' as u32 + 1]]);
    }
    let inner = if let Some(inner) = text.strip_prefix('第') {
        inner.strip_suffix(['章', '节', '条', '款', '项', '编'])?
    } else if let Some(inner) = text.strip_prefix(['(', '（']) {
        inner.strip_suffix([')', '）'])?
    } else {
        text.strip_suffix(['、', '.', '．'])?
    };
    number(inner).or_else(|| chinese_number(inner)).map(|number| vec![vec![number]])
}

/// Up to 九百九十九.
fn chinese_number(text: &str) -> Option<u32> {
    let (mut sum, mut digit) = (0, None);
    for character in text.chars() {
        let tens = match character {
            '十' => 10,
            '百' => 100,
            '零' => continue,
            other => {
                digit = Some("一二三四五六七八九".chars().position(|one| one == other)? as u32 + 1);
                continue;
            }
        };
        sum += digit.take().unwrap_or(1) * tens;
    }
    Some(sum + digit.unwrap_or(0)).filter(|number| *number > 0)
}

/// Says whether one number is the next after another, on its level, one above or one below, or begins again.
fn follows(above: &[Vec<u32>], below: &[Vec<u32>]) -> bool {
    let next = |above: &Vec<u32>, below: &Vec<u32>| {
        let common = above.iter().zip(below).take_while(|(one, other)| one == other).count();
        match (above.get(common), below.get(common)) {
            (Some(one), Some(other)) => {
                one + 1 == *other && below[common + 1..].iter().all(|level| *level <= 1)
            }
            (None, Some(_)) => below[common..].iter().all(|level| *level <= 1),
            (_, None) => false,
        }
    };
    below.iter().any(|below| below.last() == Some(&1) || above.iter().any(|above| next(above, below)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_number_what_stands_beside_them_are_known() {
        let check = |column: &[&str], expected: bool| {
            assert_eq!(enumerates(column.iter().copied()), expected, "{column:?}");
        };

        check(&["1.", "2.", "3."], true);
        check(&["4.1", "4.2", "5.1", "5.1.1", "6."], true);
        check(&["(1)", "(2)", "(1)", "(2)", "（3）"], true);
        check(&["(a)", "(b)", "(c)", "(i)", "(ii)", "(iii)", "(iv)"], true);
        check(&["(h)", "(i)", "(j)"], true);
        check(&["A.", "B.", "C."], true);
        check(&["第一条", "第二条", "第三条"], true);
        check(&["一、", "二、", "三、"], true);
        check(&["（九）", "（十）", "（十一）"], true);
        check(&["§5", "§6"], true);
        check(&["•", "•", "–"], true);
        check(&[")", ")", ")"], true);

        check(&["1.", "7.", "3.", "9."], false);
        check(&["(12)", "(340)", "(7)"], false);
        check(&["2.40", "3.10", "1.15"], false);
        check(&["1", "2", "3"], false);
        check(&["2019", "2020"], false);
        check(&["Rent", "Water"], false);
        check(&["No.", "A.", "B."], false);
        check(&["1."], false);
        check(&[], false);
    }
}
