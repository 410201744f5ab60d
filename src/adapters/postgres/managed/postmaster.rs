//! One run of the server process: started, ready, stopped. Also makes an end of one that an earlier run of ours left.
//! Knows no restart.

use crate::adapters::postgres::PostgresError;
use crate::adapters::postgres::managed::binaries::Binaries;
use crate::adapters::postgres::managed::cluster::Cluster;
use rustix::process::Pid;
use rustix::process::Signal;
use std::fs;
use std::path::Path;
use std::process::Child;
use std::process::ExitStatus;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

/// How often a process is looked at while something is waited for.
const GLANCE: Duration = Duration::from_millis(10);
/// What is under way may end within this time; then it is cut off.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// Even cutting off takes the server a moment.
const QUIT_WITHIN: Duration = Duration::from_secs(10);
/// A long recovery says so this often.
const STILL_STARTING: Duration = Duration::from_secs(10);

/// The server process.
pub(super) struct Postmaster {
    child: Child,
    log_start: u64,
}

impl Postmaster {
    /// Starts it, once nothing of an earlier run is in the way.
    pub(super) fn spawn(
        cluster: &Cluster,
        binaries: &Binaries,
        max_connections: u32,
    ) -> Result<Self, PostgresError> {
        clear_way(cluster.data())?;
        let (log, log_start) = cluster.open_log()?;
        let copy = log.try_clone().map_err(PostgresError::io("open the server's log"))?;
        let mut command = cluster.command(&binaries.postgres());
        command.arg("-D").arg(cluster.data()).arg("-k").arg(cluster.socket()).args(["-p", "5432"]);
        for setting in settings(max_connections) {
            command.args(["-c", &setting]);
        }
        let child = command
            .stdout(Stdio::from(copy))
            .stderr(Stdio::from(log))
            .spawn()
            .map_err(PostgresError::io("run postgres"))?;
        Ok(Self { child, log_start })
    }

    /// Its process id.
    pub(super) fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Waits until it takes connections, or `given_up` says so. There is no deadline: recovery takes as long as it
    /// takes, and cutting it off would only begin it again.
    pub(super) fn wait_until_ready(
        &mut self,
        cluster: &Cluster,
        given_up: impl Fn() -> bool,
    ) -> Result<(), PostgresError> {
        let mut said = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                let detail = format!("{status}: {}", cluster.end_of_log(self.log_start));
                return Err(PostgresError::NotStarted { detail });
            }
            if PidFile::read(cluster.data()).is_some_and(|file| file.ready && file.pid == self.pid()) {
                return Ok(());
            }
            if given_up() {
                return Err(PostgresError::Stopped);
            }
            if said.elapsed() > STILL_STARTING {
                said = Instant::now();
                let last = cluster.end_of_log(self.log_start);
                tracing::warn!(last, "postgres is still starting, as it does after a crash");
            }
            sleep(GLANCE);
        }
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Stops it: what is under way may end, then it is cut off, then it is killed.
    pub(super) fn stop(mut self) {
        for (signal, patience) in [(Signal::INT, STOP_WITHIN), (Signal::QUIT, QUIT_WITHIN)] {
            // Not reaped before `ended` says so, so the id is still this process's.
            signal_process(self.pid(), signal);
            if wait_until(patience, || self.ended().is_some()) {
                return;
            }
            tracing::warn!(?signal, "postgres does not stop");
        }
        let _already_gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// What is said on the command line cannot be switched off by a file in the cluster.
fn settings(max_connections: u32) -> Vec<String> {
    let mut settings: Vec<String> = [
        "listen_addresses=",
        "unix_socket_permissions=0700",
        "fsync=on",
        "full_page_writes=on",
        "synchronous_commit=on",
        "shared_buffers=64MB",
        // Shared memory in a container may be 64 MB in all.
        "max_parallel_workers_per_gather=0",
        "logging_collector=off",
        "log_destination=stderr",
        // Without DETAIL, which quotes rows and so documents and questions.
        "log_error_verbosity=terse",
        "log_timezone=UTC",
        "timezone=UTC",
    ]
    .map(str::to_owned)
    .to_vec();
    if cfg!(target_os = "linux") {
        settings.push("recovery_init_sync_method=syncfs".to_owned());
    }
    // Some for the migration, an administrator, and what is still closing.
    settings.push(format!("max_connections={}", max_connections.saturating_add(16).max(40)));
    settings
}

/// Makes an end of a server that an earlier run left on this cluster. The caller holds the cluster's lock, so it can be
/// nobody's but an orphan.
fn clear_way(data: &Path) -> Result<(), PostgresError> {
    let Some(file) = PidFile::read(data) else { return Ok(()) };
    if !is_alive(file.pid) {
        return Ok(());
    }
    if !is_server_of(file.pid, data) {
        // The id belongs to somebody else by now, as happens when a container starts again; Postgres could not tell.
        let path = data.join("postmaster.pid");
        return fs::remove_file(&path).map_err(PostgresError::io(format!("remove `{}`", path.display())));
    }
    tracing::info!(pid = file.pid, "stopping a postgres that an earlier run left");
    for (signal, patience) in [(Signal::INT, STOP_WITHIN), (Signal::QUIT, QUIT_WITHIN)] {
        signal_process(file.pid, signal);
        if wait_until(patience, || !is_alive(file.pid) || !is_server_of(file.pid, data)) {
            return Ok(());
        }
    }
    Err(PostgresError::Lingering { pid: file.pid })
}

/// What `postmaster.pid` says: the process id in line 1, the state in line 8.
struct PidFile {
    pid: i32,
    ready: bool,
}

impl PidFile {
    fn read(data: &Path) -> Option<Self> {
        let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
        let pid = text.lines().next()?.trim().parse().ok()?;
        let ready = text.lines().nth(7).is_some_and(|state| state.trim() == "ready");
        Some(Self { pid, ready })
    }
}

fn is_alive(pid: i32) -> bool {
    // Not permitted to signal it means that it is there.
    Pid::from_raw(pid)
        .is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// A server keeps its command line, which names its cluster, and everyone may read it. Without /proc nothing is known,
/// and the id is believed.
fn is_server_of(pid: i32, data: &Path) -> bool {
    match fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(line) => {
            let data = data.as_os_str().as_encoded_bytes();
            line.split(|byte| *byte == 0).any(|argument| argument == data)
        }
        Err(_) => !Path::new("/proc/self").exists(),
    }
}

fn signal_process(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _already_gone = rustix::process::kill_process(pid, signal);
    }
}

fn wait_until(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < patience {
        if done() {
            return true;
        }
        sleep(GLANCE);
    }
    false
}
