//! Document in: what a clerk uploads becomes searchable, or says why not.

use crate::support::app::Size;
use crate::support::app::TestApp;
use crate::support::app::body;
use crate::support::app::eventually;
use crate::support::files;
use reqwest::Method;
use reqwest::StatusCode;
use reqwest::multipart::Form;
use reqwest::multipart::Part;
use serde_json::Value;
use serde_json::json;

#[tokio::test]
async fn a_pdf_becomes_searchable_with_pages_spans_and_boxes() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;

    let document = app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;

    assert_eq!(document["status"], "ready", "{document}");
    assert_eq!(document["pages"], 2);
    assert_eq!(document["coverage"]["ratio"], 1.0);
    let id = document["id"].as_str().unwrap();
    let content = text(&app, &format!("/api/v1/documents/{id}/content")).await;
    let (_, found) =
        app.post("/api/v1/search", &json!({ "query": "notice to terminate the lease", "limit": 3 })).await;
    let best = &found["data"][0];
    let span = (best["span"][0].as_u64().unwrap() as usize, best["span"][1].as_u64().unwrap() as usize);
    assert_eq!(best["text"], cut(&content, span));
    assert!(best["scores"]["fused"].as_f64().unwrap() > 0.0, "{best}");
    assert!(!best["boxes"].as_array().unwrap().is_empty(), "{best}");
    app.stop().await;
}

#[tokio::test]
async fn a_page_image_shows_the_highlighted_words() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let document = app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    let id = document["id"].as_str().unwrap();
    let (_, page) = app.get(&format!("/api/v1/documents/{id}/pages/2")).await;
    let at = page["text"].as_str().unwrap().find("ninety days").unwrap() as u64
        + page["span"][0].as_u64().unwrap();

    let plain = image(&app, &format!("/api/v1/documents/{id}/pages/2/image")).await;
    let marked =
        image(&app, &format!("/api/v1/documents/{id}/pages/2/image?highlight={at}-{}", at + 11)).await;

    assert!(plain.starts_with(b"\x89PNG"));
    assert_ne!(plain, marked);
    let (status, problem) = app.get(&format!("/api/v1/documents/{id}/pages/3/image")).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
    app.stop().await;
}

#[tokio::test]
async fn the_content_of_a_text_file_is_the_file() {
    let app = TestApp::start().await;
    let collection = app.collection("texts").await;

    let document = app.document(&collection, "合同.md", files::CONTRACT_ZH.as_bytes()).await;

    let id = document["id"].as_str().unwrap();
    assert_eq!(document["status"], "ready", "{document}");
    assert_eq!(text(&app, &format!("/api/v1/documents/{id}/content")).await, files::CONTRACT_ZH);
    let (_, found) = app.post("/api/v1/search", &json!({ "query": "违约金是多少", "limit": 1 })).await;
    assert!(found["data"][0]["text"].as_str().unwrap().contains("千分之三"), "{found}");
    app.stop().await;
}

#[tokio::test]
async fn a_word_document_is_found_by_the_numbers_that_word_prints() {
    let app = TestApp::start().await;
    let collection = app.collection("合同").await;
    let file = files::word_document(&["甲方出租房屋一套。", "每月租金为五千元。", "乙方不得转租。"]);

    let document = app.document(&collection, "租赁合同.docx", &file).await;

    let id = document["id"].as_str().unwrap();
    assert_eq!(document["status"], "ready", "{document}");
    assert_eq!(
        text(&app, &format!("/api/v1/documents/{id}/content")).await,
        "第一条 甲方出租房屋一套。\n\n第二条 每月租金为五千元。\n\n第三条 乙方不得转租。\n"
    );
    let (_, found) = app.post("/api/v1/search", &json!({ "query": "第二条 租金", "limit": 1 })).await;
    assert!(found["data"][0]["text"].as_str().unwrap().contains("第二条 每月租金"), "{found}");
    let image =
        app.request(Method::GET, &format!("/api/v1/documents/{id}/pages/1/image")).send().await.unwrap();
    assert_eq!(image.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    app.stop().await;
}

#[tokio::test]
async fn sheets_web_pages_and_mail_are_found_by_what_they_say() {
    let app = TestApp::start().await;
    let collection = app.collection("all sorts").await;
    let sheet = files::workbook("租金表", &[&["房屋", "月租金"], &["海港街4号", "八千元"]]);
    let page = "<!doctype html><html><head><title>Handbook</title><script>var secret = 1;</script></head><body>\
                <h1>Leave</h1><p>Employees have twenty-eight days of annual leave.</p></body></html>";
    let mail = "From: Lin <lin@example.com>\r\nTo: Wang <wang@example.com>\r\nSubject: Delivery of the pumps\r\n\
                Content-Type: text/plain; charset=utf-8\r\n\r\nThe pumps are delivered to Hamburg on Friday.\r\n";

    for (name, bytes, query, words) in [
        ("rent.xlsx", sheet.as_slice(), "海港街4号的月租金", "八千元"),
        ("handbook.html", page.as_bytes(), "annual leave of employees", "twenty-eight days"),
        ("mail.eml", mail.as_bytes(), "where are the pumps delivered", "Hamburg on Friday"),
    ] {
        let document = app.document(&collection, name, bytes).await;
        assert_eq!(document["status"], "ready", "{name}: {document}");
        let request = json!({ "query": query, "document_ids": [document["id"]], "limit": 1 });
        let (_, found) = app.post("/api/v1/search", &request).await;
        let text = found["data"][0]["text"].as_str().unwrap_or_default();
        assert!(text.contains(words) && !text.contains("secret"), "{name}: {found}");
    }
    app.stop().await;
}

#[tokio::test]
async fn the_same_bytes_twice_are_the_same_document() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let first = app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;

    let (status, again) = app.upload(&collection, "copy.pdf", &files::pdf(files::LEASE)).await;

    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(again["data"][0]["document_id"], first["id"]);
    let (_, listed) = app.get(&format!("/api/v1/collections/{collection}/documents")).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_new_version_replaces_the_old_one_in_search() {
    let app = TestApp::start().await;
    let collection = app.collection("texts").await;
    let old =
        app.document(&collection, "policy.txt", b"The retention period for invoices is seven years.").await;
    let id = old["id"].as_str().unwrap();

    let part =
        Part::bytes(b"The retention period for invoices is ten years.".to_vec()).file_name("policy.txt");
    let request = app.request(Method::POST, &format!("/api/v1/documents/{id}/versions"));
    let (status, taken) = body(request.multipart(Form::new().part("file", part))).await;

    assert_eq!(status, StatusCode::ACCEPTED, "{taken}");
    let new = eventually("the second version is visible", || async {
        let (_, document) = app.get(&format!("/api/v1/documents/{id}")).await;
        (document["version"] == 2 && document["status"] == "ready").then_some(document)
    })
    .await;
    assert_eq!(new["id"], old["id"]);
    let (_, found) =
        app.post("/api/v1/search", &json!({ "query": "retention period for invoices", "limit": 10 })).await;
    let found = found["data"].as_array().unwrap();
    assert!(found.iter().all(|passage| passage["version"] == 2), "{found:?}");
    assert!(found[0]["text"].as_str().unwrap().contains("ten years"), "{found:?}");
    app.stop().await;
}

#[tokio::test]
async fn files_that_cannot_be_read_end_with_a_reason_and_the_service_lives() {
    let app = TestApp::start().await;
    let collection = app.collection("bad").await;
    let mut damaged = files::pdf(files::LEASE);
    damaged.truncate(120);

    let failed = [
        ("scan.pdf", files::scanned_pdf(), "no_text"),
        ("locked.pdf", files::encrypted_pdf(files::LEASE), "encrypted"),
        ("torn.pdf", damaged, "damaged"),
    ];
    for (name, bytes, code) in failed {
        let document = app.document(&collection, name, &bytes).await;
        assert_eq!(
            (&document["status"], &document["error"]["code"]),
            (&json!("failed"), &json!(code)),
            "{document}"
        );
        assert!(document["error"]["detail"].as_str().unwrap().len() > 10, "{document}");
    }
    let refused: [(&str, Vec<u8>, StatusCode, &str); 2] = [
        ("empty.pdf", Vec::new(), StatusCode::BAD_REQUEST, "empty_file"),
        (
            "photo.pdf",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unknown_format",
        ),
    ];
    for (name, bytes, status, code) in refused {
        let (got, problem) = app.upload(&collection, name, &bytes).await;
        assert_eq!((got, &problem["code"]), (status, &json!(code)), "{problem}");
    }

    let document = app.document(&collection, "good.pdf", &files::pdf(files::LEASE)).await;
    assert_eq!(document["status"], "ready");
    app.stop().await;
}

#[tokio::test]
async fn an_encrypted_file_is_opened_by_the_password_given_with_it() {
    let app = TestApp::start().await;
    let collection = app.collection("locked").await;
    let locked = files::encrypted_pdf(files::LEASE);
    let upload = async |password: &str| {
        let file = Part::bytes(locked.clone()).file_name("locked.pdf");
        let form = Form::new().text("password", password.to_owned()).part("file", file);
        let path = format!("/api/v1/collections/{collection}/documents");
        let (status, taken) = body(app.request(Method::POST, &path).multipart(form)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{taken}");
        app.settled(taken["data"][0]["document_id"].as_str().unwrap()).await
    };

    let closed = upload("").await;
    let wrong = upload("guess").await;
    let right = upload("secret").await;

    assert_eq!(
        (&closed["status"], &closed["error"]["code"]),
        (&json!("failed"), &json!("encrypted")),
        "{closed}"
    );
    assert_eq!(wrong["error"]["code"], "wrong_password", "{wrong}");
    assert_eq!((&right["status"], &right["id"]), (&json!("ready"), &closed["id"]), "{right}");
    let page =
        image(&app, &format!("/api/v1/documents/{}/pages/1/image", right["id"].as_str().unwrap())).await;
    assert!(page.starts_with(b"\x89PNG"));
    let stored: Vec<u8> = sqlx::query_scalar("select password from versions")
        .fetch_one(&mut app.database.owner().await)
        .await
        .unwrap();
    assert!(!stored.windows(6).any(|window| window == b"secret"), "sealed at rest");
    app.stop().await;
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused() {
    let app = TestApp::with(Size::Small, |config| config.http.max_upload_bytes = 10_000).await;
    let collection = app.collection("large").await;

    let (status, problem) = app.upload(&collection, "large.txt", &vec![b'a'; 20_000]).await;

    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{problem}");
    app.stop().await;
}

#[tokio::test]
async fn the_stages_of_a_job_are_heard_as_events() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let (_, taken) = app.upload(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    let job = taken["data"][0]["job_id"].as_str().unwrap();

    let heard = app
        .request(Method::GET, &format!("/api/v1/jobs/{job}/events"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();

    assert!(heard.contains("event: done"), "{heard}");
    let (_, job) = app.get(&format!("/api/v1/jobs/{job}")).await;
    assert_eq!((&job["state"], &job["stage"]), (&json!("succeeded"), &json!("done")));
    assert_eq!(job["done"], job["total"], "what is over is not all done: {job}");
    app.stop().await;
}

#[tokio::test]
async fn a_deleted_document_is_gone_everywhere() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let document = app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    let id = document["id"].as_str().unwrap();

    let (status, _) = body(app.request(Method::DELETE, &format!("/api/v1/documents/{id}"))).await;

    assert_eq!(status, StatusCode::NO_CONTENT);
    for path in ["", "/content", "/pages/1", "/pages/1/image"] {
        let (status, _) = app.get(&format!("/api/v1/documents/{id}{path}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let (_, found) = app.post("/api/v1/search", &json!({ "query": "monthly rent", "limit": 5 })).await;
    assert_eq!(found["data"], json!([]));
    app.stop().await;
}

#[tokio::test]
async fn what_a_kill_in_the_middle_of_a_deletion_left_is_erased() {
    let app = TestApp::with(Size::Small, |config| config.ingest.lease_ms = 5_000).await;
    let collection = app.collection("contracts").await;
    let lease = app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    let before = app.stored_files();
    let document: uuid::Uuid = lease["id"].as_str().unwrap().parse().unwrap();
    let mut owner = app.database.owner().await;

    for rows in [
        "insert into erasures (document_id, collection_id, files, request_id, requested_at)
         select document_id, collection_id, array[sha256], document_id, now() - interval '1 hour'
         from versions where document_id = $1",
        "delete from documents where id = $1",
    ] {
        sqlx::query(rows).bind(document).execute(&mut owner).await.unwrap();
    }

    let erased = eventually("the deletion is finished", || async {
        let (_, listed) = app.get("/api/v1/audit/events?kind=document.erased").await;
        listed["data"].get(0).cloned()
    })
    .await;
    assert_eq!((before, app.stored_files()), (1, 0));
    assert_eq!((&erased["outcome"], &erased["documents"]), (&json!("erased"), &json!([lease["id"]])));
    app.stop().await;
}

async fn text(app: &TestApp, path: &str) -> String {
    let response = app.request(Method::GET, path).send().await.unwrap();
    let json = response.headers()["content-type"].to_str().unwrap().contains("json");
    let text = response.text().await.unwrap();
    if !json {
        return text;
    }
    let parsed: Value = serde_json::from_str(&text).unwrap();
    parsed["content"].as_str().unwrap().to_owned()
}

async fn image(app: &TestApp, path: &str) -> Vec<u8> {
    let response = app.request(Method::GET, path).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "image/png");
    response.bytes().await.unwrap().to_vec()
}

fn cut(content: &str, (start, end): (usize, usize)) -> String {
    content.chars().skip(start).take(end - start).collect()
}
