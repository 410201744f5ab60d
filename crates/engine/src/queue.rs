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

/// After so many interactive jobs in a row a waiting bulk job gets its turn.
const INTERACTIVE_STREAK: u32 = 4;
/// What a job is taken to last before one was measured.
const FIRST_GUESS: Duration = Duration::from_secs(5);

/// Something that waits in a [`Queue`].
pub(crate) trait Waiting {
    /// Which jobs it overtakes.
    fn priority(&self) -> Priority;
    /// Whether nobody waits for it any more.
    fn abandoned(&self) -> bool;
    /// When it is of no more use.
    fn deadline(&self) -> Option<Instant>;
    /// Tells whoever waits how many jobs are before it.
    fn waits_at(&self, position: usize);
    /// Tells whoever waits that the deadline passed before its turn came.
    fn expire(self);
}

/// Jobs in the order in which they will be served.
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    wake: Condvar,
    depth: usize,
}

struct State<J> {
    interactive: VecDeque<J>,
    bulk: VecDeque<J>,
    streak: u32,
    stopping: bool,
    /// A running mean of what a job lasts.
    service: Duration,
}

impl<J: Waiting> Queue<J> {
    /// A queue of at most `depth` waiting jobs, at least one; bulk jobs may take half of it.
    pub(crate) fn new(depth: usize) -> Self {
        let (interactive, bulk) = (VecDeque::new(), VecDeque::new());
        let state = State { interactive, bulk, streak: 0, stopping: false, service: FIRST_GUESS };
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
        if state.len() >= self.depth || state.bulk.len() >= self.depth.div_ceil(2) {
            state.interactive.retain(|job| !job.abandoned());
            state.bulk.retain(|job| !job.abandoned());
        }
        let full = match job.priority() {
            Priority::Interactive => state.len() >= self.depth,
            Priority::Bulk => state.len() >= self.depth || state.bulk.len() >= self.depth.div_ceil(2),
        };
        if full {
            return Err(EngineError::Busy { retry_after: state.estimate(), queue_depth: self.depth });
        }
        match job.priority() {
            Priority::Interactive => {
                job.waits_at(state.interactive.len());
                state.interactive.push_back(job);
            }
            Priority::Bulk => {
                job.waits_at(state.len());
                state.bulk.push_back(job);
            }
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
            if let Some(job) = state.take() {
                for (position, waiting) in state.interactive.iter().chain(&state.bulk).enumerate() {
                    waiting.waits_at(position);
                }
                return Some(job);
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Puts a job that is not done yet before all others of its priority.
    pub(crate) fn put_back(&self, job: J) {
        let mut state = self.lock();
        if state.stopping {
            return;
        }
        match job.priority() {
            Priority::Interactive => state.interactive.push_front(job),
            Priority::Bulk => state.bulk.push_front(job),
        }
    }

    /// Between two steps of work: lets go of jobs whose deadline passed, and says whether to stop.
    pub(crate) fn tick(&self) -> bool {
        let now = Instant::now();
        let mut state = self.lock();
        let late = |job: &J| job.deadline().is_some_and(|deadline| deadline <= now);
        if state.interactive.iter().chain(&state.bulk).any(late) {
            let State { interactive, bulk, .. } = &mut *state;
            for queue in [interactive, bulk] {
                let (expired, waiting) = std::mem::take(queue).into_iter().partition(|job| late(job));
                *queue = waiting;
                VecDeque::into_iter(expired).for_each(J::expire);
            }
        }
        state.stopping
    }

    /// Learns what a job lasted, for the estimate in `Busy`.
    pub(crate) fn served(&self, duration: Duration) {
        let mut state = self.lock();
        state.service = (state.service * 3 + duration) / 4;
    }

    /// Jobs that wait now.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Lets go of every waiting job and refuses new ones.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.stopping = true;
        state.interactive.clear();
        state.bulk.clear();
        self.wake.notify_all();
    }

    /// The state is consistent after every statement, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J> State<J> {
    fn len(&self) -> usize {
        self.interactive.len() + self.bulk.len()
    }

    fn take(&mut self) -> Option<J> {
        let bulk_is_due = self.streak >= INTERACTIVE_STREAK && !self.bulk.is_empty();
        if !bulk_is_due && let Some(job) = self.interactive.pop_front() {
            self.streak += 1;
            return Some(job);
        }
        self.streak = 0;
        self.bulk.pop_front()
    }

    /// When a place should be free: after the mean of one job, in whole seconds.
    fn estimate(&self) -> Duration {
        Duration::from_secs(self.service.as_secs().clamp(1, 120))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering;

    use super::*;

    struct Job {
        name: u32,
        priority: Priority,
        abandoned: Arc<AtomicBool>,
        deadline: Option<Instant>,
    }

    impl Waiting for Job {
        fn priority(&self) -> Priority {
            self.priority
        }

        fn abandoned(&self) -> bool {
            self.abandoned.load(Ordering::Relaxed)
        }

        fn deadline(&self) -> Option<Instant> {
            self.deadline
        }

        fn waits_at(&self, _position: usize) {}

        fn expire(self) {}
    }

    fn job(name: u32, priority: Priority) -> Job {
        Job { name, priority, abandoned: Arc::default(), deadline: None }
    }

    #[test]
    fn interactive_jobs_overtake_bulk_jobs_but_not_for_ever() {
        let queue = Queue::new(20);
        for name in 0..3 {
            queue.push(job(100 + name, Priority::Bulk)).unwrap();
        }
        for name in 0..10 {
            queue.push(job(name, Priority::Interactive)).unwrap();
        }

        let order: Vec<u32> = (0..13).map(|_| queue.pop().unwrap().name).collect();

        assert_eq!(order, [0, 1, 2, 3, 100, 4, 5, 6, 7, 101, 8, 9, 102]);
    }

    #[test]
    fn a_full_queue_refuses_but_abandoned_jobs_make_room() {
        let queue = Queue::new(4);
        let abandoned = Arc::new(AtomicBool::new(false));
        queue.push(Job { abandoned: abandoned.clone(), ..job(0, Priority::Bulk) }).unwrap();
        queue.push(job(1, Priority::Bulk)).unwrap();

        let busy =
            |result: Result<(), EngineError>| matches!(result, Err(EngineError::Busy { queue_depth: 4, .. }));
        assert!(busy(queue.push(job(2, Priority::Bulk))), "bulk may fill half");
        queue.push(job(3, Priority::Interactive)).unwrap();
        queue.push(job(4, Priority::Interactive)).unwrap();
        assert!(busy(queue.push(job(5, Priority::Interactive))));
        abandoned.store(true, Ordering::Relaxed);
        assert!(queue.push(job(6, Priority::Interactive)).is_ok());
        assert_eq!(queue.len(), 4);
    }

    #[test]
    fn late_jobs_leave_and_a_stopped_queue_refuses() {
        let queue = Queue::new(4);
        queue.push(Job { deadline: Some(Instant::now()), ..job(0, Priority::Interactive) }).unwrap();
        queue.push(job(1, Priority::Interactive)).unwrap();

        assert!(!queue.tick());
        assert_eq!(queue.len(), 1);
        queue.stop();
        assert!(queue.tick());
        assert!(queue.pop().is_none());
        assert_eq!(queue.push(job(2, Priority::Bulk)), Err(EngineError::Stopped));
    }
}
