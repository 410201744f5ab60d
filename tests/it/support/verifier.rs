//! `docent-verify` and its second opinion as programs, over what the service gives.

use crate::support::app::TestApp;
use crate::support::app::program;
use reqwest::Method;
use reqwest::StatusCode;
use std::path::Path;
use std::process::Command;

/// Exit code and all that was said.
pub(crate) type Said = (i32, String);

/// A text that the service gives.
pub(crate) async fn text(app: &TestApp, path: &str) -> String {
    let response = app.request(Method::GET, path).send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    text
}

/// Exports the log and checks the export with the log's key and perhaps checkpoints that somebody holds.
pub(crate) async fn export(app: &TestApp, key: &str, held: Option<&Path>) -> Said {
    let response = app.request(Method::GET, "/api/v1/audit/export").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    file(&response.bytes().await.unwrap(), key, held)
}

/// Checks an export.
pub(crate) fn file(export: &[u8], key: &str, held: Option<&Path>) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    std::fs::write(&file, export).unwrap();
    let mut command = verifier();
    command.arg("export").arg(&file).args(["--quiet", "--key", key]);
    if let Some(held) = held {
        command.arg("--checkpoint").arg(held);
    }
    run(&mut command)
}

/// Checks a receipt.
pub(crate) fn receipt(receipt: &str, key: &str) -> Said {
    check_receipt(receipt, &["--key", key])
}

/// Checks a receipt with a policy file.
pub(crate) fn receipt_by_policy(receipt: &str, policy: &str) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy");
    std::fs::write(&file, policy).unwrap();
    check_receipt(receipt, &["--policy", file.to_str().unwrap()])
}

fn check_receipt(receipt: &str, trust: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answer.tlog-proof");
    std::fs::write(&file, receipt).unwrap();
    run(verifier().arg("receipt").arg(&file).args(trust))
}

/// Checks a receipt with the forty lines of Python.
pub(crate) fn second_opinion(receipt: &str, key: &str) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answer.tlog-proof");
    std::fs::write(&file, receipt).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/verify_receipt.py");
    run(Command::new("python3").arg(script).arg(&file).arg(key))
}

/// It is built beside ours, by `cargo test --workspace`.
fn verifier() -> Command {
    Command::new(program().with_file_name("docent-verify"))
}

fn run(command: &mut Command) -> Said {
    let ran = command
        .output()
        .expect("`cargo test --workspace` builds docent-verify, and make test installs Python's");
    let said = [ran.stdout, ran.stderr].concat();
    (ran.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}
