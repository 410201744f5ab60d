//! Several processes at one queue: `docent serve` without workers, and `docent work` beside it, sharing Postgres, a Qdrant
//! server and S3.

use crate::jobs::clauses;
use crate::support::app::Size;
use crate::support::app::TestApp;
use crate::support::app::eventually;
use crate::support::freeze::Freeze;
use crate::support::process::Process;
use crate::support::qdrant_server::QdrantTestServer;
use crate::support::s3_server::S3TestServer;
use docent::config::BlobsKind;
use docent::config::Config;
use docent::config::VectorsKind;
use reqwest::StatusCode;
use serde_json::json;
use std::collections::BTreeSet;

/// As the test's own service has it.
const MASTER_KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_the_queue_and_one_that_is_killed_is_not_missed() {
    let (vectors, files) = (QdrantTestServer::start(None), S3TestServer::start().await);
    let app = TestApp::with(Size::Small, |config| share(config, &vectors, &files)).await;
    let places = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let environment = [
        ("DOCENT__DATABASE__URL", app.database.url()),
        ("DOCENT_MASTER_KEY", MASTER_KEY),
        ("DOCENT__VECTORS__KIND", "server"),
        ("DOCENT__VECTORS__URL", vectors.url()),
        ("DOCENT__BLOBS__KIND", "s3"),
        ("DOCENT__BLOBS__BUCKET", "papers"),
        ("DOCENT__BLOBS__ENDPOINT", files.url()),
        ("DOCENT_S3_ACCESS_KEY_ID", "an-id"),
        ("DOCENT_S3_SECRET_ACCESS_KEY", "a-secret"),
        ("DOCENT__INGEST__WORKERS", "2"),
        ("DOCENT__INGEST__LEASE_MS", "6000"),
        ("DOCENT__DATABASE__TIMEOUT_MS", "120000"),
        ("DOCENT__LOG__LEVEL", "warn"),
    ];
    let freeze = Freeze::at(&app.database, "jobs", "update", "new.stage = 'embed'").await;
    let killed = Process::work(places[0].path(), &environment);
    let kept = Process::work(places[1].path(), &environment);
    let collection = app.collection("contracts").await;
    let mut documents = Vec::new();
    for number in 0..12 {
        let text = clauses(12, &format!("part{number}x"));
        let (status, taken) = app.upload(&collection, &format!("{number}.txt"), &text).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{taken}");
        documents.push(taken["data"][0]["document_id"].as_str().unwrap().to_owned());
    }

    // Both processes have work in their hands; then one is gone.
    eventually("two places have jobs", || async { (places_at_work(&app).await > 1).then_some(()) }).await;
    killed.kill();
    freeze.release().await;

    for (number, document) in documents.iter().enumerate() {
        let settled = app.settled(document).await;
        assert_eq!(settled["status"], "ready", "{settled}");
        let query = json!({ "query": format!("delivery of part{number}x3"), "document_ids": [document] });
        let (_, found) = app.post("/api/v1/search", &query).await;
        assert!(found["data"].to_string().contains(&format!("part{number}x3")), "{found}");
    }
    let (_, jobs) = app.get("/api/v1/jobs?state=succeeded").await;
    let jobs = jobs["data"].as_array().unwrap();
    let ids: BTreeSet<&str> = jobs.iter().map(|job| job["id"].as_str().unwrap()).collect();
    assert_eq!((jobs.len(), ids.len()), (documents.len(), documents.len()));
    assert!(jobs.iter().all(|job| job["attempts"].as_i64().unwrap() <= 2), "{jobs:?}");
    drop(kept);
    app.stop().await;
}

/// The configuration of a service without workers whose stores others can use.
fn share(config: &mut Config, vectors: &QdrantTestServer, files: &S3TestServer) {
    config.ingest.workers = 0;
    config.vectors.kind = VectorsKind::Server;
    vectors.url().clone_into(&mut config.vectors.url);
    config.blobs.kind = BlobsKind::S3;
    "papers".clone_into(&mut config.blobs.bucket);
    files.url().clone_into(&mut config.blobs.endpoint);
    config.secrets.s3_access_key_id = Some("an-id".to_owned().into());
    config.secrets.s3_secret_access_key = Some("a-secret".to_owned().into());
}

/// How many places have claimed jobs at this moment; a worker is named after its place.
async fn places_at_work(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(distinct split_part(worker, '/', 1)) from jobs where state = 'running'")
        .fetch_one(&mut app.database.owner().await)
        .await
        .unwrap()
}
