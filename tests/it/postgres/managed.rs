//! The managed server: it comes up, comes back, goes away, and says what is wrong.
#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

use crate::support::postgres::TestPostgres;
use crate::support::postgres::data_dir;
use crate::support::postgres::database;
use docent::adapters::postgres::ManagedPostgres;
use docent::adapters::postgres::Postgres;
use docent::adapters::postgres::PostgresError;
use docent::config::Database;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use rustix::process::test_kill_process;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::PgConnection;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

/// Says to a second process of this binary which data directory it shall hold.
const HOLD: &str = "DOCENT_TEST_HOLD";

#[tokio::test]
async fn a_server_starts_migrates_twice_and_stops() {
    let directory = data_dir();
    let server = start(directory.path()).await.unwrap();
    let pid = server.pid().unwrap();

    Postgres::migrate(&server.url()).await.unwrap();
    Postgres::migrate(&server.url()).await.unwrap();
    let store = Postgres::connect(&server.url(), &database()).await.unwrap();
    let settings = setting(&server, "fsync").await;
    store.close().await;
    tokio::task::spawn_blocking(|| server.stop()).await.unwrap();

    assert_eq!(settings, "on");
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn a_database_that_is_not_migrated_is_refused() {
    let directory = data_dir();
    let server = start(directory.path()).await.unwrap();

    let refused = Postgres::connect(&server.url(), &database()).await;

    assert!(matches!(refused, Err(PostgresError::NotMigrated { missing: 5.. })));
}

#[tokio::test]
async fn a_database_that_would_lose_what_it_acknowledged_is_refused() {
    let postgres = TestPostgres::fresh().await;
    let alter = |value| {
        format!(
            "do $$ begin execute format('alter database %I set synchronous_commit = {value}', current_database()); end $$"
        )
    };

    postgres.execute_as_owner(&alter("off")).await;
    let refused = Postgres::connect(postgres.url(), &database()).await.err().unwrap().to_string();
    postgres.execute_as_owner(&alter("local")).await;
    let taken = Postgres::connect(postgres.url(), &database()).await;

    assert!(refused.contains("`synchronous_commit` is off"), "{refused}");
    assert!(taken.is_ok());
}

#[tokio::test]
async fn a_second_process_on_the_directory_is_refused() {
    let directory = data_dir();
    let _server = start(directory.path()).await.unwrap();

    let second = start(directory.path()).await;

    assert!(matches!(second, Err(PostgresError::InUse { .. })));
}

#[tokio::test]
async fn a_server_that_is_killed_comes_back_once_and_then_is_given_up() {
    let directory = data_dir();
    let server = start(directory.path()).await.unwrap();
    let first = server.pid().unwrap();

    kill(first, Signal::KILL);
    let second = other_pid(&server, first).await;
    let works = setting(&server, "fsync").await;
    kill(second, Signal::KILL);
    let reason = tokio::time::timeout(Duration::from_mins(1), server.died()).await.unwrap();

    assert_eq!(works, "on");
    assert!(reason.contains("soon after it was restarted"), "{reason}");
}

#[tokio::test]
async fn killing_the_service_leaves_no_orphan_and_what_was_committed_is_there() {
    let directory = data_dir();
    let mut service = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "postgres::managed::holds_a_server_for_another_test", "--nocapture"])
        .env(HOLD, directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(service.stdout.take().unwrap()).lines();
    let line = lines.find_map(|line| line.unwrap().split_once("server ").map(|(_, pid)| pid.to_owned()));
    let pid: i32 = line.unwrap().parse().unwrap();

    service.kill().unwrap();
    service.wait().unwrap();
    // Not waited for: the new server has to cope with the old one's last moments.
    let server = start(directory.path()).await.unwrap();
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    let kept: i64 = sqlx::query_scalar("select count(*) from kept").fetch_one(&mut connection).await.unwrap();

    assert!(!is_alive(pid));
    assert_eq!(kept, 1);
}

/// Not a test by itself: the process that is killed.
#[tokio::test]
async fn holds_a_server_for_another_test() {
    let Some(directory) = std::env::var_os(HOLD) else { return };
    let server = start(Path::new(&directory)).await.unwrap();
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    connection.execute("create table kept as select 1").await.unwrap();
    println!("server {}", server.pid().unwrap());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_half_made_cluster_is_made_again() {
    let directory = data_dir();
    let half = directory.path().join("postgres/data.new");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("PG_VERSION"), "15\n").unwrap();

    let server = start(directory.path()).await.unwrap();

    assert_eq!(setting(&server, "data_checksums").await, "on");
    assert!(!half.exists());
}

#[tokio::test]
async fn a_cluster_of_another_major_version_is_refused() {
    let directory = data_dir();
    let data = directory.path().join("postgres/data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("PG_VERSION"), "9\n").unwrap();

    let refused = start(directory.path()).await;

    assert!(matches!(refused, Err(PostgresError::OtherMajor { on_disk: 9, .. })));
}

#[tokio::test]
async fn a_folder_without_binaries_is_named() {
    let directory = data_dir();
    let database = Database { binaries: PathBuf::from("/nowhere/bin"), ..database() };

    let refused = ManagedPostgres::start(directory.path(), &database).err().unwrap().to_string();

    assert!(refused.contains("`/nowhere/bin`, as `database.binaries` says"), "{refused}");
    assert!(refused.contains("database.url"), "{refused}");
}

#[tokio::test]
async fn a_path_that_is_too_long_for_a_socket_works() {
    let directory = data_dir();
    let deep = directory.path().join("a directory with a long name ".repeat(4));

    let server = start(&deep).await.unwrap();

    assert!(server.url().contains("host=/tmp/docent-"), "{}", server.url());
    assert_eq!(setting(&server, "fsync").await, "on");
}

#[tokio::test]
async fn a_process_id_that_went_to_somebody_else_is_no_obstacle() {
    let directory = data_dir();
    tokio::task::spawn_blocking({
        let path = directory.path().to_owned();
        move || ManagedPostgres::start(&path, &database()).unwrap().stop()
    })
    .await
    .unwrap();
    let mine = std::process::id();
    let stale = format!("{mine}\n/x\n1\n5432\n/x\n\n  1 1\nready   \n");
    fs::write(directory.path().join("postgres/data/postmaster.pid"), stale).unwrap();

    let server = start(directory.path()).await.unwrap();

    assert_eq!(setting(&server, "fsync").await, "on");
}

async fn start(directory: &Path) -> Result<ManagedPostgres, PostgresError> {
    let directory = directory.to_owned();
    tokio::task::spawn_blocking(move || ManagedPostgres::start(&directory, &database())).await.unwrap()
}

async fn setting(server: &ManagedPostgres, name: &str) -> String {
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    sqlx::query_scalar("select current_setting($1)").bind(name).fetch_one(&mut connection).await.unwrap()
}

async fn other_pid(server: &ManagedPostgres, old: i32) -> i32 {
    let start = Instant::now();
    loop {
        match server.pid() {
            Some(pid) if pid != old => return pid,
            Some(_) | None => assert!(start.elapsed() < Duration::from_mins(1), "it does not come back"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn kill(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

fn is_alive(pid: i32) -> bool {
    // It may need a moment more to be reaped by whoever adopted it.
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        let gone = test_kill_process(Pid::from_raw(pid).unwrap()).is_err();
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if gone || state.contains(") Z ") {
            return false;
        }
        sleep(Duration::from_millis(20));
    }
    true
}
