//! Scanned files: recognised where there is a model for it, and said so.

use crate::support::app::Size;
use crate::support::app::TestApp;
use crate::support::files;
use serde_json::json;

#[tokio::test]
async fn a_scan_is_recognised_found_and_shown_with_how_sure_that_is() {
    let app = TestApp::start().await;
    let collection = app.collection("archive").await;
    let scan = files::scan_of(&files::pdf(files::LEASE), 2, true);

    let document = app.document(&collection, "lease.pdf", &scan).await;

    assert_eq!(document["status"], "ready_with_warnings", "{document}");
    let coverage = &document["coverage"];
    assert_eq!((&coverage["pages_recognised"], &coverage["pages_without_text"]), (&json!(2), &json!(0)));
    assert!(coverage["recognition_confidence"].as_f64().unwrap() > 0.9, "{coverage}");
    assert!(document["warnings"].as_array().unwrap().iter().any(|w| w["code"] == "recognised_text"));
    let question = json!({ "query": "notice to terminate the lease", "limit": 1 });
    let (_, found) = app.post("/api/v1/search", &question).await;
    let best = &found["data"][0];
    // Both pages fit into one passage.
    assert_eq!(best["page"], 1, "{found}");
    assert!(best["text"].as_str().unwrap().contains("ninety days written notice"), "{best}");
    // Turned as shown, the page is wide, and its lines run upwards.
    let shown = best["boxes"][0].as_array().unwrap();
    let (width, height) = (
        shown[2].as_f64().unwrap() - shown[0].as_f64().unwrap(),
        shown[3].as_f64().unwrap() - shown[1].as_f64().unwrap(),
    );
    assert!(height > 2.0 * width, "{shown:?}");
    let (_, listed) = app.get(&format!("/api/v1/documents/{}/pages", document["id"].as_str().unwrap())).await;
    assert_eq!(listed["pages"][1]["recognised"]["quarter_turns"], 1, "{listed}");
    let page = app.page(&format!("/documents/{}", document["id"].as_str().unwrap())).await;
    assert!(page.contains("Recognised pages (2)"), "{page}");
    app.stop().await;
}

#[tokio::test]
async fn without_a_model_a_scan_has_no_text_and_a_page_of_one_is_named() {
    let app = TestApp::with(Size::Small, |config| config.models.recogniser = String::new()).await;
    let collection = app.collection("archive").await;

    let document =
        app.document(&collection, "lease.pdf", &files::scan_of(&files::pdf(files::LEASE), 1, false)).await;

    assert_eq!((&document["status"], &document["error"]["code"]), (&json!("failed"), &json!("no_text")));
    app.stop().await;
}
