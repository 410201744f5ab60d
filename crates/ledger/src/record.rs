//! The fields of a record (a leaf of version 1) that a verifier follows. What else stands in it is bound by the hash and
//! means nothing here. Knows no log.

use crate::hash::Hash;
use serde_json::Value;

const VERSION: u64 = 1;
const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

/// What a verifier needs of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The 16 bytes of its UUID.
    pub id: [u8; 16],
    /// Such as `chat.intent`.
    pub kind: &'a str,
    /// Which record it belongs to.
    pub reference: Option<[u8; 16]>,
    /// When, in microseconds since 1970, in UTC.
    pub at_us: i64,
    /// HMAC of the content that was sealed with it.
    pub commitment: Option<Hash>,
}

/// A field that is there and not null.
fn present(field: &Value) -> Option<&Value> {
    (!field.is_null()).then_some(field)
}

impl<'a> Record<'a> {
    /// Reads the fields; none when one is missing or malformed.
    pub fn read(leaf: &'a Value) -> Option<Self> {
        if leaf["v"].as_u64() != Some(VERSION) {
            return None;
        }
        let reference = match present(&leaf["ref"]) {
            Some(reference) => Some(uuid(reference.as_str()?)?),
            None => None,
        };
        let commitment = match present(&leaf["content"]) {
            Some(content) => Some(commitment(content["commitment"].as_str()?)?),
            None => None,
        };
        Some(Self {
            id: id_of(leaf)?,
            kind: leaf["kind"].as_str().filter(|kind| is_kind(kind))?,
            reference,
            at_us: microseconds(leaf["recorded_at"].as_str()?)?,
            commitment,
        })
    }
}

/// Reads the id alone, of whatever can be read of a record.
pub fn id_of(leaf: &Value) -> Option<[u8; 16]> {
    uuid(leaf["event_id"].as_str()?)
}

/// Writes an id as a UUID.
pub fn written_id(id: [u8; 16]) -> String {
    let hex = hex::encode(id);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// Writes a time as a record has it.
pub fn written_time(at_us: i64) -> String {
    let (days, us) = (at_us.div_euclid(DAY_US), at_us.rem_euclid(DAY_US));
    let (year, month, day) = date(days);
    let (seconds, us) = (us / 1_000_000, us % 1_000_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{us:06}Z")
}

/// Two words of small letters with a dot between: nothing else reaches a terminal.
fn is_kind(text: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_'));
    text.split_once('.').is_some_and(|(thing, act)| word(thing) && word(act))
}

fn commitment(text: &str) -> Option<Hash> {
    hex::decode(text).ok()?.try_into().ok()
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    let dashes = |at| matches!(at, 8 | 13 | 18 | 23);
    let shaped = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| {
            if dashes(at) { byte == b'-' } else { matches!(byte, b'0'..=b'9' | b'a'..=b'f') }
        });
    if !shaped {
        return None;
    }
    hex::decode(text.replace('-', "")).ok()?.try_into().ok()
}

/// Reads RFC 3339 in UTC with six digits of a second: `2026-11-23T08:15:30.123456Z`.
fn microseconds(text: &str) -> Option<i64> {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00.000000Z";
    let shaped = text.len() == SHAPE.len()
        && text.bytes().zip(SHAPE).all(|(byte, &shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            literal => byte == literal,
        });
    if !shaped {
        return None;
    }
    let number = |from, to| text[from..to].parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let us = ((hour * 60 + minute) * 60 + second) * 1_000_000 + number(20, 26)?;
    let days = days(year, month, day);
    (date(days) == (year, month, day) && hour < 24 && minute < 60 && second < 60)
        .then_some(days * DAY_US + us)
}

/// Days since 1970-01-01, of a year that is taken to begin in March, so that a leap day comes last
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The same backwards (`civil_from_days`): year, month, day.
const fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * shifted + 2) / 5 + 1, (shifted + 2) % 12 + 1);
    let year = era * 400 + year_of_era;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn leaf() -> Value {
        json!({
            "v": 1,
            "event_id": "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
            "kind": "chat.completed",
            "ref": "00000000-0000-0000-0000-000000000001",
            "recorded_at": "2026-11-23T08:15:30.123456Z",
            "content": {"commitment": "ab".repeat(32), "ciphertext_sha256": "cd".repeat(32)},
        })
    }

    #[test]
    fn the_fields_of_a_record_are_read() {
        let leaf = leaf();
        let record = Record::read(&leaf).unwrap();

        assert_eq!(written_id(record.id), "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b");
        assert_eq!(record.kind, "chat.completed");
        assert_eq!(record.reference, Some(1_u128.to_be_bytes()));
        assert_eq!(record.at_us, 1_795_421_730_123_456);
        assert_eq!(record.commitment, Some([0xab; 32]));
    }

    #[test]
    fn a_field_that_is_missing_or_malformed_makes_it_no_record() {
        for (field, value) in [
            ("v", json!(2)),
            ("event_id", json!("0190A1B2-c3d4-7e5f-8a9b-0c1d2e3f4a5b")),
            ("event_id", json!("0190a1b2c3d47e5f8a9b0c1d2e3f4a5b")),
            ("kind", Value::Null),
            ("kind", json!("chat.\u{1b}[2J")),
            ("ref", json!(7)),
            ("recorded_at", json!("2026-02-29T08:15:30.123456Z")),
            ("recorded_at", json!("2026-11-23T24:15:30.123456Z")),
            ("recorded_at", json!("2026-11-23T08:15:30Z")),
            ("content", json!({"commitment": "ab"})),
        ] {
            let mut leaf = leaf();
            leaf[field] = value;

            assert_eq!(Record::read(&leaf), None, "{field}");
        }
    }

    proptest! {
        #[test]
        fn a_time_reads_back_as_it_was_written(at_us in 0..253_402_300_800_000_000_i64) {
            prop_assert_eq!(microseconds(&written_time(at_us)), Some(at_us));
        }
    }
}
