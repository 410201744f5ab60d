//! The log: every question leaves an intent and exactly one outcome, and without the log nothing leaves.

use crate::support::app::Size;
use crate::support::app::TestApp;
use crate::support::app::eventually;
use crate::support::files;
use reqwest::Method;
use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;

const RENT: &str = "How much is the monthly rent?";

#[tokio::test]
async fn a_question_leaves_an_intent_and_exactly_one_outcome() {
    let app = with_lease().await;
    let (_, answer) = app.ask(&json!({ "question": RENT, "temperature": 0 })).await;
    let id = answer["id"].as_str().unwrap();

    let (status, intent) = app.get(&format!("/api/v1/audit/events/{id}")).await;

    assert_eq!((status, &intent["kind"]), (StatusCode::OK, &json!("chat.intent")), "{intent}");
    assert_eq!(intent["content"]["content"]["question"], RENT, "{intent}");
    assert!(!intent["leaf"].to_string().contains("monthly rent"), "content stands in the leaf: {intent}");
    let outcomes = outcomes(&intent);
    assert_eq!(outcomes.len(), 1, "{intent}");
    assert_eq!(outcomes[0]["event_id"], answer["receipt"]["event_id"]);
    assert_eq!(outcomes[0]["leaf_hash"], answer["receipt"]["leaf_hash"]);
    let facts = &outcomes[0]["leaf"]["facts"];
    let candidate = &facts["retrieval"]["candidates"][0];
    assert_eq!(candidate["document"], answer["passages"][0]["document_id"], "{facts}");
    assert_eq!((&candidate["version"], candidate["page"].is_u64()), (&json!(1), true), "{facts}");
    for field in ["model", "prompt", "retrieval"] {
        assert!(facts.get(field).is_some(), "no `{field}`: {facts}");
    }
    app.stop().await;
}

#[tokio::test]
async fn entries_are_listed_by_filter_and_by_page() {
    let app = with_lease().await;
    let (_, answer) = app.ask(&json!({ "question": RENT, "temperature": 0 })).await;
    let outcome = answer["outcome"].as_str().unwrap();

    let (_, by_outcome) = app.get(&format!("/api/v1/audit/events?outcome={outcome}")).await;
    let (_, first) = app.get("/api/v1/audit/events?limit=2").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let (_, second) = app.get(&format!("/api/v1/audit/events?limit=2&cursor={cursor}")).await;

    assert_eq!(by_outcome["data"].as_array().unwrap().len(), 1, "{by_outcome}");
    let index = |page: &Value, row: usize| page["data"][row]["leaf_index"].as_i64().unwrap();
    assert_eq!(index(&first, 0) - 1, index(&first, 1));
    assert_eq!(index(&first, 1) - 1, index(&second, 0));
    let (status, problem) = app.get("/api/v1/audit/events?from=yesterday").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    app.stop().await;
}

#[tokio::test]
async fn reading_a_record_is_itself_recorded() {
    let app = with_lease().await;
    let (_, answer) = app.ask(&json!({ "question": RENT })).await;

    app.get(&format!("/api/v1/audit/events/{}", answer["id"].as_str().unwrap())).await;

    let (_, viewed) = app.get("/api/v1/audit/events?kind=audit.viewed").await;
    assert_eq!(viewed["data"].as_array().unwrap().len(), 1, "{viewed}");
    app.stop().await;
}

#[tokio::test]
async fn without_the_log_no_answer_leaves() {
    let app = with_lease().await;
    app.database
        .execute_as_owner("alter table audit.entry add constraint broken check (false) not valid")
        .await;

    let (status, problem) = app.ask(&json!({ "question": RENT })).await;
    let streamed = app
        .request(Method::POST, "/api/v1/answers")
        .json(&json!({ "question": RENT, "stream": true }))
        .send()
        .await
        .unwrap();

    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    assert_eq!(problem["code"], "audit_unavailable", "{problem}");
    assert!(!streamed.text().await.unwrap().contains("event: sentence"));
    app.stop().await;
}

#[tokio::test]
async fn a_log_that_has_too_much_to_write_turns_new_questions_away() {
    let app = TestApp::with(Size::Small, |config| {
        config.audit.queue_depth = 1;
        config.audit.timeout_ms = 3_000;
    })
    .await;
    let mut writer = app.database.owner().await;
    sqlx::query("select pg_advisory_lock(940375422942576641)").execute(&mut writer).await.unwrap();
    let search = json!({ "query": "rent" });

    let asked = (0..6).map(|_| app.request(Method::POST, "/api/v1/search").json(&search).send());
    let answers = futures::future::join_all(asked).await;

    let mut busy = 0;
    for answer in answers {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key("retry-after"));
        let problem: Value = answer.json().await.unwrap();
        busy += usize::from(problem["code"] == "audit_busy");
    }
    assert!(busy >= 3, "{busy} of 6 were turned away at once");
    drop(writer);
    eventually("questions are taken again", || async {
        let (status, _) = app.post("/api/v1/search", &search).await;
        (status == StatusCode::OK).then_some(())
    })
    .await;
    let metrics = app.page("/metrics").await;
    for name in ["audit_queue_depth", "audit_open_intents", "audit_doubted"] {
        assert!(metrics.contains(&format!("docent_{name}")), "no docent_{name}");
    }
    app.stop().await;
}

#[tokio::test]
async fn when_the_outcome_cannot_be_recorded_no_sentence_leaves() {
    let app = with_lease().await;
    // Intents still go in; what comes after them does not.
    app.database
        .execute_as_owner("alter table audit.entry add constraint broken check (kind in ('chat.intent', 'chat.failed')) not valid")
        .await;

    let streamed = app
        .request(Method::POST, "/api/v1/answers")
        .json(&json!({ "question": RENT, "stream": true }))
        .send()
        .await
        .unwrap();

    let text = streamed.text().await.unwrap();
    assert!(text.contains("event: accepted"), "{text}");
    assert!(!text.contains("event: sentence") && !text.contains("event: done"), "{text}");
    assert!(text.contains("event: error"), "{text}");
    app.stop().await;
}

/// With the lease in a collection.
pub(crate) async fn with_lease() -> TestApp {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    app
}

fn outcomes(intent: &Value) -> Vec<&Value> {
    let outcome = ["chat.completed", "chat.refused", "chat.failed", "chat.abandoned"];
    let related = intent["related"].as_array().unwrap();
    related.iter().filter(|entry| outcome.contains(&entry["kind"].as_str().unwrap())).collect()
}
