//! `kill -9` of the service or of its Postgres at any moment, while many writers are acknowledged: whatever was acknowledged
//! stands in the log afterwards, and the log is whole. A few rounds here; `DOCENT_KILLS=25` asks for more.

use crate::support::app::PATIENCE;
use crate::support::postgres::data_dir;
use crate::support::process::Process;
use crate::support::verifier;
use reqwest::Method;
use reqwest::StatusCode;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use serde_json::Value;
use serde_json::json;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;
use tokio::task::JoinSet;

const ENVIRONMENT: &[(&str, &str)] = &[
    ("DOCENT__HTTP__REQUESTS_PER_MINUTE", "0"),
    ("DOCENT__AUDIT__CHECKPOINT_EVERY_MS", "200"),
    ("DOCENT__LOG__LEVEL", "off"),
];
/// Requests under way at the moment of the kill.
const WRITERS: usize = 8;

/// What is killed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Victim {
    Service,
    Postgres,
}

#[tokio::test]
async fn no_acknowledged_record_is_lost_when_the_service_is_killed() {
    kill_again_and_again(Victim::Service).await;
}

#[tokio::test]
async fn no_acknowledged_record_is_lost_when_postgres_is_killed() {
    kill_again_and_again(Victim::Postgres).await;
}

async fn kill_again_and_again(victim: Victim) {
    let rounds = rounds();
    let directory = data_dir();
    let mut acknowledged = Vec::new();
    for round in 0..rounds {
        let service = Arc::new(Process::start(directory.path(), ENVIRONMENT).await);
        let known = Arc::new(Mutex::new(Vec::new()));
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write(Arc::clone(&service), Arc::clone(&known), format!("{round} {writer}")));
        }
        // Not the same moment of a commit in every round.
        wait_for(&known, 4 + 3 * round).await;
        tokio::time::sleep(Duration::from_millis(13 * (round as u64 % 7))).await;
        if victim == Victim::Postgres {
            kill_process(postmaster(directory.path()), Signal::KILL).unwrap();
            // It comes back, and so do acknowledgements.
            let before = known.lock().unwrap().len();
            wait_for(&known, before + WRITERS).await;
        }
        service.strike();
        writers.abort_all();
        while writers.join_next().await.is_some() {}
        Arc::into_inner(service).expect("the writers are gone").kill();
        acknowledged.append(&mut known.lock().unwrap());
    }

    let service = Process::start(directory.path(), ENVIRONMENT).await;
    let export = text(&service, "/api/v1/audit/export").await;
    let key = text(&service, "/api/v1/audit/key").await;
    let held = directory.path().join("checkpoints/checkpoints.jsonl");
    let (code, said) = verifier::file(export.as_bytes(), key.trim(), Some(&held));
    let lost: Vec<&String> = acknowledged.iter().filter(|id| !export.contains(id.as_str())).collect();

    assert_eq!(code, 0, "{said}");
    assert!(acknowledged.len() >= 4 * rounds, "{}", acknowledged.len());
    assert!(lost.is_empty(), "{} of {} acknowledged records are lost", lost.len(), acknowledged.len());
}

#[expect(clippy::disallowed_methods, reason = "it is no configuration of the service")]
fn rounds() -> usize {
    std::env::var("DOCENT_KILLS").map_or(2, |rounds| rounds.parse().unwrap())
}

/// Makes collections until it is stopped; each that was acknowledged has a record.
async fn write(service: Arc<Process>, known: Arc<Mutex<Vec<String>>>, name: String) {
    for number in 0.. {
        let made = json!({ "name": format!("{name} {number}") });
        let Ok(answer) = service.request(Method::POST, "/api/v1/collections").json(&made).send().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        if answer.status() == StatusCode::CREATED
            && let Ok(made) = answer.json::<Value>().await
        {
            known.lock().unwrap().push(made["id"].as_str().unwrap().to_owned());
        } else {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn wait_for(known: &Mutex<Vec<String>>, count: usize) {
    let began = Instant::now();
    while known.lock().unwrap().len() < count {
        assert!(began.elapsed() < PATIENCE, "nothing is acknowledged any more");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn text(service: &Process, path: &str) -> String {
    let answer = service.request(Method::GET, path).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    text
}

/// The process that every other one of the managed Postgres dies with.
fn postmaster(data: &Path) -> Pid {
    let file = find(data, "postmaster.pid").expect("the managed Postgres runs");
    let pid = std::fs::read_to_string(file).unwrap().lines().next().unwrap().parse().unwrap();
    Pid::from_raw(pid).unwrap()
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let found = files.into_iter().find(|path| path.file_name().is_some_and(|file| file == name));
    found.or_else(|| folders.iter().find_map(|folder| find(folder, name)))
}
