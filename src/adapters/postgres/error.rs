//! What goes wrong with a server or a query, and what of it a port says. Knows no table.

use crate::ports::StoreError;
use std::path::PathBuf;

/// Why there is no usable Postgres.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// None is installed.
    #[error(
        "no Postgres 15 or newer was found (looked at {looked}): install one (on Debian `apt-get install postgresql`), \
         set `database.binaries` to the folder with its `postgres` and `initdb`, or set `database.url` to a server"
    )]
    NoBinaries {
        /// Where it was looked for.
        looked: String,
    },
    /// The data were written by another major version.
    #[error(
        "the data in `{}` are of Postgres {on_disk}, but only {found} is installed: install Postgres {on_disk} beside \
         it, or move the data over with pg_dump and pg_restore", directory.display()
    )]
    OtherMajor {
        /// Of the data.
        on_disk: u32,
        /// Of the binaries.
        found: String,
        /// Where the data are.
        directory: PathBuf,
    },
    /// Postgres refuses to run as root, and whom it would run as cannot get there.
    #[error(
        "user `{user}`, as whom Postgres runs, cannot enter `{}`: choose another `data.dir`, such as /var/lib/docent, \
         or let others enter (chmod o+x)", directory.display()
    )]
    Unreachable {
        /// As whom.
        user: String,
        /// The first folder on the way that is closed.
        directory: PathBuf,
    },
    /// Started as root, with nobody to run as.
    #[error(
        "Postgres does not run as root, and there is no user `postgres` or `nobody`: set `database.url` to a server"
    )]
    NoAccount,
    /// Another process has this data directory.
    #[error("another process uses `{}`: stop it, or choose another `data.dir`", directory.display())]
    InUse {
        /// Which.
        directory: PathBuf,
    },
    /// An old server of ours will not stop.
    #[error("an earlier Postgres (process {pid}) still runs on the data directory and does not stop")]
    Lingering {
        /// Its process id.
        pid: i32,
    },
    /// A new database could not be laid out.
    #[error("a new database could not be made: {detail}")]
    NotInitialised {
        /// What initdb said.
        detail: String,
    },
    /// The server ended instead of starting.
    #[error("Postgres did not start: {detail}")]
    NotStarted {
        /// The end of its log.
        detail: String,
    },
    /// It was told to stop before it was ready.
    #[error("Postgres was stopped while it started")]
    Stopped,
    /// The file system said no.
    #[error("cannot {doing}")]
    Io {
        /// Such as "create `/x`".
        doing: String,
        /// What it said.
        #[source]
        source: std::io::Error,
    },
    /// The server does not take us.
    #[error("cannot connect to Postgres")]
    Connect(#[source] sqlx::Error),
    /// The server did not answer in time.
    #[error("Postgres did not answer within `database.timeout_ms`")]
    Silent,
    /// The server is too old for our SQL.
    #[error("Postgres 15 or newer is needed, the server is {}.{}", version / 10_000, version % 10_000)]
    ServerTooOld {
        /// As `server_version_num`.
        version: i32,
    },
    /// The server would not keep what it is given.
    #[error("this Postgres cannot be used: {what}")]
    Unfit {
        /// Why.
        what: String,
    },
    /// The schema is older than this build.
    #[error("{missing} migrations are missing in the database: run `docent migrate`")]
    NotMigrated {
        /// How many.
        missing: usize,
    },
    /// A migration failed; the database is as it was before it.
    #[error("the database could not be migrated")]
    Migration(#[source] sqlx::migrate::MigrateError),
}

impl PostgresError {
    /// Gives a constructor for `map_err`.
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

/// The name of this store in errors.
const STORE: &str = "postgres";

/// Says what a failed query means to a port. Violated constraints are for the caller to tell apart first, by
/// [`violated`]; here they are bugs.
#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    let Some(refusal) = error.as_database_error() else {
        let broken = matches!(
            error,
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::BeginFailed
                | sqlx::Error::Protocol(_)
        );
        let detail = error.to_string();
        return if broken { unavailable(detail) } else { corrupt(detail) };
    };
    // The message alone: a server's DETAIL quotes the row.
    let code = refusal.code().unwrap_or_default();
    let detail = format!("{code}: {}", refusal.message());
    if is_passing(&code) { unavailable(detail) } else { corrupt(detail) }
}

/// Classes and codes that may be gone the next time: connection, resources, operator intervention, deadlock and
/// serialisation, lock timeout, read-only while failing over (Postgres documentation, appendix A).
fn is_passing(code: &str) -> bool {
    matches!(code.get(..2), Some("08" | "53" | "57"))
        || matches!(code, "40001" | "40P01" | "55P03" | "25006" | "25P03")
}

/// The constraint that refused a row, by its name in `migrations/`.
pub(super) fn violated(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error()?.constraint()
}

pub(super) fn unavailable(detail: String) -> StoreError {
    StoreError::Unavailable { store: STORE, detail }
}

pub(super) fn corrupt(detail: String) -> StoreError {
    StoreError::Corrupt { store: STORE, detail }
}

pub(super) fn conflict(what: impl Into<String>) -> StoreError {
    StoreError::Conflict { what: what.into() }
}

pub(super) fn missing(what: impl Into<String>) -> StoreError {
    StoreError::Missing { what: what.into() }
}
