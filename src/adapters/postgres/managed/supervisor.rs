//! Keeps the server up from a thread of its own: the kernel's death signal is tied to the thread that started the
//! server, so that thread lives as long as the service. Knows no query.

use crate::adapters::postgres::PostgresError;
use crate::adapters::postgres::managed::binaries::Binaries;
use crate::adapters::postgres::managed::cluster::Cluster;
use crate::adapters::postgres::managed::postmaster::Postmaster;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI32;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::watch;

/// How often the server is looked at.
const GLANCE: Duration = Duration::from_millis(100);
/// Tries of one start. The first may meet the last processes of a server that was killed, which still hold its memory.
const START_TRIES: u32 = 3;
/// Between them; doubles.
const START_WAIT: Duration = Duration::from_secs(1);
/// A server that ends again within this time after a restart is given up.
const STEADY: Duration = Duration::from_mins(10);

/// The thread and what it shares.
pub(super) struct Supervisor {
    shared: Arc<Shared>,
    died: watch::Receiver<Option<String>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    stop: AtomicBool,
    /// 0 while there is none.
    pid: AtomicI32,
}

impl Shared {
    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

impl Supervisor {
    /// Starts the server and waits until it takes connections.
    pub(super) fn start(
        cluster: Cluster,
        binaries: Binaries,
        max_connections: u32,
    ) -> Result<Self, PostgresError> {
        let shared = Arc::new(Shared { stop: AtomicBool::new(false), pid: AtomicI32::new(0) });
        let (report, died) = watch::channel(None);
        let (started, outcome) = mpsc::sync_channel(1);
        let watch = Watch { cluster, binaries, max_connections, shared: Arc::clone(&shared), report };
        let thread = thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || watch.run(&started))
            .map_err(PostgresError::io("start a thread"))?;
        let supervisor = Self { shared, died, thread: Some(thread) };
        outcome.recv().map_err(|_| PostgresError::Stopped)??;
        Ok(supervisor)
    }

    /// The server's process id, while there is one.
    pub(super) fn pid(&self) -> Option<i32> {
        Some(self.shared.pid.load(Ordering::Acquire)).filter(|pid| *pid != 0)
    }

    /// Ends with the reason when the server is given up.
    pub(super) fn died(&self) -> impl Future<Output = String> + Send + use<> {
        let mut died = self.died.clone();
        async move {
            let reason = died.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
            match reason {
                Some(reason) => reason,
                // The thread ended because it was told to.
                None => std::future::pending().await,
            }
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _panicked = thread.join();
        }
    }
}

/// What the thread works with.
struct Watch {
    cluster: Cluster,
    binaries: Binaries,
    max_connections: u32,
    shared: Arc<Shared>,
    report: watch::Sender<Option<String>>,
}

impl Watch {
    fn run(self, started: &mpsc::SyncSender<Result<(), PostgresError>>) {
        let first = match self.start() {
            Ok(postmaster) => postmaster,
            Err(error) => {
                let _gave_up_waiting = started.send(Err(error));
                return;
            }
        };
        let _gave_up_waiting = started.send(Ok(()));
        self.keep_up(first);
    }

    fn keep_up(&self, mut postmaster: Postmaster) {
        let mut restarted: Option<Instant> = None;
        while !self.shared.stopping() {
            let Some(status) = postmaster.ended() else {
                thread::park_timeout(GLANCE);
                continue;
            };
            self.shared.pid.store(0, Ordering::Release);
            if restarted.is_some_and(|at| at.elapsed() < STEADY) {
                return self.give_up(format!("postgres ended again soon after it was restarted ({status})"));
            }
            tracing::error!(%status, "postgres ended; starting it again");
            thread::park_timeout(START_WAIT);
            postmaster = match self.start() {
                Ok(postmaster) => postmaster,
                Err(PostgresError::Stopped) => return,
                Err(error) => {
                    return self.give_up(format!("postgres ended and cannot be restarted: {error}"));
                }
            };
            restarted = Some(Instant::now());
        }
        postmaster.stop();
        self.shared.pid.store(0, Ordering::Release);
    }

    fn give_up(&self, reason: String) {
        self.report.send_replace(Some(reason));
    }

    fn start(&self) -> Result<Postmaster, PostgresError> {
        let mut wait = START_WAIT;
        let mut tries = 1;
        loop {
            match self.start_once() {
                Err(PostgresError::NotStarted { detail })
                    if tries < START_TRIES && !self.shared.stopping() =>
                {
                    tracing::warn!(detail, "postgres did not start; trying again");
                    thread::park_timeout(wait);
                    wait *= 2;
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn start_once(&self) -> Result<Postmaster, PostgresError> {
        let mut postmaster = Postmaster::spawn(&self.cluster, &self.binaries, self.max_connections)?;
        match postmaster.wait_until_ready(&self.cluster, || self.shared.stopping()) {
            Ok(()) => {
                self.shared.pid.store(postmaster.pid(), Ordering::Release);
                Ok(postmaster)
            }
            Err(error) => {
                postmaster.stop();
                Err(error)
            }
        }
    }
}
