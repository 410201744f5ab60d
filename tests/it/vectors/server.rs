//! The client when the server is not at its best.

use crate::support::qdrant_server::QdrantTestServer;
use crate::vectors::DIMENSIONS;
use crate::vectors::passages;
use crate::vectors::places::Place;
use crate::vectors::places::server_config;
use crate::vectors::point;
use crate::vectors::question;
use crate::vectors::reader_of;
use docent::adapters::qdrant_server::QdrantServer;
use docent::config::Vectors;
use docent::domain::CollectionId;
use docent::domain::DocumentId;
use docent::ports::StoreError;
use docent::ports::VectorIndex;
use qdrant_client::Qdrant;
use qdrant_client::qdrant::CreateCollectionBuilder;
use qdrant_client::qdrant::Distance;
use qdrant_client::qdrant::VectorParamsBuilder;
use qdrant_client::qdrant::VectorsConfigBuilder;
use secrecy::SecretString;
use std::net::TcpListener;
use std::time::Duration;
use std::time::Instant;

async fn connect(config: &Vectors) -> Result<QdrantServer, StoreError> {
    QdrantServer::connect(config, None, DIMENSIONS).await
}

fn hurried(url: &str) -> Vectors {
    Vectors { timeout_ms: 700, ..server_config(url) }
}

fn is_unavailable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable { store: "qdrant", .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_ranks_as_the_embedded_engine_does() {
    let (collection, document) = (CollectionId::new(), DocumentId::new());
    let texts = ["rent and deposit", "deposit", "notice period", "rent", "违约责任 rent", "rent rent rent"];
    let points: Vec<_> = (0..60_u32)
        .map(|n| {
            let dense = [1.0, (n % 7) as f32, (n % 5) as f32, 0.5];
            point(collection, document, n, dense, texts[n as usize % texts.len()])
        })
        .collect();
    let embedded = Place::embedded().await.unwrap();
    let over_grpc = Place::over_grpc().await.unwrap();
    embedded.index.upsert(points.clone()).await.unwrap();
    over_grpc.index.upsert(points).await.unwrap();

    for text in ["rent", "deposit", "违约", "notice of rent", ""] {
        let query = question([1.0, 2.0, 3.0, 0.0], text);
        let filter = reader_of(&[collection]);

        let left = embedded.index.search(&query, &filter).await.unwrap();
        let right = over_grpc.index.search(&query, &filter).await.unwrap();

        assert_eq!(passages(&left), passages(&right), "for `{text}`");
        assert_eq!(left, right, "for `{text}`");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_the_address_is_unavailable_within_the_deadline() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let began = Instant::now();

    let refused = connect(&hurried(&format!("http://{free}"))).await;

    assert!(is_unavailable(&refused));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_the_connection_and_says_nothing_is_unavailable_within_the_deadline() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let began = Instant::now();

    let refused = connect(&hurried(&format!("http://{}", silent.local_addr().unwrap()))).await;

    assert!(is_unavailable(&refused));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stalls_later_is_unavailable_within_the_deadline() {
    let server = QdrantTestServer::start(None);
    let index = connect(&Vectors { timeout_ms: 3_000, ..server_config(server.url()) }).await.unwrap();
    let stored = point(CollectionId::new(), DocumentId::new(), 0, [1.0, 0.0, 0.0, 0.0], "rent");
    server.stall();
    let began = Instant::now();

    let (search, write, count, health) = tokio::join!(
        async { index.search(&question([1.0, 0.0, 0.0, 0.0], ""), &reader_of(&[stored.collection])).await },
        index.upsert(vec![stored.clone()]),
        index.count(stored.document),
        index.health(),
    );

    assert!(
        is_unavailable(&search)
            && is_unavailable(&write)
            && is_unavailable(&count)
            && is_unavailable(&health)
    );
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_is_unavailable_until_it_comes_back() {
    let mut server = QdrantTestServer::start(None);
    let index = connect(&server_config(server.url())).await.unwrap();
    let stored = point(CollectionId::new(), DocumentId::new(), 0, [1.0, 0.0, 0.0, 0.0], "rent");
    index.upsert(vec![stored.clone()]).await.unwrap();

    server.stop();
    assert!(is_unavailable(&index.count(stored.document).await));
    assert!(is_unavailable(&index.health().await));
    server.resume();

    assert_eq!(index.count(stored.document).await.unwrap(), 1);
    index.upsert(vec![stored]).await.unwrap();
    index.health().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_as_a_node_drops_out_is_tried_again() {
    let server = QdrantTestServer::start(None);
    let index = connect(&server_config(server.url())).await.unwrap();
    let stored = point(CollectionId::new(), DocumentId::new(), 0, [1.0, 0.0, 0.0, 0.0], "rent");

    server.fail_next_writes(3);
    index.upsert(vec![stored.clone()]).await.unwrap();
    assert_eq!(index.count(stored.document).await.unwrap(), 1);
    server.fail_next_writes(3);
    index.delete(stored.document, None).await.unwrap();

    assert_eq!(index.count(stored.document).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_keeps_failing_is_given_up_within_the_deadline() {
    let server = QdrantTestServer::start(None);
    let index = connect(&Vectors { timeout_ms: 2_000, ..server_config(server.url()) }).await.unwrap();
    let stored = point(CollectionId::new(), DocumentId::new(), 0, [1.0, 0.0, 0.0, 0.0], "rent");
    server.fail_next_writes(usize::MAX);
    let began = Instant::now();

    assert!(is_unavailable(&index.upsert(vec![stored]).await));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_sent_and_a_wrong_one_is_named_but_not_shown() {
    let server = QdrantTestServer::start(Some("right-key"));
    let config = server_config(server.url());
    let with = |key: &str| SecretString::from(key.to_owned());

    QdrantServer::connect(&config, Some(&with("right-key")), DIMENSIONS).await.unwrap();
    for wrong in ["wrong-key", "wrong\nkey"] {
        let refused =
            QdrantServer::connect(&config, Some(&with(wrong)), DIMENSIONS).await.err().unwrap().to_string();

        assert!(refused.contains("DOCENT_QDRANT_API_KEY") && !refused.contains("wrong"), "{refused}");
    }
    let refused = connect(&config).await.err().unwrap().to_string();
    assert!(refused.contains("DOCENT_QDRANT_API_KEY"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_share_one_collection() {
    let server = QdrantTestServer::start(None);
    let config = server_config(server.url());
    let (left, right) = tokio::join!(connect(&config), connect(&config));
    let (left, right) = (left.unwrap(), right.unwrap());
    let stored = point(CollectionId::new(), DocumentId::new(), 0, [1.0, 0.0, 0.0, 0.0], "rent");

    left.upsert(vec![stored.clone()]).await.unwrap();

    assert_eq!(right.count(stored.document).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embedder_of_another_length_is_told_which_key_to_change() {
    let server = QdrantTestServer::start(None);
    let config = server_config(server.url());
    connect(&config).await.unwrap();

    let refused = QdrantServer::connect(&config, None, 8).await.err().unwrap().to_string();

    assert!(refused.contains("`vectors.name`") && refused.contains("4 dimensions"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_of_someone_else_is_left_alone() {
    let server = QdrantTestServer::start(None);
    let config = server_config(server.url());
    let client = Qdrant::from_url(server.url()).skip_compatibility_check().build().unwrap();
    let mut vectors = VectorsConfigBuilder::default();
    vectors.add_named_vector_params("image", VectorParamsBuilder::new(4, Distance::Cosine));
    client
        .create_collection(CreateCollectionBuilder::new(&config.name).vectors_config(vectors))
        .await
        .unwrap();

    let refused = connect(&config).await.err().unwrap().to_string();

    assert!(refused.contains("was not made by docent"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_none_is_refused() {
    for address in ["", "qdrant", "ftp://127.0.0.1:1", "http://"] {
        assert!(connect(&hurried(address)).await.is_err(), "`{address}`");
    }
}
