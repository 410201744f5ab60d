//! The operations of a content stream, read leniently: what cannot be read is skipped, so that one bad byte does not
//! lose the rest of a page (ISO 32000-1, 7.8.2). Knows no operator's meaning.

use std::borrow::Cow;

/// An operator keeps at most this many operands; `BDC` and `Tm` take the most that matter, six.
const MAX_OPERANDS: usize = 64;
/// Arrays and dictionaries nest no deeper in honest files; deeper ones are read flat.
const MAX_DEPTH: usize = 24;

/// A value before an operator.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand<'a> {
    Number(f64),
    Name(Cow<'a, [u8]>),
    Text(Vec<u8>),
    Array(Vec<Operand<'a>>),
    Dictionary(Vec<Operand<'a>>),
    /// `true`, `false` or `null`, which no text operator uses.
    Constant,
}

impl Operand<'_> {
    pub(super) fn as_number(&self) -> Option<f64> {
        if let Operand::Number(number) = self { Some(*number) } else { None }
    }

    pub(super) fn as_name(&self) -> Option<&[u8]> {
        if let Operand::Name(name) = self { Some(name) } else { None }
    }

    pub(super) fn as_text(&self) -> Option<&[u8]> {
        if let Operand::Text(text) = self { Some(text) } else { None }
    }
}

enum Token<'a> {
    Operand(Operand<'a>),
    Operator(&'a [u8]),
    ArrayEnd,
    DictionaryEnd,
}

/// Reads operations one after the other.
pub(super) struct Operations<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Operations<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Returns the next operator and puts its operands, last ones if there are too many, into `operands`. An inline
    /// image is the one operation `BI` without operands.
    pub(super) fn next(&mut self, operands: &mut Vec<Operand<'a>>) -> Option<&'a [u8]> {
        operands.clear();
        loop {
            match self.token(0)? {
                Token::Operand(operand) => {
                    if operands.len() == MAX_OPERANDS {
                        operands.remove(0);
                    }
                    operands.push(operand);
                }
                Token::Operator(b"BI") => {
                    self.skip_inline_image();
                    operands.clear();
                    return Some(b"BI");
                }
                Token::Operator(operator) => return Some(operator),
                Token::ArrayEnd | Token::DictionaryEnd => {}
            }
        }
    }

    fn token(&mut self, depth: usize) -> Option<Token<'a>> {
        loop {
            self.skip_space();
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            let token = match byte {
                b'(' => Token::Operand(Operand::Text(self.literal())),
                b'<' if self.peek() == Some(b'<') => {
                    self.at += 1;
                    Token::Operand(Operand::Dictionary(self.collection(depth)))
                }
                b'<' => Token::Operand(Operand::Text(self.hexadecimal())),
                b'>' if self.peek() == Some(b'>') => {
                    self.at += 1;
                    Token::DictionaryEnd
                }
                b'[' => Token::Operand(Operand::Array(self.collection(depth))),
                b']' => Token::ArrayEnd,
                b'/' => Token::Operand(Operand::Name(self.name())),
                b'>' | b')' | b'{' | b'}' => continue,
                _ => self.number_or_keyword(),
            };
            return Some(token);
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'%' => {
                    while self.peek().is_some_and(|byte| !matches!(byte, b'\n' | b'\r')) {
                        self.at += 1;
                    }
                }
                byte if is_space(byte) => self.at += 1,
                _ => return,
            }
        }
    }

    /// Reads to the closing bracket. An operator inside means that the bracket is missing: the collection ends there.
    fn collection(&mut self, depth: usize) -> Vec<Operand<'a>> {
        let mut items = Vec::new();
        if depth >= MAX_DEPTH {
            return items;
        }
        loop {
            let before = self.at;
            match self.token(depth + 1) {
                Some(Token::Operand(item)) => items.push(item),
                Some(Token::ArrayEnd | Token::DictionaryEnd) | None => return items,
                Some(Token::Operator(_)) => {
                    self.at = before;
                    return items;
                }
            }
        }
    }

    fn literal(&mut self) -> Vec<u8> {
        let (mut text, mut depth) = (Vec::new(), 1_u32);
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'(' => depth += 1,
                b')' if depth == 1 => return text,
                b')' => depth -= 1,
                b'\\' => {
                    self.escape(&mut text);
                    continue;
                }
                b'\r' => {
                    if self.peek() == Some(b'\n') {
                        self.at += 1;
                    }
                    text.push(b'\n');
                    continue;
                }
                _ => {}
            }
            text.push(byte);
        }
        text
    }

    fn escape(&mut self, text: &mut Vec<u8>) {
        let Some(byte) = self.peek() else { return };
        self.at += 1;
        match byte {
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'\r' => {
                if self.peek() == Some(b'\n') {
                    self.at += 1;
                }
            }
            b'\n' => {}
            b'0'..=b'7' => {
                let mut code = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek() else { break };
                    code = code * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                text.push(code as u8);
            }
            other => text.push(other),
        }
    }

    fn hexadecimal(&mut self) -> Vec<u8> {
        let (mut text, mut high) = (Vec::new(), None);
        while let Some(byte) = self.peek() {
            self.at += 1;
            if byte == b'>' {
                break;
            }
            let Some(digit) = char::from(byte).to_digit(16) else { continue };
            match high.take() {
                None => high = Some(digit << 4),
                Some(high) => text.push((high | digit) as u8),
            }
        }
        text.extend(high.map(|high| high as u8));
        text
    }

    fn name(&mut self) -> Cow<'a, [u8]> {
        let raw = self.regular();
        if !raw.contains(&b'#') {
            return Cow::Borrowed(raw);
        }
        let (mut name, mut at) = (Vec::with_capacity(raw.len()), 0);
        while let Some(&byte) = raw.get(at) {
            let digit = |offset: usize| raw.get(at + offset).and_then(|&byte| char::from(byte).to_digit(16));
            if let (b'#', Some(high), Some(low)) = (byte, digit(1), digit(2)) {
                name.push((high << 4 | low) as u8);
                at += 3;
            } else {
                name.push(byte);
                at += 1;
            }
        }
        Cow::Owned(name)
    }

    /// Takes the run of regular characters at hand; it may be empty.
    fn regular(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| is_space(byte) || is_delimiter(byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn number_or_keyword(&mut self) -> Token<'a> {
        self.at -= 1;
        let start = self.at;
        let word = self.regular();
        if let Some((number, length)) = parse_number(word) {
            // `0.5w` without a space between is an operand and an operator.
            self.at = start + length;
            return Token::Operand(Operand::Number(number));
        }
        match word {
            b"true" | b"false" | b"null" => Token::Operand(Operand::Constant),
            _ => Token::Operator(word),
        }
    }

    /// Skips `BI … ID … EI`. The image's bytes can hold anything, so its end is an `EI` between white space after which
    /// only text follows for a while.
    fn skip_inline_image(&mut self) {
        let rest = &self.bytes[self.at..];
        let Some(data) = rest.windows(2).position(|pair| pair == b"ID") else {
            self.at = self.bytes.len();
            return;
        };
        let mut from = data + 2;
        while let Some(found) = rest[from.min(rest.len())..].windows(2).position(|pair| pair == b"EI") {
            let (start, end) = (from + found, from + found + 2);
            let framed = is_space(rest[start - 1]) && rest.get(end).is_none_or(|&byte| is_space(byte));
            let readable = |byte: &u8| is_space(*byte) || (32..127).contains(byte);
            if framed && rest[end..].iter().take(12).all(readable) {
                self.at += end;
                return;
            }
            from = end;
        }
        self.at = self.bytes.len();
    }
}

/// Reads a number at the start of a word: an optional sign, digits, a point. Doubled signs, and signs within, occur
/// in the wild and are passed over. Returns the number and how many bytes it took.
fn parse_number(word: &[u8]) -> Option<(f64, usize)> {
    let signs = word.iter().take_while(|byte| matches!(byte, b'+' | b'-')).count();
    let negative = word[..signs].contains(&b'-');
    let (mut mantissa, mut divisor, mut digits, mut point, mut length) = (0.0_f64, 1.0_f64, 0, false, signs);
    for &byte in &word[signs..] {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                if digits <= 18 {
                    mantissa = mantissa * 10.0 + f64::from(byte - b'0');
                    divisor *= if point { 10.0 } else { 1.0 };
                } else if !point {
                    mantissa *= 10.0;
                }
            }
            b'.' if !point => point = true,
            b'-' if digits > 0 => {}
            _ => break,
        }
        length += 1;
    }
    if digits == 0 && !(point && length == word.len()) {
        return None;
    }
    let number = mantissa / divisor;
    number.is_finite().then_some((if negative { -number } else { number }, length))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::proptest;

    #[track_caller]
    fn check(content: &[u8], expected: &[(&str, &str)]) {
        let (mut operations, mut operands, mut found) = (Operations::new(content), Vec::new(), Vec::new());
        while let Some(operator) = operations.next(&mut operands) {
            found.push((String::from_utf8_lossy(operator).into_owned(), show(&operands)));
        }

        let expected: Vec<_> =
            expected.iter().map(|(op, operands)| ((*op).to_owned(), (*operands).to_owned())).collect();
        assert_eq!(found, expected);
    }

    fn show(operands: &[Operand<'_>]) -> String {
        let item = |operand: &Operand<'_>| match operand {
            Operand::Number(number) => number.to_string(),
            Operand::Name(name) => format!("/{}", String::from_utf8_lossy(name)),
            Operand::Text(text) => format!("({})", String::from_utf8_lossy(text)),
            Operand::Array(items) => format!("[{}]", show(items)),
            Operand::Dictionary(items) => format!("<<{}>>", show(items)),
            Operand::Constant => "constant".into(),
        };
        operands.iter().map(item).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn operations_are_read_as_written() {
        check(
            b"BT /F1 12 Tf 1 0 0 -1.5 .5 +2. Tm ET",
            &[("BT", ""), ("Tf", "/F1 12"), ("Tm", "1 0 0 -1.5 0.5 2"), ("ET", "")],
        );
        check(
            b"[(a\\(b\\)\\061) -12 <4 1 4>]TJ%end\n(x(y)z)Tj",
            &[("TJ", "[(a(b)1) -12 (A@)]"), ("Tj", "(x(y)z)")],
        );
        check(
            b"/Span<</ActualText<FEFF>/MCID 0>>BDC",
            &[("BDC", "/Span <</ActualText (\u{fffd}\u{fffd}) /MCID 0>>")],
        );
        check(b"/A#20B gs 0.5w", &[("gs", "/A B"), ("w", "0.5")]);
        check(b"--5 6-7 Td", &[("Td", "-5 67")]);
    }

    #[test]
    fn damage_loses_only_itself() {
        check(b"[(a) Tj (b) Tj", &[("Tj", "[(a)]"), ("Tj", "(b)")]);
        check(b") > } (a) Tj", &[("Tj", "(a)")]);
        check(b"BI /W 1 ID \x00EI\xff\x00 EI Q", &[("BI", ""), ("Q", "")]);
        check(b"(never closed", &[]);
    }

    #[test]
    fn deep_nesting_ends() {
        let deep = vec![b'['; 200_000];
        let mut operations = Operations::new(&deep);

        assert_eq!(operations.next(&mut Vec::new()), None);
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(0_u8.., 0..300)) {
            let (mut operations, mut operands) = (Operations::new(&bytes), Vec::new());
            while operations.next(&mut operands).is_some() {}
        }
    }
}
