//! `docent-verify` and the second opinion, `scripts/verify_receipt.py`, as processes.

use crate::records;
use crate::sample::Sample;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

/// A folder of one test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // what an earlier run left
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn put(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

fn key() -> String {
    records::signer().verifier().to_string()
}

fn run(arguments: &[&str]) -> (i32, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_docent-verify")).args(arguments).stdin(Stdio::null()).output();
    said(&output.unwrap())
}

fn said(output: &Output) -> (i32, String) {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn check(arguments: &[&str], code: i32, says: &[&str]) {
    let (found, text) = run(arguments);

    assert_eq!(found, code, "{text}");
    for say in says {
        // lines are broken between words
        let (text, say) =
            ([&text, *say]).map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).into();
        assert!(text.contains(&say), "`{say}` is missing in:\n{text}");
    }
}

#[test]
fn an_export_that_holds_is_reported_in_plain_words() {
    let (folder, sample) = (folder("holds"), Sample::new(24));
    let export = put(&folder, "audit.jsonl", sample.range(0, 6).bytes());
    let held = put(&folder, "held.note", sample.checkpoint(24).to_string());
    let key_file = put(&folder, "log.vkey", format!("{}\n", key()));

    check(
        &["export", &export, "--key", &key(), "--checkpoint", &held],
        0,
        &[
            "HOLDS.",
            "Records 0 to 23 (24 in all)",
            "4 checkpoints",
            "agree with 1 checkpoints that you hold",
            "Content that is shown is what was recorded (12 records)",
            "Whether what the records say is true",
        ],
    );
    check(&["export", &export, "--key", &key_file], 0, &["give a checkpoint that you hold"]);
}

#[test]
fn an_export_in_parts_is_one_export() {
    let (folder, sample) = (folder("parts"), Sample::new(24));
    let bytes = sample.range(0, 6).bytes();
    let middle = bytes.len() / 2;
    put(&folder, "part-1.jsonl", &bytes[..middle]);
    put(&folder, "part-2.jsonl", &bytes[middle..]);
    put(&folder, "README", "not a part");

    check(&["export", folder.to_str().unwrap(), "--key", &key()], 0, &["24 in all"]);
}

#[test]
fn the_first_bad_record_is_named() {
    let folder = folder("broken");
    let mut lines = Sample::new(24).range(0, 6);
    let at = lines.at(13);
    let leaf = lines.0[at]["record"]["leaf"].as_str().unwrap().replace("supported", "unsupported");
    lines.0[at]["record"]["leaf"] = leaf.into();
    let export = put(&folder, "audit.jsonl", lines.bytes());

    let first = format!("First bad record: 13 (id {})", records::id(13));
    check(
        &["export", &export, "--key", &key()],
        1,
        &["DOES NOT HOLD", &first, "the record was changed", "Line 17 of the export"],
    );
}

#[test]
fn what_is_not_complete_is_said() {
    let (folder, sample) = (folder("incomplete"), Sample::new(24));
    let chosen = put(&folder, "chosen.jsonl", sample.selection(&[3, 7]).bytes());
    let mut lines = sample.range(0, 6);
    lines.0.pop();
    let cut = put(&folder, "cut.jsonl", lines.bytes());

    check(&["export", &chosen, "--key", &key()], 2, &["It is a selection", "2 that somebody chose"]);
    check(&["export", &cut, "--key", &key()], 2, &["It has no end line"]);
}

#[test]
fn a_checkpoint_that_the_auditor_holds_shows_a_cut_off_end() {
    let (folder, sample) = (folder("cut"), Sample::new(24));
    let older = put(&folder, "older.jsonl", Sample::new(18).range(0, 6).bytes());
    let held = folder.join("held");
    fs::create_dir(&held).unwrap();
    put(&held, "1.note", sample.checkpoint(6).to_string());
    put(
        &held,
        "2.jsonl",
        format!("{}\n", serde_json::json!({"checkpoint": sample.checkpoint(24).to_string()})),
    );

    check(
        &["export", &older, "--key", &key(), "--checkpoint", held.to_str().unwrap()],
        1,
        &["First bad record: 18", "its end was cut off"],
    );
}

#[test]
fn the_exports_own_key_is_used_only_when_asked_and_never_quietly() {
    let folder = folder("own-key");
    let mut lines = Sample::new(24).range(0, 6);
    lines.0[0]["export"]["key"] = key().into();
    let export = put(&folder, "audit.jsonl", lines.bytes());

    check(&["export", &export], 3, &["say whom to believe", "Nothing was checked"]);
    check(&["export", &export, "--trust-key-in-export"], 2, &["THE KEY CAME FROM THE EXPORT ITSELF"]);
}

#[test]
fn what_cannot_be_read_is_not_called_broken() {
    let folder = folder("usage");
    let export = put(&folder, "audit.jsonl", Sample::new(3).range(0, 3).bytes());
    let text = put(&folder, "text", "hello");

    check(&["export", "/nowhere", "--key", &key()], 3, &["/nowhere"]);
    check(&["export", &export, "--key", "a+b+c"], 3, &["--key a+b+c"]);
    check(&["export", &export, "--policy", &text], 3, &["line 1 of the policy"]);
    check(&["export", &export, "--key", &key(), "--checkpoint", &text], 3, &["not a signed note"]);
    check(&[], 3, &["say `receipt FILE` or `export PATH`"]);
    check(&["--help"], 0, &["Exit codes:"]);
    check(&["--version"], 0, &["docent-verify"]);
}

#[test]
fn a_receipt_holds_with_its_content() {
    let (folder, sample) = (folder("receipt"), Sample::new(24));
    let receipt = put(&folder, "3.tlog-proof", sample.receipt(3, 24).to_string());
    let (text, content_key) = records::content(3).unwrap();
    let content = put(&folder, "content.json", text);
    let other = put(&folder, "other.json", "{}");
    let content_key = hex::encode(content_key.bytes());
    let with = ["receipt", &receipt, "--key", &key(), "--content-key", &content_key, "--content"];

    check(
        &["receipt", &receipt, "--key", &key()],
        0,
        &["THE RECEIPT HOLDS.", "3 of 24", "give it with --content"],
    );
    check(&[&with[..], &[&content]].concat(), 0, &["The content that you gave is what was recorded"]);
    check(&[&with[..], &[&other]].concat(), 1, &["the content is not what was recorded"]);
    let leaf = put(&folder, "leaf", records::leaf(4));
    check(&["receipt", &receipt, "--key", &key(), "--leaf", &leaf], 1, &["not the one in the receipt"]);
}

/// The second opinion shares no line with this crate.
#[test]
fn a_script_of_forty_lines_agrees() {
    let (folder, sample) = (folder("script"), Sample::new(11));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/verify_receipt.py");
    let able = |python: &&str| {
        Command::new(python).args(["-c", "import cryptography"]).status().is_ok_and(|status| status.success())
    };
    let python = ["python3", "/usr/bin/python3"].into_iter().find(able);
    let python = python.expect("scripts/setup installs a Python with `cryptography`");
    let ask = |receipt: &str, key: &str| {
        said(&Command::new(python).arg(&script).args([receipt, key]).output().unwrap())
    };

    for (index, size) in [(0, 1), (0, 11), (3, 11), (6, 7), (10, 11), (8, 11)] {
        let receipt = put(&folder, "receipt.tlog-proof", sample.receipt(index, size).to_string());
        let (code, text) = ask(&receipt, &key());
        assert_eq!(code, 0, "{text}");
        assert!(text.contains(&records::id(index as u64)), "{text}");
    }
    let receipt = sample.receipt(3, 11).to_string();
    let whole = put(&folder, "receipt.tlog-proof", &receipt);
    let (code, text) = ask(&whole, &key().replace("+Ae", "+Af"));
    assert_eq!(code, 1, "another key: {text}");
    for (from, to) in [("index 3", "index 2"), ("\n11\n", "\n12\n"), ("extra ", "extra AAAA")] {
        let changed = put(&folder, "changed.tlog-proof", receipt.replacen(from, to, 1));
        let (code, text) = ask(&changed, &key());
        assert_eq!(code, 1, "{from} → {to}: {text}");
    }
}
