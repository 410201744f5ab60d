//! Who may do what: roles, grants, sessions, keys.

use crate::support::app::Browser;
use crate::support::app::TestApp;
use crate::support::app::body;
use crate::support::files;
use reqwest::Method;
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test]
async fn without_a_key_or_a_session_nothing_is_given() {
    let app = TestApp::start().await;

    for path in ["/api/v1/collections", "/api/v1/audit/events", "/api/v1/me", "/api/v1/users"] {
        let (status, problem) = body(app.client.get(format!("{}{path}", app.url))).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}: {problem}");
    }
    let wrong = app.as_user("dk_0123456789012345678901234567890123456789", Method::GET, "/api/v1/me");
    assert_eq!(body(wrong).await.0, StatusCode::UNAUTHORIZED);
    app.stop().await;
}

#[tokio::test]
async fn a_viewer_without_a_grant_gets_404_and_finds_nothing() {
    let app = TestApp::start().await;
    let collection = app.collection("secret").await;
    let document = app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    let id = document["id"].as_str().unwrap();
    let (_, viewer) = app.user("vera", &["viewer"], None).await;

    for path in [
        format!("/api/v1/collections/{collection}"),
        format!("/api/v1/documents/{id}"),
        format!("/api/v1/documents/{id}/content"),
        format!("/api/v1/documents/{id}/pages/1"),
        format!("/api/v1/documents/{id}/pages/1/image"),
        format!("/api/v1/jobs/{}", document["job_id"].as_str().unwrap()),
    ] {
        let (status, problem) = body(app.as_user(&viewer, Method::GET, &path)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {problem}");
    }
    let search = app.as_user(&viewer, Method::POST, "/api/v1/search").json(&json!({ "query": "rent" }));
    assert_eq!(body(search).await.1["data"], json!([]));
    let ask = app
        .as_user(&viewer, Method::POST, "/api/v1/answers")
        .json(&json!({ "question": "How much is the rent?" }));
    assert_eq!(body(ask).await.1["outcome"], "not_in_documents");
    let named = json!({ "question": "How much is the rent?", "document_ids": [id] });
    let named = app.as_user(&viewer, Method::POST, "/api/v1/answers").json(&named);
    assert_eq!(body(named).await.0, StatusCode::NOT_FOUND);
    app.stop().await;
}

#[tokio::test]
async fn a_reader_reads_and_does_not_write_and_a_withdrawn_grant_counts_at_once() {
    let app = TestApp::start().await;
    let collection = app.collection("shared").await;
    let document = app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    let path = format!("/api/v1/documents/{}", document["id"].as_str().unwrap());
    let (user, key) = app.user("rita", &["viewer", "contributor"], Some((&collection, "read"))).await;

    let read = body(app.as_user(&key, Method::GET, &path)).await.0;
    let delete = body(app.as_user(&key, Method::DELETE, &path)).await.0;
    let withdrawn =
        body(app.request(Method::DELETE, &format!("/api/v1/collections/{collection}/grants/{user}"))).await.0;
    let after = body(app.as_user(&key, Method::GET, &path)).await.0;

    assert_eq!((read, delete), (StatusCode::OK, StatusCode::FORBIDDEN));
    assert!(withdrawn.is_success(), "{withdrawn}");
    assert_eq!(after, StatusCode::NOT_FOUND);
    app.stop().await;
}

#[tokio::test]
async fn only_an_auditor_reads_the_log_and_only_an_administrator_adds_users() {
    let app = TestApp::start().await;
    let (_, viewer) = app.user("vera", &["viewer"], None).await;
    let (_, auditor) = app.user("anna", &["auditor"], None).await;

    let new = json!({ "name": "x", "password": "correct horse battery", "roles": ["admin"] });
    let check = [
        (body(app.as_user(&viewer, Method::GET, "/api/v1/audit/events")).await.0, StatusCode::FORBIDDEN),
        (body(app.as_user(&auditor, Method::GET, "/api/v1/audit/events")).await.0, StatusCode::OK),
        (
            body(app.as_user(&auditor, Method::POST, "/api/v1/users").json(&new)).await.0,
            StatusCode::FORBIDDEN,
        ),
        (
            body(app.as_user(&auditor, Method::POST, "/api/v1/answers").json(&json!({ "question": "x" })))
                .await
                .0,
            StatusCode::FORBIDDEN,
        ),
    ];

    for (got, wanted) in check {
        assert_eq!(got, wanted);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_session_changes_nothing_without_its_secret() {
    let app = TestApp::start().await;
    app.user("carl", &["contributor"], None).await;
    let browser = Browser::sign_in(&app, "carl", "correct horse battery staple").await;

    let without = browser
        .client
        .post(format!("{}/api/v1/keys", app.url))
        .json(&json!({ "name": "k" }))
        .send()
        .await
        .unwrap();
    let foreign = browser
        .request(Method::POST, "/api/v1/keys")
        .header("Origin", "https://evil.example")
        .json(&json!({ "name": "k" }))
        .send()
        .await
        .unwrap();
    let with =
        browser.request(Method::POST, "/api/v1/keys").json(&json!({ "name": "k" })).send().await.unwrap();

    assert_eq!((without.status(), foreign.status()), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
    assert_eq!(with.status(), StatusCode::CREATED);
    let out = browser.request(Method::DELETE, "/api/v1/session").send().await.unwrap();
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        browser.request(Method::GET, "/api/v1/me").send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    app.stop().await;
}

#[tokio::test]
async fn a_wrong_password_is_refused_recorded_and_soon_slowed_down() {
    let app = TestApp::start().await;
    let attempt = json!({ "name": "admin", "password": "wrong" });
    let sign_in = || app.client.post(format!("{}/api/v1/session", app.url)).json(&attempt).send();

    let first = sign_in().await.unwrap();
    let mut last = first.status();
    for _ in 0..40 {
        last = sign_in().await.unwrap().status();
        if last == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
    }

    assert_eq!((first.status(), last), (StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS));
    let (_, failed) = app.get("/api/v1/audit/events?kind=auth.failed").await;
    assert!(!failed["data"].as_array().unwrap().is_empty());
    assert!(!failed.to_string().contains("wrong"), "{failed}");
    app.stop().await;
}

#[tokio::test]
async fn a_revoked_key_is_no_key() {
    let app = TestApp::start().await;
    let (_, key) = app.user("rob", &["viewer"], None).await;
    let (_, keys) = body(app.as_user(&key, Method::GET, "/api/v1/keys")).await;
    let id = keys["data"][0]["id"].as_str().unwrap();

    let revoked = body(app.as_user(&key, Method::DELETE, &format!("/api/v1/keys/{id}"))).await.0;

    assert!(revoked.is_success(), "{revoked}");
    assert_eq!(body(app.as_user(&key, Method::GET, "/api/v1/me")).await.0, StatusCode::UNAUTHORIZED);
    app.stop().await;
}

/// Acts on the log are for auditors alone, what it speaks of is changed by others: on every route that the API has.
#[tokio::test]
async fn no_administrator_reviews_or_erases_and_no_auditor_changes_what_is_audited_on_any_route() {
    let app = TestApp::start().await;
    let (_, admin) = app.user("only admin", &["admin"], None).await;
    let (_, auditor) = app.user("only auditor", &["auditor"], None).await;
    let (_, api) = app.get("/openapi.json").await;
    // One's own session and keys, and looking at an answer once more, which changes nothing.
    let anybodys = ["/api/v1/session", "/api/v1/keys", "/api/v1/keys/{id}", "/api/v1/answers/{id}/replay"];
    let (mut of_the_log, mut of_others) = (0, 0);

    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else { continue };
            let for_auditors = operation["tags"] == json!(["audit"]);
            let changes = !method.is_safe() && !anybodys.contains(&path.as_str());
            let key = match (for_auditors, changes) {
                (true, _) => &admin,
                (false, true) => &auditor,
                (false, false) => continue,
            };
            let mut address = path.replace("{n}", "1").replace("{address}", "1");
            while let Some((before, rest)) = address.split_once('{') {
                let (_, after) = rest.split_once('}').unwrap();
                address = format!("{before}0198e0b2-0000-7000-8000-000000000000{after}");
            }
            let refused = app.as_user(key, method.clone(), &address).send().await.unwrap().status();
            assert_eq!(refused, StatusCode::FORBIDDEN, "{method} {path}");
            if for_auditors { of_the_log += 1 } else { of_others += 1 }
        }
    }

    assert!(of_the_log >= 15 && of_others >= 15, "{of_the_log} and {of_others} routes were tried");
    app.stop().await;
}
