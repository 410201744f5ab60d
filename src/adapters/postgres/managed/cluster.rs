//! The cluster's directories: who may have them, how they come about, where the socket is. Knows no process.

use crate::adapters::postgres::PostgresError;
use crate::adapters::postgres::managed::account::Account;
use crate::adapters::postgres::managed::binaries::Binaries;
use sha2::Digest;
use sha2::Sha256;
use std::fmt::Write as _;
use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

/// The only superuser, and the name of the database.
const NAME: &str = "docent";
/// A socket's path takes 107 bytes; `/.s.PGSQL.5432` is added to its folder.
const SOCKET_FOLDER_BYTES: usize = 107 - "/.s.PGSQL.5432".len();
/// The log is set aside when it is larger at a start.
const LOG_BYTES: u64 = 8 << 20;

/// Held while this process has the directory; the kernel lets go when it dies.
pub(super) struct Lock {
    _file: File,
}

/// Where the cluster is and who owns it.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    home: PathBuf,
    data: PathBuf,
    socket: PathBuf,
    account: Account,
}

/// Takes the directory for this process alone.
pub(super) fn open(data_dir: &Path) -> Result<(Cluster, Lock), PostgresError> {
    make_directory(data_dir, 0o755)?;
    let data_dir =
        fs::canonicalize(data_dir).map_err(PostgresError::io(format!("find `{}`", data_dir.display())))?;
    let home = data_dir.join("postgres");
    // Others may pass through, not look around: the account that owns the cluster is one of them.
    make_directory(&home, 0o711)?;
    let lock = lock(&home)?;
    let data = home.join("data");
    let account = Account::choose(&data)?;
    account.reach(&home)?;
    let socket = socket(&home, &account)?;
    Ok((Cluster { home, data, socket, account }, lock))
}

fn lock(home: &Path) -> Result<Lock, PostgresError> {
    let path = home.join("lock");
    let doing = || format!("lock `{}`", path.display());
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(PostgresError::io(doing()))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(fs::TryLockError::WouldBlock) => Err(PostgresError::InUse { directory: home.to_owned() }),
        Err(fs::TryLockError::Error(source)) => Err(PostgresError::Io { doing: doing(), source }),
    }
}

/// In the data directory where the path is short enough, else under /tmp by a name that is the data directory's own.
fn socket(home: &Path, account: &Account) -> Result<PathBuf, PostgresError> {
    let mut socket = home.join("socket");
    if socket.as_os_str().len() > SOCKET_FOLDER_BYTES {
        let digest = hex::encode(Sha256::digest(home.as_os_str().as_bytes()));
        socket = PathBuf::from(format!("/tmp/docent-{}", &digest[..24]));
    }
    make_directory(&socket, 0o700)?;
    let found = fs::symlink_metadata(&socket)
        .map_err(PostgresError::io(format!("look at `{}`", socket.display())))?;
    // Under /tmp somebody else may have been there first.
    let ours = found.uid() == account.uid() || found.uid() == rustix::process::geteuid().as_raw();
    if !found.is_dir() || !ours || found.mode() & 0o077 != 0 {
        return Err(PostgresError::Io {
            doing: format!("use `{}` for the socket", socket.display()),
            source: std::io::Error::other("it is not a folder that only this service can open"),
        });
    }
    account.own(&socket)?;
    Ok(socket)
}

fn make_directory(path: &Path, mode: u32) -> Result<(), PostgresError> {
    let created = DirBuilder::new().mode(mode).create(path);
    match created {
        Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(mode)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(mode).create(path)
        }
        Err(error) => Err(error),
    }
    .map_err(PostgresError::io(format!("create `{}`", path.display())))
}

impl Cluster {
    /// Where the cluster is.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// Where the socket is.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// A command that runs as the cluster's owner.
    pub(super) fn command(&self, program: &Path) -> Command {
        self.account.command(program)
    }

    /// Where it is reached. Everything is said, so that nothing in the environment is taken for it.
    pub(super) fn url(&self) -> String {
        let mut host = String::new();
        for byte in self.socket.as_os_str().as_bytes() {
            if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
                host.push(char::from(*byte));
            } else {
                write!(host, "%{byte:02X}").expect("writing to a string does not fail");
            }
        }
        format!("postgresql://{NAME}@localhost:5432/{NAME}?host={host}&sslmode=disable")
    }

    /// The major version of the cluster; none when there is none yet.
    pub(super) fn major(&self) -> Result<Option<u32>, PostgresError> {
        let path = self.data.join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| PostgresError::NotStarted {
                detail: format!("`{}` holds no version", path.display()),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PostgresError::Io { doing: format!("read `{}`", path.display()), source }),
        }
    }

    /// Lays out a cluster with the database in it, unless there is one. A cluster has its name only when it is whole.
    pub(super) fn initialise(&self, binaries: &Binaries) -> Result<(), PostgresError> {
        if self.major()?.is_some() {
            return Ok(());
        }
        tracing::info!(directory = %self.data.display(), "making a new database");
        let half = self.home.join("data.new");
        if half.exists() {
            fs::remove_dir_all(&half).map_err(PostgresError::io(format!("remove `{}`", half.display())))?;
        }
        make_directory(&half, 0o700)?;
        self.account.own(&half)?;
        self.lay_out(binaries, &half)?;
        self.create_database(binaries, &half)?;
        fs::rename(&half, &self.data)
            .and_then(|()| File::open(&self.home)?.sync_all())
            .map_err(PostgresError::io(format!("create `{}`", self.data.display())))
    }

    fn lay_out(&self, binaries: &Binaries, half: &Path) -> Result<(), PostgresError> {
        let output = self
            .command(&binaries.initdb())
            .arg("-D")
            .arg(half)
            .args(["-U", NAME, "--encoding=UTF8", "--locale=C", "--data-checksums"])
            .args(["--auth-local=trust", "--auth-host=scram-sha-256"])
            .output()
            .map_err(PostgresError::io("run initdb"))?;
        if output.status.success() {
            return Ok(());
        }
        let mut detail = last_lines(&String::from_utf8_lossy(&output.stderr));
        if detail.contains("look up effective user") {
            detail.push_str(
                "; the user that this service runs as has no name here: set `database.url` to a server",
            );
        }
        Err(PostgresError::NotInitialised { detail })
    }

    /// In single-user mode, so that it is there before anyone can connect.
    fn create_database(&self, binaries: &Binaries, half: &Path) -> Result<(), PostgresError> {
        let mut child = self
            .command(&binaries.postgres())
            .args(["--single", "-D"])
            .arg(half)
            .args(["-c", "log_min_messages=error", "postgres"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(PostgresError::io("run postgres"))?;
        let written = child
            .stdin
            .take()
            .expect("its standard input is a pipe")
            .write_all(format!("create database {NAME}\n").as_bytes());
        let output = child.wait_with_output().map_err(PostgresError::io("run postgres"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() && written.is_ok() && !said.contains("ERROR:") {
            return Ok(());
        }
        Err(PostgresError::NotInitialised { detail: last_lines(&said) })
    }

    /// Opens the server's log for writing at its end; gives where that is.
    pub(super) fn open_log(&self) -> Result<(File, u64), PostgresError> {
        let path = self.home.join("postgres.log");
        let length = || fs::metadata(&path).map_or(0, |found| found.len());
        if length() > LOG_BYTES {
            fs::rename(&path, self.home.join("postgres.log.old"))
                .map_err(PostgresError::io(format!("rename `{}`", path.display())))?;
        }
        let start = length();
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map(|file| (file, start))
            .map_err(PostgresError::io(format!("open `{}`", path.display())))
    }

    /// The end of what the server has said since `start`.
    pub(super) fn end_of_log(&self, start: u64) -> String {
        let text = fs::read(self.home.join("postgres.log")).unwrap_or_default();
        let start = usize::try_from(start).unwrap_or(usize::MAX).min(text.len());
        last_lines(&String::from_utf8_lossy(&text[start..]))
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return "it said nothing".to_owned();
    }
    lines[lines.len().saturating_sub(4)..].join(" | ")
}
