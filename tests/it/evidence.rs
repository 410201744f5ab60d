//! What proves an answer to somebody who does not trust the service: its receipt, an export of the log, and checkpoints
//! that left the database.

use crate::audit::with_lease;
use crate::support::app::Size;
use crate::support::app::TestApp;
use crate::support::app::body;
use crate::support::app::eventually;
use crate::support::verifier;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;

const RENT: &str = "How much is the rent?";

#[tokio::test]
async fn the_receipt_of_an_answer_holds_and_a_changed_one_does_not() {
    let app = with_lease().await;
    let (status, answer) = app.ask(&json!({ "question": RENT })).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let key = verifier::text(&app, "/api/v1/audit/key").await.trim().to_owned();
    let id = answer["id"].as_str().unwrap();

    let receipt = verifier::text(&app, &format!("/api/v1/answers/{id}/receipt")).await;
    let (code, said) = verifier::receipt(&receipt, &key);
    let (second, opinion) = verifier::second_opinion(&receipt, &key);
    let (_, leaf) = receipt.split_once("extra ").unwrap();
    let leaf = STANDARD.decode(leaf.lines().next().unwrap()).unwrap();
    let changed = STANDARD.encode(String::from_utf8(leaf).unwrap().replace("answered", "released"));
    let forged: Vec<String> = receipt
        .lines()
        .map(|line| if line.starts_with("extra ") { format!("extra {changed}") } else { line.to_owned() })
        .collect();
    let (refused, why) = verifier::receipt(&(forged.join("\n") + "\n"), &key);

    assert_eq!((code, second), (0, 0), "{said}\n{opinion}");
    assert!(said.contains("chat.completed") || said.contains("chat.refused"), "{said}");
    assert_eq!(refused, 1, "{why}");
    app.stop().await;
}

#[tokio::test]
async fn an_answer_carries_its_proof_at_once() {
    let app = with_lease().await;
    let (status, answer) = app.ask(&json!({ "question": RENT })).await;
    assert_eq!(status, StatusCode::OK, "{answer}");

    let (proof, receipt) = (&answer["receipt"]["proof"], &answer["receipt"]);
    let checkpoint = proof["checkpoint"].as_str().unwrap();
    let mut lines = checkpoint.lines();
    let (origin, size) = (lines.next().unwrap(), lines.next().unwrap().parse::<u64>().unwrap());
    let root: [u8; 32] = STANDARD.decode(lines.next().unwrap()).unwrap().try_into().unwrap();
    let hashes: Vec<[u8; 32]> = proof["hashes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hash| STANDARD.decode(hash.as_str().unwrap()).unwrap().try_into().unwrap())
        .collect();
    let leaf: [u8; 32] = hex::decode(receipt["leaf_hash"].as_str().unwrap()).unwrap().try_into().unwrap();
    let head = ledger::TreeHead { size, root };

    assert_eq!(origin, "docent.local/audit");
    let index = receipt["leaf_index"].as_u64().unwrap();
    assert_eq!(ledger::tree::check_inclusion(&leaf, index, &head, &hashes), Ok(()));
    let (_, read) = app.get(&format!("/api/v1/answers/{}", answer["id"].as_str().unwrap())).await;
    assert_eq!(&read["receipt"], receipt);
    app.stop().await;
}

#[tokio::test]
async fn an_export_passes_the_verifier_and_is_itself_recorded() {
    let app = with_lease().await;
    let key = verifier::text(&app, "/api/v1/audit/key").await.trim().to_owned();
    let (status, _) = app.ask(&json!({ "question": RENT })).await;
    assert_eq!(status, StatusCode::OK);

    let (code, said) = verifier::export(&app, &key, None).await;
    let (_, events) = app.get("/api/v1/audit/events?kind=audit.exported").await;
    let part = verifier::text(&app, "/api/v1/audit/export?first=3").await;
    let first: Value = serde_json::from_str(part.lines().nth(1).unwrap()).unwrap();
    let (beyond, problem) = app.get("/api/v1/audit/export?first=100000").await;

    assert_eq!(code, 0, "{said}");
    assert_eq!(events["data"].as_array().unwrap().len(), 1, "{events}");
    assert_eq!(first["record"]["position"], 3, "{first}");
    assert_eq!(beyond, StatusCode::NOT_FOUND, "{problem}");
    app.stop().await;
}

#[tokio::test]
async fn only_auditors_export() {
    let app = TestApp::start().await;
    let (_, reader) = app.user("reader", &["viewer"], None).await;
    let (_, auditor) = app.user("auditor", &["auditor"], None).await;
    let ask = |key: String, path: &'static str| body(app.as_user(&key, Method::GET, path));

    assert_eq!(ask(reader.clone(), "/api/v1/audit/export").await.0, StatusCode::FORBIDDEN);
    assert_eq!(ask(reader, "/api/v1/audit/key").await.0, StatusCode::FORBIDDEN);
    assert_eq!(ask(auditor, "/api/v1/audit/export").await.0, StatusCode::OK);
    app.stop().await;
}

#[tokio::test]
async fn checkpoints_leave_the_database_while_it_runs_and_when_it_stops() {
    let app = TestApp::with(Size::Small, |config| config.audit.checkpoint_every_ms = 100).await;
    let folder = app.data().join("checkpoints");
    let before = std::fs::read_to_string(folder.join("checkpoint")).ok();
    app.collection("contracts").await;
    eventually("a checkpoint of the new collection", || async {
        let now = std::fs::read_to_string(folder.join("checkpoint")).ok();
        (now.is_some() && now != before).then_some(())
    })
    .await;
    let newest = verifier::text(&app, "/api/v1/audit/checkpoint").await;

    let app = app.restarted().await;
    let handed = std::fs::read_to_string(folder.join("checkpoint")).unwrap();

    assert_eq!(handed.lines().next(), Some("docent.local/audit"));
    let size = |note: &str| note.lines().nth(1).unwrap().parse::<u64>().unwrap();
    assert!(size(&handed) >= size(&newest), "{handed}\n{newest}");
    let history = std::fs::read_to_string(folder.join("checkpoints.jsonl")).unwrap();
    assert!(history.lines().count() >= 2, "{history}");
    app.stop().await;
}
