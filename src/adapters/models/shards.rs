//! `model.safetensors.index.json`: which shards a model has. Knows no source.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

const MAX_SHARDS: usize = 1000;

/// What an index says.
pub(super) struct Shards {
    /// Plain file names, in order.
    pub(super) names: BTreeSet<String>,
    /// Of all tensors.
    pub(super) bytes: u64,
}

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    metadata: Metadata,
    weight_map: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    total_size: f64,
}

/// Reads an index that came from outside.
///
/// # Errors
/// Why it cannot be used.
pub(super) fn read(path: &Path) -> Result<Shards, String> {
    let text = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let index: Index = serde_json::from_slice(&text).map_err(|error| format!("is no index: {error}"))?;
    let names: BTreeSet<String> = index.weight_map.into_values().collect();
    if let Some(name) = names.iter().find(|name| !is_plain(name)) {
        return Err(format!("names `{}`, which is no shard", name.escape_debug()));
    }
    if names.is_empty() || names.len() > MAX_SHARDS {
        return Err(format!("names {} shards", names.len()));
    }
    Ok(Shards { names, bytes: index.metadata.total_size as u64 })
}

/// A name that stays in its folder.
fn is_plain(name: &str) -> bool {
    let allowed = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    allowed
        && !name.starts_with('.')
        && Path::new(name).extension().is_some_and(|extension| extension == "safetensors")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(index: &str, expected: Result<&[&str], &str>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.json");
        std::fs::write(&path, index).unwrap();

        match (read(&path), expected) {
            (Ok(shards), Ok(names)) => assert!(shards.names.iter().eq(names), "{:?}", shards.names),
            (Err(error), Err(message)) => assert!(error.contains(message), "{error}"),
            (found, _) => panic!("{:?}", found.map(|shards| shards.names)),
        }
    }

    #[test]
    fn shards_are_plain_names_each_once() {
        check(r#"{"weight_map":{"a":"m-1.safetensors","b":"m-1.safetensors"}}"#, Ok(&["m-1.safetensors"]));
        check(
            r#"{"metadata":{"total_size":9.5e3},"weight_map":{"a":"m.safetensors"}}"#,
            Ok(&["m.safetensors"]),
        );
        check(r#"{"weight_map":{"a":"../m.safetensors"}}"#, Err("is no shard"));
        check(r#"{"weight_map":{"a":"tokenizer.json"}}"#, Err("is no shard"));
        check(r#"{"weight_map":{}}"#, Err("0 shards"));
        check("<html>", Err("is no index"));
    }
}
