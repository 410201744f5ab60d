//! How often and how much at once: rates by caller and by address, permits for what is dear. Knows no route.

use crate::config::Http;
use crate::domain::Fault;
use crate::domain::UserId;
use crate::http::error::AppError;
use governor::DefaultKeyedRateLimiter;
use governor::Quota;
use governor::RateLimiter;
use governor::clock::Clock;
use governor::clock::DefaultClock;
use std::hash::Hash;
use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// Password hashes at once: each takes 19 MiB and a core.
const HASHES: usize = 4;
/// Uploads held in memory at once: each takes up to `http.max_upload_bytes`.
const UPLOADS: usize = 4;
/// Uploads in pieces that are written to at once: each holds some MiB.
const PIECES: usize = 32;
/// Event streams of jobs at once: each asks Postgres three times a second.
const STREAMS: usize = 256;
/// An upload or a sign-in waits this long for its turn before it is turned away.
const PATIENCE: Duration = Duration::from_secs(10);
/// Keys that have been idle are forgotten after this many checks.
const SWEEP_EVERY: u32 = 4096;

/// All limits of the front door.
pub(super) struct Limits {
    requests: Option<Rate<UserId>>,
    questions: Option<Rate<UserId>>,
    sign_ins: Option<Rate<IpAddr>>,
    hashes: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    pieces: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

impl Limits {
    pub(super) fn new(config: &Http) -> Self {
        Self {
            requests: Rate::per_minute(config.requests_per_minute),
            questions: Rate::per_minute(config.questions_per_minute),
            sign_ins: Rate::per_minute(config.sign_ins_per_minute),
            hashes: Arc::new(Semaphore::new(HASHES)),
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            pieces: Arc::new(Semaphore::new(PIECES)),
            streams: Arc::new(Semaphore::new(STREAMS)),
        }
    }

    /// Counts a request of this caller.
    pub(super) fn request(&self, user: UserId) -> Result<(), AppError> {
        checked(self.requests.as_ref(), &user, "too many requests")
    }

    /// Counts a question of this caller.
    pub(super) fn question(&self, user: UserId) -> Result<(), AppError> {
        checked(self.questions.as_ref(), &user, "too many questions")
    }

    /// Counts a sign-in from this address; an IPv6 network of 64 bits counts as one.
    pub(super) fn sign_in(&self, address: IpAddr) -> Result<(), AppError> {
        checked(self.sign_ins.as_ref(), &network_of(address), "too many sign-ins from your address")
    }

    /// The turn to hash a password.
    pub(super) async fn hash_permit(&self) -> Result<OwnedSemaphorePermit, AppError> {
        in_turn(&self.hashes).await
    }

    /// The turn to hold an upload in memory.
    pub(super) async fn upload_permit(&self) -> Result<OwnedSemaphorePermit, AppError> {
        in_turn(&self.uploads).await
    }

    /// The turn to write to an upload in pieces.
    pub(super) async fn piece_permit(&self) -> Result<OwnedSemaphorePermit, AppError> {
        in_turn(&self.pieces).await
    }

    /// The right to one more event stream, at once or not.
    pub(super) fn stream_permit(&self) -> Result<OwnedSemaphorePermit, AppError> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_| busy())
    }
}

async fn in_turn(semaphore: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, AppError> {
    let waiting = tokio::time::timeout(PATIENCE, Arc::clone(semaphore).acquire_owned());
    waiting.await.ok().and_then(Result::ok).ok_or_else(busy)
}

fn busy() -> AppError {
    let fault = Fault::Overload { retry_after: Duration::from_secs(5) };
    AppError::new(fault, "overloaded", "too much of this is under way; try again soon")
}

/// GCRA by key: a burst of a minute's worth, then evenly (governor's formulation of the ATM Forum's algorithm).
struct Rate<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
    checks: AtomicU32,
}

impl<K: Hash + Eq + Clone> Rate<K> {
    fn per_minute(count: u32) -> Option<Self> {
        let quota = Quota::per_minute(NonZeroU32::new(count)?);
        Some(Self {
            limiter: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
            checks: AtomicU32::new(0),
        })
    }

    /// None when it may pass, else when it may.
    fn wait(&self, key: &K) -> Option<Duration> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).err().map(|until| until.wait_time_from(self.clock.now()))
    }
}

fn checked<K: Hash + Eq + Clone>(rate: Option<&Rate<K>>, key: &K, detail: &str) -> Result<(), AppError> {
    match rate.and_then(|rate| rate.wait(key)) {
        None => Ok(()),
        Some(retry_after) => Err(AppError::new(
            Fault::TooMany { retry_after },
            "rate_limited",
            format!("{detail}; try again soon"),
        )),
    }
}

fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_after_a_minutes_worth_is_told_when_to_come_back() {
        let rate = Rate::per_minute(3).unwrap();

        let waits: Vec<_> = (0..4).map(|_| rate.wait(&"one")).collect();

        assert_eq!(&waits[..3], [None, None, None]);
        assert!(waits[3].is_some_and(|wait| wait <= Duration::from_secs(20)));
        assert_eq!(rate.wait(&"other"), None);
    }

    #[test]
    fn a_rate_of_zero_is_no_limit() {
        assert!(Rate::<IpAddr>::per_minute(0).is_none());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let network = |text: &str| network_of(text.parse().unwrap());

        assert_eq!(network("2001:db8:1:2:3::1"), network("2001:db8:1:2:ffff::2"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }
}
