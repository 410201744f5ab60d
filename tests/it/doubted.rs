//! What is left to see of a log that is not what it signed, and what is said of a record that is not what was recorded.

use crate::support::app::Browser;
use crate::support::app::body;
use crate::tampering::app;
use crate::tampering::as_superuser;
use crate::tampering::is_doubted;
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test]
async fn a_doubted_log_is_read_but_nothing_is_answered_or_changed() {
    let app = app().await.restarted().await;
    as_superuser(&app, &["delete from audit.entry where leaf_index >= 9"]).await;
    let app = app.restarted().await;

    let (asked, problem) = app.ask(&json!({ "question": "How much is the rent?" })).await;
    let (made, _) = app.post("/api/v1/collections", &json!({ "name": "late" })).await;
    let (listed, events) = app.get("/api/v1/audit/events").await;
    let (ready, said) = body(app.client.get(format!("{}/readyz", app.url))).await;

    assert_eq!((asked, made), (StatusCode::SERVICE_UNAVAILABLE, StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(problem["code"], "audit_rollback", "{problem}");
    assert_eq!((listed, events["data"].as_array().unwrap().len()), (StatusCode::OK, 9));
    assert_eq!(ready, StatusCode::SERVICE_UNAVAILABLE, "{said}");
    app.stop().await;
}

#[tokio::test]
async fn an_auditor_signs_in_to_a_doubted_log_and_sees_its_records_without_content() {
    let app = app().await;
    app.user("clara", &["auditor"], None).await;
    app.user("vera", &["viewer"], None).await;
    let app = app.restarted().await;
    let (_, events) = app.get("/api/v1/audit/events?kind=user.create").await;
    let record = events["data"][0]["event_id"].as_str().unwrap();
    let path = format!("/api/v1/audit/events/{record}");
    let (_, before) = app.get(&path).await;
    as_superuser(&app, &["update audit.node set hash = sha256(hash) where position = (select max(position) from audit.node)"])
        .await;
    let app = app.restarted().await;

    let (_, after) = app.get(&path).await;
    let (disclosed, _) = app.get(&format!("{path}/disclosure")).await;
    let browser = Browser::sign_in(&app, "clara", "correct horse battery staple").await;
    let page = |path: String| {
        let request = browser.client.get(format!("{}{path}", app.url));
        async move { request.send().await.unwrap().text().await.unwrap() }
    };
    let password = json!({ "name": "vera", "password": "correct horse battery staple" });
    let (others, problem) =
        body(app.client.post(format!("{}/api/v1/session", app.url)).json(&password)).await;
    let (list, one) = (page("/audit".to_owned()).await, page(format!("/audit/{record}")).await);

    assert!(list.contains("The log is doubted") && list.contains(record), "{list}");
    assert!(one.contains("The log is doubted") && one.contains("Leaf hash") && !one.contains("✓"), "{one}");
    assert!(before["content"].is_object() && after["content"].is_null(), "{before} {after}");
    assert_eq!((&after["leaf"], disclosed), (&before["leaf"], StatusCode::SERVICE_UNAVAILABLE), "{after}");
    assert_eq!(
        (others, &problem["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("audit_rollback")),
        "{problem}"
    );
    app.stop().await;
}

#[tokio::test]
async fn content_that_no_record_erased_and_a_review_that_no_record_took_are_seen() {
    let app = app().await;
    let (_, search) = app.post("/api/v1/search", &json!({ "query": "rent" })).await;
    assert!(search["data"].is_array(), "{search}");
    let (_, intents) = app.get("/api/v1/audit/events?kind=search.intent").await;
    let id = intents["data"][0]["event_id"].as_str().unwrap();
    let path = format!("/api/v1/audit/events/{id}");
    let (_, untouched) = app.get(&path).await;
    as_superuser(
        &app,
        &[&format!(
            "insert into audit.review (intent, state, changed_by, changed_at)
         select '{id}', 'cleared', actor, now() from audit.entry where event_id = '{id}'"
        )],
    )
    .await;
    let (_, reviewed) = app.get(&path).await;
    as_superuser(
        &app,
        &[
            "delete from audit.review",
            &format!("delete from audit.sealed where event_id = '{id}'"),
            &format!(
                "insert into audit.erased (event_id, erased_by)
             select '{id}', event_id from audit.entry where kind = 'user.create' limit 1"
            ),
        ],
    )
    .await;
    let (_, erased) = app.get(&path).await;

    assert_eq!(untouched["verified"], true, "{untouched}");
    assert_eq!(reviewed["verified"], false, "{reviewed}");
    assert_eq!((&erased["verified"], &erased["erased"]), (&json!(false), &json!(null)), "{erased}");
    app.stop().await;
}

#[tokio::test]
async fn an_emptied_log_is_not_taken_for_a_new_one() {
    let app = app().await.restarted().await;
    let all = ["delete from audit.checkpoint", "delete from audit.node", "delete from audit.entry"];
    as_superuser(&app, &all).await;

    let (_, verification) = app.post("/api/v1/audit/verifications", &json!({})).await;

    assert_eq!(verification["holds"], false, "{verification}");
    assert!(is_doubted(&app).await);
    app.stop().await;
}
