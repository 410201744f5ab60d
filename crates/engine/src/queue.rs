//! A bounded queue between callers and the thread that owns the device. Knows no model and no event.

use std::collections::VecDeque;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::error::EngineError;
use crate::request::Priority;
use crate::turns::Claim;
use crate::turns::Turns;

/// What a job is taken to last before one was measured.
const FIRST_GUESS: Duration = Duration::from_secs(5);

/// Something that waits in a [`Queue`].
pub(crate) trait Waiting {
    /// Which jobs it overtakes.
    fn priority(&self) -> Priority;
    /// Opaque: of one priority, users take turns, and each one's jobs keep their order.
    fn user(&self) -> u64;
    /// Whether nobody waits for it any more.
    fn abandoned(&self) -> bool;
    /// When it is of no more use.
    fn deadline(&self) -> Option<Instant>;
    /// Tells whoever waits where it stands.
    fn waits_at(&self, place: Place);
    /// Tells whoever waits that the deadline passed before its turn came.
    fn expire(self);
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// How many jobs are before it.
    pub position: usize,
    /// How long that takes, as far as can be told from the jobs before.
    pub wait: Duration,
}

/// Jobs and the order in which they will be served.
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    wake: Condvar,
    depth: usize,
}

struct State<J> {
    /// As they came, those before all others that were put back.
    waiting: VecDeque<Entry<J>>,
    turns: Turns,
    stopping: bool,
    /// How many jobs are served side by side, and how many are now.
    places: usize,
    serving: usize,
    /// A running mean of the time from one job's end to the next one's while there is work.
    service: Duration,
    /// When the last job ended.
    ended: Option<Instant>,
}

struct Entry<J> {
    job: J,
    /// Whether it was served for a while and put back.
    begun: bool,
    /// The position that it was told last.
    told: Option<usize>,
}

impl<J: Waiting> Queue<J> {
    /// A queue of at most `depth` waiting jobs, at least one, before somebody who serves one at a time; bulk jobs may take
    /// half of it.
    pub(crate) fn new(depth: usize) -> Self {
        Self::before(1, depth)
    }

    /// The same before somebody who serves `places` at a time.
    pub(crate) fn before(places: usize, depth: usize) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            turns: Turns::default(),
            stopping: false,
            places,
            serving: 0,
            service: FIRST_GUESS,
            ended: None,
        };
        Self { state: Mutex::new(state), wake: Condvar::new(), depth: depth.max(1) }
    }

    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Adds a job and tells it its place.
    ///
    /// # Errors
    /// `Busy` when the queue is full, `Stopped` after [`Queue::stop`].
    pub(crate) fn push(&self, job: J) -> Result<(), EngineError> {
        let mut state = self.lock();
        if state.stopping {
            return Err(EngineError::Stopped);
        }
        if state.is_full(job.priority(), self.depth) {
            state.waiting.retain(|entry| !entry.job.abandoned());
        }
        if state.is_full(job.priority(), self.depth) {
            return Err(EngineError::Busy { retry_after: state.estimate(), queue_depth: self.depth });
        }
        state.waiting.push_back(Entry { job, begun: false, told: None });
        let last = state.waiting.len() - 1;
        if let Some(position) = state.order().iter().position(|place| *place == last) {
            let wait = state.wait_at(position);
            state.waiting[last].tell(Place { position, wait });
        }
        self.wake.notify_one();
        Ok(())
    }

    /// Waits for the next job; `None` once the queue is stopped.
    pub(crate) fn pop(&self) -> Option<J> {
        let mut state = self.lock();
        loop {
            if state.stopping {
                return None;
            }
            if let Some(job) = state.take(|_| true) {
                return Some(job);
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes the next job if there is one and it is `wanted`. One that is not stays the next, and no turn is used:
    /// what is too large for now is not overtaken by what is small.
    pub(crate) fn try_pop(&self, wanted: impl FnOnce(&J) -> bool) -> Option<J> {
        self.lock().take(wanted)
    }

    /// Puts a job that is not done yet before all others of its priority.
    pub(crate) fn put_back(&self, job: J) {
        let mut state = self.lock();
        if !state.stopping {
            state.waiting.push_front(Entry { job, begun: true, told: None });
        }
    }

    /// Between two steps of work: lets go of jobs whose deadline passed, and says whether to stop.
    pub(crate) fn tick(&self) -> bool {
        let now = Instant::now();
        let mut state = self.lock();
        let late = |entry: &Entry<J>| entry.job.deadline().is_some_and(|deadline| deadline <= now);
        if state.waiting.iter().any(late) {
            let (expired, waiting) = std::mem::take(&mut state.waiting).into_iter().partition(late);
            state.waiting = waiting;
            VecDeque::into_iter(expired).for_each(|entry| entry.job.expire());
        }
        state.stopping
    }

    /// Learns that a job ended and what it lasted, for estimates.
    pub(crate) fn served(&self, duration: Duration) {
        self.lock().learn(Instant::now(), duration);
    }

    /// Jobs that wait now.
    pub(crate) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Lets go of every waiting job and refuses new ones.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.stopping = true;
        state.waiting.clear();
        self.wake.notify_all();
    }

    /// The state is consistent after every statement, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J: Waiting> Entry<J> {
    fn claim(&self) -> Claim {
        Claim { priority: self.job.priority(), user: self.job.user(), begun: self.begun }
    }

    /// Only news is told: what waits has room for so many events.
    fn tell(&mut self, place: Place) {
        if self.told.replace(place.position) != Some(place.position) {
            self.job.waits_at(place);
        }
    }
}

impl<J: Waiting> State<J> {
    fn is_full(&self, priority: Priority, depth: usize) -> bool {
        let bulk = || self.waiting.iter().filter(|entry| entry.job.priority() == Priority::Bulk).count();
        let no_bulk_place = match priority {
            Priority::Interactive => false,
            Priority::Bulk => bulk() >= depth.div_ceil(2),
        };
        self.waiting.len() >= depth || no_bulk_place
    }

    /// The places of all jobs in the order in which they will be served.
    fn order(&self) -> Vec<usize> {
        self.turns.order(&self.waiting.iter().map(Entry::claim).collect::<Vec<_>>())
    }

    /// Takes the next job if it is wanted, and tells the others how far they have come.
    fn take(&mut self, wanted: impl FnOnce(&J) -> bool) -> Option<J> {
        let place = *self.order().first()?;
        if !wanted(&self.waiting[place].job) {
            return None;
        }
        let entry = self.waiting.remove(place)?;
        self.turns.give(entry.claim());
        self.serving += 1;
        for (position, place) in self.order().into_iter().enumerate() {
            let wait = self.wait_at(position);
            self.waiting[place].tell(Place { position, wait });
        }
        Some(entry.job)
    }

    /// Jobs that are served side by side end in shorter time than each one lasts. Time in which nothing was served
    /// does not count: a job that ended had been served for `duration`.
    fn learn(&mut self, now: Instant, duration: Duration) {
        let since = self.ended.replace(now).map_or(duration, |ended| now.saturating_duration_since(ended));
        self.service = (self.service * 3 + duration.min(since)) / 4;
        self.serving = self.serving.saturating_sub(1);
    }

    /// Until a place is free for who has so many before it, when one becomes free after each mean of a job.
    fn wait_at(&self, position: usize) -> Duration {
        let ends = (self.serving + position + 1).saturating_sub(self.places);
        self.service.saturating_mul(ends as u32)
    }

    /// When a place should be free: after the mean of one job, in whole seconds.
    fn estimate(&self) -> Duration {
        Duration::from_secs(self.service.as_secs().clamp(1, 120))
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
