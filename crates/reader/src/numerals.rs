//! Numbers as Roman numerals and as letters, as page labels and lists have them. Knows no format.

/// Writes a number in Roman numerals; in digits where there are none: 0 and beyond 3,999.
pub(crate) fn roman(mut number: u32) -> String {
    const NUMERALS: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if number == 0 || number > 3999 {
        return number.to_string();
    }
    let mut text = String::new();
    for (value, numeral) in NUMERALS {
        while number >= value {
            text.push_str(numeral);
            number -= value;
        }
    }
    text
}

/// Writes `A` to `Z`, then `AA` to `ZZ`, and so on, up to eight letters; 0 as a digit.
pub(crate) fn letters(number: u32) -> String {
    let Some(index) = number.checked_sub(1) else { return number.to_string() };
    let letter = char::from(b'A' + (index % 26) as u8);
    String::from(letter).repeat((index / 26 + 1).min(8) as usize)
}

/// Writes `A` to `Z`, then `AA`, `AB`, and so on, as web pages and the columns of sheets have them; 0 as a digit.
pub(crate) fn alphabetic(number: u32) -> String {
    if number == 0 {
        return number.to_string();
    }
    let (mut letters, mut left) = (Vec::new(), number);
    while left > 0 {
        left -= 1;
        letters.push(char::from(b'A' + (left % 26) as u8));
        left /= 26;
    }
    letters.iter().rev().collect()
}

/// Writes `①` to `⑳`.
pub(crate) fn circled(number: u32) -> String {
    one_of("①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳", number)
}

/// The sign at a place, counted from 1; the number itself where there is none.
pub(crate) fn one_of(signs: &str, number: u32) -> String {
    let sign = (number as usize).checked_sub(1).and_then(|at| signs.chars().nth(at));
    sign.map_or_else(|| number.to_string(), String::from)
}

/// `十一`, `一百零一`, up to 9,999.
pub(crate) fn chinese(number: u32) -> String {
    const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
    const UNITS: [(u32, Option<char>); 4] =
        [(1000, Some('千')), (100, Some('百')), (10, Some('十')), (1, None)];
    if number == 0 || number > 9_999 {
        return if number == 0 { "〇".to_owned() } else { number.to_string() };
    }
    let (mut written, mut skipped) = (String::new(), false);
    for (value, unit) in UNITS {
        let digit = number / value % 10;
        if digit == 0 {
            skipped = !written.is_empty();
            continue;
        }
        if std::mem::take(&mut skipped) {
            written.push('零');
        }
        if !(digit == 1 && value == 10 && written.is_empty()) {
            written.push(DIGITS[digit as usize]);
        }
        written.extend(unit);
    }
    written
}
