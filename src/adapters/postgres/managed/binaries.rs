//! Where Postgres is installed. Knows no cluster but its version.

use crate::adapters::postgres::PostgresError;
use crate::adapters::postgres::managed::cluster::Cluster;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

/// The oldest major version that knows all our SQL.
const OLDEST: u32 = 15;
/// Where distributions install several versions beside each other: Debian's and Fedora's ways.
const INSTALLED: [&str; 2] = ["/usr/lib/postgresql", "/usr"];

/// One installation.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    folder: PathBuf,
    major: u32,
}

impl Binaries {
    /// The server.
    pub(super) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    /// The program that lays out a cluster.
    pub(super) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }
}

/// Finds an installation that can open the cluster: the configured folder alone if there is one, else the newest of
/// the distribution's, else the one in PATH.
pub(super) fn find(configured: &Path, cluster: &Cluster) -> Result<Binaries, PostgresError> {
    let folders = if configured.as_os_str().is_empty() {
        installed().into_iter().chain(in_path()).collect()
    } else {
        vec![configured.to_owned()]
    };
    let mut found: Vec<Binaries> = folders.iter().filter_map(|folder| examine(folder)).collect();
    // Stable, so that the order above decides between equals.
    found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
    let Some(newest) = found.first() else {
        return Err(PostgresError::NoBinaries { looked: looked(configured, &folders) });
    };
    let Some(on_disk) = cluster.major()? else { return Ok(newest.clone()) };
    found.iter().find(|binaries| binaries.major == on_disk).cloned().ok_or_else(|| {
        PostgresError::OtherMajor {
            on_disk,
            found: found.iter().map(|binaries| binaries.major.to_string()).collect::<Vec<_>>().join(", "),
            directory: cluster.data().to_owned(),
        }
    })
}

/// `/usr/lib/postgresql/17/bin` and `/usr/pgsql-17/bin`.
fn installed() -> Vec<PathBuf> {
    INSTALLED
        .iter()
        .filter_map(|parent| fs::read_dir(parent).ok())
        .flatten()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.strip_prefix("pgsql-").unwrap_or(&name).parse::<u32>().is_ok()
        })
        .map(|entry| entry.path().join("bin"))
        .collect()
}

/// The shell looks through PATH, which only `config` may read; links lead to the folder that has `initdb` too.
fn in_path() -> Option<PathBuf> {
    let output = Command::new("/bin/sh").args(["-c", "command -v postgres"]).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    let binary = fs::canonicalize(path.trim()).ok()?;
    binary.parent().map(Path::to_owned)
}

fn examine(folder: &Path) -> Option<Binaries> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let major = major(&String::from_utf8_lossy(&output.stdout))?;
    let usable = major >= OLDEST && folder.join("initdb").is_file();
    usable.then(|| Binaries { folder: folder.to_owned(), major })
}

/// From `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` or `… 18beta1`.
fn major(version: &str) -> Option<u32> {
    let number = version.split(") ").nth(1)?;
    let digits = number.find(|character: char| !character.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}

fn looked(configured: &Path, folders: &[PathBuf]) -> String {
    if configured.as_os_str().is_empty() {
        let mut places = vec!["/usr/lib/postgresql".to_owned(), "/usr/pgsql-*".to_owned(), "PATH".to_owned()];
        places.extend(folders.iter().map(|folder| format!("`{}`", folder.display())));
        places.join(", ")
    } else {
        format!("`{}`, as `database.binaries` says", configured.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_server_writes_them() {
        for (line, expected) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18.1\n", Some(18)),
            ("postgres (PostgreSQL) 19beta2\n", Some(19)),
            ("postgres\n", None),
            ("", None),
        ] {
            assert_eq!(major(line), expected, "{line:?}");
        }
    }
}
