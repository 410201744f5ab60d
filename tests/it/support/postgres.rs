//! A real Postgres for tests: one managed server for the whole binary, a database of its own for each test. The server
//! stops with the process; its directory is removed by a later run.
#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

use crate::support::tree::UnsignedTree;
use docent::adapters::postgres::ManagedPostgres;
use docent::adapters::postgres::Postgres;
use docent::config::Database;
use docent::domain::AclFilter;
use docent::domain::ApiKeyId;
use docent::domain::AuthMethod;
use docent::domain::Collection;
use docent::domain::Role;
use docent::domain::UserId;
use docent::ports::Collections;
use docent::ports::LogEntry;
use docent::ports::LogStore;
use docent::ports::StoreError;
use docent::ports::Users;
use sqlx::AssertSqlSafe;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::PgConnection;
use std::collections::BTreeSet;
use std::fs;
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::OnceCell;

const PREFIX: &str = "docent-it-";
const TEMPLATE: &str = "migrated";

/// A migrated, empty database.
pub(crate) struct TestPostgres {
    url: String,
    /// What the service would use.
    pub(crate) store: Postgres,
}

impl TestPostgres {
    /// Makes one, starting the server if this is the first.
    pub(crate) async fn fresh() -> Self {
        static SERVER: OnceCell<ManagedPostgres> = OnceCell::const_new();
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = SERVER.get_or_init(start_server).await;
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        create_database(server, &name, TEMPLATE).await;
        let url = url_of(server, &name);
        let store = Postgres::connect(&url, &database()).await.unwrap();
        Self { url, store }
    }

    /// A connection as the database's owner, who may do anything but what triggers refuse.
    pub(crate) async fn owner(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    /// Where a service finds it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Runs a statement as the owner: how tests break things.
    pub(crate) async fn execute_as_owner(&self, statement: &str) {
        self.owner().await.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
    }

    /// Appends to the log as the service does, but for the signature.
    pub(crate) async fn append(&self, entries: &[LogEntry]) -> Result<i64, StoreError> {
        self.store.append(entries, &UnsignedTree).await
    }

    /// A user who may read and write in a collection of their own.
    pub(crate) async fn contributor(&self, name: &str) -> (UserId, Collection) {
        let roles = BTreeSet::from([Role::Contributor]);
        let user = Users::create(&self.store, name, "hash", &roles).await.unwrap().id;
        let collection = Collections::create(&self.store, &format!("papers of {name}"), user).await.unwrap();
        (user, collection)
    }

    /// What the user may read now.
    pub(crate) async fn filter(&self, user: UserId) -> AclFilter {
        self.store.principal(user, AuthMethod::ApiKey(ApiKeyId::new())).await.unwrap().unwrap().acl_filter()
    }
}

/// The settings that tests use.
pub(crate) fn database() -> Database {
    Database { url: String::new(), binaries: PathBuf::new(), max_connections: 4, timeout_ms: 30_000 }
}

/// An empty directory that the user that Postgres runs as can get to.
pub(crate) fn data_dir() -> TempDir {
    tempfile::Builder::new()
        .prefix(PREFIX)
        .permissions(fs::Permissions::from_mode(0o711))
        .tempdir_in("/tmp")
        .unwrap()
}

async fn start_server() -> ManagedPostgres {
    let server = tokio::task::spawn_blocking(|| {
        remove_left_behind();
        let directory = data_dir().keep();
        let many = Database { max_connections: 200, ..database() };
        ManagedPostgres::start(&directory, &many).unwrap()
    })
    .await
    .unwrap();
    create_database(&server, TEMPLATE, "template1").await;
    Postgres::migrate(&url_of(&server, TEMPLATE)).await.unwrap();
    server
}

async fn create_database(server: &ManagedPostgres, name: &str, template: &str) {
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    let statement = format!("create database {name} template {template}");
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
    connection.close().await.unwrap();
}

fn url_of(server: &ManagedPostgres, name: &str) -> String {
    server.url().replace("/docent?", &format!("/{name}?"))
}

/// Removes directories whose process is gone: nobody holds their lock. Young ones may not have taken it yet.
fn remove_left_behind() {
    for entry in fs::read_dir("/tmp").unwrap().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if ours && is_left_behind(&entry.path()) {
            let _somebody_else_did = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_left_behind(directory: &Path) -> bool {
    let old = directory
        .metadata()
        .and_then(|found| found.modified())
        .is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > Duration::from_mins(5)));
    old && File::open(directory.join("postgres/lock")).is_ok_and(|lock| lock.try_lock().is_ok())
}
