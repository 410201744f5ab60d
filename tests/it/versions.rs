//! A document through time: versions keep what did not change, stay readable and searchable as of then, and are compared
//! clause by clause.

use crate::support::app::Size;
use crate::support::app::TestApp;
use crate::support::app::body;
use crate::support::app::eventually;
use crate::support::freeze::Freeze;
use reqwest::Method;
use reqwest::StatusCode;
use reqwest::multipart::Form;
use reqwest::multipart::Part;
use serde_json::Value;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A contract of so many articles, each long enough to be a passage of its own.
fn contract(articles: usize, rent: &str) -> String {
    let article = |number: usize| {
        let sentence = format!("Obligation {number} of the parties concerns matter number {}. ", number * 37);
        let first = if number == 3 { format!("The monthly rent is {rent} euros. ") } else { String::new() };
        format!("Article {number} Matter {number}\n\n{first}{}\n\n", sentence.repeat(14))
    };
    (1..=articles).map(article).collect()
}

async fn upload_version(app: &TestApp, document: &str, text: &str) -> (StatusCode, Value) {
    let part = Part::bytes(text.as_bytes().to_vec()).file_name("contract.txt");
    let request = app.request(Method::POST, &format!("/api/v1/documents/{document}/versions"));
    body(request.multipart(Form::new().part("file", part))).await
}

pub(crate) async fn new_version(app: &TestApp, document: &str, text: &str) -> Value {
    let (status, taken) = upload_version(app, document, text).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{taken}");
    visible(app, document, &taken["data"][0]["version"]).await
}

async fn visible(app: &TestApp, document: &str, version: &Value) -> Value {
    eventually("the new version is visible", || async {
        let (_, document) = app.get(&format!("/api/v1/documents/{document}")).await;
        (document["version"] == *version && document["searchable"] == "whole").then_some(document)
    })
    .await
}

#[tokio::test]
async fn a_new_version_keeps_the_vectors_of_what_did_not_change_and_the_old_one_stays() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let first = app.document(&collection, "contract.txt", contract(8, "500").as_bytes()).await;
    let id = first["id"].as_str().unwrap();
    let then = OffsetDateTime::now_utc().format(&Rfc3339).unwrap();
    let rent = |as_of: Option<&str>| json!({ "query": "monthly rent", "limit": 3, "as_of": as_of });

    let second = new_version(&app, id, &contract(8, "650")).await;

    let (chunks, kept) =
        (second["chunks"].as_u64().unwrap(), second["coverage"]["vectors_kept"].as_u64().unwrap());
    assert!(chunks >= 8 && kept >= chunks - 2 && kept < chunks, "{second}");
    let (_, now) = app.post("/api/v1/search", &rent(None)).await;
    let (_, past) = app.post("/api/v1/search", &rent(Some(&then))).await;
    let best = |found: &Value| found["data"][0]["text"].as_str().unwrap().to_owned();
    assert!(best(&now).contains("650 euros") && best(&past).contains("500 euros"), "{now}\n{past}");
    assert!(now["data"][0]["scores"]["dense"].is_number() && past["data"][0]["scores"]["dense"].is_number());
    assert!(past["data"].as_array().unwrap().iter().all(|passage| passage["version"] == 1), "{past}");
    let (_, versions) = app.get(&format!("/api/v1/documents/{id}/versions")).await;
    let versions = versions["data"].as_array().unwrap();
    assert_eq!((&versions[0]["number"], &versions[1]["number"]), (&json!(2), &json!(1)));
    assert!(
        versions[0]["visible_until"].is_null() && versions[1]["visible_until"].is_string(),
        "{versions:?}"
    );
    let (_, old_page) = app.get(&format!("/api/v1/documents/{id}/pages/1?version=1")).await;
    assert!(old_page["text"].as_str().unwrap().contains("500 euros"), "{old_page}");
    app.stop().await;
}

#[tokio::test]
async fn a_time_that_has_not_come_is_refused() {
    let app = TestApp::start().await;

    for as_of in ["2999-01-01T00:00:00Z", "yesterday"] {
        let (status, problem) = app.post("/api/v1/search", &json!({ "query": "rent", "as_of": as_of })).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
        assert!(problem.to_string().contains("as_of"), "{problem}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_changed_is_said_clause_by_clause_in_api_and_page() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let first = app.document(&collection, "contract.txt", contract(4, "500").as_bytes()).await;
    let id = first["id"].as_str().unwrap();
    new_version(&app, id, &contract(5, "650")).await;

    let (status, diff) = app.get(&format!("/api/v1/documents/{id}/diff")).await;
    let page = app.page(&format!("/documents/{id}/diff?from=1&to=2")).await;

    assert_eq!(status, StatusCode::OK, "{diff}");
    assert_eq!((&diff["from"], &diff["to"], &diff["unchanged"]), (&json!(1), &json!(2), &json!(3)), "{diff}");
    let kinds: Vec<_> =
        diff["data"].as_array().unwrap().iter().map(|one| (&one["kind"], &one["new"]["address"])).collect();
    assert_eq!(kinds, [(&json!("changed"), &json!("Article 3")), (&json!("added"), &json!("Article 5"))]);
    let words = diff["data"][0]["words"].as_array().unwrap();
    assert!(
        words.contains(&json!({ "of": "old", "text": "500" }))
            && words.contains(&json!({ "of": "new", "text": "650" })),
        "{words:?}"
    );
    assert!(page.contains("<del>500</del><ins>650</ins>"), "{page}");
    let (status, _) = app.get(&format!("/api/v1/documents/{id}/diff?from=1&to=7")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    app.stop().await;
}

#[tokio::test]
async fn words_are_searchable_before_the_vectors() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let (_, taken) = app.upload(&collection, "long.txt", contract(60, "500").as_bytes()).await;
    let id = taken["data"][0]["document_id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/documents/{id}");

    let early = eventually("its words are searchable", || async {
        let (_, document) = app.get(&path).await;
        assert_ne!(document["searchable"], "whole", "{document}");
        (document["searchable"] == "words").then_some(document)
    })
    .await;
    let (_, found) = app.post("/api/v1/search", &json!({ "query": "monthly rent euros", "limit": 1 })).await;
    let page = app.get(&format!("{path}/pages/1")).await.0;

    assert_eq!(early["status"], "processing", "{early}");
    assert!(found["data"][0]["text"].as_str().unwrap().contains("500 euros"), "{found}");
    assert_eq!(page, StatusCode::OK);
    let whole = app.settled(&id).await;
    assert_eq!((&whole["status"], &whole["searchable"]), (&json!("ready"), &json!("whole")), "{whole}");
    let (_, log) = app.get(&format!("/api/v1/audit/events?document={id}")).await;
    let kinds: Vec<&str> =
        log["data"].as_array().unwrap().iter().filter_map(|event| event["kind"].as_str()).collect();
    assert!(kinds.contains(&"document.words_indexed") && kinds.contains(&"document.indexed"), "{kinds:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_version_that_comes_while_the_one_before_is_embedded_has_vectors_of_its_own() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let embedding = Freeze::at(
        &app.database,
        "jobs",
        "update",
        "new.version = 1 and new.stage = 'embed' and new.done > 0",
    )
    .await;
    let (_, taken) = app.upload(&collection, "contract.txt", contract(8, "500").as_bytes()).await;
    let id = taken["data"][0]["document_id"].as_str().unwrap().to_owned();
    embedding.met().await;
    let (status, taken) = upload_version(&app, &id, &contract(8, "650")).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{taken}");
    eventually("the second version waits for its vectors", || async {
        let (_, jobs) = app.get(&format!("/api/v1/jobs?document_id={id}")).await;
        let newest = &jobs["data"][0];
        (newest["version"] == 2 && newest["stage"] == "embed" && newest["state"] == "ready").then_some(())
    })
    .await;
    embedding.release().await;
    visible(&app, &id, &json!(2)).await;

    // The same words as in the version before, by meaning too.
    let query = json!({ "query": "obligation of the parties in matter 259", "limit": 20 });
    let (_, found) = app.post("/api/v1/search", &query).await;
    let found = found["data"].as_array().unwrap();

    assert!(found.len() >= 8, "{found:?}");
    for passage in found {
        assert_eq!(
            (&passage["version"], passage["scores"]["dense"].is_number()),
            (&json!(2), true),
            "{passage}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn a_short_text_waits_neither_to_be_found_nor_to_be_whole_for_anothers_long_one() {
    let app = TestApp::with(Size::Small, |config| config.ingest.turn_ms = 200).await;
    let collection = app.collection("contracts").await;
    let (_, olga) = app.user("olga", &["contributor"], Some((&collection, "write"))).await;
    let (_, taken) = app.upload(&collection, "long.txt", contract(80, "500").as_bytes()).await;
    let long = taken["data"][0]["document_id"].as_str().unwrap().to_owned();
    let document = async |id: &str| app.get(&format!("/api/v1/documents/{id}")).await.1;
    let embedding = async || {
        let (_, jobs) = app.get(&format!("/api/v1/jobs?document_id={long}")).await;
        (jobs["data"][0]["stage"] == "embed" && jobs["data"][0]["state"] == "running").then_some(())
    };
    eventually("the long one is being embedded", embedding).await;

    let form = Form::new().part("file", Part::bytes(b"The cat sleeps.".to_vec()).file_name("short.md"));
    let path = format!("/api/v1/collections/{collection}/documents");
    let (_, taken) = body(app.as_user(&olga, Method::POST, &path).multipart(form)).await;
    let short = taken["data"][0]["document_id"].as_str().unwrap().to_owned();
    let settled = app.settled(&short).await;
    let meanwhile = document(&long).await;

    assert_eq!((&settled["status"], &settled["searchable"]), (&json!("ready"), &json!("whole")), "{settled}");
    assert_eq!(meanwhile["searchable"], "words", "it was given back for a turn: {meanwhile}");
    let whole = app.settled(&long).await;
    assert_eq!(
        (&whole["status"], &whole["coverage"]["vectors_kept"]),
        (&json!("ready"), &json!(0)),
        "{whole}"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_document_nearly_the_same_is_pointed_out() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let elsewhere = app.collection("elsewhere").await;
    let first = app.document(&collection, "contract.txt", contract(12, "500").as_bytes()).await;
    let twin = app.document(&collection, "copy.txt", contract(12, "650").as_bytes()).await;
    let foreign = app.document(&elsewhere, "copy.txt", contract(12, "700").as_bytes()).await;

    let similar = |id: &Value| format!("/api/v1/documents/{}/similar", id.as_str().unwrap());
    let (_, found) = app.get(&similar(&twin["id"])).await;
    let (_, alone) = app.get(&similar(&foreign["id"])).await;
    let page = app.page(&format!("/documents/{}", twin["id"].as_str().unwrap())).await;

    assert_eq!(found["data"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["data"][0]["document_id"], first["id"]);
    assert!(found["data"][0]["similarity"].as_f64().unwrap() > 0.8, "{found}");
    assert_eq!(alone["data"], json!([]), "another collection is not compared with");
    assert!(page.contains("Nearly the same text is already here"), "{page}");
    app.stop().await;
}

#[tokio::test]
async fn a_passage_leads_to_its_neighbours_and_its_clause() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    app.document(&collection, "contract.txt", contract(5, "500").as_bytes()).await;
    let (_, found) = app.post("/api/v1/search", &json!({ "query": "monthly rent", "limit": 1 })).await;
    let id = found["data"][0]["passage_id"].as_str().unwrap();

    let (status, passage) = app.get(&format!("/api/v1/passages/{id}")).await;
    let (_, next) = app.get(&format!("/api/v1/passages/{}", passage["next"].as_str().unwrap())).await;

    assert_eq!((status, &passage["clause"]), (StatusCode::OK, &json!("Article 3")), "{passage}");
    assert_eq!((&next["previous"], &next["clause"]), (&passage["passage_id"], &json!("Article 4")), "{next}");
    let (status, _) = app.get(&format!("/api/v1/passages/{}", uuid::Uuid::nil())).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    app.stop().await;
}

#[tokio::test]
async fn with_a_document_go_the_answers_that_show_it() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let document = app.document(&collection, "contract.txt", contract(3, "500").as_bytes()).await;
    let question = json!({ "question": "What is the monthly rent?", "collection_ids": [collection] });
    let (_, answer) = app.post("/api/v1/answers", &question).await;
    let path = format!("/api/v1/answers/{}", answer["id"].as_str().unwrap());
    assert_eq!(app.get(&path).await.0, StatusCode::OK);

    let erase =
        app.request(Method::DELETE, &format!("/api/v1/documents/{}", document["id"].as_str().unwrap()));
    let (status, _) = body(erase).await;

    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(app.get(&path).await.0, StatusCode::NOT_FOUND);
    app.stop().await;
}
