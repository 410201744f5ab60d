//! What the log costs: one record when nothing else happens, and records a second under load, beside a plain insert of the
//! same bytes with a commit each. Against a Postgres of its own with its defaults, every commit durable.
//!
//! `cargo bench -p docent --bench append`
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench may panic, and prints what it measured"
)]

use docent::adapters::postgres::ManagedPostgres;
use docent::adapters::postgres::Postgres;
use docent::adapters::witness_client::HttpWitnessClient;
use docent::audit::Auditor;
use docent::audit::AuditorParts;
use docent::audit::Event;
use docent::audit::ServiceFacts;
use docent::config::Config;
use docent::domain::BootId;
use docent::domain::EventId;
use docent::ports::PrefixCache;
use serde_json::json;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

const QUIET: usize = 400;
const LOAD: Duration = Duration::from_secs(8);
const CALLERS: usize = 256;
const CONNECTIONS: u32 = 16;

#[tokio::main]
async fn main() {
    let directory = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o711))
        .tempdir_in("/tmp")
        .unwrap();
    let mut config = Config::from_layers(None, &BTreeMap::new()).unwrap();
    config.database.max_connections = CONNECTIONS;
    let (dir, database) = (directory.path().to_owned(), config.database.clone());
    let server =
        tokio::task::spawn_blocking(move || ManagedPostgres::start(&dir, &database)).await.unwrap().unwrap();
    Postgres::migrate(&server.url()).await.unwrap();
    let store = Postgres::connect(&server.url(), &config.database).await.unwrap();
    let pool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .connect(&server.url())
        .await
        .unwrap();
    sqlx::raw_sql("create table plain (id uuid primary key, leaf bytea not null, sealed bytea not null)")
        .execute(&pool)
        .await
        .unwrap();
    let auditor = auditor(store, &config).await;

    println!("{:28} {:>10} {:>10} {:>12}", "", "p50 ms", "p95 ms", "records/s");
    // Taking turns: what else the machine does then hits both.
    for round in 1..=3 {
        quiet_round(&auditor, &pool).await;
        let (log, table) = (auditor.clone(), pool.clone());
        let recorded = load(move || {
            let log = log.clone();
            async move { drop(log.record(event()).await.unwrap()) }
        });
        println!("{:28} {:>10} {:>10} {:>12.0}", "log, load", "", "", recorded.await);
        let log = auditor.clone();
        let found = load(move || {
            let log = log.clone();
            async move { drop(log.record(question()).await.unwrap()) }
        });
        println!("{:28} {:>10} {:>10} {:>12.0}", "log with words, load", "", "", found.await);
        let inserted = load(move || {
            let table = table.clone();
            async move { plain(&table).await }
        });
        println!(
            "{:28} {:>10} {:>10} {:>12.0}   round {round}",
            "plain insert, load",
            "",
            "",
            inserted.await
        );
    }
    auditor.stop();
    tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
}

/// One after another, each kind of record in turn.
async fn quiet_round(auditor: &Auditor, pool: &sqlx::PgPool) {
    let record = || async { drop(auditor.record(event()).await.unwrap()) };
    let found = || async { drop(auditor.record(question()).await.unwrap()) };
    let proved = || async { drop(auditor.record_proved(event()).await.unwrap()) };
    let rows = [
        ("log, quiet", quiet(record).await),
        ("log with words, quiet", quiet(found).await),
        ("log with proof, quiet", quiet(proved).await),
        ("a whole question, quiet", quiet(|| whole_question(auditor)).await),
        ("plain insert, quiet", quiet(|| plain(pool)).await),
    ];
    for (name, (p50, p95)) in rows {
        println!("{name:28} {p50:>10.2} {p95:>10.2} {:>12}", "");
    }
}

/// No model runs here.
struct NoCache;

impl PrefixCache for NoCache {
    fn forget(&self) {}
}

async fn auditor(store: Postgres, config: &Config) -> Auditor {
    let parts = AuditorParts {
        store: Arc::new(store),
        shelves: Vec::new(),
        witness_client: Arc::new(HttpWitnessClient::new(Duration::from_secs(1)).unwrap()),
        prefixes: Arc::new(NoCache),
        config: config.audit.clone(),
        retention: config.retention.clone(),
        master_key: [7; 32],
        boot: BootId::new(),
        node: "bench".to_owned(),
        service: ServiceFacts { version: "0".to_owned(), config_hash: "0".to_owned() },
    };
    Auditor::start(parts).await.unwrap().0
}

/// Of the size of a question's record.
fn event() -> Event {
    Event {
        id: EventId::new(),
        kind: "bench.recorded",
        reference: None,
        actor: None,
        documents: Vec::new(),
        outcome: Some("answered"),
        facts: json!({ "model": "a".repeat(600) }),
        content: Some(json!({ "answer": "b".repeat(2_000) })),
    }
}

/// The same with words to be found by, as many as a question and its answer have.
fn question() -> Event {
    let words: Vec<String> = (0..80).map(|n| format!("word{n}")).collect();
    let content = json!({ "answer": words.join(" "), "prompt": "b".repeat(1_400) });
    Event { kind: "chat.measured", content: Some(content), ..event() }
}

/// All that a question with one sentence waits for: four records, one after another, the last with its proof.
async fn whole_question(auditor: &Auditor) {
    let intent = Event { kind: "chat.intent", outcome: None, ..question() };
    let reference = Some(intent.id);
    auditor.record(intent).await.unwrap();
    auditor.record(Event { kind: "chat.sources", reference, content: None, ..event() }).await.unwrap();
    auditor.record(Event { kind: "chat.sentence", reference, ..event() }).await.unwrap();
    auditor.record_proved(Event { kind: "chat.completed", reference, ..question() }).await.unwrap();
}

async fn plain(pool: &sqlx::PgPool) {
    sqlx::query("insert into plain (id, leaf, sealed) values ($1, $2, $3)")
        .bind(uuid::Uuid::now_v7())
        .bind(vec![b'a'; 1_000])
        .bind(vec![b'b'; 2_100])
        .execute(pool)
        .await
        .unwrap();
}

/// One after another; median and 95th percentile in milliseconds.
async fn quiet<F: Future<Output = ()>>(write: impl Fn() -> F) -> (f64, f64) {
    let mut took = Vec::with_capacity(QUIET);
    for _ in 0..QUIET {
        let began = Instant::now();
        write().await;
        took.push(began.elapsed().as_secs_f64() * 1e3);
    }
    took.sort_unstable_by(f64::total_cmp);
    (took[QUIET / 2], took[QUIET * 95 / 100])
}

/// From many callers at once; records a second.
async fn load<F: Future<Output = ()> + Send + 'static>(
    write: impl Fn() -> F + Clone + Send + Sync + 'static,
) -> f64 {
    let (began, written) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let callers = (0..CALLERS).map(|_| {
        let (write, written) = (write.clone(), Arc::clone(&written));
        tokio::spawn(async move {
            while began.elapsed() < LOAD {
                write().await;
                written.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    futures::future::join_all(callers).await;
    written.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}
