use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;

use super::super::Team;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_index_is_run_once(threads in 0_usize..5, tasks in 0_usize..200) {
        let team = Team::new(threads);
        let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();

        team.run(tasks, &|index| {
            counts[index].fetch_add(1, Ordering::Relaxed);
        });

        prop_assert_eq!(team.threads(), threads.max(1));
        prop_assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
    }
}

#[test]
fn each_item_comes_to_one_task() {
    let team = Team::new(3);
    let mut numbers = vec![0; 1000];

    team.each(numbers.iter_mut().enumerate().collect(), |(index, number)| *number += index);

    assert!(numbers.into_iter().eq(0..1000));
}

#[test]
fn a_panic_reaches_the_caller_after_the_other_tasks() {
    for threads in 1..4 {
        let team = Team::new(threads);
        let done = AtomicUsize::new(0);

        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            team.run(20, &|index| {
                assert!(index != 3, "the third");
                done.fetch_add(1, Ordering::Relaxed);
            });
        }));

        let panic = outcome.unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"the third"));
        assert_eq!(done.load(Ordering::Relaxed), 19);
        // and the team goes on
        team.run(20, &|_| {});
    }
}

#[test]
fn runs_may_overlap_and_be_nested() {
    let team = Team::new(3);
    let sum = AtomicUsize::new(0);

    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..50 {
                    team.run(4, &|outer| {
                        team.run(4, &|inner| {
                            sum.fetch_add(outer * 4 + inner, Ordering::Relaxed);
                        });
                    });
                }
            });
        }
    });

    assert_eq!(sum.into_inner(), 3 * 50 * 120);
}

#[test]
fn many_small_runs_come_to_an_end() {
    for threads in 2..5 {
        let team = Team::new(threads);
        let sum = AtomicUsize::new(0);

        for run in 0..10_000 {
            team.run(3, &|_| {
                sum.fetch_add(1, Ordering::Relaxed);
            });
            // long enough for the workers to fall asleep
            if run % 1000 == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }

        assert_eq!(sum.into_inner(), 30_000);
    }
}

#[test]
fn workers_help() {
    let team = Team::new(2);
    let helpers = Mutex::new(Vec::new());
    let both = std::sync::Barrier::new(2);

    // each task waits for the other
    team.run(2, &|_| {
        both.wait();
        helpers.lock().unwrap().push(std::thread::current().id());
    });

    let helpers = helpers.into_inner().unwrap();
    assert_ne!(helpers[0], helpers[1]);
}
