//! Canonical JSON: one value has one sequence of bytes. Knows no field of a record.

use serde_json::Value;

/// A leaf is shorter than this, in bytes: C2SP `tlog-tiles` gives an entry a 16-bit length.
pub const MAX_LEAF_BYTES: usize = 65_536;

/// Objects and arrays may nest this deep; what a reader's JSON parser takes is deeper (128).
const MAX_DEPTH: usize = 64;

/// Why a value cannot be a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// Two programs may print one float in two ways, so a leaf has none: scores are decimal strings.
    #[error("a leaf holds no floating-point numbers")]
    Float,
    /// It does not fit into a tile's entry.
    #[error("a leaf of {bytes} bytes is too large: it must be below 65536")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// It nests deeper than a reader should have to follow.
    #[error("a leaf nests too deeply")]
    TooDeep,
}

/// Writes the value as UTF-8 without white space, the keys of every object in the order of their bytes, whichever
/// order the map keeps.
///
/// # Errors
/// A float anywhere, 65,536 bytes or more, or more than 64 levels.
pub fn canonical(value: &Value) -> Result<Vec<u8>, LeafError> {
    let mut bytes = Vec::new();
    write(value, 0, &mut bytes)?;
    if bytes.len() >= MAX_LEAF_BYTES {
        return Err(LeafError::TooLarge { bytes: bytes.len() });
    }
    Ok(bytes)
}

fn write(value: &Value, depth: usize, bytes: &mut Vec<u8>) -> Result<(), LeafError> {
    if depth > MAX_DEPTH {
        return Err(LeafError::TooDeep);
    }
    match value {
        Value::Number(number) if !number.is_i64() && !number.is_u64() => return Err(LeafError::Float),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => scalar(value, bytes),
        Value::Array(items) => {
            bytes.push(b'[');
            for (position, item) in items.iter().enumerate() {
                comma(position, bytes);
                write(item, depth + 1, bytes)?;
            }
            bytes.push(b']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            bytes.push(b'{');
            for (position, (key, member)) in sorted.into_iter().enumerate() {
                comma(position, bytes);
                scalar(key, bytes);
                bytes.push(b':');
                write(member, depth + 1, bytes)?;
            }
            bytes.push(b'}');
        }
    }
    Ok(())
}

fn comma(position: usize, bytes: &mut Vec<u8>) {
    if position > 0 {
        bytes.push(b',');
    }
}

fn scalar(value: &(impl serde::Serialize + ?Sized), bytes: &mut Vec<u8>) {
    serde_json::to_writer(bytes, value)
        .expect("strings, integers, booleans and null always serialise to memory");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn check(value: &Value, expected: &str) {
        assert_eq!(String::from_utf8(canonical(value).unwrap()).unwrap(), expected);
    }

    #[test]
    fn keys_are_sorted_at_every_level_whatever_order_the_map_keeps() {
        check(
            &json!({"v": 1, "b": {"z": null, "a": [true, {"d": 1, "c": -2}]}}),
            r#"{"b":{"a":[true,{"c":-2,"d":1}],"z":null},"v":1}"#,
        );
        check(&json!({"é": 1, "z": 2, "Z": 3, "中": 4}), r#"{"Z":3,"z":2,"é":1,"中":4}"#);
    }

    #[test]
    fn text_is_escaped_as_little_as_json_allows() {
        check(&json!("差旅\n\"费\"\u{1}/"), "\"差旅\\n\\\"费\\\"\\u0001/\"");
    }

    #[test]
    fn a_float_is_refused_and_the_largest_integers_are_not() {
        assert_eq!(canonical(&json!({"score": 0.5})), Err(LeafError::Float));
        assert_eq!(canonical(&json!([1.0])), Err(LeafError::Float));
        check(&json!([u64::MAX, i64::MIN]), "[18446744073709551615,-9223372036854775808]");
    }

    #[test]
    fn a_leaf_stays_below_64_kib_and_64_levels() {
        let fits = Value::String("a".repeat(MAX_LEAF_BYTES - 3));
        let too_large = Value::String("a".repeat(MAX_LEAF_BYTES - 2));
        let deep = (0..=MAX_DEPTH).fold(json!(0), |inner, _| json!([inner]));

        assert_eq!(canonical(&fits).map(|bytes| bytes.len()), Ok(MAX_LEAF_BYTES - 1));
        assert_eq!(canonical(&too_large), Err(LeafError::TooLarge { bytes: MAX_LEAF_BYTES }));
        assert_eq!(canonical(&deep), Err(LeafError::TooDeep));
    }

    fn values() -> impl Strategy<Value = Value> {
        let scalars = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        scalars.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((".*", inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_reads_back_as_the_same_value_and_writes_again_as_the_same_bytes(value in values()) {
            let bytes = canonical(&value).unwrap();
            let read: Value = serde_json::from_slice(&bytes).unwrap();

            prop_assert_eq!(&read, &value);
            prop_assert_eq!(canonical(&read).unwrap(), bytes);
        }
    }
}
