//! Question in: sentences arrive checked, cited and recorded, or not at all.

use crate::support::app::Size;
use crate::support::app::TestApp;
use crate::support::app::eventually;
use crate::support::files;
use futures::StreamExt;
use reqwest::Method;
use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;

const NOTICE: &str = "How can the lease be terminated?";

#[tokio::test]
async fn an_answer_cites_the_words_it_rests_on() {
    let app = TestApp::with(Size::Starter, |_| {}).await;
    let collection = app.collection("contracts").await;
    let lease = app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;

    let (status, answer) = app.ask(&json!({ "question": NOTICE, "temperature": 0 })).await;

    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["outcome"], "answered", "{answer}");
    assert!(answer["text"].as_str().unwrap().contains("ninety days"), "{answer}");
    let citation = &answer["sentences"][0]["citations"][0];
    assert_eq!((&citation["document_id"], &citation["page"]), (&lease["id"], &json!(2)), "{answer}");
    assert!(citation["quote"].as_str().unwrap().contains("ninety days"), "{answer}");
    quotes_stand_where_they_say(&app, &answer).await;
    assert!(answer["usage"]["prompt_tokens"].as_u64().unwrap() > 100, "{answer}");
    assert_eq!(answer["model"], "qwen2.5-coder-1.5b-instruct");
    let (_, stored) = app.get(&format!("/api/v1/answers/{}", answer["id"].as_str().unwrap())).await;
    assert_eq!(stored, answer);
    app.stop().await;
}

#[tokio::test]
async fn a_chinese_question_is_answered_from_a_chinese_contract() {
    let app = TestApp::with(Size::Starter, |_| {}).await;
    let collection = app.collection("合同").await;
    app.document(&collection, "合同.md", files::CONTRACT_ZH.as_bytes()).await;

    let (_, answer) = app.ask(&json!({ "question": "逾期履行的违约金是多少？", "temperature": 0 })).await;

    assert_eq!(answer["outcome"], "answered", "{answer}");
    assert!(answer["text"].as_str().unwrap().contains("千分之三"), "{answer}");
    quotes_stand_where_they_say(&app, &answer).await;
    app.stop().await;
}

#[tokio::test]
async fn a_question_that_no_document_answers_is_refused_and_recorded() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;

    let (status, answer) = app.ask(&json!({ "question": "哪种蘑菇在秋天的森林里有毒？" })).await;

    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["outcome"], "not_in_documents", "{answer}");
    assert_eq!(answer["sentences"], json!([]));
    assert!(!answer["text"].as_str().unwrap().is_empty(), "{answer}");
    assert!(answer["receipt"]["leaf_index"].as_i64().unwrap() > 0, "{answer}");
    app.stop().await;
}

#[tokio::test]
async fn a_streamed_answer_comes_as_events_in_order() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;

    let request = app
        .request(Method::POST, "/api/v1/answers")
        .json(&json!({ "question": NOTICE, "stream": true, "temperature": 0 }));
    let text = request.send().await.unwrap().text().await.unwrap();

    let events = events(&text);
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[0], "accepted", "{text}");
    assert_eq!(names[names.len() - 1], "done", "{text}");
    let position = |wanted: &str| {
        names.iter().position(|name| *name == wanted).unwrap_or_else(|| panic!("no {wanted}: {text}"))
    };
    assert!(position("sources") < position("usage"), "{names:?}");
    assert!(text.lines().filter(|line| line.starts_with("id:")).count() >= events.len(), "{text}");
    let done = &events[events.len() - 1].1;
    let sentences: Vec<&Value> =
        events.iter().filter(|(name, _)| name == "sentence").map(|(_, data)| data).collect();
    assert_eq!(done["sentences"].as_array().unwrap().len(), sentences.len(), "{text}");
    app.stop().await;
}

#[tokio::test]
async fn the_same_seed_gives_the_same_answer_and_the_limit_of_tokens_holds() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    let question = json!({ "question": NOTICE, "temperature": 0.9, "top_p": 0.95, "top_k": 40, "seed": 7, "max_tokens": 24 });

    let (_, first) = app.ask(&question).await;
    let (_, second) = app.ask(&question).await;

    assert_eq!((&first["text"], &first["seed"]), (&second["text"], &json!(7)));
    assert!(first["usage"]["completion_tokens"].as_u64().unwrap() <= 24, "{first}");
    app.stop().await;
}

#[tokio::test]
async fn thirty_two_questions_at_once_get_what_each_gets_alone() {
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
        let asked = format!("When does the supplier deliver order {number}?");
        json!({ "question": asked, "temperature": 0.8, "seed": number, "max_tokens": 12 })
    };

    let asked: Vec<Value> = (0..32).map(question).collect();
    let together = futures::future::join_all(asked.iter().map(|question| app.ask(question))).await;

    for (question, (status, answer)) in asked.iter().zip(together) {
        assert_eq!(status, StatusCode::OK, "{answer}");
        let (_, alone) = app.ask(question).await;
        assert_eq!((&answer["text"], &answer["outcome"]), (&alone["text"], &alone["outcome"]), "{question}");
        assert_eq!(answer["usage"]["completion_tokens"], alone["usage"]["completion_tokens"], "{question}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_cancels_and_still_leaves_an_outcome() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;

    let request = app
        .request(Method::POST, "/api/v1/answers")
        .json(&json!({ "question": NOTICE, "stream": true, "max_tokens": 2000 }));
    let mut stream = request.send().await.unwrap().bytes_stream();
    let first = String::from_utf8(stream.next().await.unwrap().unwrap().to_vec()).unwrap();
    let id = events(&first)[0].1["id"].as_str().unwrap().to_owned();
    drop(stream);

    let outcome = eventually("the intent has an outcome", || async {
        let (_, entry) = app.get(&format!("/api/v1/audit/events/{id}")).await;
        let related = entry["related"].as_array()?.clone();
        related.into_iter().find(|entry| entry["outcome"].is_string() && entry["kind"] != "chat.sentence")
    })
    .await;
    assert!(outcome["kind"].as_str().unwrap().starts_with("chat."), "{outcome}");
    app.stop().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_every_fault_named() {
    let app = TestApp::start().await;

    let (status, problem) =
        app.ask(&json!({ "question": "", "temperature": 9, "top_p": 0, "max_tokens": 0, "colour": 1 })).await;

    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    let fields: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().filter_map(|fault| fault["field"].as_str()).collect();
    for field in ["question", "temperature", "top_p", "max_tokens", "colour"] {
        assert!(fields.contains(&field), "{field}: {problem}");
    }
    app.stop().await;
}

#[tokio::test]
async fn more_questions_than_may_run_are_turned_away_with_a_time_to_come_back() {
    let app = TestApp::with(Size::Small, |config| config.answer.max_running = 1).await;
    let collection = app.collection("contracts").await;
    app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    let question = json!({ "question": NOTICE, "stream": true, "max_tokens": 2000 });
    let mut running =
        app.request(Method::POST, "/api/v1/answers").json(&question).send().await.unwrap().bytes_stream();
    running.next().await.unwrap().unwrap();

    let second = app.request(Method::POST, "/api/v1/answers").json(&question).send().await.unwrap();

    assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(second.headers().contains_key("retry-after"));
    drop(running);
    app.stop().await;
}

/// Each quote is exactly the characters of its span.
async fn quotes_stand_where_they_say(app: &TestApp, answer: &Value) {
    let mut checked = 0;
    for citation in answer["sentences"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|sentence| sentence["citations"].as_array().unwrap())
    {
        let path = format!("/api/v1/documents/{}/content", citation["document_id"].as_str().unwrap());
        let content = app.request(Method::GET, &path).send().await.unwrap().text().await.unwrap();
        let (start, end) =
            (citation["span"][0].as_u64().unwrap() as usize, citation["span"][1].as_u64().unwrap() as usize);
        let cut: String = content.chars().skip(start).take(end - start).collect();
        assert_eq!(citation["quote"], cut);
        checked += 1;
    }
    assert!(checked > 0, "{answer}");
}

/// The events of an SSE body as names and data.
fn events(text: &str) -> Vec<(String, Value)> {
    text.split("\n\n")
        .filter_map(|block| {
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            Some((field("event:")?.to_owned(), serde_json::from_str(field("data:")?).unwrap()))
        })
        .collect()
}
