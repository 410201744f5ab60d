//! `kill -9` loses nothing: the job finishes after a restart, the intent has an outcome, nothing blocks the next start.

use crate::support::app::body;
use crate::support::app::eventually;
use crate::support::files;
use crate::support::postgres::data_dir;
use crate::support::process::KEY;
use crate::support::process::Process;
use crate::support::wire;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use reqwest::Method;
use reqwest::StatusCode;
use reqwest::multipart::Form;
use reqwest::multipart::Part;
use serde_json::Value;
use serde_json::json;
use std::fmt::Write;
use std::time::Duration;

/// Leases are short here, so that a dead worker's job is soon taken up.
const ENVIRONMENT: &[(&str, &str)] = &[("DOCENT__INGEST__LEASE_MS", "5000"), ("DOCENT__LOG__LEVEL", "warn")];
/// When after the upload the service is killed, in milliseconds.
const DURING_INGEST: [u64; 5] = [0, 120, 400, 900, 1800];
/// When after the question the service is killed, in milliseconds.
const DURING_ANSWER: [u64; 5] = [0, 50, 200, 700, 1500];

#[tokio::test]
async fn a_service_killed_during_ingest_finishes_the_job_after_a_restart() {
    let directory = data_dir();
    let mut service = Process::start(directory.path(), ENVIRONMENT).await;
    let collection = collection(&service).await;

    for (round, delay) in DURING_INGEST.into_iter().enumerate() {
        let document = upload(&service, &collection, &long_text(round)).await;
        tokio::time::sleep(Duration::from_millis(delay)).await;
        service.kill();
        service = Process::start(directory.path(), ENVIRONMENT).await;

        let settled = settled(&service, &document).await;

        assert_eq!(settled["status"], "ready", "killed after {delay} ms: {settled}");
        let query = json!({ "query": format!("widget {round} of the long text"), "document_ids": [document], "limit": 1 });
        let (_, found) = body(service.request(Method::POST, "/api/v1/search").json(&query)).await;
        assert_eq!(found["data"].as_array().unwrap().len(), 1, "{found}");
    }
    let (_, listed) =
        body(service.request(Method::GET, &format!("/api/v1/collections/{collection}/documents"))).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), DURING_INGEST.len());
}

#[tokio::test]
async fn a_service_killed_during_an_answer_leaves_exactly_one_outcome() {
    let directory = data_dir();
    let mut service = Process::start(directory.path(), ENVIRONMENT).await;
    let collection = collection(&service).await;
    let document = upload(&service, &collection, &files::pdf(files::LEASE)).await;
    settled(&service, &document).await;

    for delay in DURING_ANSWER {
        let question =
            json!({ "question": "How much is the monthly rent?", "stream": true, "max_tokens": 2000 });
        let mut answer = service
            .request(Method::POST, "/api/v1/answers")
            .json(&question)
            .send()
            .await
            .unwrap()
            .bytes_stream();
        let first = String::from_utf8(answer.next().await.unwrap().unwrap().to_vec()).unwrap();
        let id = accepted(&first);
        tokio::time::sleep(Duration::from_millis(delay)).await;
        service.kill();
        drop(answer);
        service = Process::start(directory.path(), ENVIRONMENT).await;

        let outcomes = eventually("the intent has an outcome", || async {
            let (_, intent) = body(service.request(Method::GET, &format!("/api/v1/audit/events/{id}"))).await;
            let outcomes = outcomes(&intent);
            (!outcomes.is_empty()).then_some(outcomes)
        })
        .await;

        assert_eq!(outcomes.len(), 1, "killed after {delay} ms: {outcomes:?}");
    }
}

#[tokio::test]
async fn an_upload_in_pieces_goes_on_after_a_kill() {
    let directory = data_dir();
    let mut service = Process::start(directory.path(), ENVIRONMENT).await;
    let collection = collection(&service).await;
    let file = long_text(0);
    let (first, rest) = file.split_at(1_000);
    let metadata = format!("collection_id {}", STANDARD.encode(&collection));
    let made = service.request(Method::POST, "/api/v1/uploads").header("tus-resumable", "1.0.0");
    let made =
        made.header("upload-length", file.len()).header("upload-metadata", metadata).send().await.unwrap();
    let place = made.headers()["location"].to_str().unwrap().to_owned();
    let patch = async |service: &Process, offset: usize, bytes: &[u8]| {
        let request = service.request(Method::PATCH, &place).header("tus-resumable", "1.0.0");
        let request = request.header("content-type", "application/offset+octet-stream");
        request.header("upload-offset", offset).body(bytes.to_vec()).send().await.unwrap()
    };
    assert_eq!(patch(&service, 0, first).await.status(), StatusCode::NO_CONTENT);
    let headers = [
        ("Authorization", &*format!("Bearer {KEY}")),
        ("Tus-Resumable", "1.0.0"),
        ("Content-Type", "application/offset+octet-stream"),
        ("Upload-Offset", "1000"),
    ];
    let line =
        wire::broken(&service.url, &format!("PATCH {place}"), &headers, rest.len(), &rest[..500]).await;

    service.kill();
    drop(line);
    service = Process::start(directory.path(), ENVIRONMENT).await;
    let head = service.request(Method::HEAD, &place).header("tus-resumable", "1.0.0").send().await.unwrap();
    let last = eventually("the dead writer's lease is over", || async {
        let answer = patch(&service, 1_000, rest).await;
        (answer.status() != StatusCode::LOCKED).then_some(answer)
    })
    .await;

    assert_eq!(head.headers()["upload-offset"], "1000");
    assert_eq!(last.status(), StatusCode::NO_CONTENT);
    let settled = settled(&service, last.headers()["docent-document-id"].to_str().unwrap()).await;
    assert_eq!(
        (&settled["status"], &settled["file"]["bytes"]),
        (&json!("ready"), &json!(file.len())),
        "{settled}"
    );
}

#[tokio::test]
async fn a_second_start_is_quick_and_ctrl_c_stops_everything() {
    let directory = data_dir();
    let first = Process::start(directory.path(), ENVIRONMENT).await;
    collection(&first).await;

    let status = first.interrupt();
    let left = std::fs::read_to_string(directory.path().join("postgres/postmaster.pid"));
    let second = Process::start(directory.path(), ENVIRONMENT).await;

    assert!(status.success(), "{status}");
    assert!(second.start < Duration::from_mins(1), "{:?}", second.start);
    assert!(left.is_err(), "Postgres still runs after Ctrl-C");
    let (_, listed) = body(second.request(Method::GET, "/api/v1/collections")).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
}

async fn collection(service: &Process) -> String {
    let (status, made) =
        body(service.request(Method::POST, "/api/v1/collections").json(&json!({ "name": "all" }))).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

async fn upload(service: &Process, collection: &str, bytes: &[u8]) -> String {
    let form = Form::new().part("file", Part::bytes(bytes.to_vec()).file_name("file"));
    let path = format!("/api/v1/collections/{collection}/documents");
    let (status, taken) = body(service.request(Method::POST, &path).multipart(form)).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{taken}");
    taken["data"][0]["document_id"].as_str().unwrap().to_owned()
}

async fn settled(service: &Process, document: &str) -> Value {
    eventually("the document is settled", || async {
        let (_, document) =
            body(service.request(Method::GET, &format!("/api/v1/documents/{document}"))).await;
        let waiting = matches!(document["status"].as_str().unwrap(), "queued" | "processing");
        (!waiting).then_some(document)
    })
    .await
}

/// Long enough that embedding takes some seconds.
fn long_text(round: usize) -> Vec<u8> {
    let mut text = String::new();
    for number in 0..120 {
        writeln!(text, "Clause {number}. Widget {round} of the long text shall be delivered within {number} days after the order, \
                        and the buyer shall pay for widget {round} within thirty days of delivery.\n").unwrap();
    }
    text.into_bytes()
}

fn accepted(block: &str) -> String {
    let data = block.lines().find_map(|line| line.strip_prefix("data:")).unwrap();
    let event: Value = serde_json::from_str(data.trim()).unwrap();
    event["id"].as_str().unwrap().to_owned()
}

fn outcomes(intent: &Value) -> Vec<Value> {
    let outcome = ["chat.completed", "chat.refused", "chat.failed", "chat.abandoned"];
    let related = intent["related"].as_array().cloned().unwrap_or_default();
    related.into_iter().filter(|entry| outcome.contains(&entry["kind"].as_str().unwrap())).collect()
}
