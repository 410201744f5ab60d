//! Uploads in pieces (tus 1.0.0): what came is kept whatever breaks, nobody else sees it, and the whole file is a document
//! like any other.

use crate::support::app::Size;
use crate::support::app::TestApp;
use crate::support::app::body;
use crate::support::app::eventually;
use crate::support::files;
use crate::support::wire;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::RequestBuilder;
use reqwest::Response;
use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

/// What every piece is sent as.
const PIECE: &str = "application/offset+octet-stream";

#[tokio::test]
async fn a_file_in_pieces_becomes_the_document_that_a_form_makes() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let file = files::pdf(files::LEASE);
    let place = announced(&app, &collection, "lease.pdf", file.len()).await;

    let (first, rest) = file.split_at(100);
    let one = patch(&app, &place, 0, first).await;
    let middle = head(&app, &place).await;
    let last = patch(&app, &place, 100, rest).await;

    assert_eq!((one.status(), offset(&one)), (StatusCode::NO_CONTENT, 100));
    assert_eq!((middle.status(), offset(&middle)), (StatusCode::OK, 100));
    assert_eq!(middle.headers()["upload-length"], file.len().to_string());
    assert_eq!(last.status(), StatusCode::NO_CONTENT);
    let id = last.headers()["docent-document-id"].to_str().unwrap().to_owned();
    let (_, job) =
        app.get(&format!("/api/v1/jobs/{}", last.headers()["docent-job-id"].to_str().unwrap())).await;
    assert_eq!(job["document_id"], id, "{job}");
    let document = app.settled(&id).await;
    assert_eq!(
        (&document["status"], &document["file"]["file_name"]),
        (&json!("ready"), &json!("lease.pdf")),
        "{document}"
    );
    let after = head(&app, &place).await;
    assert_eq!(after.headers()["docent-document-id"], id);
    let (_, view) = app.get(&place).await;
    assert_eq!((&view["state"], &view["data"][0]["document_id"]), (&json!("taken"), &json!(id)), "{view}");
    assert_eq!(app.stored_files(), 1, "the pieces are gone");
    let (_, again) = app.upload(&collection, "lease.pdf", &file).await;
    assert_eq!(again["data"][0]["document_id"], id, "{again}");
    app.stop().await;
}

#[tokio::test]
async fn a_line_that_breaks_loses_nothing_that_came() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let file = files::CONTRACT_ZH.as_bytes();
    let place = announced(&app, &collection, "合同.md", file.len()).await;

    let line = broken_patch(&app, &place, 0, file.len(), &file[..200]).await;
    drop(line);
    eventually("what came is counted", || async { (offset(&head(&app, &place).await) == 200).then_some(()) })
        .await;
    let last = until_free(&app, &place, 200, &file[200..]).await;

    assert_eq!(last.status(), StatusCode::NO_CONTENT);
    let document = app.settled(last.headers()["docent-document-id"].to_str().unwrap()).await;
    let path = format!("/api/v1/documents/{}/content", document["id"].as_str().unwrap());
    let content = app.request(Method::GET, &path).send().await.unwrap().text().await.unwrap();
    assert_eq!(content, files::CONTRACT_ZH);
    app.stop().await;
}

#[tokio::test]
async fn two_requests_never_write_at_once() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let file = files::CONTRACT_ZH.as_bytes();
    let place = announced(&app, &collection, "合同.md", file.len()).await;

    let line = broken_patch(&app, &place, 0, file.len(), &file[..200]).await;
    eventually("the first is at it", || async {
        let held: bool = sqlx::query_scalar("select holder is not null from uploads")
            .fetch_one(&mut app.database.owner().await)
            .await
            .unwrap();
        held.then_some(())
    })
    .await;
    // An offset that never fits: were it free, the answer would be another.
    let second = patch(&app, &place, 7, b"").await;
    drop(line);
    let last = until_free(&app, &place, 200, &file[200..]).await;

    assert_eq!(second.status(), StatusCode::LOCKED);
    assert!(second.headers().contains_key("retry-after"), "{:?}", second.headers());
    assert_eq!(last.status(), StatusCode::NO_CONTENT);
    app.stop().await;
}

#[tokio::test]
async fn what_the_protocol_forbids_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let place = announced(&app, &collection, "a.md", 100).await;
    let piece = |offset: &str| {
        app.request(Method::PATCH, &place)
            .header("content-type", PIECE)
            .header("upload-offset", offset)
            .body("x")
    };

    let able = app.request(Method::OPTIONS, "/api/v1/uploads").send().await.unwrap();
    let unspoken = piece("0").send().await.unwrap();
    let other = body(piece("0").header("tus-resumable", "0.2.2")).await;
    let elsewhere = body(piece("5").header("tus-resumable", "1.0.0")).await;
    let untyped = body(tus(&app, Method::PATCH, &place).header("upload-offset", "0").body("x")).await;
    let long = body(piece_of(&app, &place, 0, &[b'x'; 101])).await;

    assert_eq!(able.headers()["tus-version"], "1.0.0");
    assert!(able.headers()["tus-extension"].to_str().unwrap().contains("expiration"));
    assert_eq!(unspoken.headers()["tus-resumable"], "1.0.0");
    assert_eq!(unspoken.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(unspoken.headers()["tus-version"], "1.0.0");
    refused(other, StatusCode::PRECONDITION_FAILED, "wrong_tus_version");
    refused(elsewhere, StatusCode::CONFLICT, "wrong_offset");
    refused(untyped, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
    refused(long, StatusCode::PAYLOAD_TOO_LARGE, "too_long");
    assert_eq!(offset(&head(&app, &place).await), 0);
    let limit = 268_435_456;
    refused(
        body(announcing(&app, &collection, "a.md", limit + 1)).await,
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
    );
    refused(body(announcing(&app, &collection, "a.md", 0)).await, StatusCode::BAD_REQUEST, "empty_file");
    let nowhere = "0190a0a0-0000-7000-8000-000000000000";
    assert_eq!(body(announcing(&app, nowhere, "a.md", 10)).await.0, StatusCode::NOT_FOUND);
    app.stop().await;
}

#[tokio::test]
async fn nobody_else_finds_an_upload_also_no_administrator() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let (_, olga) = app.user("olga", &["contributor"], Some((&collection, "write"))).await;
    let (_, reader) = app.user("rita", &["contributor"], Some((&collection, "read"))).await;
    let request = with_key(&app, &olga, Method::POST, "/api/v1/uploads");
    let made = request.headers(announcement(&collection, "a.md", 100)).send().await.unwrap();
    let place = made.headers()["location"].to_str().unwrap().to_owned();

    let look = app.get(&place).await;
    let seen = head(&app, &place).await.status();
    let written = patch(&app, &place, 0, b"x").await.status();
    let ended = tus(&app, Method::DELETE, &place).send().await.unwrap().status();
    let denied = with_key(&app, &reader, Method::POST, "/api/v1/uploads");
    let denied = denied.headers(announcement(&collection, "a.md", 100)).send().await.unwrap().status();

    refused(look, StatusCode::NOT_FOUND, "upload_not_found");
    assert_eq!([seen, written, ended], [StatusCode::NOT_FOUND; 3]);
    assert_eq!(denied, StatusCode::FORBIDDEN);
    let own = with_key(&app, &olga, Method::HEAD, &place).send().await.unwrap();
    assert_eq!((own.status(), offset(&own)), (StatusCode::OK, 0));
    app.stop().await;
}

#[tokio::test]
async fn a_file_that_is_refused_says_why_also_later() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    // Above one part, so that several are put together and dropped.
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    file.resize(9 * 1024 * 1024, 7);
    let place = announced(&app, &collection, "picture.png", file.len()).await;

    let problem = body(piece_of(&app, &place, 0, &file)).await;
    let again = body(piece_of(&app, &place, file.len(), b"")).await;
    let (_, view) = app.get(&place).await;

    refused(problem, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unknown_format");
    refused(again, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unknown_format");
    assert_eq!(
        (&view["state"], &view["error"]["code"]),
        (&json!("refused"), &json!("unknown_format")),
        "{view}"
    );
    assert_eq!(head(&app, &place).await.headers()["docent-error-code"], "unknown_format");
    assert_eq!(app.stored_files(), 0, "its bytes are gone");
    app.stop().await;
}

#[tokio::test]
async fn a_piece_with_another_digest_is_not_kept() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let place = announced(&app, &collection, "a.md", 100).await;
    let digest = |bytes: &[u8]| format!("sha256 {}", STANDARD.encode(Sha256::digest(bytes)));
    let piece = [b'x'; 60];

    let wrong = body(piece_of(&app, &place, 0, &piece).header("upload-checksum", digest(b"y"))).await;
    let kept = offset(&head(&app, &place).await);
    let right =
        piece_of(&app, &place, 0, &piece).header("upload-checksum", digest(&piece)).send().await.unwrap();

    refused(wrong, StatusCode::from_u16(460).unwrap(), "checksum_mismatch");
    assert_eq!((kept, offset(&right)), (0, 60));
    app.stop().await;
}

#[tokio::test]
async fn one_user_has_few_open_uploads_and_may_end_one() {
    let app = TestApp::with(Size::Small, |config| config.uploads.max_open = 2).await;
    let collection = app.collection("contracts").await;
    let place = announced(&app, &collection, "a.md", 100).await;
    patch(&app, &place, 0, b"some bytes").await;
    announced(&app, &collection, "b.md", 100).await;

    let third = announcing(&app, &collection, "c.md", 100).send().await.unwrap();
    let stored = app.stored_files();
    let ended = tus(&app, Method::DELETE, &place).send().await.unwrap();

    assert_eq!(third.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(third.headers().contains_key("retry-after"));
    assert_eq!((ended.status(), stored, app.stored_files()), (StatusCode::NO_CONTENT, 1, 0));
    assert_eq!(head(&app, &place).await.status(), StatusCode::NOT_FOUND);
    announced(&app, &collection, "c.md", 100).await;
    app.stop().await;
}

#[tokio::test]
async fn an_upload_that_expired_is_gone_with_its_bytes() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let place = announced(&app, &collection, "a.md", 100).await;
    let expires =
        patch(&app, &place, 0, b"some bytes").await.headers()["upload-expires"].to_str().unwrap().to_owned();

    app.database.execute_as_owner("update uploads set expires_at = now() - interval '1 hour'").await;

    assert!(expires.ends_with(" GMT"), "{expires}");
    assert_eq!(head(&app, &place).await.status(), StatusCode::NOT_FOUND);
    eventually("its bytes are erased", || async { (app.stored_files() == 0).then_some(()) }).await;
    app.stop().await;
}

#[tokio::test]
async fn a_version_and_a_password_come_in_pieces_too() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let document = app.document(&collection, "lease.md", b"The rent is 900 euros.").await;
    let id = document["id"].as_str().unwrap();
    let file = files::encrypted_pdf(files::LEASE);
    let mut headers = announcement(&collection, "lease.pdf", file.len());
    let pairs = [("filename", "lease.pdf"), ("document_id", id), ("password", "secret")];
    headers.insert("upload-metadata", metadata(&pairs).parse().unwrap());

    let made = tus(&app, Method::POST, "/api/v1/uploads").headers(headers).send().await.unwrap();
    let place = made.headers()["location"].to_str().unwrap().to_owned();
    let told = head(&app, &place).await.headers()["upload-metadata"].to_str().unwrap().to_owned();
    let last = patch(&app, &place, 0, &file).await;

    assert!(!told.contains("password") && told.contains("document_id"), "{told}");
    assert_eq!(last.headers()["docent-document-id"], id);
    assert_eq!(last.headers()["docent-version"], "2");
    eventually("the new version is the visible one", || async {
        let (_, document) = app.get(&format!("/api/v1/documents/{id}")).await;
        assert_ne!(document["error"]["code"], "encrypted", "{document}");
        (document["version"] == 2 && document["status"] == "ready").then_some(())
    })
    .await;
    app.stop().await;
}

fn metadata(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{name} {}", STANDARD.encode(value)));
    pairs.collect::<Vec<_>>().join(",")
}

fn announcement(collection: &str, name: &str, length: usize) -> reqwest::header::HeaderMap {
    let metadata = metadata(&[("filename", name), ("filetype", "any"), ("collection_id", collection)]);
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert("upload-length", length.into());
    headers.insert("upload-metadata", metadata.parse().unwrap());
    headers
}

fn with_key(app: &TestApp, key: &str, method: Method, path: &str) -> RequestBuilder {
    app.as_user(key, method, path).header("tus-resumable", "1.0.0")
}

fn tus(app: &TestApp, method: Method, path: &str) -> RequestBuilder {
    with_key(app, &app.key, method, path)
}

fn announcing(app: &TestApp, collection: &str, name: &str, length: usize) -> RequestBuilder {
    tus(app, Method::POST, "/api/v1/uploads").headers(announcement(collection, name, length))
}

/// Announces a file and gives where its pieces go.
async fn announced(app: &TestApp, collection: &str, name: &str, length: usize) -> String {
    let made = announcing(app, collection, name, length).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    made.headers()["location"].to_str().unwrap().to_owned()
}

fn piece_of(app: &TestApp, place: &str, offset: usize, bytes: &[u8]) -> RequestBuilder {
    let request = tus(app, Method::PATCH, place).header("content-type", PIECE);
    request.header("upload-offset", offset).body(bytes.to_vec())
}

async fn patch(app: &TestApp, place: &str, offset: usize, bytes: &[u8]) -> Response {
    piece_of(app, place, offset, bytes).send().await.unwrap()
}

/// The same, as soon as the service has seen that the line before broke.
async fn until_free(app: &TestApp, place: &str, offset: usize, bytes: &[u8]) -> Response {
    eventually("the upload is free", || async {
        let answer = patch(app, place, offset, bytes).await;
        let waiting = matches!(answer.status(), StatusCode::LOCKED | StatusCode::CONFLICT);
        (!waiting).then_some(answer)
    })
    .await
}

async fn head(app: &TestApp, place: &str) -> Response {
    tus(app, Method::HEAD, place).send().await.unwrap()
}

async fn broken_patch(
    app: &TestApp,
    place: &str,
    offset: usize,
    length: usize,
    first: &[u8],
) -> tokio::net::TcpStream {
    let (key, offset) = (format!("Bearer {}", app.key), offset.to_string());
    let headers = [
        ("Authorization", key.as_str()),
        ("Tus-Resumable", "1.0.0"),
        ("Content-Type", PIECE),
        ("Upload-Offset", &offset),
    ];
    wire::broken(&app.url, &format!("PATCH {place}"), &headers, length, first).await
}

fn offset(answer: &Response) -> usize {
    answer.headers()["upload-offset"].to_str().unwrap().parse().unwrap()
}

#[track_caller]
fn refused((status, problem): (StatusCode, Value), expected: StatusCode, code: &str) {
    assert_eq!((status, &problem["code"]), (expected, &json!(code)), "{problem}");
}
