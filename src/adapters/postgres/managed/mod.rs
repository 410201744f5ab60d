//! A real Postgres as our child, for those who have none: a database cluster in the data directory, reached over a Unix
//! socket that only this service can open. It stops when this process stops, even when that is killed. Knows no table.
//!
//! ```text
//! <data>/postgres/lock           held while a process has the directory
//! <data>/postgres/postgres.log   what the server says
//! <data>/postgres/data/          the cluster; made under another name and renamed once it is whole
//! <data>/postgres/socket/        0700; under /tmp when the path would be too long for a socket
//! ```

mod account;
mod binaries;
mod cluster;
mod postmaster;
mod supervisor;

use crate::adapters::postgres::PostgresError;
use crate::config::Database;
use std::path::Path;
use supervisor::Supervisor;

/// The managed server. Dropping it stops it, as [`ManagedPostgres::stop`] does.
pub struct ManagedPostgres {
    url: String,
    supervisor: Supervisor,
    // Last, so that the directory is let go only after the server is gone.
    _lock: cluster::Lock,
}

impl ManagedPostgres {
    /// Makes the cluster if there is none, and starts the server. Blocks until it takes connections, which after a
    /// crash may take as long as its recovery does.
    ///
    /// # Errors
    ///
    /// Each variant says what to do about it; `InUse` when another process has the directory.
    pub fn start(data_dir: &Path, database: &Database) -> Result<Self, PostgresError> {
        let (cluster, lock) = cluster::open(data_dir)?;
        let binaries = binaries::find(&database.binaries, &cluster)?;
        cluster.initialise(&binaries)?;
        let url = cluster.url();
        let supervisor = Supervisor::start(cluster, binaries, database.max_connections)?;
        Ok(Self { url, supervisor, _lock: lock })
    }

    /// Where it is reached; holds no password.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The server's process id; another one after a restart, none while there is none.
    pub fn pid(&self) -> Option<i32> {
        self.supervisor.pid()
    }

    /// Ends, with the reason, when the server has died and could not be kept up; never while it is well.
    pub fn died(&self) -> impl Future<Output = String> + Send + use<> {
        self.supervisor.died()
    }

    /// Stops the server and waits for it: at most 30 s for what is under way, then without.
    pub fn stop(self) {
        drop(self);
    }
}
