//! An answer asked for again from its record: the same tokens, whoever else was being answered then and is now.

use crate::audit::with_lease;
use crate::support::app::Size;
use crate::support::app::TestApp;
use crate::support::app::body;
use futures::future::join_all;
use reqwest::Method;
use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;

const ANSWERS: u64 = 20;

#[tokio::test]
async fn twenty_answers_replay_token_by_token_while_others_are_answered() {
    let app = TestApp::with(Size::Small, |config| {
        config.answer.deadline_ms = 600_000;
        config.http.questions_per_minute = 1000;
    })
    .await;
    let collection = app.collection("contracts").await;
    let clause =
        "# Supply\n\nThe supplier delivers the goods within thirty days. Payment is due after sixty days.\n";
    app.document(&collection, "supply.md", clause.as_bytes()).await;
    let question = |number: u64| {
        let asked = ["When does the supplier deliver", "When is payment due for"][number as usize % 2];
        let asked = format!("{asked} order {number}?");
        json!({ "question": asked, "temperature": 0.8, "top_p": 0.95, "seed": number, "max_tokens": 12 })
    };
    let asked: Vec<Value> = (0..ANSWERS).map(question).collect();
    let answers = join_all(asked.iter().map(|question| app.ask(question))).await;

    // The same company again: each replay runs among the others and among new questions.
    let others: Vec<Value> = (100..108).map(question).collect();
    let replays = async {
        join_all(answers.iter().map(|(status, answer)| {
            assert_eq!(*status, StatusCode::OK, "{answer}");
            replay(&app, &app.key, answer["id"].as_str().unwrap())
        }))
        .await
    };
    let (replays, _) = tokio::join!(replays, join_all(others.iter().map(|question| app.ask(question))));

    for (status, replay) in &replays {
        assert_eq!(*status, StatusCode::OK, "{replay}");
        assert_eq!(replay["verdict"], "identical", "{replay}");
        if replay["whole"] == true {
            assert_eq!(replay["recorded"]["tokens_sha256"], replay["replayed"]["tokens_sha256"], "{replay}");
        }
        assert_eq!((&replay["first_difference"], &replay["differs"]), (&Value::Null, &json!([])), "{replay}");
    }
    let whole = replays.iter().filter(|(_, replay)| replay["whole"] == true).count();
    assert!(whole >= 10, "only {whole} of {ANSWERS} answers came to their end: {replays:?}");
    let texts: std::collections::BTreeSet<&str> =
        replays.iter().filter_map(|(_, replay)| replay["replayed"]["text"].as_str()).collect();
    assert!(texts.len() > 1, "all answers are the same");
    app.stop().await;
}

#[tokio::test]
async fn ones_own_answers_are_replayed_and_an_auditor_replays_any_and_each_is_recorded() {
    let app = with_lease().await;
    let (_, answer) = app.ask(&json!({ "question": "How much is the rent?", "max_tokens": 16 })).await;
    let id = answer["id"].as_str().unwrap();
    let (_, other) = app.user("other", &["viewer"], None).await;
    let (auditor, auditors_key) = app.user("auditor", &["auditor"], None).await;
    let (_, admin) = app.user("admin2", &["admin"], None).await;

    let (own, _) = replay(&app, &app.key, id).await;
    let (stranger, _) = replay(&app, &other, id).await;
    let (manager, _) = replay(&app, &admin, id).await;
    let (audited, replayed) = replay(&app, &auditors_key, id).await;
    let (missing, _) = replay(&app, &auditors_key, "0198e0b2-0000-7000-8000-000000000000").await;
    let (_, events) = app.get(&format!("/api/v1/audit/events?kind=chat.replayed&actor={auditor}")).await;

    assert_eq!((own, audited), (StatusCode::OK, StatusCode::OK));
    assert_eq!((stranger, manager), (StatusCode::NOT_FOUND, StatusCode::FORBIDDEN));
    assert_eq!(missing, StatusCode::NOT_FOUND);
    let event = &events["data"][0];
    assert_eq!(event["event_id"], replayed["receipt"]["event_id"], "{events}");
    assert_eq!(event["leaf"]["facts"]["answer"], id);
    assert_eq!(event["reference"], answer["receipt"]["event_id"]);
    app.stop().await;
}

#[tokio::test]
async fn a_record_says_under_the_conventions_names_what_was_asked_of_the_model() {
    let app = with_lease().await;
    let question =
        json!({ "question": "How much is the rent?", "temperature": 0.7, "seed": 11, "max_tokens": 16 });
    let (_, answer) = app.ask(&question).await;
    let outcome = answer["receipt"]["event_id"].as_str().unwrap();

    let (_, event) = app.get(&format!("/api/v1/audit/events/{outcome}")).await;

    let facts = &event["leaf"]["facts"];
    assert_eq!(facts["gen_ai.request.temperature"], "0.7", "{facts}");
    assert_eq!(facts["gen_ai.request.seed"], 11);
    assert_eq!(facts["gen_ai.request.max_tokens"], 16);
    assert_eq!(facts["gen_ai.request.model"], answer["model"]);
    assert_eq!(facts["gen_ai.usage.input_tokens"], answer["usage"]["prompt_tokens"]);
    assert_eq!(facts["gen_ai.usage.output_tokens"], answer["usage"]["completion_tokens"]);
    let (_, started) = app.get("/api/v1/audit/events?kind=service.started").await;
    let models = &started["data"][0]["leaf"]["facts"]["models"];
    assert_eq!(models["generator"]["weights_sha256"], facts["model"]["weights_sha256"], "{started}");
    app.stop().await;
}

pub(crate) async fn replay(app: &TestApp, key: &str, answer: &str) -> (StatusCode, Value) {
    body(app.as_user(key, Method::POST, &format!("/api/v1/answers/{answer}/replay"))).await
}
