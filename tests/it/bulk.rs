//! A folder in by the command line's way: every file is searchable or says why not, and a second run changes nothing.

use crate::support::app::TestApp;
use crate::support::files;
use docent::app::bulk;
use docent::app::bulk::Access;
use serde_json::json;
use std::path::PathBuf;

fn access(app: &TestApp) -> Access {
    Access { url: app.url.clone(), key: app.key.clone().into(), password: None }
}

#[tokio::test]
async fn a_folder_goes_in_file_by_file_and_again_without_copies() {
    let app = TestApp::start().await;
    app.collection("contracts").await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("zh")).unwrap();
    std::fs::write(folder.path().join("lease.pdf"), files::pdf(files::LEASE)).unwrap();
    std::fs::write(folder.path().join("picture.png"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
    // More than the workers take at once: some wait.
    for number in 0..6 {
        let text = format!("{}\n附注{number}。\n", files::CONTRACT_ZH);
        std::fs::write(folder.path().join(format!("zh/合同{number}.md")), text).unwrap();
    }
    let paths: [PathBuf; 1] = [folder.path().to_owned()];

    let first = bulk::ingest(access(&app), "contracts", &paths).await.unwrap();
    let (_, collections) = app.get("/api/v1/collections").await;
    let id = collections["data"][0]["id"].as_str().unwrap();
    let (_, listed) = app.get(&format!("/api/v1/collections/{id}/documents")).await;
    let statuses: Vec<_> = listed["data"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses.iter().filter(|status| **status == "ready").count(), 7, "{statuses:?}");
    let again = bulk::ingest(access(&app), "contracts", &paths).await.unwrap();

    assert_eq!((first.ready, first.known, first.failed.len()), (7, 0, 1), "{first:?}");
    assert!(first.failed[0].0.ends_with("picture.png"), "{first:?}");
    assert!(first.failed[0].1.contains("PNG image"), "{first:?}");
    assert_eq!((again.ready, again.known), (7, 7), "{again:?}");
    let (_, found) = app.post("/api/v1/search", &json!({ "query": "违约金", "limit": 1 })).await;
    assert!(found["data"][0]["text"].as_str().unwrap().contains("千分之三"), "{found}");
    app.stop().await;
}

#[tokio::test]
async fn a_large_file_goes_in_pieces_and_is_refused_like_any_other() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let folder = tempfile::tempdir().unwrap();
    let large = files::large_pdf(files::LEASE, 17 << 20);
    std::fs::write(folder.path().join("large.pdf"), &large).unwrap();
    let picture: Vec<u8> =
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".iter().copied().chain((0..9 << 20).map(|_| 7)).collect();
    std::fs::write(folder.path().join("picture.png"), picture).unwrap();

    let report = bulk::ingest(access(&app), "contracts", &[folder.path().to_owned()]).await.unwrap();

    assert_eq!((report.ready, report.failed.len()), (1, 1), "{report:?}");
    assert!(report.failed[0].1.contains("PNG image"), "{report:?}");
    let (_, listed) = app.get(&format!("/api/v1/collections/{collection}/documents")).await;
    assert_eq!(listed["data"][0]["file"]["bytes"], large.len(), "{listed}");
    assert_eq!(app.stored_files(), 1, "the pieces are gone");
    app.stop().await;
}

#[tokio::test]
async fn a_collection_or_service_that_is_not_there_is_named() {
    let app = TestApp::start().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let paths = [file.path().to_owned()];

    let none = bulk::ingest(access(&app), "nothing", &paths).await.unwrap_err().to_string();
    let stranger = Access {
        url: app.url.clone(),
        key: "dk_0000000000000000000000000000".to_owned().into(),
        ..access(&app)
    };
    let denied = format!("{:#}", bulk::ingest(stranger, "contracts", &paths).await.unwrap_err());

    assert!(none.contains("no collection `nothing`"), "{none}");
    assert!(denied.contains("401"), "{denied}");
    app.stop().await;
}
