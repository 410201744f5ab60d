//! The pages as a browser without scripts gets them; `scripts/walk` drives them in a real one.

use crate::support::app::TestApp;
use crate::support::files;
use reqwest::StatusCode;
use reqwest::header;

const ROOMS: &[&str] = &["/ask", "/collections", "/jobs", "/audit"];
/// Of every user that tests make.
const PASSWORD: &str = "correct horse battery staple";

#[tokio::test]
async fn who_is_not_signed_in_is_led_to_the_sign_in_and_back() {
    let app = TestApp::start().await;
    let client = browser();

    let first = client.get(format!("{}/audit", app.url)).send().await.unwrap();
    assert!(first.url().path().starts_with("/sign-in"), "{}", first.url());
    let form = [("name", "admin"), ("password", "wrong"), ("next", "/audit")];
    let refused = client.post(format!("{}/sign-in", app.url)).form(&form).send().await.unwrap();

    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(refused.text().await.unwrap().contains("name or password is wrong"));
    app.stop().await;
}

#[tokio::test]
async fn every_room_opens_under_a_strict_content_security_policy() {
    let app = TestApp::start().await;
    let collection = app.collection("合同 <script>").await;
    let document = app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    app.user("olga", &["viewer", "contributor", "auditor"], Some((&collection, "write"))).await;
    let client = signed_in(&app, "olga").await;

    let mut rooms: Vec<String> = ROOMS.iter().map(|room| (*room).to_owned()).collect();
    rooms.push(format!("/collections/{collection}"));
    rooms.push(format!("/documents/{}?page=1", document["id"].as_str().unwrap()));
    for room in rooms {
        let response = client.get(format!("{}{room}", app.url)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{room}");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src") && !policy.contains("unsafe"), "{room}: {policy}");
        let page = response.text().await.unwrap();
        assert!(page.contains("<main") && !page.contains("<script>"), "{room}");
        assert!(!page.contains(" onclick=") && !page.contains(" style="), "{room}");
    }
    app.stop().await;
}

#[tokio::test]
async fn each_role_is_led_to_a_room_it_may_enter_and_offered_no_other() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;

    for (role, rooms) in [
        ("viewer", ["/ask", "/collections"].as_slice()),
        ("contributor", &["/ask", "/collections", "/jobs"]),
        ("admin", &["/collections"]),
        ("auditor", &["/audit"]),
    ] {
        let name = format!("only-{role}");
        app.user(&name, &[role], Some((&collection, "read"))).await;
        let form = [("name", name.as_str()), ("password", PASSWORD), ("next", "/")];
        let first = browser().post(format!("{}/sign-in", app.url)).form(&form).send().await.unwrap();

        let (status, path) = (first.status(), first.url().path().to_owned());
        let page = first.text().await.unwrap();
        assert_eq!((status, path.as_str()), (StatusCode::OK, rooms[0]), "{role}: {page}");
        let offered: Vec<&str> =
            ROOMS.iter().copied().filter(|room| page.contains(&format!("<a href=\"{room}\""))).collect();
        assert_eq!(offered, rooms, "{role}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_document_shows_its_state_and_a_record_shows_itself_in_full() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let scan = app.document(&collection, "scan.pdf", &files::scanned_pdf()).await;
    app.user("olga", &["viewer", "auditor"], Some((&collection, "read"))).await;
    let client = signed_in(&app, "olga").await;
    let (_, events) = app.get("/api/v1/audit/events?kind=document.uploaded").await;

    let page = |path: String| {
        let request = client.get(format!("{}{path}", app.url));
        async move { request.send().await.unwrap().text().await.unwrap() }
    };
    let document = page(format!("/documents/{}", scan["id"].as_str().unwrap())).await;
    let record = page(format!("/audit/{}", events["data"][0]["event_id"].as_str().unwrap())).await;

    assert!(document.contains("no_text") && document.contains("failed"), "{document}");
    assert!(!document.contains("data-delete"), "a reader is offered to delete");
    assert!(record.contains("document.uploaded") && record.contains("scan.pdf"), "{record}");
    app.stop().await;
}

fn browser() -> reqwest::Client {
    reqwest::Client::builder().cookie_store(true).build().unwrap()
}

pub(crate) async fn signed_in(app: &TestApp, name: &str) -> reqwest::Client {
    let client = browser();
    let form = [("name", name), ("password", PASSWORD), ("next", "/collections")];
    let first = client.post(format!("{}/sign-in", app.url)).form(&form).send().await.unwrap();
    assert_eq!((first.status(), first.url().path()), (StatusCode::OK, "/collections"));
    client
}
