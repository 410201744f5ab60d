//! Jobs in people's hands, through the front door: stopped, begun again with any stage, listed, on pages.

use crate::support::app::Size;
use crate::support::app::TestApp;
use crate::support::app::body;
use crate::support::app::eventually;
use crate::support::files;
use crate::support::freeze::Freeze;
use reqwest::Method;
use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;
use std::fmt::Write;

/// So many clauses, each of which has a word of its own; a passage holds some of them.
pub(crate) fn clauses(count: usize, word: &str) -> Vec<u8> {
    let mut text = String::new();
    for number in 1..=count {
        writeln!(
            text,
            "Article {number} Delivery of {word}{number}\n\n{}\n",
            format!("The supplier shall deliver {word}{number} within {number} days after the order. ")
                .repeat(4)
        )
        .unwrap();
    }
    text.into_bytes()
}

/// The newest job of a document.
async fn job_of(app: &TestApp, document: &str) -> Value {
    let (_, listed) = app.get(&format!("/api/v1/jobs?document_id={document}")).await;
    listed["data"][0].clone()
}

async fn uploaded(app: &TestApp, collection: &str, name: &str, bytes: &[u8]) -> (String, String) {
    let (status, taken) = app.upload(collection, name, bytes).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{taken}");
    let id = |name: &str| taken["data"][0][name].as_str().unwrap().to_owned();
    (id("document_id"), id("job_id"))
}

/// How many passages of a document a search finds.
async fn found(app: &TestApp, document: &str, query: &str) -> usize {
    let query = json!({ "query": query, "document_ids": [document], "limit": 50 });
    let (status, found) = app.post("/api/v1/search", &query).await;
    assert_eq!(status, StatusCode::OK, "{found}");
    found["data"].as_array().unwrap().len()
}

/// All that is stored of a document's text, but for what says when and how often.
async fn stored(app: &TestApp, document: &str) -> Vec<String> {
    const PARTS: [&str; 5] = [
        "select row(ordinal, page, first, past, boxes, heading_path, table_header, content, embedded_sha256)::text
         from passages where document_id = $1 order by ordinal",
        "select row(first, past, content)::text from texts where document_id = $1 order by first",
        "select row(number, first, past, layout)::text from pages where document_id = $1 order by number",
        "select row(clauses, structure, read_with, cut_with, reading)::text from outlines where document_id = $1",
        "select row(status, media_type, read_title, pages, passages, warnings, coverage::jsonb - 'vectors_kept')::text
         from versions where document_id = $1",
    ];
    let id: uuid::Uuid = document.parse().unwrap();
    let mut owner = app.database.owner().await;
    let mut all = Vec::new();
    for part in PARTS {
        let rows: Vec<String> = sqlx::query_scalar(part).bind(id).fetch_all(&mut owner).await.unwrap();
        assert!(!rows.is_empty(), "{part}");
        all.extend(rows);
    }
    all
}

#[tokio::test]
async fn whatever_stage_a_whole_document_is_begun_again_with_the_same_comes_out() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let whole = app.document(&collection, "supply.txt", &clauses(30, "widget")).await;
    let id = whole["id"].as_str().unwrap();
    let chunks = whole["chunks"].as_u64().unwrap();
    let before = stored(&app, id).await;

    for from in ["read", "chunk", "embed"] {
        let job = job_of(&app, id).await["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/jobs/{job}/retry");
        let (status, anew) = app.post(&path, &json!({ "from": from })).await;
        assert_eq!((status, &anew["from"]), (StatusCode::ACCEPTED, &json!(from)), "{anew}");
        let ended = eventually("the new job is over", || async {
            let job = job_of(&app, id).await;
            (job["id"] == anew["id"] && job["state"] == "succeeded").then_some(job)
        })
        .await;

        assert_eq!((&ended["attempts"], &ended["error"]), (&json!(1), &Value::Null), "{from}: {ended}");
        assert_eq!(stored(&app, id).await, before, "{from}");
        let (_, document) = app.get(&format!("/api/v1/documents/{id}")).await;
        assert_eq!(document["searchable"], "whole", "{from}: {document}");
        assert_eq!(document["coverage"]["vectors_kept"], chunks, "{from}: {document}");
        assert!(found(&app, id, "delivery of widget17").await > 0, "{from}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_running_job_is_stopped_at_once_and_goes_on_later_from_what_was_stored() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let freeze = Freeze::at(&app.database, "versions", "update", "new.status like 'ready%'").await;
    let (document, job) = uploaded(&app, &collection, "supply.txt", &clauses(20, "gadget")).await;
    freeze.met().await;
    // The end of the job is being written, and waits: a stop comes too late, whole.
    let stopping = body(app.request(Method::POST, &format!("/api/v1/jobs/{job}/stop")));
    let ((status, over), ()) = tokio::join!(stopping, freeze.release());
    assert_eq!((status, &over["code"]), (StatusCode::CONFLICT, &json!("job_over")), "{over}");
    assert_eq!(app.settled(&document).await["status"], "ready");

    let freeze = Freeze::at(&app.database, "passages", "insert", "true").await;
    let (document, job) = uploaded(&app, &collection, "other.txt", &clauses(20, "gizmo")).await;
    freeze.met().await;
    let path = format!("/api/v1/jobs/{job}/stop");
    let (status, stopped) = body(app.request(Method::POST, &path)).await;
    let (again, _) = body(app.request(Method::POST, &path)).await;
    freeze.release().await;

    assert_eq!((status, again, &stopped["state"]), (StatusCode::OK, StatusCode::OK, &json!("stopped")));
    assert_eq!(stopped["error"]["code"], "stopped", "{stopped}");
    assert!(stopped["error"]["detail"].as_str().unwrap().contains("admin"), "{stopped}");
    let failed = app.settled(&document).await;
    assert_eq!((&failed["status"], &failed["searchable"]), (&json!("failed"), &json!("no")));
    assert_eq!(found(&app, &document, "delivery of gizmo3").await, 0);
    let (_, logged) =
        app.get(&format!("/api/v1/audit/events?kind=document.stopped&document={document}")).await;
    assert_eq!(logged["data"].as_array().unwrap().len(), 1, "{logged}");
    let (_, anew) = body(app.request(Method::POST, &format!("/api/v1/jobs/{job}/retry"))).await;
    assert_eq!((&anew["from"], &anew["document_id"]), (&json!("embed"), &json!(document)));
    assert_eq!(app.settled(&document).await["status"], "ready");
    let (status, over) = body(app.request(Method::POST, &format!("/api/v1/jobs/{job}/retry"))).await;
    assert_eq!((status, &over["code"]), (StatusCode::CONFLICT, &json!("job_replaced")), "{over}");
    app.stop().await;
}

#[tokio::test]
async fn an_attempt_after_a_lost_lease_reads_nothing_again_and_keeps_the_vectors_that_were_written() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let (document, job) = uploaded(&app, &collection, "supply.txt", &clauses(20, "gear")).await;
    let whole = app.settled(&document).await;
    assert_eq!(whole["status"], "ready", "{whole}");
    // Counters are shared by all services of this process, so the row of the job is watched.
    app.database
        .execute_as_owner(
            "create table passed (stage text, done bigint, total bigint);
             create function note() returns trigger language plpgsql security definer as
                 $$ begin insert into public.passed values (new.stage, new.done, new.total); return null; end $$;
             create trigger note after update of stage on jobs for each row execute function note();",
        )
        .await;
    // As if the service had died between the last vector and the end of the job.
    let id: uuid::Uuid = document.parse().unwrap();
    sqlx::query(
        "with lost as (update versions set status = 'processing' where document_id = $1)
         update jobs set state = 'running', worker = 'gone', lease_until = now() - interval '1 second'
         where document_id = $1",
    )
    .bind(id)
    .execute(&mut app.database.owner().await)
    .await
    .unwrap();

    let settled = app.settled(&document).await;
    let (_, ended) = app.get(&format!("/api/v1/jobs/{job}")).await;

    assert_eq!(settled["status"], "ready", "{settled}");
    assert_eq!((&ended["attempts"], &ended["state"]), (&json!(2), &json!("succeeded")), "{ended}");
    let (again, embedding): (i64, i64) = sqlx::query_as(
        "select count(*) filter (where stage in ('read', 'recognise', 'chunk') or stage = 'embed' and done < total),
             count(*) filter (where stage = 'embed')
         from passed",
    )
    .fetch_one(&mut app.database.owner().await)
    .await
    .unwrap();
    assert_eq!(again, 0);
    assert!(embedding > 0);
    app.stop().await;
}

#[tokio::test]
async fn a_stopped_job_kills_the_child_that_reads() {
    // Names this service's children among those of others.
    let app = TestApp::with(Size::Small, |config| config.reader.cpu_seconds = 237).await;
    let collection = app.collection("archive").await;
    let scan = files::scan_of(&files::pdf(files::LEASE), 2, false);
    let (document, job) = uploaded(&app, &collection, "scan.pdf", &scan).await;
    eventually("a page is being recognised", || async {
        let (_, job) = app.get(&format!("/api/v1/jobs/{job}")).await;
        assert!(matches!(job["state"].as_str().unwrap(), "ready" | "running"), "{job}");
        (job["stage"] == "recognise" && children() > 0).then_some(())
    })
    .await;

    let (status, stopped) = body(app.request(Method::POST, &format!("/api/v1/jobs/{job}/stop"))).await;
    eventually("no child reads any more", || async { (children() == 0).then_some(()) }).await;

    assert_eq!((status, &stopped["failed_stage"]), (StatusCode::OK, &json!("recognise")), "{stopped}");
    assert_eq!(app.settled(&document).await["error"]["code"], "stopped");
    app.stop().await;
}

/// Processes that recognise a page for the service of the test above.
fn children() -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    let ours = |line: &Vec<u8>| {
        let line = String::from_utf8_lossy(line);
        line.contains("\"cpu_seconds\":237") && line.contains("--models")
    };
    lines.filter(ours).count()
}

#[tokio::test]
async fn only_writers_stop_jobs_and_begin_them_again_and_only_such_as_allow_it() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let whole = app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    let job = whole["job_id"].as_str().unwrap();
    let (_, reader) = app.user("rita", &["contributor"], Some((&collection, "read"))).await;
    let (_, stranger) = app.user("sam", &["contributor"], None).await;
    let (_, viewer) = app.user("vic", &["viewer"], Some((&collection, "write"))).await;

    for (key, status, code) in [
        (&app.key, StatusCode::CONFLICT, "job_over"),
        (&reader, StatusCode::FORBIDDEN, "not_writable"),
        (&stranger, StatusCode::NOT_FOUND, "job_not_found"),
        (&viewer, StatusCode::FORBIDDEN, "role_missing"),
    ] {
        let request = app.as_user(key, Method::POST, &format!("/api/v1/jobs/{job}/stop"));
        let (answered, problem) = body(request).await;
        assert_eq!((answered, problem["code"].as_str()), (status, Some(code)), "{problem}");
    }
    for key in [&reader, &stranger, &viewer] {
        let request = app.as_user(key, Method::POST, &format!("/api/v1/jobs/{job}/retry"));
        assert!(body(request).await.0.is_client_error());
    }
    let (status, wrong) = app.post(&format!("/api/v1/jobs/{job}/retry"), &json!({ "from": "index" })).await;
    assert_eq!((status, &wrong["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_input")), "{wrong}");
    app.stop().await;
}

#[tokio::test]
async fn what_failed_is_listed_with_its_reason_and_tried_again_from_a_page() {
    let app = TestApp::with(Size::Small, |config| config.models.recogniser = String::new()).await;
    let collection = app.collection("archive").await;
    let scan = app.document(&collection, "scan.pdf", &files::scanned_pdf()).await;
    app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;

    let (_, failed) = app.get(&format!("/api/v1/jobs?state=failed&collection_id={collection}")).await;
    let (_, all) = app.get("/api/v1/jobs?limit=1").await;
    let (wrong, _) = app.get("/api/v1/jobs?state=broken").await;
    let page = app.page("/jobs").await;
    let document = app.page(&format!("/documents/{}", scan["id"].as_str().unwrap())).await;

    let only = &failed["data"][0];
    assert_eq!((failed["data"].as_array().unwrap().len(), &only["file_name"]), (1, &json!("scan.pdf")));
    assert_eq!(
        (&only["error"]["code"], &only["failed_stage"]),
        (&json!("no_text"), &json!("read")),
        "{only}"
    );
    assert!(all["next_cursor"].is_string(), "{all}");
    assert_eq!(wrong, StatusCode::BAD_REQUEST);
    assert!(page.contains("scan.pdf") && page.contains("no_text") && !page.contains("lease.pdf"), "{page}");
    let action = format!("/jobs/{}/retry", only["id"].as_str().unwrap());
    assert!(page.contains(&action) && document.contains(&action), "{document}");
    let form = [("back", format!("/documents/{}", scan["id"].as_str().unwrap()))];
    let led = app.request(Method::POST, &action).form(&form).send().await.unwrap();
    assert!(led.url().path().starts_with("/documents/"), "{}", led.url());
    assert_ne!(job_of(&app, scan["id"].as_str().unwrap()).await["id"], only["id"]);
    app.stop().await;
}
