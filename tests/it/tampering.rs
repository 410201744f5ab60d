//! A database administrator who may do anything, with triggers and constraints out of the way, against the database of a
//! running service: each change is caught by `docent-verify`, by the service while it runs, or when it starts again.

use crate::support::app::Size;
use crate::support::app::TestApp;
use crate::support::app::eventually;
use crate::support::verifier;
use ledger::Checkpoint;
use ledger::Purpose;
use ledger::SignerKey;
use ledger::TreeHead;
use reqwest::Method;
use reqwest::StatusCode;
use serde_json::json;
use std::path::Path;
use tempfile::TempDir;

/// One way to change the log.
struct Way {
    name: &'static str,
    statements: &'static [&'static str],
    /// The first record that an export of it is wrong at, as the verifier names it; none where all that is left fits.
    first_bad: Option<&'static str>,
    /// The service itself sees it when it starts again.
    seen_at_start: bool,
}

/// The log of the test has a few dozen records.
const WAYS: &[Way] = &[
    Way {
        name: "a record is edited, its hash beside it too",
        statements: &[
            "update audit.entry
             set leaf = convert_to(replace(convert_from(leaf, 'UTF8'), 'boot', 'boat'), 'UTF8')
             where leaf_index = 4",
            "update audit.entry set leaf_hash = sha256('\\x00'::bytea || leaf) where leaf_index = 4",
        ],
        first_bad: Some("First bad record: 4"),
        seen_at_start: false,
    },
    Way {
        name: "a record is edited, and the tree's hash of it",
        statements: &[
            "update audit.entry
             set leaf = convert_to(replace(convert_from(leaf, 'UTF8'), 'boot', 'boat'), 'UTF8')
             where leaf_index = 4",
            "update audit.node
             set hash = (select sha256('\\x00'::bytea || leaf) from audit.entry where leaf_index = 4)
             where position = 7",
        ],
        first_bad: Some("First bad record: 4"),
        seen_at_start: false,
    },
    Way {
        name: "a record is deleted",
        statements: &["delete from audit.entry where leaf_index = 5"],
        first_bad: Some("First bad record: 5"),
        seen_at_start: false,
    },
    Way {
        name: "a record is inserted",
        statements: &[
            "update audit.entry set leaf_index = leaf_index + 1000 where leaf_index >= 5",
            "insert into audit.entry
             select 5, gen_random_uuid(), kind, null, recorded_at, actor, documents, outcome, boot, leaf, leaf_hash
             from audit.entry where leaf_index = 4",
            "update audit.entry set leaf_index = leaf_index - 999 where leaf_index >= 1000",
        ],
        first_bad: Some("First bad record: 5"),
        seen_at_start: true,
    },
    Way {
        name: "two records change places",
        statements: &[
            "update audit.entry set leaf_index = 1000 where leaf_index = 4",
            "update audit.entry set leaf_index = 4 where leaf_index = 6",
            "update audit.entry set leaf_index = 6 where leaf_index = 1000",
        ],
        first_bad: Some("First bad record: 4"),
        seen_at_start: false,
    },
    Way {
        name: "the newest records are removed",
        statements: &["delete from audit.entry where leaf_index >= (select max(leaf_index) - 7 from audit.entry)"],
        first_bad: Some("First bad record: "),
        seen_at_start: true,
    },
    Way {
        name: "an old backup of the log is put back",
        statements: &[
            "delete from audit.checkpoint where size > 8",
            "delete from audit.node where position >= 15",
            "delete from audit.entry where leaf_index >= 8",
        ],
        first_bad: Some("First bad record: "),
        seen_at_start: true,
    },
    Way {
        name: "a node of the tree is changed",
        statements: &["update audit.node set hash = sha256(hash) where position = (select max(position) from audit.node)"],
        first_bad: None,
        seen_at_start: true,
    },
    Way {
        name: "an old checkpoint is shown as the newest",
        statements: &["update audit.checkpoint
            set (root, note) = (select root, note from audit.checkpoint where size = 8)
            where size = (select max(size) from audit.checkpoint)"],
        first_bad: Some("DOES NOT HOLD"),
        seen_at_start: true,
    },
    Way {
        name: "all that was signed is removed",
        statements: &["delete from audit.checkpoint"],
        first_bad: None,
        seen_at_start: true,
    },
];

#[tokio::test]
async fn whatever_is_changed_in_the_database_is_caught() {
    let mut app = app().await;
    let key = verifier::text(&app, "/api/v1/audit/key").await.trim().to_owned();
    let (untouched, said) = verifier::export(&app, &key, None).await;
    assert_eq!(untouched, 0, "{said}");
    app = app.restarted().await;
    let held = tempfile::tempdir().unwrap();
    let checkpoints = held.path().join("checkpoints.jsonl");

    for way in WAYS {
        let name = way.name;
        // What the compliance team holds: all that was handed out so far.
        std::fs::copy(app.data().join("checkpoints/checkpoints.jsonl"), &checkpoints).unwrap();
        let kept = keep(&app).await;
        as_superuser(&app, way.statements).await;
        let (code, said) = verifier::export(&app, &key, Some(&checkpoints)).await;
        assert!(code == 1 || code == 2 || is_doubted(&app).await, "{name}: {said}");
        if let Some(first_bad) = way.first_bad {
            assert!(code == 1 && said.contains(first_bad), "{name}: {said}");
        }
        put_back(&app).await;
        let handed_out = app.data().join("checkpoints");
        app = app.restarted_after(|| copy_files(kept.path(), &handed_out)).await;

        let kept = keep(&app).await;
        as_superuser(&app, way.statements).await;
        app = app.restarted().await;
        assert_eq!(is_doubted(&app).await, way.seen_at_start, "{name}");
        put_back(&app).await;
        let handed_out = app.data().join("checkpoints");
        app = app.restarted_after(|| copy_files(kept.path(), &handed_out)).await;
        assert!(!is_doubted(&app).await, "after {name}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_second_history_signed_with_the_logs_own_key_is_told_by_a_checkpoint_of_the_first() {
    let app = app().await;
    let key = verifier::text(&app, "/api/v1/audit/key").await.trim().to_owned();
    let app = app.restarted().await;
    let held = tempfile::tempdir().unwrap();
    let checkpoints = held.path().join("checkpoints.jsonl");
    std::fs::copy(app.data().join("checkpoints/checkpoints.jsonl"), &checkpoints).unwrap();

    // The operators erase the end, and what the service itself would tell it by, and go on.
    as_superuser(
        &app,
        &[
            "delete from audit.checkpoint where size > 8",
            "delete from audit.node where position >= 15",
            "delete from audit.entry where leaf_index >= 8",
        ],
    )
    .await;
    let folder = app.data().join("checkpoints");
    let app = app.restarted_after(|| std::fs::remove_dir_all(&folder).unwrap_or_default()).await;
    for number in 0..12 {
        app.collection(&format!("other {number}")).await;
    }
    let (alone, _) = verifier::export(&app, &key, None).await;
    let (compared, said) = verifier::export(&app, &key, Some(&checkpoints)).await;

    assert_eq!((alone, compared), (0, 1), "{said}");
    app.stop().await;
}

#[tokio::test]
async fn a_checkpoint_of_another_key_is_no_checkpoint() {
    let app = app().await;
    let other_key = SignerKey::from_seed("docent.local/audit", Purpose::Log, &[9; 32]).unwrap();
    let newest = verifier::text(&app, "/api/v1/audit/checkpoint").await;
    let size = newest.lines().nth(1).unwrap().parse().unwrap();
    let head = TreeHead { size, root: [1; 32] };
    let forged = Checkpoint::new("docent.local/audit", head).unwrap().sign(&other_key).unwrap().to_string();
    let statement = format!("update audit.checkpoint set note = '{forged}' where size = {size}");
    let key = verifier::text(&app, "/api/v1/audit/key").await.trim().to_owned();

    as_superuser(&app, &[&statement]).await;
    let app = app.restarted().await;
    let doubted = is_doubted(&app).await;
    let (code, said) = verifier::export(&app, &key, None).await;

    assert_eq!((doubted, code), (true, 1), "{said}");
    app.stop().await;
}

#[tokio::test]
async fn the_service_finds_what_was_changed_in_the_middle_when_it_looks_through_its_log() {
    let app = app().await;
    let verify = || async { app.post("/api/v1/audit/verifications", &json!({})).await };

    let (_, untouched) = verify().await;
    as_superuser(&app, &["update audit.node set hash = sha256(hash) where position = 1"]).await;
    let (status, node) = verify().await;
    let doubted = is_doubted(&app).await;
    as_superuser(
        &app,
        &["update audit.entry set leaf = convert_to(replace(convert_from(leaf, 'UTF8'), 'boot', 'boat'), 'UTF8')
           where leaf_index = 4"],
    )
    .await;
    let (_, record) = verify().await;

    assert_eq!((&untouched["holds"], untouched["event_id"].is_string()), (&json!(true), true), "{untouched}");
    assert_eq!(
        (status, &node["holds"], &node["first_bad"]),
        (StatusCode::OK, &json!(false), &json!(1)),
        "{node}"
    );
    assert!(doubted);
    assert_eq!((&record["holds"], &record["first_bad"]), (&json!(false), &json!(4)), "{record}");
    app.stop().await;
}

#[tokio::test]
async fn the_service_looks_through_its_log_by_itself() {
    let app = TestApp::with(Size::Small, |config| config.audit.verify_every_ms = 200).await;
    app.collection("contracts").await;

    eventually("the check is recorded", || async {
        let (_, events) = app.get("/api/v1/audit/events?kind=log.verified").await;
        (!events["data"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;

    assert!(!is_doubted(&app).await);
    app.stop().await;
}

/// With some records, and no checkpoint handed out but when it starts and stops.
pub(crate) async fn app() -> TestApp {
    let app = TestApp::with(Size::Small, |config| config.audit.checkpoint_every_ms = 3_600_000).await;
    for number in 0..12 {
        app.collection(&format!("collection {number}")).await;
    }
    app
}

pub(crate) async fn is_doubted(app: &TestApp) -> bool {
    let probe = app.request(Method::GET, "/api/v1/collections").send().await.unwrap();
    assert_eq!(probe.status(), StatusCode::OK);
    let (status, problem) = app.post("/api/v1/search", &json!({ "query": "rent" })).await;
    if status == StatusCode::OK {
        return false;
    }
    assert_eq!(problem["code"], "audit_rollback", "{problem}");
    true
}

/// Statements with nothing that refuses.
pub(crate) async fn as_superuser(app: &TestApp, statements: &[&str]) {
    let free = [
        "alter table audit.entry disable trigger all",
        "alter table audit.sealed disable trigger all",
        "alter table audit.node disable trigger all",
        "alter table audit.checkpoint disable trigger all",
        "alter table audit.mark disable trigger all",
        "alter table audit.review disable trigger all",
        "alter table audit.erased disable trigger all",
        "alter table audit.entry drop constraint if exists entry_leaf_hash_check",
    ];
    for statement in free.iter().chain(statements) {
        app.database.execute_as_owner(statement).await;
    }
}

const TABLES: [&str; 4] = ["entry", "node", "checkpoint", "mark"];

/// The log and what was handed out of it.
async fn keep(app: &TestApp) -> TempDir {
    for table in TABLES {
        app.database.execute_as_owner("create schema if not exists kept").await;
        app.database.execute_as_owner(&format!("drop table if exists kept.{table}")).await;
        app.database.execute_as_owner(&format!("create table kept.{table} as table audit.{table}")).await;
    }
    let kept = tempfile::tempdir().unwrap();
    copy_files(&app.data().join("checkpoints"), kept.path());
    kept
}

/// As if nothing had been; what was handed out goes back while the service is down.
async fn put_back(app: &TestApp) {
    for table in TABLES {
        app.database.execute_as_owner(&format!("delete from audit.{table}")).await;
        app.database.execute_as_owner(&format!("insert into audit.{table} select * from kept.{table}")).await;
    }
}

fn copy_files(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}
