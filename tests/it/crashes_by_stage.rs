//! `kill -9` within each stage, held there by a lock in Postgres: what is seen is never half, the old version stays until
//! the new one is whole, and the job comes to its end after a restart, from what was stored.

use crate::jobs::clauses;
use crate::support::app::body;
use crate::support::app::eventually;
use crate::support::files;
use crate::support::freeze::Freeze;
use crate::support::postgres::TestPostgres;
use crate::support::process::Process;
use reqwest::Method;
use reqwest::StatusCode;
use reqwest::multipart::Form;
use reqwest::multipart::Part;
use serde_json::Value;
use serde_json::json;

/// Leases are short, so that nothing waits for them; statements may wait for the test.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("DOCENT__INGEST__LEASE_MS", "20000"),
    ("DOCENT__INGEST__EMBED_BATCH", "4"),
    ("DOCENT__DATABASE__TIMEOUT_MS", "120000"),
    ("DOCENT__DATABASE__MAX_CONNECTIONS", "8"),
    ("DOCENT__HTTP__QUESTIONS_PER_MINUTE", "0"),
    ("DOCENT__LOG__LEVEL", "warn"),
];
/// Wraps nothing that matters.
const MASTER_KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";

/// Where a job is held when its service is killed.
struct Held {
    table: &'static str,
    event: &'static str,
    when: &'static str,
    what: What,
    /// Its words can be found by then, where nothing of its document could be found before.
    by_words: bool,
    /// The next attempt need not read.
    goes_on: bool,
    /// Attempts in the lane that it ended in.
    attempts: i32,
}

/// What is uploaded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// A new document.
    Document,
    /// A new document of one page that is a picture.
    Scan,
    /// A new version of the document that is there.
    Version,
}

const fn held(table: &'static str, event: &'static str, when: &'static str) -> Held {
    Held { table, event, when, what: What::Document, by_words: false, goes_on: false, attempts: 1 }
}

/// In the second lane.
const fn later(table: &'static str, event: &'static str, when: &'static str) -> Held {
    Held { goes_on: true, attempts: 2, ..held(table, event, when) }
}

/// In the order of the pipeline.
const STAGES: [Held; 9] = [
    held("jobs", "update", "new.stage = 'read' and new.total > 0"),
    Held { what: What::Scan, ..held("jobs", "update", "new.stage = 'recognise' and new.state = 'running'") },
    Held { what: What::Version, ..held("jobs", "update", "new.stage = 'chunk'") },
    Held { what: What::Version, ..held("passages", "insert", "new.ordinal >= 0") },
    Held { goes_on: true, ..held("documents", "update", "new.visible_version = 1") },
    Held { by_words: true, ..later("jobs", "update", "new.stage = 'embed' and new.done > 0") },
    Held { what: What::Version, ..later("jobs", "update", "new.stage = 'embed' and new.done > 0") },
    Held { by_words: true, ..later("jobs", "update", "new.stage = 'index'") },
    Held { what: What::Version, ..later("versions", "update", "new.status like 'ready%'") },
];

#[tokio::test]
async fn a_service_killed_within_any_stage_shows_nothing_half_and_finishes_after_a_restart() {
    let (database, directory) = (TestPostgres::fresh().await, tempfile::tempdir().unwrap());
    let environment = environment(&database);
    let mut service = Process::start(directory.path(), &environment).await;
    let collection = collection(&service).await;
    let path = format!("/api/v1/collections/{collection}/documents");
    let standing = upload(&service, &path, &clauses(20, "standing1x")).await;
    settled(&service, &standing, 1).await;
    let mut newest = 1;

    for (number, held) in STAGES.iter().enumerate() {
        let freeze = Freeze::at(&database, held.table, held.event, held.when).await;
        let round = if held.what == What::Version {
            newest += 1;
            next_version(&service, held, &standing, newest).await
        } else {
            new_document(&service, held, &path, number).await
        };
        freeze.met().await;
        seen_while_held(&service, &round).await;
        service.kill();
        freeze.release().await;
        service = Process::start(directory.path(), &environment).await;
        seen_after_all(&service, &database, &round).await;
    }
}

/// What was uploaded, to be held at a stage.
struct Round<'a> {
    held: &'a Held,
    document: String,
    version: i32,
    /// Words of the version before.
    old: Option<String>,
    /// Words of this one.
    new: String,
    label: String,
}

async fn next_version<'a>(service: &Process, held: &'a Held, document: &str, version: i32) -> Round<'a> {
    let path = format!("/api/v1/documents/{document}/versions");
    upload(service, &path, &clauses(20, &format!("standing{version}x"))).await;
    Round {
        held,
        document: document.to_owned(),
        version,
        old: Some(format!("standing{}x3", version - 1)),
        new: format!("standing{version}x3"),
        label: format!("a version held when {}", held.when),
    }
}

async fn new_document<'a>(service: &Process, held: &'a Held, path: &str, number: usize) -> Round<'a> {
    let (bytes, new) = match held.what {
        What::Scan => (scan(), "ninety days written notice".to_owned()),
        What::Document | What::Version => {
            (clauses(20, &format!("round{number}x")), format!("round{number}x3"))
        }
    };
    let document = upload(service, path, &bytes).await;
    Round { held, document, version: 1, old: None, new, label: format!("a document held when {}", held.when) }
}

/// The old version, or nothing, or a first one that can be found by its words.
async fn seen_while_held(service: &Process, round: &Round<'_>) {
    let (label, seen) = (&round.label, show(service, &round.document).await);
    if let Some(old) = &round.old {
        assert_eq!(seen["version"], round.version - 1, "{label}: {seen}");
        assert!(finds(service, &round.document, old).await, "{label}: the old version is gone");
    } else {
        let expected = if round.held.by_words { "words" } else { "no" };
        assert_eq!(seen["searchable"], expected, "{label}: {seen}");
    }
    let by_words = round.held.by_words;
    assert_eq!(finds(service, &round.document, &round.new).await, by_words, "{label}");
}

/// The new version alone and whole; what was stored was not made again.
async fn seen_after_all(service: &Process, database: &TestPostgres, round: &Round<'_>) {
    let label = &round.label;
    let settled = settled(service, &round.document, round.version).await;
    assert!(settled["status"].as_str().unwrap().starts_with("ready"), "{label}: {settled}");
    assert!(finds(service, &round.document, &round.new).await, "{label}");
    if let Some(old) = &round.old {
        assert!(!finds(service, &round.document, old).await, "{label}: both versions");
    }
    whole(database, round).await;
    let (resumed, read) = eventually(&format!("the metrics tell how it went on, {label}"), || async {
        let resumed = metric(service, "docent_ingest_resumed_total{from=\"embed\"}").await > 0.0;
        let read = metric(service, "docent_ingest_stage_seconds_count{stage=\"read\"}").await > 0.0;
        (resumed || read).then_some((resumed, read))
    })
    .await;
    assert_eq!((resumed, read), (round.held.goes_on, !round.held.goes_on), "{label}");
}

#[tokio::test]
async fn a_version_that_is_cut_anew_is_seen_as_it_was_until_all_of_it_is_there() {
    let (database, directory) = (TestPostgres::fresh().await, tempfile::tempdir().unwrap());
    let mut environment = environment(&database);
    let service = Process::start(directory.path(), &environment).await;
    let collection = collection(&service).await;
    let text = clauses(20, "widget");
    let document = upload(&service, &format!("/api/v1/collections/{collection}/documents"), &text).await;
    let before = settled(&service, &document, 1).await;
    service.interrupt();
    environment.push(("DOCENT__INGEST__CHUNK_TOKENS", "64"));
    let service = Process::start(directory.path(), &environment).await;
    let freeze = Freeze::at(&database, "passages", "insert", "true").await;

    // What is stored was cut into other passages than would come out now, so the text is cut again.
    let path = format!("/api/v1/jobs/{}/retry", before["job_id"].as_str().unwrap());
    let request = service.request(Method::POST, &path).json(&json!({ "from": "embed" }));
    let embedding = Freeze::at(&database, "jobs", "update", "new.stage = 'embed' and new.done > 0").await;
    let (status, anew) = body(request).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{anew}");
    embedding.met().await;
    let meanwhile = show(&service, &document).await;
    assert!(finds(&service, &document, "widget7").await, "gone while it is embedded");
    embedding.release().await;
    freeze.met().await;
    let replaced = show(&service, &document).await;
    assert!(!finds(&service, &document, "widget7").await, "half there");
    service.kill();
    freeze.release().await;
    let service = Process::start(directory.path(), &environment).await;
    let after = settled(&service, &document, 1).await;

    assert_eq!((&meanwhile["status"], &meanwhile["chunks"]), (&json!("ready"), &before["chunks"]));
    assert_eq!((&replaced["status"], &replaced["searchable"]), (&json!("processing"), &json!("no")));
    assert_eq!(after["status"], "ready", "{after}");
    assert!(after["chunks"].as_u64() > before["chunks"].as_u64(), "{before}\n{after}");
    assert!(finds(&service, &document, "widget7").await);
    assert!(metric(&service, "docent_ingest_resumed_total{from=\"chunk\"}").await > 0.0);
}

fn environment(database: &TestPostgres) -> Vec<(&'static str, &str)> {
    let own = [("DOCENT__DATABASE__URL", database.url()), ("DOCENT_MASTER_KEY", MASTER_KEY)];
    ENVIRONMENT.iter().copied().chain(own).collect()
}

/// One version is visible, the newest; every version has its passages once; the job took no more attempts than
/// it had to.
async fn whole(database: &TestPostgres, round: &Round<'_>) {
    let (id, version, label) = (round.document.parse::<uuid::Uuid>().unwrap(), round.version, &round.label);
    let mut owner = database.owner().await;
    let visible: Vec<i32> = sqlx::query_scalar(
        "select number from versions
         where document_id = $1 and visible_since is not null and visible_until is null",
    )
    .bind(id)
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let odd: i64 = sqlx::query_scalar(
        "select count(*) from versions
         where document_id = $1
             and passages is distinct from (
                 select count(distinct ordinal)::integer from passages
                 where passages.document_id = $1 and passages.version = versions.number
             )",
    )
    .bind(id)
    .fetch_one(&mut owner)
    .await
    .unwrap();
    let (state, attempts): (String, i32) =
        sqlx::query_as("select state, attempts from jobs where document_id = $1 and version = $2")
            .bind(id)
            .bind(version)
            .fetch_one(&mut owner)
            .await
            .unwrap();
    assert_eq!((visible, odd), (vec![version], 0), "{label}");
    assert_eq!((state.as_str(), attempts), ("succeeded", round.held.attempts), "{label}");
}

/// The second page of the lease as a picture.
fn scan() -> Vec<u8> {
    files::scan_of(&files::pdf(&files::LEASE[1..]), 1, false)
}

async fn collection(service: &Process) -> String {
    let (status, made) =
        body(service.request(Method::POST, "/api/v1/collections").json(&json!({ "name": "all" }))).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

async fn upload(service: &Process, path: &str, bytes: &[u8]) -> String {
    let form = Form::new().part("file", Part::bytes(bytes.to_vec()).file_name("file"));
    let (status, taken) = body(service.request(Method::POST, path).multipart(form)).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{taken}");
    taken["data"][0]["document_id"].as_str().unwrap().to_owned()
}

async fn show(service: &Process, document: &str) -> Value {
    let (status, document) =
        body(service.request(Method::GET, &format!("/api/v1/documents/{document}"))).await;
    assert_eq!(status, StatusCode::OK, "{document}");
    document
}

/// The document when that version of it is whole, or it failed.
async fn settled(service: &Process, document: &str, version: i32) -> Value {
    eventually("the document is settled", || async {
        let document = show(service, document).await;
        let whole = document["searchable"] == "whole" && document["version"] == version;
        (whole || document["status"] == "failed" || document["error"].is_object()).then_some(document)
    })
    .await
}

/// Says whether a search in the document gives a passage with these words.
async fn finds(service: &Process, document: &str, words: &str) -> bool {
    let query = json!({ "query": words, "document_ids": [document], "limit": 20 });
    let (status, found) = body(service.request(Method::POST, "/api/v1/search").json(&query)).await;
    assert_eq!(status, StatusCode::OK, "{found}");
    let passages = found["data"].as_array().unwrap();
    passages.iter().any(|passage| passage["text"].as_str().unwrap().contains(words))
}

async fn metric(service: &Process, name: &str) -> f64 {
    let text = service.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0.0, |value| value.trim().parse().unwrap())
}
