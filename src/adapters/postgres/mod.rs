//! Postgres: every port that is a table, and the managed server behind it. The only place with SQL. Knows no flow: it
//! keeps what it is given and says what it has.

/// The server in the data directory, for those who have none.
pub mod managed;

mod answers;
mod collections;
mod credentials;
mod documents;
mod erasures;
mod error;
mod extracted;
mod histories;
mod idempotency;
mod intake;
mod job_control;
mod jobs;
mod log;
mod log_list;
mod log_tree;
mod retention;
mod saved_views;
mod session;
mod stored;
mod text;
mod uploads;
mod users;
mod webhooks;

pub use error::PostgresError;
pub use managed::ManagedPostgres;

use crate::config::Database;
use sqlx::PgPool;
use sqlx::migrate::Migrator;

/// Every port that is a table. Cheap to clone.
#[derive(Clone)]
pub struct Postgres {
    pool: PgPool,
}

impl Postgres {
    /// Connects, after checking that the server is fit to hold an audit log and migrated far enough. Every connection
    /// of the pool acts as the role `docent_app`.
    ///
    /// # Errors
    ///
    /// `Connect` when it does not answer within `database.timeout_ms`; the other variants say what is wrong with it.
    pub async fn connect(url: &str, database: &Database) -> Result<Self, PostgresError> {
        session::open(url, database, &migrator()).await.map(|pool| Self { pool })
    }

    /// Brings the database to this build's schema, as the owner; several at once wait for each other. A database that
    /// is ahead (another replica is newer) is left as it is.
    ///
    /// # Errors
    ///
    /// `Connect`, or `Migration` with what the server said.
    pub async fn migrate(url: &str) -> Result<(), PostgresError> {
        session::migrate(url, &migrator()).await
    }

    /// Waits for what is under way and closes all connections; the managed server stops faster after it.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!();
    migrator.set_ignore_missing(true);
    migrator
}
