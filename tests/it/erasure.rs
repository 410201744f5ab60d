//! Content erased for good, by two people together or when its time is over, and what keeps it; the records stay.

use crate::audit::with_lease;
use crate::replay::replay;
use crate::support::app::Size;
use crate::support::app::TestApp;
use crate::support::app::body;
use crate::support::app::eventually;
use crate::support::files;
use crate::support::verifier;
use reqwest::Method;
use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;

const RENT: &str = "How much is the monthly rent?";

struct Auditors {
    first: (String, String),
    second: (String, String),
}

impl Auditors {
    async fn of(app: &TestApp) -> Self {
        let first = app.user("first auditor", &["auditor"], None).await;
        let second = app.user("second auditor", &["auditor"], None).await;
        Self { first, second }
    }
}

async fn post(app: &TestApp, key: &str, path: &str, json: &Value) -> (StatusCode, Value) {
    body(app.as_user(key, Method::POST, path).json(json)).await
}

async fn act(app: &TestApp, key: &str, method: Method, path: &str) -> (StatusCode, Value) {
    body(app.as_user(key, method, path)).await
}

#[tokio::test]
async fn two_auditors_erase_a_question_and_the_record_says_so() {
    let app = with_lease().await;
    let key = verifier::text(&app, "/api/v1/audit/key").await.trim().to_owned();
    let people = Auditors::of(&app).await;
    let (_, answer) = app.ask(&json!({ "question": RENT, "max_tokens": 24 })).await;
    let (id, outcome) = (answer["id"].as_str().unwrap(), answer["receipt"]["event_id"].as_str().unwrap());
    let before = verifier::text(&app, &format!("/api/v1/answers/{id}/receipt")).await;
    let found = "/api/v1/audit/events?text=monthly%20rent";
    let (_, by_words) = app.get(found).await;
    assert!(!by_words["data"].as_array().unwrap().is_empty(), "{by_words}");

    let wish = json!({ "question_id": id, "reason": "person_asked", "note": "letter of 3 May" });
    let (status, asked) = post(&app, &people.first.1, "/api/v1/audit/erasures", &wish).await;
    assert_eq!((status, &asked["state"]), (StatusCode::CREATED, &json!("waiting")), "{asked}");
    let approval = format!("/api/v1/audit/erasures/{}/approval", asked["id"].as_str().unwrap());
    let (alone, problem) = act(&app, &people.first.1, Method::POST, &approval).await;
    assert_eq!((alone, &problem["code"]), (StatusCode::CONFLICT, &json!("approved_already")), "{problem}");
    let (_, still) = app.get(&format!("/api/v1/audit/events/{id}")).await;
    assert_eq!(still["content"]["content"]["question"], RENT, "one person alone erased it");
    let (status, erased) = act(&app, &people.second.1, Method::POST, &approval).await;

    assert_eq!((status, &erased["state"]), (StatusCode::OK, &json!("erased")), "{erased}");
    assert_eq!(erased["approved_by"], json!([people.first.0, people.second.0]), "{erased}");
    for event in [id, outcome] {
        let (_, read) = app.get(&format!("/api/v1/audit/events/{event}")).await;
        assert_eq!((&read["content"], &read["verified"]), (&Value::Null, &json!(true)), "{read}");
        assert_eq!(read["erased"]["reason"], "person_asked", "{read}");
        assert_eq!(read["erased"]["approved_by"], erased["approved_by"], "{read}");
    }
    assert_eq!(app.get(&format!("/api/v1/answers/{id}")).await.0, StatusCode::NOT_FOUND);
    let (_, by_words) = app.get(found).await;
    assert_eq!(by_words["data"], json!([]), "its words are still found");
    let (_, replayed) = replay(&app, &people.first.1, id).await;
    assert_eq!((&replayed["verdict"], &replayed["reason"]), (&json!("not_replayable"), &json!("erased")));
    let (code, said) = verifier::export(&app, &key, None).await;
    let (receipt, why) = verifier::receipt(&before, &key);
    assert_eq!((code, receipt), (0, 0), "{said}\n{why}");
    app.stop().await;
}

#[tokio::test]
async fn a_hold_keeps_content_until_somebody_else_lifts_it() {
    let app = with_lease().await;
    let people = Auditors::of(&app).await;
    let (_, answer) = app.ask(&json!({ "question": RENT, "max_tokens": 8 })).await;
    let id = answer["id"].as_str().unwrap();
    let document = answer["passages"][0]["document_id"].as_str().unwrap();
    let wish = json!({ "question_id": id, "reason": "mistake" });
    let (_, asked) = post(&app, &people.first.1, "/api/v1/audit/erasures", &wish).await;
    let approval = format!("/api/v1/audit/erasures/{}/approval", asked["id"].as_str().unwrap());

    let hold = json!({ "document_id": document, "note": "case 17" });
    let (status, placed) = post(&app, &people.first.1, "/api/v1/audit/holds", &hold).await;
    assert_eq!(status, StatusCode::CREATED, "{placed}");
    let lifting = format!("/api/v1/audit/holds/{}", placed["id"].as_str().unwrap());
    let (kept, problem) = act(&app, &people.second.1, Method::POST, &approval).await;
    let (own, _) = act(&app, &people.first.1, Method::DELETE, &lifting).await;
    let (lifted, _) = act(&app, &people.second.1, Method::DELETE, &lifting).await;
    let (again, _) = act(&app, &people.second.1, Method::DELETE, &lifting).await;
    let (status, erased) = act(&app, &people.second.1, Method::POST, &approval).await;

    assert_eq!((kept, &problem["code"]), (StatusCode::CONFLICT, &json!("erasure_held")), "{problem}");
    assert_eq!((own, lifted, again), (StatusCode::FORBIDDEN, StatusCode::OK, StatusCode::CONFLICT));
    assert_eq!((status, &erased["state"]), (StatusCode::OK, &json!("erased")), "{erased}");
    app.stop().await;
}

#[tokio::test]
async fn nobody_erases_their_own_records_and_an_administrator_none() {
    let app = with_lease().await;
    let people = Auditors::of(&app).await;
    let (_, answer) = app.ask(&json!({ "question": RENT, "max_tokens": 8 })).await;
    let id = answer["id"].as_str().unwrap();
    let ask = |wish: Value| {
        let (app, key) = (&app, people.first.1.clone());
        async move { post(app, &key, "/api/v1/audit/erasures", &wish).await }
    };

    let (own, problem) = ask(json!({ "user_id": people.first.0, "reason": "other" })).await;
    assert_eq!((own, &problem["code"]), (StatusCode::FORBIDDEN, &json!("own_records")), "{problem}");
    let wish = json!({ "question_id": id, "reason": "other" });
    // Administrator and auditor at once.
    let (both, problem) = app.post("/api/v1/audit/erasures", &wish).await;
    assert_eq!((both, &problem["code"]), (StatusCode::FORBIDDEN, &json!("admin_cannot_erase")), "{problem}");
    let (_, waits) = ask(wish.clone()).await;
    let waits = format!("/api/v1/audit/erasures/{}", waits["id"].as_str().unwrap());
    let hold = json!({ "question_id": id });
    let (_, placed) = post(&app, &people.first.1, "/api/v1/audit/holds", &hold).await;
    let placed = format!("/api/v1/audit/holds/{}", placed["id"].as_str().unwrap());
    for (method, path) in [
        (Method::POST, format!("{waits}/approval")),
        (Method::POST, format!("{waits}/refusal")),
        (Method::DELETE, placed.clone()),
    ] {
        let (both, problem) = body(app.request(method, &path)).await;
        assert_eq!(
            (both, &problem["code"]),
            (StatusCode::FORBIDDEN, &json!("admin_cannot_erase")),
            "{path}: {problem}"
        );
    }
    let (both, _) = app.post("/api/v1/audit/holds", &hold).await;
    assert_eq!(both, StatusCode::FORBIDDEN);
    act(&app, &people.second.1, Method::DELETE, &placed).await;
    act(&app, &people.second.1, Method::POST, &format!("{waits}/refusal")).await;
    let (several, _) = ask(json!({ "question_id": id, "user_id": people.second.0, "reason": "other" })).await;
    assert_eq!(several, StatusCode::BAD_REQUEST);
    let (nothing, problem) =
        ask(json!({ "document_id": "0198e0b2-0000-7000-8000-000000000000", "reason": "other" })).await;
    assert_eq!((nothing, &problem["code"]), (StatusCode::NOT_FOUND, &json!("nothing_to_erase")), "{problem}");
    // Of a person: all they did, their name with it; whom it is about cannot be the second one.
    let (_, asked) = ask(json!({ "user_id": people.second.0, "reason": "person_asked" })).await;
    let path = format!("/api/v1/audit/erasures/{}", asked["id"].as_str().unwrap());
    let (concerned, _) = act(&app, &people.second.1, Method::POST, &format!("{path}/approval")).await;
    let (refused, ended) = act(&app, &people.first.1, Method::POST, &format!("{path}/refusal")).await;
    assert_eq!((concerned, refused), (StatusCode::FORBIDDEN, StatusCode::OK));
    assert_eq!(ended["state"], "refused");
    let (over, _) = act(&app, &people.second.1, Method::POST, &format!("{path}/approval")).await;
    assert_eq!(over, StatusCode::CONFLICT);
    app.stop().await;
}

#[tokio::test]
async fn the_service_itself_has_no_right_to_remove_content_alone() {
    let app = with_lease().await;
    let (_, answer) = app.ask(&json!({ "question": RENT, "max_tokens": 8 })).await;
    let id = answer["id"].as_str().unwrap();
    let mut owner = app.database.owner().await;
    sqlx::query("set role docent_app").execute(&mut owner).await.unwrap();

    for statement in [
        "delete from audit.sealed".to_owned(),
        "update audit.sealed set kept_until = now()".to_owned(),
        "insert into audit.approval values (gen_random_uuid(), gen_random_uuid(), now())".to_owned(),
        "update audit.hold set lifted_at = now()".to_owned(),
        // An entry that says so is not there.
        format!("select audit.erase(gen_random_uuid(), array['{id}'::uuid])"),
    ] {
        let refused = sqlx::query(sqlx::AssertSqlSafe(statement.clone())).execute(&mut owner).await;
        assert!(refused.is_err(), "{statement}");
    }
    let (_, read) = app.get(&format!("/api/v1/audit/events/{id}")).await;
    assert_eq!(read["content"]["content"]["question"], RENT);
    app.stop().await;
}

#[tokio::test]
async fn what_quotes_a_document_goes_with_it_where_the_configuration_says_so() {
    let app = TestApp::with(Size::Small, |config| {
        config.retention.erase_with_documents = true;
        config.ingest.lease_ms = 5_000;
        config.answer.deadline_ms = 30_000;
        config.audit.timeout_ms = 5_000;
    })
    .await;
    let collection = app.collection("contracts").await;
    let document = app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    let document = document["id"].as_str().unwrap();
    let (_, answer) = app.ask(&json!({ "question": RENT, "max_tokens": 8 })).await;
    let outcome = answer["receipt"]["event_id"].as_str().unwrap();

    let path = format!("/api/v1/documents/{document}");
    let deleted = app.request(Method::DELETE, &path).send().await.unwrap();
    assert!(deleted.status().is_success(), "{}", deleted.status());
    let erased = eventually("the quotes are erased", || async {
        let (_, read) = app.get(&format!("/api/v1/audit/events/{outcome}")).await;
        read["erased"].is_object().then_some(read)
    })
    .await;

    assert_eq!((&erased["content"], &erased["verified"]), (&Value::Null, &json!(true)), "{erased}");
    assert_eq!(erased["erased"]["reason"], "document_deleted", "{erased}");
    let (_, intent) = app.get(&format!("/api/v1/audit/events/{}", answer["id"].as_str().unwrap())).await;
    assert!(intent["erased"].is_object(), "the question stays: {intent}");
    let (_, uploaded) =
        app.get(&format!("/api/v1/audit/events?document={document}&kind=document.uploaded")).await;
    assert!(
        uploaded["data"][0]["erased"].is_null(),
        "that there was a document is no quote of it: {uploaded}"
    );
    app.stop().await;
}

#[tokio::test]
async fn content_whose_time_is_over_is_erased_and_what_is_held_is_not() {
    let app = TestApp::with(Size::Small, |config| config.retention.every_ms = 300).await;
    let collection = app.collection("contracts").await;
    app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    let people = Auditors::of(&app).await;
    let (_, old) = app.ask(&json!({ "question": RENT, "max_tokens": 8 })).await;
    let (_, kept) = app.ask(&json!({ "question": "Which law governs the lease?", "max_tokens": 8 })).await;
    let (old, kept) = (old["id"].as_str().unwrap(), kept["id"].as_str().unwrap());
    let hold = json!({ "question_id": kept });
    assert_eq!(post(&app, &people.first.1, "/api/v1/audit/holds", &hold).await.0, StatusCode::CREATED);

    app.database
        .execute_as_owner(&format!(
            "alter table audit.sealed disable trigger sealed_rows;
             update audit.sealed set kept_until = now() - interval '1 minute' where event_id in ('{old}', '{kept}');
             alter table audit.sealed enable always trigger sealed_rows"
        ))
        .await;
    let erased = eventually("its time is over", || async {
        let (_, read) = app.get(&format!("/api/v1/audit/events/{old}")).await;
        read["erased"].is_object().then_some(read)
    })
    .await;

    assert_eq!(erased["erased"]["reason"], "time_over", "{erased}");
    let (_, still) = app.get(&format!("/api/v1/audit/events/{kept}")).await;
    assert!(still["content"].is_object() && still["erased"].is_null(), "{still}");
    app.stop().await;
}
