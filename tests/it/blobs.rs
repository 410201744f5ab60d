//! One contract for files, in a directory and in a bucket; the bucket is a small S3 on the loopback.

use crate::support::s3_server::S3TestServer;
use docent::adapters::blobs::ObjectBlobs;
use docent::config::Blobs as BlobsConfig;
use docent::config::BlobsKind;
use docent::config::Secrets;
use docent::domain::CollectionId;
use docent::ports::Blobs;
use docent::ports::StoreError;
use docent::ports::UploadParts;
use secrecy::SecretString;
use sha2::Digest;
use sha2::Sha256;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn in_directory(data_dir: &Path) -> ObjectBlobs {
    ObjectBlobs::open(&config(BlobsKind::Directory, ""), &Secrets::default(), data_dir).unwrap()
}

fn in_bucket(endpoint: &str, timeout_ms: u64) -> ObjectBlobs {
    let config = BlobsConfig { timeout_ms, ..config(BlobsKind::S3, endpoint) };
    ObjectBlobs::open(&config, &keys(), Path::new("/nowhere")).unwrap()
}

fn config(kind: BlobsKind, endpoint: &str) -> BlobsConfig {
    BlobsConfig {
        kind,
        bucket: "contracts".to_owned(),
        region: String::new(),
        endpoint: endpoint.to_owned(),
        prefix: "docent/files/".to_owned(),
        timeout_ms: 20_000,
    }
}

fn keys() -> Secrets {
    Secrets {
        s3_access_key_id: Some(SecretString::from("an-id".to_owned())),
        s3_secret_access_key: Some(SecretString::from("a-key".to_owned())),
        ..Secrets::default()
    }
}

async fn contract(blobs: &dyn Blobs) {
    let (collection, other) = (CollectionId::new(), CollectionId::new());
    let bytes = "第五百零九条".repeat(100_000).into_bytes();
    let name = digest(&bytes);
    blobs.health().await.unwrap();

    let missing = blobs.get(collection, &name).await;
    assert!(matches!(missing, Err(StoreError::Missing { .. })), "{missing:?}");
    blobs.put(collection, &name, bytes.clone()).await.unwrap();
    blobs.put(collection, &name, bytes.clone()).await.unwrap();
    blobs.put(other, &digest(b""), Vec::new()).await.unwrap();

    assert_eq!(blobs.get(collection, &name).await.unwrap(), bytes);
    assert_eq!(blobs.get(other, &digest(b"")).await.unwrap(), b"");
    let elsewhere = blobs.get(other, &name).await;
    assert!(matches!(elsewhere, Err(StoreError::Missing { .. })), "{elsewhere:?}");

    blobs.delete(collection, &name).await.unwrap();
    blobs.delete(collection, &name).await.unwrap();
    let deleted = blobs.get(collection, &name).await;
    assert!(matches!(deleted, Err(StoreError::Missing { .. })), "{deleted:?}");

    let wrong = blobs.put(collection, &name, b"other bytes".to_vec()).await;
    assert!(matches!(wrong, Err(StoreError::Corrupt { .. })), "{wrong:?}");
    for no_digest in ["", "../../etc/passwd", &name.to_uppercase(), &name[1..], &format!("{name}0")] {
        let refused = blobs.get(collection, no_digest).await;
        assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "`{no_digest}`: {refused:?}");
    }
}

async fn contract_of_parts(parts: &dyn UploadParts) {
    let bytes = b"a piece of a file".to_vec();
    parts.put_part("one-0", bytes.clone()).await.unwrap();

    assert_eq!(parts.part("one-0", &digest(&bytes)).await.unwrap(), bytes);
    let changed = parts.part("one-0", &digest(b"other bytes")).await;
    assert!(matches!(changed, Err(StoreError::Corrupt { .. })), "{changed:?}");
    parts.delete_part("one-0").await.unwrap();
    parts.delete_part("one-0").await.unwrap();
    let deleted = parts.part("one-0", &digest(&bytes)).await;
    assert!(matches!(deleted, Err(StoreError::Missing { .. })), "{deleted:?}");
    for no_name in ["", "../../etc/passwd", "a/b", "a.b"] {
        let refused = parts.put_part(no_name, Vec::new()).await;
        assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "`{no_name}`: {refused:?}");
    }
}

#[tokio::test]
async fn a_directory_keeps_files() {
    let data_dir = tempfile::tempdir().unwrap();

    contract(&in_directory(data_dir.path())).await;
    contract_of_parts(&in_directory(data_dir.path())).await;
}

#[tokio::test]
async fn a_bucket_keeps_each_checkpoint_and_gives_the_newest() {
    let server = S3TestServer::start().await;
    let blobs = in_bucket(server.url(), 5_000);
    let shelf: &dyn docent::ports::CheckpointShelf = &blobs;

    let before = shelf.newest().await.unwrap();
    shelf.put(3, "three\n").await.unwrap();
    shelf.put(5, "five\n").await.unwrap();
    // Handed out again while nothing happens: what lies there stays, for the bucket may let nobody write twice.
    shelf.put(5, "five, and what a witness signed\n").await.unwrap();

    assert_eq!(before, None);
    assert_eq!(shelf.newest().await.unwrap().as_deref(), Some("five, and what a witness signed\n"));
    let kept = server.keys().into_iter().filter(|key| key.contains("checkpoint")).count();
    assert_eq!(kept, 3, "{:?}", server.keys());
    assert!(server.every_request_was_signed());
}

#[tokio::test]
async fn a_bucket_keeps_files() {
    let server = S3TestServer::start().await;

    contract(&in_bucket(server.url(), 20_000)).await;
    contract_of_parts(&in_bucket(server.url(), 20_000)).await;

    assert!(
        server.keys().iter().all(|key| key.starts_with("/contracts/docent/files/")),
        "{:?}",
        server.keys()
    );
    assert!(server.every_request_was_signed());
}

#[tokio::test]
async fn the_directory_is_for_this_user_alone_and_files_lie_by_collection_and_digest() {
    let data_dir = tempfile::tempdir().unwrap();
    let collection = CollectionId::new();
    let name = digest(b"a contract");

    in_directory(data_dir.path()).put(collection, &name, b"a contract".to_vec()).await.unwrap();

    let root = data_dir.path().join("blobs");
    assert_eq!(std::fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
    let file = root.join(collection.to_string()).join(&name[..2]).join(&name);
    assert_eq!(std::fs::read(&file).unwrap(), b"a contract");
    let beside: Vec<_> = std::fs::read_dir(file.parent().unwrap()).unwrap().collect();
    assert_eq!(beside.len(), 1, "no half-written file stays");
}

#[tokio::test]
async fn a_file_that_changed_on_disk_is_never_given_out() {
    let data_dir = tempfile::tempdir().unwrap();
    let collection = CollectionId::new();
    let name = digest(b"a contract");
    let blobs = in_directory(data_dir.path());
    blobs.put(collection, &name, b"a contract".to_vec()).await.unwrap();
    let file = data_dir.path().join("blobs").join(collection.to_string()).join(&name[..2]).join(&name);
    std::fs::write(&file, b"another contract").unwrap();

    let read = blobs.get(collection, &name).await;

    assert!(matches!(read, Err(StoreError::Corrupt { store: "blobs", .. })), "{read:?}");
    blobs.put(collection, &name, b"a contract".to_vec()).await.unwrap();
    assert_eq!(blobs.get(collection, &name).await.unwrap(), b"a contract");
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_named() {
    let data_dir = tempfile::tempdir().unwrap();
    std::fs::write(data_dir.path().join("blobs"), "a file").unwrap();

    let refused = ObjectBlobs::open(&config(BlobsKind::Directory, ""), &Secrets::default(), data_dir.path());

    let refused = refused.err().unwrap().to_string();
    assert!(refused.contains("cannot use") && refused.contains("blobs"), "{refused}");
}

#[tokio::test]
async fn a_bucket_that_does_not_answer_is_unavailable_within_the_deadline() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for address in [silent.local_addr().unwrap(), free] {
        let blobs = in_bucket(&format!("http://{address}"), 500);
        let began = Instant::now();

        let read = blobs.get(CollectionId::new(), &digest(b"")).await;

        assert!(matches!(read, Err(StoreError::Unavailable { store: "blobs", .. })), "{read:?}");
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        assert!(blobs.health().await.is_err());
    }
}

#[tokio::test]
async fn a_bucket_that_fails_for_a_moment_is_asked_again() {
    let server = S3TestServer::start().await;
    let blobs = in_bucket(server.url(), 20_000);
    let collection = CollectionId::new();

    server.fail_next(2);
    blobs.put(collection, &digest(b"a"), b"a".to_vec()).await.unwrap();

    assert_eq!(blobs.get(collection, &digest(b"a")).await.unwrap(), b"a");
}

/// Nothing but a client is made here: that it can be made shows that the process has a TLS provider.
#[tokio::test]
async fn a_bucket_over_tls_has_a_client() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let blobs = in_bucket(&format!("https://{}", listener.local_addr().unwrap()), 2_000);

    let (hello, refused) = tokio::join!(
        async {
            let (stream, _) = listener.accept().await.unwrap();
            let mut first = [0_u8; 1];
            stream.readable().await.unwrap();
            stream.try_read(&mut first).unwrap();
            first[0]
        },
        blobs.health(),
    );

    assert_eq!(hello, 22, "a TLS record that holds a handshake");
    assert!(refused.is_err());
}

#[tokio::test]
async fn half_of_the_keys_is_refused() {
    let half = Secrets { s3_secret_access_key: None, ..keys() };

    let refused =
        ObjectBlobs::open(&config(BlobsKind::S3, "http://127.0.0.1:1"), &half, Path::new("/nowhere"));

    let refused = refused.err().unwrap().to_string();
    assert!(refused.contains("DOCENT_S3_SECRET_ACCESS_KEY"), "{refused}");
}
