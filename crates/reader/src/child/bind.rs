//! What the child gives up before it looks at a byte, for the rest of its life. Three layers, so that one that a kernel
//! has not, or that has a hole, leaves the others: resource limits everywhere; Landlock, under which no path and no port
//! is within reach; a filter of system calls, under which only those of a program that computes are left.
//! Knows no job.

use crate::child::Confinement;
use crate::child::Limits;
use crate::child::syscalls;
use landlock::ABI;
use landlock::Access;
use landlock::AccessFs;
use landlock::AccessNet;
use landlock::LandlockStatus;
use landlock::Ruleset;
use landlock::RulesetAttr;
use landlock::RulesetError;
use landlock::RulesetStatus;
use landlock::Scope;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::Signal;
use rustix::process::set_parent_process_death_signal;
use rustix::process::setrlimit;
use std::io;

/// The newest rights that are known here; an older kernel is given those it knows.
const NEWEST: ABI = ABI::V7;
/// Between the signal that names CPU time as the cause, and the one that cannot be caught.
const LAST_SECONDS: u64 = 2;

/// Gives up what no job needs, and says what holds.
///
/// # Errors
/// When a limit that this kernel has could not be set: then the child must not go on.
pub(super) fn bind(limits: &Limits) -> io::Result<Confinement> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // Before the limit on open files, for its rules are an open file until they hold.
    let landlock = landlock().map_err(io::Error::other)?;
    let at_most = |resource: Resource, soft: u64, hard: u64| {
        setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) })
    };
    at_most(Resource::As, limits.address_space_bytes, limits.address_space_bytes)?;
    at_most(Resource::Cpu, limits.cpu_seconds, limits.cpu_seconds.saturating_add(LAST_SECONDS))?;
    at_most(Resource::Fsize, 0, 0)?;
    at_most(Resource::Core, 0, 0)?;
    at_most(Resource::Nofile, 3, 3)?;
    // Last: it forbids to set limits.
    let seccomp = syscalls::forbid()?;
    Ok(Confinement { landlock, seccomp, possible: Vec::new() })
}

/// Puts every path, port, abstract socket and foreign process out of this thread's reach, and of those it starts; says
/// which version of the rules this kernel knows, 0 where it knows none.
fn landlock() -> Result<u32, RulesetError> {
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?;
    let status = rules.create()?.restrict_self()?;
    Ok(match (status.ruleset, status.landlock) {
        (
            RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced,
            LandlockStatus::Available { effective_abi, .. },
        ) => effective_abi as u32,
        (RulesetStatus::NotEnforced, _)
        | (_, LandlockStatus::NotEnabled | LandlockStatus::NotImplemented) => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::ErrorKind;
    use std::net::TcpListener;
    use std::process::Command;

    /// In a thread of its own: the rules hold for it alone.
    #[test]
    fn under_landlock_no_path_opens_and_no_port() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let tried = std::thread::spawn(move || {
            let version = landlock().unwrap();
            let connected = std::net::TcpStream::connect(port).map(drop);
            let tried = [
                File::open("/etc/hostname").map(drop),
                File::create("/tmp/reader-landlock").map(drop),
                Command::new("/bin/true").spawn().map(drop),
            ];
            (version, tried.map(|outcome| outcome.map_err(|error| error.kind())), connected)
        });
        let (version, tried, connected) = tried.join().unwrap();

        if version >= 1 {
            assert_eq!(tried, [Err(ErrorKind::PermissionDenied); 3]);
        }
        if version >= 4 {
            assert_eq!(connected.unwrap_err().kind(), ErrorKind::PermissionDenied);
        }
    }
}
