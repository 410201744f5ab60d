//! Ends of jobs reach a receiver signed, again while it does not take them, and never one that the configuration does
//! not name.

use crate::support::app::Size;
use crate::support::app::TestApp;
use crate::support::app::eventually;
use crate::support::files;
use crate::support::receiver::Receiver;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use reqwest::Method;
use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;
use sha2::Sha256;

const ATTEMPTS: u32 = 3;

async fn app(receiver: &Receiver) -> TestApp {
    let host = receiver.host().to_owned();
    TestApp::with(Size::Small, |config| {
        config.webhooks.allowed_hosts = vec![host];
        config.webhooks.retry_ms = 20;
        config.webhooks.max_attempts = ATTEMPTS;
    })
    .await
}

#[tokio::test]
async fn an_end_is_announced_with_a_signature_that_verifies() {
    let receiver = Receiver::start(&[]).await;
    let app = app(&receiver).await;
    let (collection, other) = (app.collection("contracts").await, app.collection("others").await);
    let hook = made(&app, &json!({ "url": receiver.url(), "collection_ids": [collection] })).await;

    app.document(&other, "other.md", b"Nothing to see here.").await;
    let document = app.document(&collection, "lease.md", b"The rent is 900 euros.").await;
    app.document(&collection, "scan.pdf", &files::scanned_pdf()).await;
    receiver.wait_for(2).await;

    let messages = receiver.messages();
    let ready = messages.iter().find(|message| message.json["type"] == "document.ready").unwrap();
    let failed = messages.iter().find(|message| message.json["type"] == "document.failed").unwrap();
    assert_eq!(ready.json["data"]["document_id"], document["id"], "{}", ready.json);
    assert_eq!(ready.json["data"]["collection_id"], collection, "{}", ready.json);
    assert_eq!((&ready.json["data"]["version"], &ready.json["data"]["status"]), (&json!(1), &json!("ready")));
    assert_eq!(
        (&failed.json["data"]["error_code"], &failed.json["data"]["status"]),
        (&json!("no_text"), &json!("failed"))
    );
    assert!(!ready.text.contains("900"), "{}", ready.text);
    for message in &messages {
        let secret = hook["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(secret).unwrap()).unwrap();
        mac.update(format!("{}.{}.{}", message.id, message.timestamp, message.text).as_bytes());
        assert_eq!(message.signature, format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())));
    }
    let (_, listed) = app.get("/api/v1/webhooks").await;
    assert_eq!(listed["data"][0]["id"], hook["id"], "{listed}");
    assert!(listed["data"][0].get("secret").is_none(), "{listed}");
    app.stop().await;
}

#[tokio::test]
async fn a_receiver_that_fails_is_asked_again_and_given_up_in_the_end() {
    let receiver = Receiver::start(&[500, 200, 500, 503, 500]).await;
    let app = app(&receiver).await;
    let collection = app.collection("contracts").await;
    let hook = made(&app, &json!({ "url": receiver.url(), "events": ["document.ready"] })).await;

    app.document(&collection, "one.md", b"The rent is 900 euros.").await;
    let delivered = ended(&app, &hook, 1).await;
    app.document(&collection, "two.md", b"The rent is 950 euros.").await;
    let dead = ended(&app, &hook, 2).await;

    let messages = receiver.messages();
    assert_eq!(
        (&delivered[0]["state"], &delivered[0]["attempts"]),
        (&json!("delivered"), &json!(2)),
        "{delivered:?}"
    );
    assert_eq!(messages[0].id, messages[1].id, "a message keeps its id");
    assert_eq!((&dead[0]["state"], &dead[0]["attempts"]), (&json!("dead"), &json!(ATTEMPTS)), "{dead:?}");
    assert_eq!(dead[0]["error"], "the receiver answered with status 500");
    assert_eq!(messages.len(), 5, "nothing is sent after it was given up");
    app.stop().await;
}

#[tokio::test]
async fn a_host_that_is_not_allowed_is_never_called() {
    let (receiver, secret) = (Receiver::start(&[307, 307, 307]).await, Receiver::start(&[]).await);
    receiver.redirect_to(secret.url());
    let app = app(&receiver).await;
    let collection = app.collection("contracts").await;

    let (status, problem) = app.post("/api/v1/webhooks", &json!({ "url": secret.url() })).await;
    let redirected = made(&app, &json!({ "url": receiver.url() })).await;
    let moved = made(&app, &json!({ "url": receiver.url() })).await;
    // As if the configuration had allowed it when it was made.
    let move_it = format!(
        "update webhooks set url = '{}' where id = '{}'",
        secret.url(),
        moved["id"].as_str().unwrap()
    );
    app.database.execute_as_owner(&move_it).await;
    app.document(&collection, "one.md", b"The rent is 900 euros.").await;
    let (redirected, moved) = (ended(&app, &redirected, 1).await, ended(&app, &moved, 1).await);

    assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &json!("host_not_allowed")));
    assert!(problem["detail"].as_str().unwrap().contains("webhooks.allowed_hosts"), "{problem}");
    assert_eq!(
        (&redirected[0]["state"], &redirected[0]["status"]),
        (&json!("dead"), &json!(307)),
        "{redirected:?}"
    );
    assert!(moved[0]["error"].as_str().unwrap().contains("webhooks.allowed_hosts"), "{moved:?}");
    assert!(secret.messages().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn webhooks_are_the_administrators_and_making_and_deleting_them_is_recorded() {
    let receiver = Receiver::start(&[]).await;
    let app = app(&receiver).await;
    let (_, olga) = app.user("olga", &["contributor", "viewer", "auditor"], None).await;
    let hook = made(&app, &json!({ "url": receiver.url() })).await;
    let path = format!("/api/v1/webhooks/{}", hook["id"].as_str().unwrap());

    let hers = app.as_user(&olga, Method::GET, "/api/v1/webhooks").send().await.unwrap().status();
    let deleted = app.request(Method::DELETE, &path).send().await.unwrap().status();
    let again = app.request(Method::DELETE, &path).send().await.unwrap().status();
    let (gone, _) = app.get(&format!("{path}/deliveries")).await;

    assert_eq!(
        (hers, deleted, again),
        (StatusCode::FORBIDDEN, StatusCode::NO_CONTENT, StatusCode::NOT_FOUND)
    );
    assert_eq!(gone, StatusCode::NOT_FOUND);
    for kind in ["webhook.create", "webhook.delete"] {
        let (_, listed) = app.get(&format!("/api/v1/audit/events?kind={kind}")).await;
        let outcomes: Vec<_> = listed["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["outcome"].as_str().unwrap())
            .collect();
        assert!(outcomes.contains(&"requested") && outcomes.contains(&"done"), "{kind}: {outcomes:?}");
    }
    app.stop().await;
}

async fn made(app: &TestApp, new: &Value) -> Value {
    let (status, hook) = app.post("/api/v1/webhooks", new).await;
    assert_eq!(status, StatusCode::CREATED, "{hook}");
    hook
}

/// The messages to a webhook, newest first, once so many have ended.
async fn ended(app: &TestApp, hook: &Value, count: usize) -> Vec<Value> {
    let path = format!("/api/v1/webhooks/{}/deliveries", hook["id"].as_str().unwrap());
    eventually("the messages have ended", || async {
        let (_, listed) = app.get(&path).await;
        let messages = listed["data"].as_array().unwrap().clone();
        let ended = messages.iter().filter(|message| message["state"] != "pending").count();
        (ended == count).then_some(messages)
    })
    .await
}
