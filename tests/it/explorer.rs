//! The log explored: words in Chinese and English, filters, reviews by two people, selections taken away; and an auditor's
//! look from a shell.

use crate::support::app::Browser;
use crate::support::app::TestApp;
use crate::support::app::body;
use crate::support::app::program;
use crate::support::files;
use crate::support::verifier;
use reqwest::Method;
use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;
use std::process::Command;

const RENT: &str = "How much is the monthly rent?";
const VISITS: &str = "乙方每月巡检几次？";

/// With an English lease, a Chinese contract, and a question on each.
async fn asked() -> (TestApp, Value, Value) {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    app.document(&collection, "contract.md", files::CONTRACT_ZH.as_bytes()).await;
    let (_, rent) = app.ask(&json!({ "question": RENT, "max_tokens": 16 })).await;
    let (_, visits) = app.ask(&json!({ "question": VISITS, "max_tokens": 16 })).await;
    (app, rent, visits)
}

async fn ids(app: &TestApp, query: &str) -> Vec<String> {
    let (status, page) = app.get(&format!("/api/v1/audit/events?{query}")).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let entries = page["data"].as_array().unwrap().iter();
    entries.map(|entry| entry["event_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn questions_are_found_by_their_words_in_both_languages_and_by_what_their_leaves_say() {
    let (app, rent, visits) = asked().await;
    let id = |answer: &Value| answer["id"].as_str().unwrap().to_owned();
    let document = rent["passages"][0]["document_id"].as_str().unwrap();
    let collection = rent["passages"][0]["collection_id"].as_str().unwrap();
    let outcomes = ids(&app, &format!("collection={collection}&kind=chat.completed")).await.len()
        + ids(&app, &format!("collection={collection}&kind=chat.refused")).await.len();

    assert_eq!(ids(&app, "text=monthly%20rents&kind=chat.intent").await, [id(&rent)]);
    assert_eq!(ids(&app, "text=%E5%B7%A1%E6%A3%80&kind=chat.intent").await, [id(&visits)]);
    assert!(ids(&app, "text=arbitration").await.is_empty());
    assert_eq!(outcomes, 2);
    assert!(!ids(&app, &format!("document={document}&version=1")).await.is_empty());
    assert!(ids(&app, &format!("document={document}&version=7")).await.is_empty());
    let model = rent["model"].as_str().unwrap();
    assert_eq!(ids(&app, &format!("model={model}")).await.len(), 2);
    assert!(ids(&app, "model=another").await.is_empty());
    let (status, problem) = app.get("/api/v1/audit/events?version=1&from=yesterday").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2, "{problem}");
    app.stop().await;
}

#[tokio::test]
async fn what_was_done_with_a_key_is_found_by_it_and_says_from_where() {
    let (app, rent, visits) = asked().await;
    let (_, other) = app.user("other", &["viewer"], None).await;
    let search = json!({ "query": RENT });
    body(app.as_user(&other, Method::POST, "/api/v1/search").json(&search)).await;
    let (_, keys) = app.get("/api/v1/keys").await;
    let key = keys["data"][0]["id"].as_str().unwrap();

    let questions = ids(&app, &format!("key={key}&kind=chat.intent")).await;
    let uploads = ids(&app, &format!("key={key}&kind=document.uploaded")).await;
    let (_, searches) =
        body(app.as_user(&app.key, Method::GET, "/api/v1/audit/events?kind=search.intent")).await;
    let (_, record) = app.get(&format!("/api/v1/audit/events/{}", questions[0])).await;

    assert_eq!(questions, [visits["id"].as_str().unwrap(), rent["id"].as_str().unwrap()]);
    assert_eq!(uploads.len(), 2);
    assert_ne!(searches["data"][0]["leaf"]["actor"]["credential"], key);
    assert_eq!(record["leaf"]["actor"]["credential"], key);
    assert_eq!(record["content"]["actor_address"], "127.0.0.1");
    app.stop().await;
}

#[tokio::test]
async fn what_was_left_behind_of_a_removed_entry_neither_stops_the_next_nor_names_it() {
    let app = TestApp::start().await;
    for statement in [
        "alter table audit.mark disable trigger all",
        "insert into audit.mark (leaf_index, event_id, words, tags)
         select max(leaf_index) + n, gen_random_uuid(), '{}', '{model:ghost}'
         from audit.entry, generate_series(1, 9) as n group by n",
    ] {
        app.database.execute_as_owner(statement).await;
    }

    app.collection("contracts").await;

    assert!(!ids(&app, "kind=collection.create").await.is_empty());
    assert!(ids(&app, "model=ghost").await.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn the_words_of_a_question_do_not_stand_in_the_database() {
    let (app, _, _) = asked().await;
    let mut owner = app.database.owner().await;
    let marks: Vec<String> =
        sqlx::query_scalar("select mark::text from audit.mark").fetch_all(&mut owner).await.unwrap();

    assert!(!marks.is_empty());
    for mark in marks {
        assert!(!mark.contains("rent") && !mark.contains("巡检"), "{mark}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_violation_takes_two_people_and_nobody_reviews_their_own_question() {
    let (app, rent, _) = asked().await;
    let id = rent["id"].as_str().unwrap();
    let (_, first) = app.user("first", &["auditor"], None).await;
    let (_, second) = app.user("second", &["auditor"], None).await;
    let (_, reader) = app.user("reader", &["viewer"], None).await;
    let (_, admin) = app.user("admin2", &["admin"], None).await;
    let path = format!("/api/v1/audit/events/{id}/review");
    let step = |key: &str, state: &str| {
        let request =
            app.as_user(key, Method::POST, &path).json(&json!({ "state": state, "note": "looked" }));
        body(request)
    };

    let (began, review) = step(&first, "in_review").await;
    let (proposed, _) = step(&first, "violation_proposed").await;
    let (alone, problem) = step(&first, "violation").await;
    let (confirmed, violation) = step(&second, "violation").await;
    let (no_way, _) = step(&second, "escalated").await;

    assert_eq!((began, &review["state"]), (StatusCode::OK, &json!("in_review")), "{review}");
    assert_eq!((proposed, confirmed), (StatusCode::OK, StatusCode::OK));
    assert_eq!((alone, &problem["code"]), (StatusCode::FORBIDDEN, &json!("second_person")), "{problem}");
    assert_eq!((&violation["state"], no_way), (&json!("violation"), StatusCode::CONFLICT), "{violation}");
    // The asker is an auditor and administrator here; a reader and an administrator alone are none.
    assert_eq!(step(&app.key, "in_review").await.0, StatusCode::FORBIDDEN);
    assert_eq!(step(&reader, "in_review").await.0, StatusCode::FORBIDDEN);
    assert_eq!(step(&admin, "in_review").await.0, StatusCode::FORBIDDEN);
    assert_eq!(ids(&app, "review=violation").await, [id]);
    assert_eq!(ids(&app, "review=new").await.len(), 1);
    let (_, read) = app.get(&format!("/api/v1/audit/events/{id}")).await;
    let steps = read["related"].as_array().unwrap().iter().filter(|entry| entry["kind"] == "review.changed");
    let notes: Vec<&Value> = steps.map(|step| &step["content"]["content"]["note"]).collect();
    assert_eq!(notes, ["looked"; 3], "{read}");
    let mut owner = app.database.owner().await;
    let forged = sqlx::query("set role docent_app").execute(&mut owner).await;
    assert!(forged.is_ok());
    let forged = sqlx::query("update audit.review set state = 'cleared'").execute(&mut owner).await;
    assert!(forged.is_err(), "the service itself changes reviews without an entry");
    app.stop().await;
}

#[tokio::test]
async fn a_selection_is_proved_record_by_record_and_a_table_has_a_row_for_each() {
    let (app, _, _) = asked().await;
    let key = verifier::text(&app, "/api/v1/audit/key").await.trim().to_owned();

    let selection = verifier::text(&app, "/api/v1/audit/selection?kind=chat.intent").await;
    let (code, said) = verifier::file(selection.as_bytes(), &key, None);
    let (forged, _) = verifier::file(selection.replace("viewer", "visitor").as_bytes(), &key, None);
    let table = verifier::text(&app, "/api/v1/audit/events.csv?kind=chat.intent").await;
    let (none, _) = app.get("/api/v1/audit/selection?kind=no.such").await;
    let exported = ids(&app, "kind=audit.exported").await;

    // 2: it holds and is not everything, as a selection says of itself.
    assert_eq!((code, forged), (2, 1), "{said}");
    assert!(said.contains("2 records"), "{said}");
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.starts_with("entry,recorded_at,kind,outcome"), "{table}");
    assert_eq!(none, StatusCode::NOT_FOUND);
    assert_eq!(exported.len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn a_question_is_handed_over_with_its_content_and_checked_without_the_service() {
    let (app, rent, _) = asked().await;
    let key = verifier::text(&app, "/api/v1/audit/key").await.trim().to_owned();
    let path = format!("/api/v1/audit/events/{}/disclosure", rent["id"].as_str().unwrap());

    let disclosed = verifier::text(&app, &path).await;
    let (code, said) = verifier::file(disclosed.as_bytes(), &key, None);
    let other_words = disclosed.replacen("monthly rent", "yearly rent", 1);
    let (forged, why) = verifier::file(other_words.as_bytes(), &key, None);

    assert!(disclosed.contains(RENT), "{disclosed}");
    assert!(code == 2 && said.contains("Content that is shown is what was recorded"), "{said}");
    assert_eq!(forged, 1, "{why}");
    assert_ne!(disclosed, other_words);
    let (_, exported) = app.get("/api/v1/audit/events?kind=audit.exported").await;
    let leaf = &exported["data"][0]["leaf"];
    assert_eq!((&leaf["facts"]["scope"], &leaf["ref"]), (&json!("disclosure"), &rent["id"]), "{exported}");
    app.stop().await;
}

#[tokio::test]
async fn the_pages_show_a_question_whole_and_keep_a_view() {
    let (app, rent, _) = asked().await;
    let id = rent["id"].as_str().unwrap();
    app.user("clara", &["auditor"], None).await;
    let browser = Browser::sign_in(&app, "clara", "correct horse battery staple").await;
    let page = |path: String| {
        let request = browser.client.get(format!("{}{path}", app.url));
        async move { request.send().await.unwrap().text().await.unwrap() }
    };
    let form = |path: &str, fields: &[(&str, &str)]| {
        let mut form: Vec<(&str, &str)> = fields.to_vec();
        form.push(("csrf", &browser.csrf));
        let request = browser.client.post(format!("{}{path}", app.url)).form(&form);
        async move { request.send().await.unwrap() }
    };

    let list = page("/audit?text=rent".to_owned()).await;
    let record = page(format!("/audit/{id}")).await;
    form("/audit/views", &[("name", "租金"), ("query", "text=rent")]).await;
    let with_view = page("/audit".to_owned()).await;
    let reviewed = form(&format!("/audit/{id}/review"), &[("state", "in_review"), ("note", "mine")]).await;
    let replayed = form(&format!("/audit/{id}/replay"), &[]).await.text().await.unwrap();
    form("/audit/retention/holds", &[("question_id", id)]).await;
    let kept = page("/audit/retention".to_owned()).await;

    assert!(list.contains(&format!("/audit/{id}")), "{list}");
    for part in [
        RENT,
        "This is what was recorded",
        "The exact prompt",
        "shown to the model",
        "Timeline",
        "docent-verify",
    ] {
        assert!(record.contains(part), "no `{part}` in {record}");
    }
    assert!(with_view.contains("租金") && with_view.contains("/audit?text=rent"), "{with_view}");
    assert!(reviewed.text().await.unwrap().contains("Review: in review"));
    assert!(replayed.contains("Replay: identical"), "{replayed}");
    assert!(kept.contains("stands"), "{kept}");
    app.stop().await;
}

#[tokio::test]
async fn an_auditor_looks_at_the_log_from_a_shell() {
    let (app, _, _) = asked().await;
    let (_, auditor) = app.user("auditor", &["auditor"], None).await;
    let (_, reader) = app.user("reader", &["viewer"], None).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    let run = |key: &str, arguments: &[&str]| {
        let mut command = Command::new(program());
        command.arg("audit").args(arguments).env("DOCENT_URL", &app.url).env("DOCENT_KEY", key);
        tokio::task::spawn_blocking(move || {
            let output = command.output().unwrap();
            let text = format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            (output.status.success(), text)
        })
    };
    let key = verifier::text(&app, "/api/v1/audit/key").await.trim().to_owned();

    let (held, checkpoint) = run(&auditor, &["checkpoint"]).await.unwrap();
    std::fs::write(folder.path().join("kept"), &checkpoint).unwrap();
    let kept = folder.path().join("kept").display().to_string();
    let (verified, said) =
        run(&auditor, &["verify", "--log-key", &key, "--checkpoint", &kept]).await.unwrap();
    let (exported, _) = run(&auditor, &["export", file.to_str().unwrap()]).await.unwrap();
    let (code, why) = verifier::file(&std::fs::read(&file).unwrap(), &key, None);
    app.request(Method::POST, "/api/v1/audit/verifications").send().await.unwrap();
    let (_, health) = run(&auditor, &["doctor"]).await.unwrap();
    let (refused, problem) = run(&reader, &["verify"]).await.unwrap();

    assert!(held && checkpoint.starts_with("docent.local/audit\n"), "{checkpoint}");
    assert!(verified && said.contains("holds") && said.contains("1 kept checkpoints agree"), "{said}");
    assert!(exported && code == 0, "{why}");
    assert!(health.contains("ok   the log is what it signed"), "{health}");
    assert!(!refused && problem.contains("403"), "{problem}");
    app.stop().await;
}
