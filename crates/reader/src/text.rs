//! Plain text in whatever encoding it came. Knows no structure in the text.

use crate::error::ReadError;
use crate::options::ReadOptions;
use crate::parsed::Format;
use crate::parsed::Page;
use crate::parsed::Parsed;
use crate::parsed::Span;
use crate::parsed::Warning;
use crate::parsed::WarningCode;
use chardetng::EncodingDetector;
use chardetng::Iso2022JpDetection;
use chardetng::Utf8Detection;
use encoding_rs::BIG5;
use encoding_rs::EUC_JP;
use encoding_rs::EUC_KR;
use encoding_rs::Encoding;
use encoding_rs::GB18030;
use encoding_rs::GBK;
use encoding_rs::SHIFT_JIS;
use encoding_rs::UTF_8;
use encoding_rs::UTF_16BE;
use encoding_rs::UTF_16LE;

/// How much of a file the encoding is guessed from.
const SAMPLE_BYTES: usize = 256 * 1024;

/// A text and how it was found in the bytes.
pub(crate) struct Decoded {
    pub(crate) content: String,
    /// The encoding's name, where no mark in the file tells it.
    pub(crate) guessed: Option<&'static str>,
    /// Places where the bytes are wrong for the encoding, each U+FFFD in the content.
    pub(crate) faults: u32,
}

impl Decoded {
    /// Tells what was guessed and what was wrong.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if let Some(name) = self.guessed {
            let detail = format!("the character encoding was guessed to be {name}");
            warnings.push(Warning { code: WarningCode::EncodingGuessed, page: None, detail });
        }
        if self.faults > 0 {
            let detail = format!("{} places are no valid text and stand as U+FFFD", self.faults);
            warnings.push(Warning { code: WarningCode::UndecodableGlyphs, page: Some(1), detail });
        }
        warnings
    }
}

/// Reads a plain text file: its own text, on one page.
pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Parsed, ReadError> {
    let decoded = decode(bytes)?;
    let warnings = decoded.warnings();
    let page = Page {
        number: 1,
        label: None,
        width: 0.0,
        height: 0.0,
        span: Span { start: 0, end: count_characters(&decoded.content, options)? },
        words: Vec::new(),
        undecodable: decoded.faults,
        running: Vec::new(),
        recognised: None,
        hidden: Vec::new(),
    };
    Ok(Parsed {
        format: Format::Text,
        title: None,
        content: decoded.content,
        pages: vec![page],
        headings: Vec::new(),
        tables: Vec::new(),
        warnings,
        unread: Vec::new(),
    })
}

/// Decodes text, by its byte order mark, as UTF-8, as UTF-16, or by a guess among the older encodings.
pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded, ReadError> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return checked(encoding, &bytes[mark..], None);
    }
    if let Some(encoding) = utf16_by_zeros(bytes) {
        return checked(encoding, bytes, Some(encoding.name()));
    }
    if std::str::from_utf8(bytes).is_ok() {
        return checked(UTF_8, bytes, None);
    }
    let encoding = guess(bytes);
    checked(encoding, bytes, Some(encoding.name()))
}

/// Decodes, and refuses what turns out to be no text.
fn checked(
    encoding: &'static Encoding,
    bytes: &[u8],
    guessed: Option<&'static str>,
) -> Result<Decoded, ReadError> {
    let (content, _) = encoding.decode_without_bom_handling(bytes);
    let content = content.into_owned();
    let (mut characters, mut faults, mut controls) = (0_u64, 0_u32, 0_u64);
    for character in content.chars() {
        characters += 1;
        match character {
            '\0' => return Err(binary()),
            char::REPLACEMENT_CHARACTER => faults += 1,
            '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}' => {}
            other => controls += u64::from(other.is_control()),
        }
    }
    // A few bad bytes are a damaged text; one in twenty is a picture or a program.
    if (controls + u64::from(faults)) * 20 > characters {
        return Err(binary());
    }
    Ok(Decoded { content, guessed, faults })
}

fn binary() -> ReadError {
    ReadError::UnknownFormat { found: "a binary file of an unknown kind".into() }
}

/// Recognises UTF-16 without a mark by the zero byte beside each Latin character or line break. Which order it is, zeros
/// alone do not say (`一` is U+4E00): nearly all of a text is Latin or Chinese in one order and little in the other.
fn utf16_by_zeros(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4096) & !1];
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd, pairs) = (zeros(0), zeros(1), sample.len() / 2);
    if pairs < 2 || even.max(odd) * 50 < pairs {
        return None;
    }
    let usual = |read: fn([u8; 2]) -> u16| {
        let units = sample.chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
        units.filter(|unit| is_usual(*unit)).count()
    };
    let (little, big) = (usual(u16::from_le_bytes), usual(u16::from_be_bytes));
    let encoding = if little >= big { UTF_16LE } else { UTF_16BE };
    (little.max(big) * 10 > pairs * 9).then_some(encoding)
}

/// Says whether a unit is of the scripts and marks that contracts and manuals are written in.
const fn is_usual(unit: u16) -> bool {
    matches!(unit, 0x09 | 0x0a | 0x0d | 0x20..=0x7e | 0xa0..=0x17f | 0x2010..=0x2027 | 0x3000..=0x303f
        | 0x4e00..=0x9fff | 0xff01..=0xff5e)
}

/// Guesses one of the older encodings. The statistics of short texts often point to a Western one, so where the
/// bytes are also faultless GB18030 that reads as common Chinese, that wins: it is by far the likelier upload.
fn guess(bytes: &[u8]) -> &'static Encoding {
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, sample.len() == bytes.len());
    let guess = detector.guess(None, Utf8Detection::Deny);
    if guess == GBK || guess == GB18030 {
        return GB18030;
    }
    let east_asian = [BIG5, SHIFT_JIS, EUC_JP, EUC_KR].contains(&guess);
    if !east_asian && reads_as_common_chinese(sample) {
        return GB18030;
    }
    guess
}

/// Says whether bytes decode as GB18030 and most characters beyond ASCII are of GB 2312's first level, the 3,755
/// commonest ones in rows 16 to 55, or its punctuation.
fn reads_as_common_chinese(sample: &[u8]) -> bool {
    let (mut common, mut other, mut at) = (0_usize, 0_usize, 0);
    while let Some(&lead) = sample.get(at) {
        if lead < 0x80 {
            at += 1;
            continue;
        }
        match (lead, sample.get(at + 1)) {
            (0xa1 | 0xa3 | 0xb0..=0xd7, Some(0xa1..=0xfe)) => common += 1,
            (0x81..=0xfe, Some(0x40..=0xfe) | None) => other += 1,
            _ => return false,
        }
        at += 2;
    }
    common > 0 && common >= other * 9
}

/// Counts the characters of a text against the bound.
pub(crate) fn count_characters(content: &str, options: &ReadOptions) -> Result<u32, ReadError> {
    let count = content.chars().count();
    let within = u64::try_from(count).is_ok_and(|count| count <= options.max_characters);
    match u32::try_from(count) {
        Ok(count) if within => Ok(count),
        _ => Err(ReadError::TooLarge { limit: options.max_characters, unit: "characters".into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::ProptestConfig;
    use proptest::prop_assert_eq;
    use proptest::proptest;

    const CONTRACT: &str =
        "甲方应于每月五日前支付租金，逾期一日按应付金额的千分之一支付违约金。\r\n乙方不得转租。";

    fn check(bytes: &[u8], expected: &str, guessed: Option<&str>) {
        let decoded = decode(bytes).unwrap();

        assert_eq!(decoded.content, expected);
        assert_eq!(decoded.guessed, guessed);
        assert_eq!(decoded.faults, 0);
    }

    #[test]
    fn each_encoding_gives_the_same_text() {
        let utf16 = |mark: &[u8], word: fn(u16) -> [u8; 2]| {
            [mark.to_vec(), CONTRACT.encode_utf16().flat_map(word).collect()].concat()
        };
        check(CONTRACT.as_bytes(), CONTRACT, None);
        check(&[b"\xef\xbb\xbf", CONTRACT.as_bytes()].concat(), CONTRACT, None);
        check(&utf16(b"\xff\xfe", u16::to_le_bytes), CONTRACT, None);
        check(&utf16(b"\xfe\xff", u16::to_be_bytes), CONTRACT, None);
        check(&utf16(b"", u16::to_le_bytes), CONTRACT, Some("UTF-16LE"));
        check(&GB18030.encode(CONTRACT).0, CONTRACT, Some("gb18030"));
        check(&GBK.encode("租金").0, "租金", Some("gb18030"));
        let traditional =
            "甲方應於每月五日前支付租金，逾期一日按應付金額的千分之一支付違約金。乙方不得轉租。";
        check(&BIG5.encode(traditional).0, traditional, Some("Big5"));
        check(b"Caf\xe9 au lait \xe0 volont\xe9", "Café au lait à volonté", Some("windows-1252"));
    }

    #[test]
    fn the_text_is_kept_as_it_is() {
        let parsed = read(b"\xef\xbb\xbfone\r\n\r\ntwo  \n", &ReadOptions::default()).unwrap();

        assert_eq!(parsed.content, "one\r\n\r\ntwo  \n");
        assert_eq!(parsed.pages.len(), 1);
        assert_eq!(parsed.pages[0].span, Span { start: 0, end: 13 });
    }

    #[test]
    fn more_characters_than_allowed_are_refused() {
        let options = ReadOptions { max_characters: 3, ..ReadOptions::default() };

        assert_eq!(read(b"four", &options).unwrap_err().code(), "too_large");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn valid_utf8_comes_back_unchanged(text in "[^\\p{Cc}\u{feff}\u{fffd}]{1,200}") {
            prop_assert_eq!(decode(text.as_bytes()).unwrap().content, text);
        }

        #[test]
        fn any_bytes_decode_or_are_refused(bytes in proptest::collection::vec(0_u8.., 0..400)) {
            let _ = decode(&bytes);
        }
    }
}
