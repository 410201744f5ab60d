//! Dependencies point one way. These tests read the sources and fail on an edge that ARCHITECTURE.md does not list.
//! Change both together or neither.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// (module, the modules of this crate it may name), in reading order.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("ports", &["domain"]),
    ("config", &[]),
    ("telemetry", &["config"]),
    ("audit", &["domain", "ports", "config"]),
    ("ingest", &["domain", "ports", "config", "audit"]),
    ("answer", &["domain", "ports", "config", "audit"]),
    ("webhooks", &["domain", "ports", "config", "audit"]),
    ("adapters", &["domain", "ports", "config"]),
    ("http", &["domain", "ports", "config", "audit", "ingest", "answer", "webhooks"]),
    (
        "app",
        &[
            "domain",
            "ports",
            "config",
            "telemetry",
            "audit",
            "ingest",
            "answer",
            "webhooks",
            "adapters",
            "http",
        ],
    ),
];

/// (start of a path into another crate, the only modules that may write it).
const ONLY_IN: &[(&str, &[&str])] = &[
    ("axum::", &["http", "app"]),
    ("sqlx::", &["adapters"]),
    ("qdrant_client::", &["adapters"]),
    ("qdrant_edge::", &["adapters"]),
    ("object_store::", &["adapters"]),
    ("engine::", &["adapters"]),
    ("reader::", &["ingest", "app"]),
    ("ledger::", &["audit", "app"]),
    ("env::var", &["config"]),
];

/// What the member crates may name of ours: nothing.
const WALLED: &[&str] = &["engine", "reader", "ledger"];

/// Longest source file, tests included, in lines.
const MAX_LINES: usize = 500;

#[test]
fn modules_use_only_what_the_architecture_allows() {
    let mut wrong = Vec::new();
    for (module, allowed) in MAY_USE {
        for (file, text) in sources_of(module) {
            for used in crate_modules_named_in(&text) {
                if used != *module && !allowed.contains(&used) {
                    wrong.push(format!("{file}: `{module}` may not use `{used}`"));
                }
            }
            for (path, modules) in ONLY_IN {
                if names_crate(&text, path) && !modules.contains(module) {
                    wrong.push(format!("{file}: `{module}` may not use `{path}`"));
                }
            }
        }
    }

    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_module_is_listed() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let declared: BTreeSet<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();

    let listed: BTreeSet<&str> = MAY_USE.iter().map(|(module, _)| *module).collect();

    assert_eq!(declared, listed);
}

#[test]
fn the_walled_crates_know_nothing_of_ours() {
    let mut wrong = Vec::new();
    for member in WALLED {
        let manifest = fs::read_to_string(root().join("crates").join(member).join("Cargo.toml")).unwrap();
        if manifest.contains("path = ") {
            wrong.push(format!("crates/{member} depends on a crate of ours"));
        }
        for unwanted in ["sqlx", "axum", "qdrant"] {
            if manifest.lines().any(|line| line.starts_with(unwanted)) {
                wrong.push(format!("crates/{member} depends on {unwanted}"));
            }
        }
    }

    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_source_file_is_longer_than_the_limit() {
    let mut files = Vec::new();
    for folder in ["src", "tests", "crates"] {
        collect(&root().join(folder), &mut files);
    }
    let long: Vec<String> = files
        .iter()
        .filter_map(|file| {
            let lines = fs::read_to_string(file).unwrap().lines().count();
            (lines > MAX_LINES).then(|| format!("{}: {lines} lines", file.display()))
        })
        .collect();

    assert!(files.len() > 50, "the sources were not found");
    assert!(long.is_empty(), "longer than {MAX_LINES} lines:\n{}", long.join("\n"));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The first path segment after each `crate::`. An import group, `crate::{`, counts as the module `{`, which nothing
/// may use: one `use crate::module::…` a line keeps this readable.
fn crate_modules_named_in(text: &str) -> BTreeSet<&str> {
    text.split("crate::")
        .skip(1)
        .map(|rest| {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
            &rest[..end.unwrap_or(rest.len()).max(1)]
        })
        .collect()
}

/// Whether code (not a comment) names the path as a crate: at the start of a word, not after `crate::` or `self::`.
fn names_crate(text: &str, path: &str) -> bool {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
        line.match_indices(path).any(|(at, _)| {
            let before = &line[..at];
            let inside_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let of_ours = before.ends_with("::") && !before.ends_with("use ::");
            !inside_word && !of_ours
        })
    })
}

/// Every `.rs` file of one top-level module with its text: `src/module.rs` or all under `src/module/`.
fn sources_of(module: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let single = root().join(format!("src/{module}.rs"));
    if single.exists() {
        files.push(single);
    }
    collect(&root().join("src").join(module), &mut files);
    files.into_iter().map(|file| (file.display().to_string(), fs::read_to_string(&file).unwrap())).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
