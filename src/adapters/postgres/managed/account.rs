//! As whom Postgres runs. It refuses to be root, so a service that is root starts it as somebody with fewer rights.
//! Knows no database.

use crate::adapters::postgres::PostgresError;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

/// Starts a program with a death signal and as another user (util-linux). The signal has to be set after the user is
/// changed, which clears it, and before the program: without it, only unsafe code could.
const SETPRIV: &str = "/usr/bin/setpriv";

/// As whom, and whether that takes a change.
#[derive(Clone, Debug)]
pub(super) struct Account {
    name: String,
    uid: u32,
    gid: u32,
    change: bool,
}

impl Account {
    /// Chooses: ourselves unless we are root; then the owner of the cluster if there is one, else `postgres`, else
    /// `nobody`.
    pub(super) fn choose(cluster: &Path) -> Result<Self, PostgresError> {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        if !uid.is_root() {
            return Ok(Self {
                name: uid.as_raw().to_string(),
                uid: uid.as_raw(),
                gid: gid.as_raw(),
                change: false,
            });
        }
        if let Some(owner) = fs::metadata(cluster).ok().filter(|found| found.uid() != 0) {
            let name = owner.uid().to_string();
            return Ok(Self { name, uid: owner.uid(), gid: owner.gid(), change: true });
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        ["postgres", "nobody"].iter().find_map(|name| find(&users, name)).ok_or(PostgresError::NoAccount)
    }

    /// The user id.
    pub(super) const fn uid(&self) -> u32 {
        self.uid
    }

    /// Gives the path to the account, if it is not ours anyway.
    pub(super) fn own(&self, path: &Path) -> Result<(), PostgresError> {
        if !self.change {
            return Ok(());
        }
        chown(path, Some(self.uid), Some(self.gid)).map_err(PostgresError::io(format!(
            "give `{}` to user `{}`",
            path.display(),
            self.name
        )))
    }

    /// A command that runs as the account, in a process group of its own so that Ctrl-C in the terminal is ours alone,
    /// in an environment with nothing of ours, and with SIGINT when the thread that starts it ends.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = if Path::new(SETPRIV).exists() {
            let mut command = Command::new(SETPRIV);
            command.args(["--pdeathsig", "INT"]);
            if self.change {
                command.args(["--reuid", &self.uid.to_string(), "--regid", &self.gid.to_string()]);
                command.arg("--clear-groups");
            }
            command.arg("--").arg(program);
            command
        } else {
            // An orphan is then stopped by the next start instead.
            let mut command = Command::new(program);
            if self.change {
                command.uid(self.uid).gid(self.gid);
            }
            command
        };
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
        command.current_dir("/").stdin(Stdio::null()).process_group(0);
        command
    }

    /// Checks that the account can get to the directory.
    pub(super) fn reach(&self, directory: &Path) -> Result<(), PostgresError> {
        if !self.change || self.can_enter(directory) {
            return Ok(());
        }
        let mut way: Vec<&Path> = directory.ancestors().collect();
        way.reverse();
        let closed = way.into_iter().find(|step| !self.can_enter(step)).unwrap_or(directory);
        Err(PostgresError::Unreachable { user: self.name.clone(), directory: closed.to_owned() })
    }

    /// Asks by trying: modes alone do not tell about access lists.
    fn can_enter(&self, directory: &Path) -> bool {
        self.command(Path::new("/bin/sh"))
            .args(["-c", "cd -- \"$1\"", "sh"])
            .arg(directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// A user's line in `/etc/passwd`: `name:password:uid:gid:…`.
fn find(users: &str, name: &str) -> Option<Account> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut ids = line.split(':').skip(2).map(str::parse::<u32>);
    let (uid, gid) = (ids.next()?.ok()?, ids.next()?.ok()?);
    (uid != 0).then(|| Account { name: name.to_owned(), uid, gid, change: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_whole_name() {
        let users = "root:x:0:0::/root:/bin/sh\npostgresql:x:7:7::/:/x\npostgres:x:101:104:,,,:/:/bin/bash\n";

        let found = find(users, "postgres").map(|account| (account.uid, account.gid));

        assert_eq!(found, Some((101, 104)));
    }

    #[test]
    fn root_is_no_way_out() {
        assert!(find("nobody:x:0:0::/:/bin/sh\n", "nobody").is_none());
    }
}
