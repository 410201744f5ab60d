//! What operators and programs see: health, metrics, the API's description, errors, headers.

use crate::support::app::TestApp;
use crate::support::app::body;
use reqwest::Method;
use reqwest::StatusCode;
use std::io::Read;
use std::io::Write;

#[tokio::test]
async fn a_service_in_order_is_alive_and_ready() {
    let app = TestApp::start().await;

    let alive = app.client.get(format!("{}/healthz", app.url)).send().await.unwrap().status();
    let (ready, parts) = body(app.client.get(format!("{}/readyz", app.url))).await;

    assert_eq!((alive, ready), (StatusCode::OK, StatusCode::OK), "{parts}");
    app.stop().await;
}

#[tokio::test]
async fn what_is_not_ready_is_named() {
    let app = TestApp::start().await;
    app.database.execute_as_owner("alter table jobs rename to jobs_gone").await;

    let (status, parts) = crate::support::app::eventually("readiness is lost", || async {
        let (status, parts) = body(app.client.get(format!("{}/readyz", app.url))).await;
        (status == StatusCode::SERVICE_UNAVAILABLE).then_some((status, parts))
    })
    .await;

    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(parts.to_string().contains("postgres"), "{parts}");
    app.stop().await;
}

#[tokio::test]
async fn who_is_refused_early_can_send_all_and_hears_why() {
    let app = TestApp::start().await;
    let address = app.url.strip_prefix("http://").unwrap().to_owned();
    let path = format!("/api/v1/collections/{}/documents", uuid::Uuid::now_v7());

    let send = move || {
        let mut stream = std::net::TcpStream::connect(address)?;
        let (piece, pieces) = (vec![b'x'; 65_536], 512);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: docent\r\nContent-Type: multipart/form-data; boundary=b\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            piece.len() * pieces
        );
        stream.write_all(head.as_bytes())?;
        for _ in 0..pieces {
            stream.write_all(&piece)?;
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        std::io::Result::Ok(answer)
    };
    let answer = tokio::task::spawn_blocking(send).await.unwrap().unwrap();

    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    app.stop().await;
}

#[tokio::test]
async fn metrics_are_in_the_form_of_prometheus() {
    let app = TestApp::start().await;
    app.get("/api/v1/collections").await;

    let text = app.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();

    assert!(text.contains("# TYPE "), "{text}");
    assert!(text.contains("_seconds_bucket{"), "{text}");
    app.stop().await;
}

#[tokio::test]
async fn every_refusal_is_a_problem_with_the_requests_id() {
    let app = TestApp::start().await;

    for (method, path, expected) in [
        (Method::GET, "/api/v1/nowhere", StatusCode::NOT_FOUND),
        (Method::PATCH, "/api/v1/collections", StatusCode::METHOD_NOT_ALLOWED),
        (Method::GET, "/api/v1/documents/not-an-id", StatusCode::BAD_REQUEST),
        (Method::POST, "/api/v1/answers", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let response = app.request(method, path).body("x").send().await.unwrap();
        assert_eq!(response.status(), expected, "{path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let problem: serde_json::Value = response.json().await.unwrap();
        for field in ["type", "title", "status", "detail", "instance", "code", "request_id"] {
            assert!(!problem[field].is_null(), "{path} has no {field}: {problem}");
        }
        assert_eq!(problem["request_id"], id);
    }
    app.stop().await;
}

#[tokio::test]
async fn the_description_of_the_api_is_served() {
    let app = TestApp::start().await;

    let (status, description) = body(app.client.get(format!("{}/openapi.json", app.url))).await;

    assert_eq!(status, StatusCode::OK);
    assert!(description["openapi"].as_str().unwrap().starts_with("3."));
    assert!(description["paths"]["/api/v1/answers"]["post"].is_object());
    app.stop().await;
}
