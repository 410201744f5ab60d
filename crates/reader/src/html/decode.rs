//! The encoding of a web page: by its mark, by what it says of itself, or by a guess. Knows no elements.

use crate::error::ReadError;
use crate::text;
use crate::text::Decoded;
use encoding_rs::Encoding;
use encoding_rs::UTF_8;
use encoding_rs::UTF_16BE;
use encoding_rs::UTF_16LE;

/// Browsers look no further than 1,024 bytes for what a page says of its encoding; pages that were saved put more before.
const DECLARED_WITHIN: usize = 8 << 10;

/// Decodes a page. What it says of itself counts if its bytes agree: pages are converted without telling them.
pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded, ReadError> {
    if Encoding::for_bom(bytes).is_none()
        && std::str::from_utf8(bytes).is_err()
        && let Some(encoding) = declared(bytes)
        && let Some(content) = encoding.decode_without_bom_handling_and_without_replacement(bytes)
        && !content.contains('\0')
    {
        return Ok(Decoded { content: content.into_owned(), guessed: None, faults: 0 });
    }
    text::decode(bytes)
}

/// The encoding named by `<meta charset=…>`, by its older form with `content`, or by an XML declaration.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes[..bytes.len().min(DECLARED_WITHIN)].to_ascii_lowercase();
    let head = String::from_utf8_lossy(&head);
    let after_tag = |tag: &str, name: &str| {
        head.match_indices(tag).find_map(|(at, _)| {
            let inner = head[at..].split('>').next()?;
            label(inner.split_once(name)?.1)
        })
    };
    let encoding = after_tag("<meta", "charset").or_else(|| after_tag("<?xml", "encoding"))?;
    // A page that can be read so far is not in UTF-16, whatever it says.
    Some(if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding })
}

/// The encoding that follows, as in `="gbk"`.
fn label(text: &str) -> Option<&'static Encoding> {
    let text = text.trim_start().strip_prefix('=')?;
    let text = text.trim_start().trim_start_matches(['"', '\'']);
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.:".contains(c)).unwrap_or(text.len());
    Encoding::for_label(&text.as_bytes()[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::BIG5;
    use encoding_rs::GBK;

    fn check(encoding: &'static Encoding, page: &str, guessed: Option<&str>) {
        let decoded = decode(&encoding.encode(page).0).unwrap();

        assert_eq!((decoded.content.as_str(), decoded.guessed), (page, guessed));
    }

    #[test]
    fn a_page_says_its_encoding() {
        check(GBK, "<html><meta charset=gb2312>租金", None);
        check(BIG5, "<html><META content='text/html; charset=big5' http-equiv=Content-Type>租", None);
        check(GBK, "<?xml version='1.0' encoding=\"GBK\"?><html>租金", None);
        check(UTF_8, "<html><meta charset=gbk>租金", None);
        check(GBK, "<html><meta charset=utf-8>逾期一日按应付金额的千分之一支付违约金。", Some("gb18030"));
        check(GBK, "<html>逾期一日按应付金额的千分之一支付违约金。", Some("gb18030"));
    }
}
