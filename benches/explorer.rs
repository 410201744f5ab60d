//! The auditor's list over a million records: how long a page takes by each filter, at the newest end and in the middle.
//! The records are made by the database itself; words are as frequent as words are (the n-th as 1/n).
//!
//! `cargo bench -p docent --bench explorer`
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench may panic, and prints what it measured"
)]

use docent::adapters::postgres::ManagedPostgres;
use docent::adapters::postgres::Postgres;
use docent::config::Config;
use docent::domain::DocumentId;
use docent::domain::ReviewState;
use docent::domain::UserId;
use docent::ports::LogQuery;
use docent::ports::LogStore;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;
use uuid::Uuid;

const RECORDS: i64 = 1_000_000;
const ROUNDS: usize = 40;
const PAGE: i64 = 51;

/// Every second record is an outcome; 50 people, 2000 documents, 20000 words.
const FILL: &str = "
    insert into audit.entry (leaf_index, event_id, kind, reference, recorded_at, actor, documents, outcome, boot, leaf, leaf_hash)
    select
        n, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
        case when n % 2 = 0 then 'chat.intent' when n % 100 = 1 then 'chat.refused' else 'chat.completed' end,
        case when n % 2 = 1 then ('00000000-0000-7000-8000-' || lpad(to_hex(n - 1), 12, '0'))::uuid end,
        timestamptz '2026-01-01' + n * interval '20 seconds',
        ('00000000-0000-7000-9000-' || lpad(to_hex((n / 2) % 50), 12, '0'))::uuid,
        case when n % 2 = 1 then array[('00000000-0000-7000-a000-' || lpad(to_hex((n * 7919) % 2000), 12, '0'))::uuid] else '{}' end,
        case when n % 2 = 0 then null when n % 100 = 1 then 'not_in_documents' when n % 10001 = 0 then 'partly_answered' else 'answered' end,
        '00000000-0000-7000-b000-000000000000', leaf, sha256('\\x00'::bytea || leaf)
    from generate_series($1::bigint, $2::bigint) as n,
        lateral (select convert_to('{\"n\":' || n || ',\"pad\":\"' || repeat('x', 700) || '\"}', 'UTF8') as leaf) as made";

const MARK: &str = "
    insert into audit.mark (leaf_index, event_id, words, tags)
    select
        n, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
        array(select floor(exp(random() * ln(20000)))::bigint from generate_series(1, 30) where n is not null),
        case when n % 2 = 1 then array['model:qwen3-32b', 'verdict:' || case when n % 997 = 0 then 'unsupported' else 'quoted' end]
            else '{}' end
    from generate_series($1::bigint, $2::bigint) as n";

#[tokio::main]
async fn main() {
    let directory = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o711))
        .tempdir_in("/tmp")
        .unwrap();
    let config = Config::from_layers(None, &BTreeMap::new()).unwrap();
    let (dir, database) = (directory.path().to_owned(), config.database.clone());
    let server =
        tokio::task::spawn_blocking(move || ManagedPostgres::start(&dir, &database)).await.unwrap().unwrap();
    Postgres::migrate(&server.url()).await.unwrap();
    fill(&server.url()).await;
    let store = Postgres::connect(&server.url(), &config.database).await.unwrap();

    println!("{:44} {:>8} {:>10} {:>10}", "filter", "rows", "p50 ms", "p95 ms");
    for (name, query) in queries() {
        for (place, before) in [("newest", None), ("middle", Some(RECORDS / 2))] {
            let query = LogQuery { before, limit: PAGE, ..query.clone() };
            let mut took = Vec::with_capacity(ROUNDS);
            let mut rows = 0;
            for _ in 0..ROUNDS {
                let began = Instant::now();
                rows = LogStore::list(&store, &query).await.unwrap().len();
                took.push(began.elapsed().as_secs_f64() * 1e3);
            }
            took.sort_unstable_by(f64::total_cmp);
            let (p50, p95) = (took[ROUNDS / 2], took[ROUNDS * 95 / 100]);
            println!("{:44} {rows:>8} {p50:>10.1} {p95:>10.1}", format!("{name}, {place}"));
        }
    }
    store.close().await;
    tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
}

async fn fill(url: &str) {
    let pool = sqlx::PgPool::connect(url).await.unwrap();
    let began = Instant::now();
    for first in (0..RECORDS).step_by(50_000) {
        for statement in [FILL, MARK] {
            sqlx::query(statement).bind(first).bind(first + 49_999).execute(&pool).await.unwrap();
        }
    }
    sqlx::raw_sql("vacuum analyze audit.entry; ").execute(&pool).await.unwrap();
    sqlx::raw_sql("vacuum analyze audit.mark").execute(&pool).await.unwrap();
    println!("{RECORDS} records made in {:.0} s", began.elapsed().as_secs_f64());
}

fn queries() -> Vec<(&'static str, LogQuery)> {
    let id = |group: &str, number: u64| {
        Uuid::parse_str(&format!("00000000-0000-7000-{group}-{number:012x}")).unwrap()
    };
    let none = LogQuery::default();
    vec![
        ("all", none.clone()),
        ("a person", LogQuery { actor: Some(UserId::from_uuid(id("9000", 7))), ..none.clone() }),
        ("a document", LogQuery { document: Some(DocumentId::from_uuid(id("a000", 7))), ..none.clone() }),
        ("a kind", LogQuery { kind: Some("chat.completed".to_owned()), ..none.clone() }),
        ("a rare outcome", LogQuery { outcome: Some("partly_answered".to_owned()), ..none.clone() }),
        ("a frequent tag", LogQuery { tags: vec!["verdict:quoted".to_owned()], ..none.clone() }),
        ("a rare tag", LogQuery { tags: vec!["verdict:unsupported".to_owned()], ..none.clone() }),
        ("a frequent word", LogQuery { words: vec![2], ..none.clone() }),
        ("a rare word", LogQuery { words: vec![15_000], ..none.clone() }),
        ("three words", LogQuery { words: vec![3, 40, 900], ..none.clone() }),
        ("a word that is not there", LogQuery { words: vec![999_999], ..none.clone() }),
        (
            "a word and a person",
            LogQuery { words: vec![40], actor: Some(UserId::from_uuid(id("9000", 7))), ..none.clone() },
        ),
        ("not reviewed", LogQuery { review: Some(ReviewState::New), ..none.clone() }),
        ("a review that is nowhere", LogQuery { review: Some(ReviewState::Violation), ..none }),
    ]
}
