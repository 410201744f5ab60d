//! The system calls that are left to the child: to compute, to have memory and threads, to read its input and write its
//! answer. All others fail with EPERM, as a library that asks for more than it needs then goes on without. Knows no
//! job.

use libc::ENOSYS;
use libc::EPERM;
use seccompiler::BackendError;
use seccompiler::BpfProgram;
use seccompiler::SeccompAction;
use seccompiler::SeccompCmpArgLen;
use seccompiler::SeccompCmpOp;
use seccompiler::SeccompCondition;
use seccompiler::SeccompFilter;
use seccompiler::SeccompRule;
use std::collections::BTreeMap;
use std::io;

/// Those that need no look at their arguments.
const HARMLESS: &[i64] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getrandom,
    libc::SYS_getcpu,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_clock_gettime,
    libc::SYS_gettimeofday,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
];

/// Forbids the rest to all threads of this process; says whether this kernel can.
pub(super) fn forbid() -> io::Result<bool> {
    let Ok(programs) = programs() else { return Ok(false) };
    for program in &programs {
        if !installed(seccompiler::apply_filter_all_threads(program))? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn installed(outcome: Result<(), seccompiler::Error>) -> io::Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        // A kernel without filters.
        Err(seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error))
            if matches!(error.raw_os_error(), Some(libc::EINVAL | ENOSYS)) =>
        {
            Ok(false)
        }
        Err(error) => Err(io::Error::other(error)),
    }
}

/// Two filters, of whose verdicts the stricter counts: `clone3` hides its flags behind a pointer, and the C library
/// falls back to `clone` only where it is told that there is no such call.
fn programs() -> Result<[BpfProgram; 2], BackendError> {
    let architecture = std::env::consts::ARCH.try_into()?;
    let missing = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let missing = SeccompFilter::new(
        missing,
        SeccompAction::Allow,
        SeccompAction::Errno(ENOSYS.unsigned_abs()),
        architecture,
    )?;
    let allowed = SeccompFilter::new(
        allowed()?,
        SeccompAction::Errno(EPERM.unsigned_abs()),
        SeccompAction::Allow,
        architecture,
    )?;
    // The one that forbids to install filters comes last.
    Ok([missing.try_into()?, allowed.try_into()?])
}

fn allowed() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let own = u64::from(std::process::id());
    let flag = |flag: libc::c_int| flag.unsigned_abs().into();
    let mut allowed: BTreeMap<i64, Vec<SeccompRule>> =
        HARMLESS.iter().chain([&libc::SYS_clone3]).map(|&call| (call, Vec::new())).collect();
    let executable = || masked(2, flag(libc::PROT_EXEC), 0);
    allowed.extend([
        // Memory, but none that could be run.
        (libc::SYS_mmap, vec![SeccompRule::new(vec![executable()?])?]),
        (libc::SYS_mprotect, vec![SeccompRule::new(vec![executable()?])?]),
        // A thread, not a process.
        (
            libc::SYS_clone,
            vec![SeccompRule::new(vec![masked(0, flag(libc::CLONE_THREAD), flag(libc::CLONE_THREAD))?])?],
        ),
        // To abort, not to end others.
        (libc::SYS_tgkill, vec![SeccompRule::new(vec![equal(0, own)?])?]),
        // Names of threads.
        (libc::SYS_prctl, vec![SeccompRule::new(vec![equal(0, flag(libc::PR_SET_NAME))?])?]),
        // To ask for one's own limits, not to set them.
        (libc::SYS_prlimit64, vec![SeccompRule::new(vec![equal(0, 0)?, no_pointer(2)?])?]),
        // What the standard library asks of a file that it closes.
        (
            libc::SYS_fcntl,
            vec![
                SeccompRule::new(vec![equal(1, flag(libc::F_GETFD))?])?,
                SeccompRule::new(vec![equal(1, flag(libc::F_GETFL))?])?,
            ],
        ),
    ]);
    Ok(allowed)
}

fn masked(argument: u8, mask: u64, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
}

fn equal(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn no_pointer(argument: u8) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::ErrorKind;
    use std::net::TcpStream;
    use std::net::UdpSocket;
    use std::process::Command;

    /// In a thread of its own, which alone is filtered.
    #[test]
    fn under_the_filter_nothing_is_opened_connected_or_started_but_threads() {
        let tried = std::thread::spawn(|| {
            for program in programs().unwrap() {
                seccompiler::apply_filter(&program).unwrap();
            }
            let refused = [
                File::open("/").map(drop),
                std::fs::metadata("/etc").map(drop),
                TcpStream::connect("127.0.0.1:9").map(drop),
                UdpSocket::bind("127.0.0.1:0").map(drop),
                Command::new("/bin/true").spawn().map(drop),
                io::pipe().map(drop),
            ];
            let thread = std::thread::Builder::new()
                .spawn(|| vec![7_u8; 50 << 20].iter().map(|&b| u64::from(b)).sum());
            let sum: u64 = thread.unwrap().join().unwrap();
            (refused.map(|outcome| outcome.map_err(|error| error.kind())), sum)
        });
        let (refused, sum) = tried.join().unwrap();

        assert_eq!(refused, [Err(ErrorKind::PermissionDenied); 6]);
        assert_eq!(sum, 7 * (50 << 20));
    }
}
