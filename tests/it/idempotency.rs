//! Uploads that are sent twice under one key: done once, answered twice.

use crate::support::app::TestApp;
use crate::support::app::eventually;
use crate::support::files;
use crate::support::wire;
use reqwest::Method;
use reqwest::RequestBuilder;
use reqwest::StatusCode;
use reqwest::multipart::Form;
use reqwest::multipart::Part;
use serde_json::Value;
use serde_json::json;

/// Status, whether it was answered before, and body as text.
type Answer = (StatusCode, bool, String);

#[tokio::test]
async fn the_same_request_under_the_same_key_gets_the_first_answer_again() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let send = async |key: &str, title: &str| {
        answered(keyed(&app, &collection, key, form(title, "lease.pdf", &files::pdf(files::LEASE)))).await
    };

    let first = send("\"one\"", "The lease").await;
    let id = read(&first)["data"][0]["document_id"].as_str().unwrap().to_owned();
    app.settled(&id).await;
    let again = send("one", "The lease").await;
    let other = send("one", "Another title").await;
    let fresh = send("two", "The lease").await;

    assert_eq!((first.0, first.1), (StatusCode::ACCEPTED, false), "{}", first.2);
    assert_eq!((again.0, again.1, &again.2), (StatusCode::ACCEPTED, true, &first.2));
    assert_eq!(
        (other.0, &read(&other)["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("idempotency_key_reused"))
    );
    assert_eq!(read(&fresh)["data"][0]["existing"], true, "a new key is a new request: {}", fresh.2);
    let path = format!("/api/v1/documents/{id}/versions");
    let elsewhere = app.request(Method::POST, &path).header("idempotency-key", "one");
    let elsewhere =
        answered(elsewhere.multipart(form("The lease", "lease.pdf", &files::pdf(files::LEASE)))).await;
    assert_eq!(elsewhere.0, StatusCode::UNPROCESSABLE_ENTITY, "{}", elsewhere.2);
    app.stop().await;
}

#[tokio::test]
async fn a_refusal_is_kept_and_keys_are_their_users_own() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let (_, olga) = app.user("olga", &["contributor"], Some((&collection, "write"))).await;
    let picture = || form("", "a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");

    let first = answered(keyed(&app, &collection, "k", picture())).await;
    let again = answered(keyed(&app, &collection, "k", picture())).await;
    let path = format!("/api/v1/collections/{collection}/documents");
    let hers = app.as_user(&olga, Method::POST, &path).header("idempotency-key", "k");
    let hers = answered(hers.multipart(form("", "b.md", b"The rent is 900 euros."))).await;
    let long = answered(keyed(&app, &collection, &"k".repeat(256), picture())).await;

    assert_eq!(
        (first.0, &read(&first)["code"]),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, &json!("unknown_format"))
    );
    assert_eq!((again.0, again.1, &again.2), (first.0, true, &first.2));
    assert_eq!((hers.0, hers.1), (StatusCode::ACCEPTED, false), "{}", hers.2);
    assert_eq!((long.0, &read(&long)["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_idempotency_key")));
    app.stop().await;
}

#[tokio::test]
async fn a_key_is_in_use_while_its_request_is_and_free_when_that_broke_off() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let key = format!("Bearer {}", app.key);
    let headers = [
        ("Authorization", key.as_str()),
        ("Idempotency-Key", "k"),
        ("Content-Type", "multipart/form-data; boundary=b"),
    ];
    let start = b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.md\"\r\n\r\nThe rent";
    let send =
        async || answered(keyed(&app, &collection, "k", form("", "a.md", b"The rent is 900 euros."))).await;

    let path = format!("POST /api/v1/collections/{collection}/documents");
    let line = wire::broken(&app.url, &path, &headers, 1_000, start).await;
    // Asked before the first has taken the key, a request would take it itself.
    eventually("the first has the key", || async {
        let taken: bool = sqlx::query_scalar("select exists (select from idempotency_keys)")
            .fetch_one(&mut app.database.owner().await)
            .await
            .unwrap();
        taken.then_some(())
    })
    .await;
    let meanwhile = send().await;
    drop(line);
    let after = eventually("the key is free", || async {
        let answer = send().await;
        (answer.0 != StatusCode::CONFLICT).then_some(answer)
    })
    .await;

    assert_eq!(read(&meanwhile)["code"], "idempotency_key_in_use");
    assert_eq!((after.0, after.1), (StatusCode::ACCEPTED, false), "{}", after.2);
    app.stop().await;
}

fn form(title: &str, name: &str, bytes: &[u8]) -> Form {
    let form = if title.is_empty() { Form::new() } else { Form::new().text("title", title.to_owned()) };
    form.part("file", Part::bytes(bytes.to_vec()).file_name(name.to_owned()))
}

fn keyed(app: &TestApp, collection: &str, key: &str, form: Form) -> RequestBuilder {
    let path = format!("/api/v1/collections/{collection}/documents");
    app.request(Method::POST, &path).header("idempotency-key", key).multipart(form)
}

async fn answered(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let again = response.headers().contains_key("idempotent-replayed");
    (response.status(), again, response.text().await.unwrap())
}

fn read(answer: &Answer) -> Value {
    serde_json::from_str(&answer.2).unwrap()
}
