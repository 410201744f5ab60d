//! Archives in: every file of a zip that can be read is a document of its own, every other one is named with its reason.

use crate::support::app::Size;
use crate::support::app::TestApp;
use crate::support::app::body;
use crate::support::files;
use docent::app::bulk;
use docent::app::bulk::Access;
use reqwest::Method;
use reqwest::StatusCode;
use reqwest::multipart::Form;
use reqwest::multipart::Part;
use serde_json::Value;

/// A folder as people send it, and as they should not.
fn mixed() -> Vec<u8> {
    let word = files::word_document(&["甲方出租房屋一套。", "每月租金为五千元。"]);
    let mut archive = files::archive(&[
        ("合同/lease.pdf", &files::pdf(files::LEASE)),
        ("合同/租赁合同.docx", &word),
        ("GBK-NAME/a.md", files::CONTRACT_ZH.as_bytes()),
        ("../../etc/passwd", b"Nobody signs here for the lessor."),
        ("__MACOSX/._lease.pdf", b"\0\x05\x16\x07"),
        ("inner.zip", &files::archive(&[("a.txt", b"deeper")])),
        ("photo.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("locked.txt", b"a secret"),
        ("bomb.txt", &vec![b' '; 8 << 20]),
        ("empty.txt", b""),
    ]);
    files::rename(&mut archive, b"GBK-NAME", b"\xb8\xbd\xbc\xfe\xba\xcf\xcd\xac"); // 附件合同, without the mark of UTF-8
    files::lock(&mut archive, b"locked.txt");
    archive
}

#[tokio::test]
async fn every_file_of_an_archive_is_a_document_or_an_error_with_its_path() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;

    let (status, taken) = app.upload(&collection, "all.zip", &mixed()).await;

    assert_eq!(status, StatusCode::ACCEPTED, "{taken}");
    assert_eq!(
        names(&taken["data"]),
        ["合同/lease.pdf", "合同/租赁合同.docx", "附件合同/a.md", "etc/passwd"]
    );
    let errors: Vec<(&str, &str)> = list(&taken["errors"])
        .iter()
        .map(|error| (error["file_name"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        errors,
        [
            ("inner.zip", "nested_archive"),
            ("photo.png", "unknown_format"),
            ("locked.txt", "encrypted_member"),
            ("bomb.txt", "out_of_budget"),
            ("empty.txt", "empty_file"),
        ]
    );
    for (one, name) in list(&taken["data"]).iter().zip(["lease.pdf", "租赁合同.docx", "a.md", "passwd"]) {
        let document = app.settled(one["document_id"].as_str().unwrap()).await;
        assert_eq!(
            (&document["status"], &document["file"]["file_name"]),
            (&"ready".into(), &name.into()),
            "{document}"
        );
    }
    assert_eq!(app.stored_files(), 4, "the archive itself is not kept");
    app.stop().await;
}

#[tokio::test]
async fn the_same_archive_again_gives_the_same_documents() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let archive = files::archive(&[
        ("a.txt", b"The rent is due."),
        ("copy/a.txt", b"The rent is due."),
        ("b.txt", b"So is the fee."),
    ]);

    let (_, first) = app.upload(&collection, "all.zip", &archive).await;
    let (_, again) = app.upload(&collection, "renamed.zip", &archive).await;

    assert_eq!(ids(&first["data"]), ids(&again["data"]));
    assert_eq!(first["data"][0]["document_id"], first["data"][1]["document_id"], "{first}");
    assert!(list(&again["data"]).iter().all(|one| one["existing"] == true), "{again}");
    app.stop().await;
}

#[tokio::test]
async fn an_archive_of_which_nothing_can_be_read_says_why_of_each() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let pictures = files::archive(&[("a.png", b"\x89PNG\r\n\x1a\n"), ("b.gif", b"GIF89a\0\0")]);

    let (status, problem) = app.upload(&collection, "pictures.zip", &pictures).await;

    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, &"unknown_format".into()),
        "{problem}"
    );
    assert_eq!(problem["errors"][1]["field"], "b.gif");
    assert!(problem["errors"][1]["detail"].as_str().unwrap().contains("GIF image"), "{problem}");
    let (status, problem) = app.upload(&collection, "empty.zip", &files::archive(&[])).await;
    assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &"empty_archive".into()), "{problem}");
    let (status, problem) = app.upload(&collection, "cut.zip", &mixed()[..900]).await;
    assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &"damaged".into()), "{problem}");
    app.stop().await;
}

#[tokio::test]
async fn archives_keep_to_their_bounds() {
    let bounds = |config: &mut docent::config::Config| {
        config.reader.max_archive_members = 3;
        config.reader.max_archive_bytes = 2_000;
    };
    let app = TestApp::with(Size::Small, bounds).await;
    let collection = app.collection("contracts").await;
    let text =
        |number| format!("The rent of flat {number} is due on the first day. ").repeat(30).into_bytes();
    let texts = [text(1), text(2), text(3), b"Short.".to_vec()];
    let three = [("1.txt", &texts[0][..]), ("2.txt", &texts[1]), ("short.txt", &texts[3])];
    let four = [("1.txt", &texts[0][..]), ("2.txt", &texts[1]), ("3.txt", &texts[2]), ("4.txt", &texts[3])];

    let (_, taken) = app.upload(&collection, "large.zip", &files::archive(&three)).await;
    let (status, problem) = app.upload(&collection, "many.zip", &files::archive(&four)).await;

    assert_eq!(names(&taken["data"]), ["1.txt", "short.txt"], "{taken}");
    assert_eq!(taken["errors"][0]["code"], "archive_too_large", "{taken}");
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &"too_many_members".into()),
        "{problem}"
    );
    app.stop().await;
}

#[tokio::test]
async fn an_archive_is_no_version_of_a_document() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let document = app.document(&collection, "a.txt", b"The rent is due.").await;
    let path = format!("/api/v1/documents/{}/versions", document["id"].as_str().unwrap());
    let form = Form::new().part("file", Part::bytes(mixed()).file_name("all.zip"));

    let (status, problem) = body(app.request(Method::POST, &path).multipart(form)).await;

    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("a zip archive"), "{problem}");
    app.stop().await;
}

#[tokio::test]
async fn docent_ingest_waits_for_every_file_of_an_archive() {
    let app = TestApp::start().await;
    app.collection("contracts").await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("all.zip"), mixed()).unwrap();
    let access = Access { url: app.url.clone(), key: app.key.clone().into(), password: None };

    let report = bulk::ingest(access, "contracts", &[folder.path().to_owned()]).await.unwrap();

    assert_eq!((report.ready, report.known, report.failed.len()), (4, 0, 5), "{report:?}");
    assert!(report.failed.iter().any(|(path, _)| path.ends_with("all.zip/inner.zip")), "{report:?}");
    let (_, collections) = app.get("/api/v1/collections").await;
    let id = collections["data"][0]["id"].as_str().unwrap();
    let (_, documents) = app.get(&format!("/api/v1/collections/{id}/documents")).await;
    assert!(list(&documents["data"]).iter().all(|one| one["status"] == "ready"), "{documents}");
    app.stop().await;
}

fn list(array: &Value) -> &[Value] {
    array.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn names(data: &Value) -> Vec<&str> {
    list(data).iter().map(|one| one["file_name"].as_str().unwrap()).collect()
}

fn ids(data: &Value) -> Vec<&Value> {
    list(data).iter().map(|one| &one["document_id"]).collect()
}
