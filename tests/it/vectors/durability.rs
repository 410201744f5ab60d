//! The embedded engine across restarts, planned and not.

use crate::vectors::DIMENSIONS;
use crate::vectors::passages;
use crate::vectors::places::embedded_config;
use crate::vectors::point;
use crate::vectors::question;
use crate::vectors::reader_of;
use docent::adapters::qdrant_edge::QdrantEdge;
use docent::config::Vectors;
use docent::domain::CollectionId;
use docent::domain::DocumentId;
use docent::ports::StoreError;
use docent::ports::VectorIndex;
use std::io::BufRead;
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use uuid::Uuid;

const CHILD_DIRECTORY: &str = "DOCENT_TEST_CHILD_DIRECTORY";
const ACKNOWLEDGED: &str = "acknowledged ";

async fn open(directory: &Path) -> Result<QdrantEdge, StoreError> {
    QdrantEdge::open(directory, &embedded_config(), DIMENSIONS).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let (collection, document) = (CollectionId::new(), DocumentId::new());
    let stored = point(collection, document, 0, [0.0, 1.0, 0.0, 0.0], "rent");
    let query = question([0.0, 1.0, 0.0, 0.0], "rent");
    let index = open(directory.path()).await.unwrap();
    index.upsert(vec![stored.clone()]).await.unwrap();
    let before = index.search(&query, &reader_of(&[collection])).await.unwrap();
    drop(index);

    let index = open(directory.path()).await.unwrap();

    let after = index.search(&query, &reader_of(&[collection])).await.unwrap();
    assert_eq!(passages(&after), [stored.passage]);
    assert_eq!(after, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_docent_on_the_same_directory_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).await.unwrap();

    let refused = open(directory.path()).await.err().unwrap().to_string();

    assert!(refused.contains("another docent uses"), "{refused}");
    first.health().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embedder_of_another_length_is_told_which_key_to_change() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()).await.unwrap());

    let refused = QdrantEdge::open(directory.path(), &embedded_config(), 8).await.err().unwrap().to_string();

    assert!(refused.contains("`vectors.name`") && refused.contains("4 dimensions"), "{refused}");
    let other = Vectors { name: "other".to_owned(), ..embedded_config() };
    QdrantEdge::open(directory.path(), &other, 8).await.unwrap();
    open(directory.path()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_is_for_this_user_alone() {
    let directory = tempfile::tempdir().unwrap();
    let vectors = directory.path().join("vectors");

    let _index = open(&vectors).await.unwrap();

    let mode = std::fs::metadata(&vectors).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_cannot_be_made_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "not a directory").unwrap();

    let refused = open(&file).await.err().unwrap();

    assert!(matches!(&refused, StoreError::Unavailable { .. }), "{refused}");
    assert!(refused.to_string().contains("file"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["vectors::durability::a_child_writes_until_it_is_killed", "--exact", "--nocapture"])
        .env(CHILD_DIRECTORY, directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((_, count)) = line.split_once(ACKNOWLEDGED) {
            acknowledged = count.parse().unwrap();
        }
        if acknowledged >= 120 {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(acknowledged >= 120, "the child wrote {acknowledged}");

    let index = open(directory.path()).await.unwrap();

    let found = index.count(DocumentId::from_uuid(Uuid::nil())).await.unwrap();
    assert!(found >= acknowledged, "{found} of {acknowledged}");
}

/// Does nothing unless the test above starts it.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_writes_until_it_is_killed() {
    let Some(directory) = std::env::var_os(CHILD_DIRECTORY).map(PathBuf::from) else { return };
    let index = open(&directory).await.unwrap();
    let (collection, document) = (CollectionId::new(), DocumentId::from_uuid(Uuid::nil()));
    for batch in 0_u32.. {
        let points =
            (0..20).map(|n| point(collection, document, batch * 20 + n, [1.0, 0.0, 0.0, 0.0], "rent"));
        index.upsert(points.collect()).await.unwrap();
        println!("{ACKNOWLEDGED}{}", (batch + 1) * 20);
    }
}
