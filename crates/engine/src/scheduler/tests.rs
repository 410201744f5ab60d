use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::twin::Action;
use super::twin::Arrival;
use super::twin::USERS;
use super::twin::World;
use super::*;
use crate::blocks::BLOCK_TOKENS;
use crate::request::Priority;
use crate::sequence::Terms;

/// A sequence whose prompt is `tokens` long; equal `kind`s begin alike.
fn sequence(id: u64, kind: u32, tokens: usize, answer: usize) -> Sequence {
    with_terms(id, kind, tokens, answer, Priority::Interactive, 0)
}

fn with_terms(id: u64, kind: u32, tokens: usize, answer: usize, priority: Priority, user: u64) -> Sequence {
    let terms = Terms { priority, user, salt: [0; 16], limit: tokens + answer };
    Sequence::new(SequenceId(id), vec![kind; tokens], terms)
}

/// Plans and completes a step, with a token for each sequence that is to get one.
fn step(scheduler: &mut Scheduler, budget: usize) -> Step {
    let step = scheduler.plan(budget);
    scheduler.complete(&step);
    for span in step.spans.iter().filter(|span| span.samples) {
        scheduler.push(span.sequence, 0);
    }
    step
}

fn spans(step: &Step) -> Vec<(u64, usize, usize)> {
    step.spans.iter().map(|span| (span.sequence.0, span.start, span.count)).collect()
}

#[test]
fn a_step_decodes_for_all_who_do_and_reads_prompts_with_the_rest() {
    let mut scheduler = Scheduler::new(100, 8);
    scheduler.admit(sequence(1, 1, 10, 50)).unwrap();
    scheduler.admit(sequence(2, 2, 20, 50)).unwrap();
    step(&mut scheduler, 100);
    scheduler.admit(sequence(3, 3, 300, 50)).unwrap();

    let mixed = step(&mut scheduler, 150);

    assert_eq!(spans(&mixed), [(1, 10, 1), (2, 20, 1), (3, 0, 128)]);
    assert_eq!(mixed.spans.iter().map(|span| span.samples).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(spans(&step(&mut scheduler, 1)), [(1, 11, 1), (2, 21, 1), (3, 128, 1)]);
}

#[test]
fn equal_prompts_that_come_together_are_read_once() {
    let mut scheduler = Scheduler::new(100, 8);
    for user in 0..3 {
        scheduler.admit(with_terms(user, 1, 500, 10, Priority::Interactive, user)).unwrap();
    }

    let all: Vec<_> = (0..6).map(|_| spans(&step(&mut scheduler, 128))).collect();

    let computed: usize = all.iter().flatten().map(|(.., count)| count).filter(|count| **count > 1).sum();
    assert_eq!(computed, 500 + 2 * (500 - 448), "{all:?}");
    assert_eq!(scheduler.counts().prompt_tokens, 3 * 500);
    assert_eq!(scheduler.counts().cached_tokens as usize, 3 * 500 - computed);
}

#[test]
fn users_take_turns_in_reading_and_bulk_gets_every_fifth_chunk() {
    let mut scheduler = Scheduler::new(400, 8);
    scheduler.admit(with_terms(0, 9, 2000, 1, Priority::Bulk, 7)).unwrap();
    scheduler.admit(with_terms(1, 1, 2000, 1, Priority::Interactive, 1)).unwrap();
    scheduler.admit(with_terms(2, 2, 2000, 1, Priority::Interactive, 1)).unwrap();
    scheduler.admit(with_terms(3, 3, 2000, 1, Priority::Interactive, 2)).unwrap();

    let who: Vec<u64> = (0..10).map(|_| step(&mut scheduler, 64).spans[0].sequence.0).collect();

    assert_eq!(who, [1, 3, 1, 3, 0, 1, 3, 1, 3, 0]);
}

#[test]
fn the_weakest_leaves_when_memory_runs_out_and_comes_back_when_there_is_room() {
    let mut scheduler = Scheduler::new(6, 8);
    scheduler.admit(with_terms(1, 1, 64, 150, Priority::Bulk, 0)).unwrap();
    scheduler.admit(sequence(2, 2, 64, 150)).unwrap();
    assert!(scheduler.admit(sequence(3, 3, 128, 100)).is_err(), "two blocks are promised to each");

    let left = std::iter::from_fn(|| Some(step(&mut scheduler, 128))).find(|step| !step.swap_out.is_empty());
    let left = left.unwrap();

    assert_eq!(left.swap_out.iter().map(|swap| swap.sequence.0).collect::<Vec<_>>(), [1]);
    assert!(!left.spans.iter().any(|span| span.sequence.0 == 1));
    assert!(!scheduler.has_room_for(&sequence(5, 5, 1, 1)), "nothing is admitted while one waits");
    scheduler.finish(SequenceId(2)).unwrap();
    let back = step(&mut scheduler, 64);
    assert_eq!(back.swap_in.iter().map(|swap| swap.sequence.0).collect::<Vec<_>>(), [1]);
    assert!(back.spans.iter().any(|span| span.sequence.0 == 1), "it goes on at once");
}

#[test]
fn a_stronger_prompt_takes_blocks_from_one_that_decodes_in_the_same_step() {
    let mut scheduler = Scheduler::new(10, 8);
    scheduler.admit(with_terms(1, 1, 64, 400, Priority::Bulk, 0)).unwrap();
    step(&mut scheduler, 64);
    scheduler.admit(sequence(2, 2, 6 * 64, 10)).unwrap();

    let left = std::iter::from_fn(|| Some(step(&mut scheduler, 1))).find(|step| !step.swap_out.is_empty());
    let left = left.unwrap();

    assert_eq!(left.swap_out.iter().map(|swap| swap.sequence.0).collect::<Vec<_>>(), [1]);
    assert_eq!(left.swap_out[0].blocks.len(), 5, "the sixth was taken in this step and holds nothing");
    assert_eq!(spans(&left), [(2, 256, 1)]);
}

#[test]
fn what_others_have_in_the_pool_is_not_copied_back() {
    let mut scheduler = Scheduler::new(9, 8);
    scheduler.admit(sequence(1, 1, 193, 200)).unwrap();
    step(&mut scheduler, 500);
    scheduler.admit(sequence(2, 1, 193, 200)).unwrap();
    let left = std::iter::from_fn(|| Some(step(&mut scheduler, 500))).find(|step| !step.swap_out.is_empty());
    let left = left.unwrap().swap_out[0].clone();
    let (stays, length) = (scheduler.running()[0].table().to_vec(), left.blocks.len());
    scheduler.finish(SequenceId(1)).unwrap();

    let back = step(&mut scheduler, 500).swap_in[0].clone();

    assert_eq!((left.sequence, back.sequence), (SequenceId(2), SequenceId(2)));
    assert_eq!(left.blocks[..3], stays[..3]);
    assert_eq!((back.first, back.blocks.len()), (3, length - 3));
}

#[test]
fn a_sequence_that_needs_the_whole_pool_is_served_alone() {
    let mut scheduler = Scheduler::new(4, 8);
    assert!(scheduler.fits(4 * BLOCK_TOKENS) && !scheduler.fits(4 * BLOCK_TOKENS + 1));
    scheduler.admit(sequence(1, 1, 200, 56)).unwrap();

    for _ in 0..56 {
        assert_eq!(step(&mut scheduler, 1000).spans.len(), 1);
    }

    assert_eq!(scheduler.sequence(SequenceId(1)).unwrap().tokens().len(), 256);
    assert!(scheduler.finish(SequenceId(1)).is_some() && scheduler.is_idle());
    assert_eq!(scheduler.free_blocks(), 4);
}

#[test]
fn a_prompt_that_was_admitted_before_forgetting_serves_nobody_after_it() {
    let mut scheduler = Scheduler::new(100, 8);
    scheduler.admit(sequence(1, 1, 300, 10)).unwrap();
    step(&mut scheduler, 100);
    scheduler.forget();
    step(&mut scheduler, 1000);

    scheduler.admit(sequence(2, 1, 300, 10)).unwrap();
    assert_eq!(scheduler.sequence(SequenceId(2)).unwrap().cached(), 0);
    step(&mut scheduler, 1000);
    scheduler.admit(sequence(3, 1, 300, 10)).unwrap();

    assert_eq!(scheduler.sequence(SequenceId(3)).unwrap().cached(), 256);
}

#[test]
fn no_more_run_than_may_and_promised_blocks_are_not_given_twice() {
    let mut scheduler = Scheduler::new(20, 2);
    scheduler.admit(sequence(1, 1, 600, 10)).unwrap();
    assert!(!scheduler.has_room_for(&sequence(2, 2, 600, 10)), "ten of twenty are promised, and one to each");
    scheduler.admit(sequence(2, 2, 400, 10)).unwrap();

    let refused = scheduler.admit(sequence(3, 3, 1, 1)).unwrap_err();

    assert_eq!(refused.id(), SequenceId(3));
}

fn arrival() -> impl Strategy<Value = Action> {
    let document = prop_oneof![3 => 5_usize..7, 2 => 0_usize..7];
    let documents = proptest::collection::vec(document, 1..4);
    let answer = prop_oneof![1 => 0_usize..20, 2 => 100_usize..600];
    let (interactive, other_salt) = (prop::bool::weighted(0.6), prop::bool::weighted(0.15));
    (documents, answer, interactive, 0..USERS, other_salt).prop_map(
        |(documents, answer, interactive, user, other_salt)| {
            let priority = if interactive { Priority::Interactive } else { Priority::Bulk };
            Action::Arrive(Arrival { documents, answer, priority, user, salt: u8::from(other_salt) })
        },
    )
}

fn action() -> impl Strategy<Value = Action> {
    let budget = prop_oneof![1_usize..20, 1_usize..300, Just(2048)];
    let steps = (budget, prop_oneof![Just(1), 1_usize..70]);
    let cancel = (any::<usize>(), any::<bool>());
    prop_oneof![
        25 => arrival(),
        25 => steps.prop_map(|(budget, times)| Action::Steps { budget, times }),
        2 => cancel.prop_map(|(which, within_step)| Action::Cancel { which, within_step }),
        1 => Just(Action::Forget),
    ]
}

fn schedule() -> impl Strategy<Value = (usize, usize, Vec<Action>)> {
    (
        prop_oneof![10_usize..24, 4_usize..48],
        prop_oneof![3_usize..9, 1_usize..3],
        proptest::collection::vec(action(), 1..50),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn nobody_reads_anothers_kv_nothing_leaks_and_everyone_finishes(
        (blocks, sequences, actions) in schedule(),
        weak_names in prop::bool::weighted(0.2),
    ) {
        let mut world = World::new(blocks, sequences, weak_names);

        for action in actions {
            world.act(action);
        }

        world.drain();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_same_calls_give_the_same_plans((blocks, sequences, actions) in schedule()) {
        let steps = || {
            let mut world = World::new(blocks, sequences, false);
            for action in actions.clone() {
                world.act(action);
            }
            world.drain();
            world.steps
        };

        prop_assert_eq!(steps(), steps());
    }
}

#[test]
fn the_schedules_tried_share_evict_and_swap_often() {
    let mut runner = TestRunner::deterministic();
    let (mut shared, mut evicted, mut swapped, mut partly) = (0, 0, 0, 0);

    for _ in 0..300 {
        let (blocks, sequences, actions) = schedule().new_tree(&mut runner).unwrap().current();
        let mut world = World::new(blocks, sequences, false);
        for action in actions {
            world.act(action);
        }
        let counts = world.scheduler.counts();
        shared += usize::from(counts.cached_tokens > 0);
        evicted += usize::from(counts.evicted_blocks > 0);
        swapped += usize::from(counts.swaps > 0);
        let back = world.steps.iter().flat_map(|step| &step.swap_in);
        partly += back.filter(|swap| swap.first > 0).count();
    }

    assert!(
        shared > 80 && evicted > 50 && swapped > 10 && partly > 2,
        "{shared} {evicted} {swapped} {partly}"
    );
}
