//! Files that are broken or out to do harm: each ends, with a code where it fails, and the service never notices.

use crate::support::app::Size;
use crate::support::app::TestApp;
use crate::support::bombs;
use docent::config::Config;
use reqwest::StatusCode;
use serde_json::Value;

/// Damaged so often, each kind of file.
const DAMAGES: u64 = 6;

fn without_recognition(config: &mut Config) {
    config.models.recogniser.clear();
    config.reader.cpu_seconds = 20;
}

#[tokio::test]
async fn damaged_files_end_with_a_code_and_the_service_still_answers() {
    let app = TestApp::with(Size::Small, without_recognition).await;
    let collection = app.collection("damaged").await;
    let mut taken = Vec::new();

    for (name, bytes) in bombs::whole() {
        for seed in 0..DAMAGES {
            let (status, answer) = app.upload(&collection, name, &bombs::damaged(&bytes, seed)).await;
            if status == StatusCode::ACCEPTED {
                taken.push((name, seed, answer["data"][0]["document_id"].as_str().unwrap().to_owned()));
            } else {
                assert!(status.is_client_error() && answer["code"].is_string(), "{name} {seed}: {answer}");
            }
        }
    }

    assert!(taken.len() > 20, "most are only known when they are read");
    for (name, seed, id) in taken {
        let document = app.settled(&id).await;
        check_end(&format!("{name} {seed}"), &document);
    }
    alive(&app, &collection).await;
    app.stop().await;
}

#[tokio::test]
async fn bombs_end_within_their_bounds() {
    let app = TestApp::with(Size::Small, without_recognition).await;
    let collection = app.collection("bombs").await;

    for (name, bytes, ends) in bombs::bombs() {
        let document = app.document(&collection, name, &bytes).await;

        let end = check_end(name, &document);
        assert!(ends.contains(&end.as_str()), "{name} ended as {end}: {document}");
    }

    alive(&app, &collection).await;
    app.stop().await;
}

/// The status of a document that can be read, the code of one that cannot; no other end is one.
fn check_end(name: &str, document: &Value) -> String {
    let status = document["status"].as_str().unwrap();
    if status == "ready" || status == "ready_with_warnings" {
        return status.to_owned();
    }
    let code = document["error"]["code"].as_str().unwrap_or_default();
    assert_eq!(status, "failed", "{name}: {document}");
    assert!(!code.is_empty() && code != "internal" && code != "reader_crashed", "{name}: {document}");
    code.to_owned()
}

/// It takes a file as if nothing had been.
async fn alive(app: &TestApp, collection: &str) {
    let (status, _) = app.get("/healthz").await;
    let document =
        app.document(collection, "after.txt", b"The rent is due on the fifth day of each month.").await;

    assert_eq!((status, &document["status"]), (StatusCode::OK, &"ready".into()), "{document}");
}
