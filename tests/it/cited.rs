//! What a record cites, opened by an auditor who reads no documents: that page of that version, each time recorded, and
//! nothing else.

use crate::support::app::Browser;
use crate::support::app::TestApp;
use crate::support::app::body;
use crate::support::files;
use crate::versions::new_version;
use reqwest::Method;
use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;

/// Asked in turn until the model cites something: which words it picks may depend on the order of equally good passages.
const OF_LEASE: &[&str] =
    &["How much is the monthly rent?", "When is the rent due?", "Who are the parties of the lease?"];
const OF_CONTRACT: &[&str] = &["服务费是多少？", "乙方每月巡检几次？", "违约金是多少？"];

/// A question whose answer cites something.
struct Asked {
    answer: String,
    /// The entry of the first sentence that does.
    sentence: String,
    quote: String,
}

impl Asked {
    async fn of(app: &TestApp, document: &str, questions: &[&str]) -> Self {
        let mut answers = Vec::new();
        for question in questions {
            let asked = json!({ "question": question, "document_ids": [document], "temperature": 0 });
            let (_, answer) = app.ask(&asked).await;
            let id = answer["id"].as_str().unwrap().to_owned();
            let (_, intent) = app.get(&format!("/api/v1/audit/events/{id}")).await;
            let cites = |entry: &&Value| !entry["leaf"]["facts"]["citations"][0].is_null();
            if let Some(sentence) = intent["related"].as_array().unwrap().iter().find(cites) {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let quote = text(&sentence["content"]["content"]["quotes"][0]);
                return Self { answer: id, sentence: text(&sentence["event_id"]), quote };
            }
            answers.push(answer);
        }
        panic!("nothing is cited: {answers:?}");
    }
}

/// Letters and digits: a view shows every one of them, and may leave out what is between.
fn letters(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).collect()
}

async fn opened(app: &TestApp, key: &str, path: &str) -> (StatusCode, String, Vec<u8>) {
    let response = app.as_user(key, Method::GET, path).send().await.unwrap();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    (response.status(), kind, response.bytes().await.unwrap().to_vec())
}

async fn openings(app: &TestApp) -> Vec<Value> {
    let (_, listed) = app.get("/api/v1/audit/events?kind=audit.source_viewed").await;
    listed["data"].as_array().unwrap().clone()
}

/// What stands in the `mark` elements of a view.
fn marked(html: &[u8]) -> String {
    let html = std::str::from_utf8(html).unwrap();
    html.split("<mark>").skip(1).filter_map(|rest| rest.split("</mark>").next()).collect()
}

#[tokio::test]
async fn an_auditor_opens_the_cited_page_of_that_version_and_nothing_else() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let lease = app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    let contract = app.document(&collection, "合同.md", files::CONTRACT_ZH.as_bytes()).await;
    let (lease, contract) = (lease["id"].as_str().unwrap(), contract["id"].as_str().unwrap());
    let rent = Asked::of(&app, lease, OF_LEASE).await;
    let fee = Asked::of(&app, contract, OF_CONTRACT).await;
    let (clara, auditor) = app.user("clara", &["auditor"], None).await;
    let (_, admin) = app.user("adam", &["admin", "viewer"], None).await;
    new_version(&app, contract, "No fee is due any more, whatever was agreed before.").await;
    let of = |asked: &Asked, rest: &str| format!("/api/v1/audit/events/{}/citations/{rest}", asked.sentence);

    let (status, kind, png) = opened(&app, &auditor, &of(&rent, "1/image")).await;
    assert_eq!((status, kind.as_str(), &png[1..4]), (StatusCode::OK, "image/png", b"PNG".as_slice()));
    let (_, _, page) = opened(&app, &auditor, &of(&rent, "1/view")).await;
    assert_eq!(letters(&marked(&page)), letters(&rent.quote));
    let (status, _, old) = opened(&app, &auditor, &of(&fee, "1/view")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(letters(&marked(&old)), letters(&fee.quote));
    let browser = Browser::sign_in(&app, "clara", "correct horse battery staple").await;
    let record = browser.client.get(format!("{}/audit/{}", app.url, rent.answer)).send().await.unwrap();
    assert!(record.text().await.unwrap().contains(&of(&rent, "1")), "the record's page does not offer it");

    let recorded = openings(&app).await;
    assert_eq!(recorded.len(), 3, "{recorded:?}");
    assert!(recorded.iter().all(|entry| entry["actor"] == clara), "{recorded:?}");
    assert_eq!(recorded[0]["documents"], json!([contract]));
    assert_eq!(recorded[0]["leaf"]["facts"], json!({"citation": 1, "page": 1, "version": 1}));
    assert_eq!(recorded[2]["reference"], *rent.sentence);

    for (path, wanted) in [
        (of(&fee, "1/image"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (of(&rent, "0/view"), StatusCode::NOT_FOUND),
        (of(&rent, "99/image"), StatusCode::NOT_FOUND),
        (format!("/api/v1/audit/events/{}/citations/1/view", rent.answer), StatusCode::NOT_FOUND),
        (of(&rent, "1/view?section=2"), StatusCode::BAD_REQUEST),
        (format!("/api/v1/documents/{lease}/pages/2/view"), StatusCode::FORBIDDEN),
    ] {
        assert_eq!(opened(&app, &auditor, &path).await.0, wanted, "{path}");
    }
    assert_eq!(opened(&app, &admin, &of(&rent, "1/view")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(openings(&app).await.len(), 3, "what nobody was shown is recorded as shown");

    app.request(Method::DELETE, &format!("/api/v1/documents/{lease}")).send().await.unwrap();
    assert_eq!(opened(&app, &auditor, &of(&rent, "1/image")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(opened(&app, &auditor, &of(&fee, "1/view")).await.0, StatusCode::OK);
    for statement in [
        "alter table audit.entry disable trigger all",
        "alter table audit.entry drop constraint entry_leaf_hash_check",
        "update audit.entry set leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '\"page\":1', '\"page\":2'), 'UTF8')
         where kind = 'chat.sources'",
        "update audit.entry set leaf_hash = sha256('\\x00'::bytea || leaf) where kind = 'chat.sources'",
    ] {
        app.database.execute_as_owner(statement).await;
    }
    assert_eq!(
        opened(&app, &auditor, &of(&fee, "1/view")).await.0,
        StatusCode::NOT_FOUND,
        "from a forged record"
    );
    app.stop().await;
}

#[tokio::test]
async fn an_erased_question_opens_no_page_any_more() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let lease = app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    let rent = Asked::of(&app, lease["id"].as_str().unwrap(), OF_LEASE).await;
    let (_, first) = app.user("first auditor", &["auditor"], None).await;
    let (_, second) = app.user("second auditor", &["auditor"], None).await;
    let path = format!("/api/v1/audit/events/{}/citations/1/view", rent.sentence);
    assert_eq!(opened(&app, &first, &path).await.0, StatusCode::OK);
    let broken =
        "alter table audit.entry add constraint broken check (kind <> 'audit.source_viewed') not valid";
    app.database.execute_as_owner(broken).await;
    let (unrecorded, _, page) = opened(&app, &first, &path).await;
    assert_eq!(unrecorded, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!String::from_utf8_lossy(&page).contains("<mark>"), "shown without a record");

    let wish = json!({ "question_id": rent.answer, "reason": "person_asked" });
    let (_, erasure) = body(app.as_user(&first, Method::POST, "/api/v1/audit/erasures").json(&wish)).await;
    let approval = format!("/api/v1/audit/erasures/{}/approval", erasure["id"].as_str().unwrap());
    let (approved, _) = body(app.as_user(&second, Method::POST, &approval)).await;

    assert_eq!(approved, StatusCode::OK);
    assert_eq!(opened(&app, &first, &path).await.0, StatusCode::NOT_FOUND);
    app.stop().await;
}
