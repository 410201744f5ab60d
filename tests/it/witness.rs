//! A witness on the compliance team's machine: it signs what only grew, and knows a log that did not.

use crate::support::app::Size;
use crate::support::app::TestApp;
use crate::support::app::client;
use crate::support::app::eventually;
use crate::support::verifier;
use docent::app::witness::Watch;
use ledger::MasterKey;
use reqwest::StatusCode;
use serde_json::json;
use std::path::Path;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The log of a [`TestApp`].
fn log_key() -> String {
    MasterKey::from_bytes([7; 32]).log_key("docent.local/audit").unwrap().verifier().to_string()
}

struct Running {
    url: String,
    key: String,
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

async fn witness(state: &Path) -> Running {
    let watch = Watch {
        listen: "127.0.0.1:0".parse().unwrap(),
        state: state.to_owned(),
        name: "compliance.example/w1".to_owned(),
        logs: vec![log_key()],
    };
    let witness = docent::app::witness::start(watch).await.unwrap();
    let (url, key) = (format!("http://{}", witness.address), witness.key.clone());
    let stop = CancellationToken::new();
    let task = tokio::spawn(witness.serve(stop.clone().cancelled_owned()));
    Running { url, key, stop, task }
}

async fn watched(witness: &Running) -> TestApp {
    let place = format!("{} {}", witness.url, witness.key);
    TestApp::with(Size::Small, |config| {
        config.audit.witnesses = vec![place];
        config.audit.checkpoint_every_ms = 100;
    })
    .await
}

#[tokio::test]
async fn a_receipt_shows_that_the_witness_saw_the_log() {
    let folder_of_witness = tempfile::tempdir().unwrap();
    let witness = witness(folder_of_witness.path()).await;
    let app = watched(&witness).await;
    app.collection("contracts").await;
    let (_, events) = app.get("/api/v1/audit/events").await;
    let path = format!("/api/v1/audit/events/{}/receipt", events["data"][0]["event_id"].as_str().unwrap());
    let policy = format!("log {}\nwitness w1 {}\nquorum w1\n", log_key(), witness.key);

    let said = eventually("a receipt with the witness's signature", || async {
        let receipt = verifier::text(&app, &path).await;
        let (code, said) = verifier::receipt_by_policy(&receipt, &policy);
        (code == 0).then_some(said)
    })
    .await;

    assert!(said.contains("w1"), "{said}");
    app.stop().await;
    witness.stop().await;
}

#[tokio::test]
async fn a_log_that_was_cut_is_doubted_though_its_operators_removed_every_checkpoint_they_have() {
    let folder_of_witness = tempfile::tempdir().unwrap();
    let witness = witness(folder_of_witness.path()).await;
    let app = watched(&witness).await;
    for number in 0..12 {
        app.collection(&format!("collection {number}")).await;
    }
    let folder = app.data().join("checkpoints");
    let app = app.restarted().await;
    assert_eq!(app.get("/readyz").await.0, StatusCode::OK);

    for statement in [
        "alter table audit.entry disable trigger all",
        "alter table audit.node disable trigger all",
        "alter table audit.checkpoint disable trigger all",
        "alter table audit.cosignature disable trigger all",
        "delete from audit.cosignature where size > 8",
        "delete from audit.checkpoint where size > 8",
        "delete from audit.node where position >= 15",
        "delete from audit.entry where leaf_index >= 8",
    ] {
        app.database.execute_as_owner(statement).await;
    }
    let app = app.restarted_after(|| std::fs::remove_dir_all(&folder).unwrap()).await;
    let (status, problem) = app.post("/api/v1/collections", &json!({ "name": "late" })).await;

    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    assert_eq!(problem["code"], "audit_rollback", "{problem}");
    app.stop().await;
    witness.stop().await;
}

#[tokio::test]
async fn a_witness_remembers_and_refuses_strangers() {
    let folder_of_witness = tempfile::tempdir().unwrap();
    let first = witness(folder_of_witness.path()).await;
    let key = first.key.clone();
    let app = watched(&first).await;
    app.collection("contracts").await;
    let note = eventually("a checkpoint", || async {
        std::fs::read_to_string(app.data().join("checkpoints/checkpoint")).ok()
    })
    .await;
    app.stop().await;
    first.stop().await;

    let second = witness(folder_of_witness.path()).await;
    let post = |body: String| client().post(format!("{}/add-checkpoint", second.url)).body(body).send();
    let stale = post(format!("old 0\n\n{note}")).await.unwrap();
    let (stale, size) = (stale.status(), stale.text().await.unwrap());
    let stranger = post(format!("old 0\n\n{}", note.replace("docent.local", "other.local"))).await.unwrap();
    let forged = post(format!("old 0\n\n{}", note.replacen('\n', "\n9", 1))).await.unwrap();
    let nonsense = post("hello".to_owned()).await.unwrap();

    assert_eq!(second.key, key);
    assert_eq!(stale, StatusCode::CONFLICT);
    assert!(size.trim().parse::<u64>().unwrap() > 0, "{size}");
    assert_eq!(stranger.status(), StatusCode::NOT_FOUND);
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    assert_eq!(nonsense.status(), StatusCode::BAD_REQUEST);
    second.stop().await;
}
