use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::*;

struct Job {
    name: u32,
    priority: Priority,
    user: u64,
    abandoned: Arc<AtomicBool>,
    deadline: Option<Instant>,
    /// All positions that it was told.
    told: Arc<Mutex<Vec<usize>>>,
    /// The last wait that it was told.
    wait: Arc<Mutex<Duration>>,
}

impl Waiting for Job {
    fn priority(&self) -> Priority {
        self.priority
    }

    fn user(&self) -> u64 {
        self.user
    }

    fn abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed)
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn waits_at(&self, place: Place) {
        self.told.lock().unwrap().push(place.position);
        *self.wait.lock().unwrap() = place.wait;
    }

    fn expire(self) {}
}

fn job(name: u32, priority: Priority) -> Job {
    Job {
        name,
        priority,
        user: 0,
        abandoned: Arc::default(),
        deadline: None,
        told: Arc::default(),
        wait: Arc::default(),
    }
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
fn who_waits_hears_how_long() {
    let queue = Queue::before(2, 20);
    let jobs: Vec<Arc<Mutex<Duration>>> = (0..5)
        .map(|name| {
            let job = job(name, Priority::Interactive);
            let wait = job.wait.clone();
            queue.push(job).unwrap();
            wait
        })
        .collect();
    let wait = |index: usize| *jobs[index].lock().unwrap();
    assert_eq!([wait(1), wait(2), wait(4)], [Duration::ZERO, FIRST_GUESS, FIRST_GUESS * 3]);

    for _ in 0..2 {
        queue.pop().unwrap();
    }
    assert_eq!([wait(2), wait(4)], [FIRST_GUESS, FIRST_GUESS * 3]);

    queue.served(FIRST_GUESS);
    queue.pop().unwrap();
    assert!(wait(4) > FIRST_GUESS && wait(4) <= FIRST_GUESS * 2);
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

#[test]
fn a_user_with_one_question_does_not_wait_for_another_ones_thirty() {
    let queue = Queue::new(100);
    for name in 0..30 {
        queue.push(Job { user: 1, ..job(name, Priority::Interactive) }).unwrap();
    }
    assert_eq!(queue.pop().unwrap().name, 0);
    for name in 100..102 {
        queue.push(Job { user: 2, ..job(name, Priority::Interactive) }).unwrap();
    }

    let order: Vec<u32> = (0..5).map(|_| queue.pop().unwrap().name).collect();

    assert_eq!(order, [100, 1, 101, 2, 3]);
}

#[test]
fn a_job_that_is_not_wanted_yet_stays_the_next_one() {
    let queue = Queue::new(8);
    queue.push(job(0, Priority::Interactive)).unwrap();
    queue.push(Job { user: 1, ..job(1, Priority::Interactive) }).unwrap();
    queue.push(job(2, Priority::Bulk)).unwrap();

    for _ in 0..9 {
        assert!(queue.try_pop(|job| job.name != 0).is_none());
    }

    let order: Vec<u32> = (0..3).map(|_| queue.try_pop(|_| true).unwrap().name).collect();
    assert_eq!(order, [0, 1, 2]);
    assert!(queue.try_pop(|_| true).is_none());
}

#[test]
fn a_job_that_is_put_back_goes_before_other_users_of_its_priority() {
    let queue = Queue::new(8);
    queue.push(Job { user: 1, ..job(0, Priority::Bulk) }).unwrap();
    queue.push(Job { user: 2, ..job(1, Priority::Bulk) }).unwrap();
    let begun = queue.pop().unwrap();
    queue.push(job(2, Priority::Interactive)).unwrap();

    queue.put_back(begun);

    let order: Vec<u32> = (0..3).map(|_| queue.pop().unwrap().name).collect();
    assert_eq!(order, [2, 0, 1]);
}

#[test]
fn the_estimate_is_the_time_between_two_ends_not_what_a_job_lasts() {
    let mut state = Queue::<Job>::new(1).state.into_inner().unwrap();
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);

    for ended in 0..40 {
        state.learn(at(ended * 3), Duration::from_secs(24));
    }
    assert_eq!(state.estimate(), Duration::from_secs(3), "eight at once");
    for ended in 0..40 {
        state.learn(at(1000 + ended * 100), Duration::from_secs(24));
    }

    assert_eq!(state.estimate(), Duration::from_secs(23), "one at a time, with nothing to do between");
}

proptest! {
    #[test]
    fn the_position_told_is_how_many_are_served_before(
        jobs in proptest::collection::vec((any::<bool>(), 0_u64..4), 1..30),
        served_before in proptest::collection::vec((any::<bool>(), 0_u64..4), 0..6),
    ) {
        let queue = Queue::new(100);
        let job = |(interactive, user)| {
            let priority = if interactive { Priority::Interactive } else { Priority::Bulk };
            Job { user, ..job(0, priority) }
        };
        for before in served_before {
            queue.push(job(before)).unwrap();
            queue.pop().unwrap();
        }
        for waiting in jobs {
            queue.push(job(waiting)).unwrap();
        }

        let mut served: Vec<Job> = queue.pop().into_iter().collect();
        served.extend(std::iter::from_fn(|| queue.try_pop(|_| true)));

        for (others_before, job) in served.iter().enumerate() {
            let told = job.told.lock().unwrap();
            let after_the_first_turn = &told[1..];
            let expected: Vec<usize> = (0..others_before).rev().collect();
            prop_assert!(expected.ends_with(after_the_first_turn), "{told:?} for the one after {others_before}");
            let last = if others_before == 0 { 0 } else { told[told.len() - 1] };
            prop_assert_eq!(last, 0);
        }
    }
}
