//! The reader as a child process of this same binary (`docent read`): one header line and the file go in, one reply
//! comes out. Its environment is empty, its output bounded, its time limited by our clock; memory and CPU time it
//! limits for itself before it looks at the file. Knows no document.

use crate::config::Reader as ReaderConfig;
use crate::ingest::IngestError;
use reader::ReadError;
use reader::child::Job;
use reader::child::Limits;
use reader::child::Reply;
use std::ffi::OsStr;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::process::Child;
use tokio::process::ChildStdin;
use tokio::process::Command;

/// What of the child's standard error is kept for the log, in bytes.
const MAX_STDERR: u64 = 4 << 10;
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// What to do with which file, and how much of everything it may take.
pub(super) struct Call<'a> {
    /// This binary.
    pub(super) program: &'a Path,
    /// Limits that the child sets itself.
    pub(super) limits: &'a ReaderConfig,
    /// By our clock.
    pub(super) deadline: Duration,
    /// Longest reply, in bytes.
    pub(super) max_reply: u64,
    /// Folder of the models that recognise pages, for a job that does.
    pub(super) models: Option<&'a Path>,
}

/// What the child left behind.
pub(super) struct Remains {
    pub(super) status: ExitStatus,
    pub(super) reply: Vec<u8>,
    /// What it said to the log.
    pub(super) complaint: String,
    pub(super) overflowed: bool,
}

/// Runs one job over the file in a child of its own.
pub(super) async fn ask(call: &Call<'_>, job: Job, bytes: &[u8]) -> Result<Reply, IngestError> {
    let header = reader::child::encode_header(&job);
    let mut child = start(call, bytes.len())?;
    let talk = talk(&mut child, header, bytes, call.max_reply);
    let Ok(remains) = tokio::time::timeout(call.deadline, talk).await else {
        // Dropping the child would kill it too; waiting for it here means that it no longer runs when we return.
        let _gone_already = child.kill().await;
        return Err(IngestError::ReaderTimeout { seconds: call.deadline.as_secs() });
    };
    let remains = remains.map_err(|error| broken(&error))?;
    if remains.overflowed {
        let detail = "what it holds is too large".to_owned();
        return Err(ReadError::OutOfBudget { detail }.into());
    }
    if let Some(error) = death(call.limits, &remains) {
        return Err(error);
    }
    let decoded = tokio::task::spawn_blocking(move || reader::child::decode_reply(&remains.reply));
    let reply = decoded.await.map_err(|_| IngestError::Panicked("read"))?;
    reply.map_err(|error| IngestError::ReaderBroken { detail: error.to_string() })
}

pub(super) fn broken(error: &io::Error) -> IngestError {
    IngestError::ReaderBroken { detail: error.to_string() }
}

pub(super) fn start(call: &Call<'_>, file_bytes: usize) -> Result<Child, IngestError> {
    let limits = Limits {
        address_space_bytes: call.limits.address_space_bytes,
        cpu_seconds: call.limits.cpu_seconds,
        max_file_bytes: file_bytes as u64,
    };
    let limits = serde_json::to_string(&limits).expect("three numbers can be written");
    Command::new(call.program)
        .args(["read", "--limits", &limits])
        .args(call.models.into_iter().flat_map(|folder| [OsStr::new("--models"), folder.as_os_str()]))
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C in the terminal is for the service: it gives the job back and ends its children itself.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| broken(&error))
}

async fn talk(child: &mut Child, header: Vec<u8>, bytes: &[u8], max_reply: u64) -> io::Result<Remains> {
    let missing = || io::Error::other("the child has no pipes");
    let input = child.stdin.take().ok_or_else(missing)?;
    let output = child.stdout.take().ok_or_else(missing)?;
    let complaints = child.stderr.take().ok_or_else(missing)?;
    let listen = async {
        let (reply, overflowed) = read_bounded(output, max_reply).await?;
        if overflowed {
            child.start_kill()?;
        }
        io::Result::Ok((reply, overflowed))
    };
    let ((), heard, complaint) = tokio::join!(feed(input, header, bytes), listen, complaint(complaints));
    let (reply, overflowed) = heard?;
    Ok(Remains { status: child.wait().await?, reply, complaint, overflowed })
}

/// What the child says to the log, bounded.
pub(super) async fn complaint(from: impl AsyncRead + Unpin) -> String {
    let said = read_bounded(from, MAX_STDERR).await.unwrap_or_default();
    String::from_utf8_lossy(&said.0).trim().to_owned()
}

/// Gives the child its work. It may refuse to hear all of it: what it answers counts, not that.
pub(super) async fn feed(mut input: ChildStdin, header: Vec<u8>, bytes: &[u8]) {
    if input.write_all(&header).await.is_ok() && input.write_all(bytes).await.is_ok() {
        let _refused = input.shutdown().await;
    }
}

/// Reads to the end, keeps the first `limit` bytes and says whether there were more. Of more than twice the limit the
/// rest is not waited for.
async fn read_bounded(mut from: impl AsyncRead + Unpin, limit: u64) -> io::Result<(Vec<u8>, bool)> {
    let mut kept = Vec::new();
    (&mut from).take(limit).read_to_end(&mut kept).await?;
    let rest = tokio::io::copy(&mut from.take(limit), &mut tokio::io::sink()).await?;
    Ok((kept, rest > 0))
}

/// Says what the child died of, if it did not end by itself.
pub(super) fn death(limits: &ReaderConfig, remains: &Remains) -> Option<IngestError> {
    match remains.status.signal() {
        None if remains.status.success() => None,
        None if remains.complaint.contains("out of memory") => Some(IngestError::ReaderOutOfMemory),
        // Faults of the file are replies: an exit code says that the child could not begin or was not understood.
        None => Some(IngestError::ReaderBroken { detail: last_words(remains, remains.status.to_string()) }),
        Some(SIGXCPU) => Some(IngestError::ReaderOutOfCpu { seconds: limits.cpu_seconds }),
        // Of the kernel, when the machine has no memory left.
        Some(SIGKILL) => Some(IngestError::ReaderOutOfMemory),
        // The words of Rust's allocator before it aborts.
        Some(SIGABRT) if remains.complaint.contains("memory allocation of") => {
            Some(IngestError::ReaderOutOfMemory)
        }
        Some(signal) => {
            Some(IngestError::ReaderCrashed { detail: last_words(remains, format!("signal {signal}")) })
        }
    }
}

fn last_words(remains: &Remains, how: String) -> String {
    if remains.complaint.is_empty() { how } else { format!("{how}: {}", remains.complaint) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use tempfile::TempDir;
    use tokio::sync::Mutex;
    use tokio::sync::MutexGuard;

    pub(in crate::ingest) const LIMITS: ReaderConfig = ReaderConfig {
        timeout_ms: 10_000,
        cpu_seconds: 5,
        address_space_bytes: 1 << 30,
        max_pages: 10,
        max_characters: 1_000,
        max_stream_bytes: 1 << 20,
        max_recognised_pages: 10,
        recognise_at_once: 1,
        max_renders: 1,
        max_archive_members: 10,
        max_archive_bytes: 1 << 20,
        max_archive_ratio: 100,
    };

    /// A shell script in the reader's place: what the child does is what is tested here.
    pub(in crate::ingest) struct Script {
        pub(in crate::ingest) program: PathBuf,
        _directory: TempDir,
        _turn: MutexGuard<'static, ()>,
    }

    impl Script {
        pub(in crate::ingest) async fn new(script: &str) -> Self {
            /// A child that was forked while another test's script was being written could not be run: one after the
            /// other.
            static TURN: Mutex<()> = Mutex::const_new(());
            let turn = TURN.lock().await;
            let directory = tempfile::tempdir().unwrap();
            let program = directory.path().join("reader");
            fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
            Self { program, _directory: directory, _turn: turn }
        }

        pub(in crate::ingest) fn call(&self, deadline: Duration) -> Call<'_> {
            Call { program: &self.program, limits: &LIMITS, deadline, max_reply: 4_096, models: None }
        }
    }

    async fn ask_script(script: &str, deadline: Duration) -> Result<Reply, IngestError> {
        let script = Script::new(script).await;
        let job = Job::Read(reader::ReadOptions::default());
        ask(&script.call(deadline), job, &b"x".repeat(1 << 20)).await
    }

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_child_that_hangs_is_killed_at_the_deadline() {
        let error = ask_script("exec sleep 60", Duration::from_millis(300)).await.unwrap_err();

        assert!(matches!(error, IngestError::ReaderTimeout { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_child_that_dies_of_a_signal_crashed_and_says_its_last_words_to_the_log() {
        let error = ask_script("echo last words >&2; kill -SEGV $$", LONG).await.unwrap_err();

        let IngestError::ReaderCrashed { detail } = error else { panic!("{error:?}") };
        assert_eq!(detail, "signal 11: last words");
    }

    #[tokio::test]
    async fn a_child_without_memory_is_told_from_one_that_crashed() {
        let aborted = ask_script("echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$", LONG).await;
        let killed = ask_script("kill -KILL $$", LONG).await;

        assert!(matches!(aborted, Err(IngestError::ReaderOutOfMemory)), "{aborted:?}");
        assert!(matches!(killed, Err(IngestError::ReaderOutOfMemory)), "{killed:?}");
    }

    #[tokio::test]
    async fn a_child_that_computes_without_end_is_told_from_one_that_waits() {
        let error = ask_script("ulimit -S -t 1; while :; do :; done", LONG).await.unwrap_err();

        assert!(matches!(error, IngestError::ReaderOutOfCpu { seconds: 5 }), "{error:?}");
    }

    #[tokio::test]
    async fn a_child_that_talks_without_end_is_stopped() {
        let error = ask_script("exec cat /dev/zero", LONG).await.unwrap_err();

        assert!(matches!(error, IngestError::File(ReadError::OutOfBudget { .. })), "{error:?}");
    }

    #[tokio::test]
    async fn a_child_that_complains_without_end_does_not_block() {
        let error = ask_script("head -c 1000000 /dev/zero >&2; exit 3", LONG).await.unwrap_err();

        assert!(matches!(error, IngestError::ReaderBroken { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_child_that_talks_nonsense_is_our_fault() {
        let error = ask_script("cat > /dev/null; echo hello", LONG).await.unwrap_err();

        assert!(matches!(error, IngestError::ReaderBroken { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_child_sees_nothing_of_our_environment() {
        let error = ask_script("echo \"HOME=$HOME\" >&2; exit 3", LONG).await.unwrap_err();

        let IngestError::ReaderBroken { detail } = error else { panic!("{error:?}") };
        assert!(detail.ends_with("HOME="), "{detail}");
    }
}
