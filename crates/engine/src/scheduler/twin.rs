//! A naive runner for tests: its cells hold, instead of KV, what the KV of that token depends on. It checks in every
//! step that each sequence reads exactly its own tokens under its salt, and writes where nobody else reads.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

use super::Scheduler;
use super::Step;
use super::plan::Span;
use crate::blocks::BLOCK_TOKENS;
use crate::blocks::BlockId;
use crate::blocks::Name;
use crate::request::Priority;
use crate::sequence::Sequence;
use crate::sequence::SequenceId;
use crate::sequence::Terms;

/// How many users there are, and so how long the strongest sequence may wait for a turn.
pub(super) const USERS: u64 = 3;
const LONGEST_WAIT: usize = 2 * USERS as usize + 2;

type Cells = [u64; BLOCK_TOKENS];

/// One thing that happens.
#[derive(Debug, Clone)]
pub(super) enum Action {
    Arrive(Arrival),
    Steps {
        budget: usize,
        times: usize,
    },
    /// A sequence ends, perhaps between the plan of a step and its end.
    Cancel {
        which: usize,
        within_step: bool,
    },
    Forget,
}

#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub documents: Vec<usize>,
    pub answer: usize,
    pub priority: Priority,
    pub user: u64,
    pub salt: u8,
}

/// Scheduler and runner, and who waits for them.
pub(super) struct World {
    pub scheduler: Scheduler,
    pub steps: Vec<Step>,
    waiting: VecDeque<Sequence>,
    pool: Vec<Cells>,
    host: HashMap<SequenceId, Vec<Cells>>,
    /// What the cells of each sequence must hold, after one number that stands for its salt.
    right: HashMap<SequenceId, Vec<u64>>,
    /// Whole blocks' beginnings that should be findable while nothing is evicted.
    known: HashSet<(u8, Vec<u32>)>,
    /// Who was admitted before everything was last forgotten.
    apart: HashSet<SequenceId>,
    arrived: u64,
    tokens: usize,
    weak_names: bool,
    strongest_waits: usize,
}

/// Documents share no tokens; their lengths hit and miss the ends of blocks.
fn document(which: usize) -> impl Iterator<Item = u32> {
    let length = [1, 30, 63, 64, 65, 128, 200][which % 7];
    (0..length).map(move |place| (which * 1000 + place) as u32)
}

impl World {
    pub(super) fn new(blocks: usize, max_sequences: usize, weak_names: bool) -> Self {
        Self {
            scheduler: Scheduler::new(blocks, max_sequences),
            steps: Vec::new(),
            waiting: VecDeque::new(),
            pool: vec![[0; BLOCK_TOKENS]; blocks],
            host: HashMap::new(),
            right: HashMap::new(),
            known: HashSet::new(),
            apart: HashSet::new(),
            arrived: 0,
            tokens: 0,
            weak_names,
            strongest_waits: 0,
        }
    }

    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Arrive(arrival) => self.arrive(&arrival),
            Action::Steps { budget, times } => self.steps(budget, times),
            Action::Cancel { which, within_step: true } => self.step(64, Some(which)),
            Action::Cancel { which, within_step: false } => self.cancel(which),
            Action::Forget => {
                self.scheduler.forget();
                self.known.clear();
                self.apart = self.admitted().collect();
            }
        }
        self.check();
    }

    /// Serves all that is left, in as many steps as there are tokens at most.
    pub(super) fn drain(&mut self) {
        self.steps(100, self.tokens + self.arrived as usize);
        assert!(self.waiting.is_empty() && self.scheduler.is_idle(), "something starves");
        assert_eq!(self.scheduler.free_blocks(), self.scheduler.total_blocks(), "blocks leaked");
        assert!(self.host.is_empty(), "a copy is left over");
    }

    fn arrive(&mut self, arrival: &Arrival) {
        let prompt: Vec<u32> = arrival.documents.iter().flat_map(|which| document(*which)).collect();
        if !self.scheduler.fits(prompt.len()) {
            return;
        }
        let limit = (prompt.len() + arrival.answer).min(self.pool.len() * BLOCK_TOKENS);
        self.arrived += 1;
        self.tokens += limit;
        let Arrival { priority, user, salt, .. } = *arrival;
        let (id, terms) = (SequenceId(self.arrived), Terms { priority, user, salt: [salt; 16], limit });
        let weak = |block: &[u32]| Name([(block[0] % 2) as u8; 16]);
        let sequence = if self.weak_names {
            let names = prompt.chunks_exact(BLOCK_TOKENS).map(weak).collect();
            Sequence::with_names(id, prompt, terms, names)
        } else {
            Sequence::new(id, prompt, terms)
        };
        self.waiting.push_back(sequence);
    }

    fn steps(&mut self, budget: usize, times: usize) {
        for time in 0..times {
            if self.waiting.is_empty() && self.scheduler.is_idle() {
                return;
            }
            self.step(budget, None);
            if time % 8 == 0 {
                self.check();
            }
        }
    }

    fn step(&mut self, budget: usize, cancel: Option<usize>) {
        self.admit();
        let decoding = self.scheduler.running().iter().filter(|sequence| sequence.decodes()).count();
        let swapped = self.scheduler.swapped();
        let step = self.scheduler.plan(budget);
        assert!(step.tokens() <= budget.max(decoding + swapped + 1), "{step:?} is over the budget");
        assert!(self.scheduler.is_idle() || !step.spans.is_empty(), "nothing is done");
        self.check_strongest(&step);
        self.run(&step);
        if let Some(which) = cancel {
            self.cancel(which);
        }
        self.scheduler.complete(&step);
        for span in &step.spans {
            self.conclude(*span);
        }
        self.steps.push(step);
    }

    fn admit(&mut self) {
        while let Some(sequence) = self.waiting.pop_front() {
            let (id, has_room) = (sequence.id(), self.scheduler.has_room_for(&sequence));
            let evicted = self.scheduler.counts().evicted_blocks;
            match self.scheduler.admit(sequence) {
                Ok(()) => {
                    assert!(has_room);
                    let sequence = self.scheduler.sequence(id).unwrap();
                    if evicted == 0 && !self.weak_names {
                        assert_eq!(sequence.cached(), self.longest_known(sequence));
                    }
                }
                Err(sequence) => {
                    assert!(!has_room && !self.scheduler.is_idle());
                    self.waiting.push_front(*sequence);
                    return;
                }
            }
        }
    }

    fn longest_known(&self, sequence: &Sequence) -> usize {
        let (salt, prompt) = (sequence.terms().salt[0], sequence.tokens());
        let lengths = (0..prompt.len()).step_by(BLOCK_TOKENS);
        let known = |length: &usize| self.known.contains(&(salt, prompt[..*length].to_vec()));
        lengths.filter(|length| *length == 0 || known(length)).max().unwrap()
    }

    fn run(&mut self, step: &Step) {
        for swap in &step.swap_out {
            let cells = swap.blocks.iter().map(|block| self.pool[block.index()]).collect();
            assert_eq!(swap.first, 0);
            assert!(self.host.insert(swap.sequence, cells).is_none(), "two copies of one sequence");
        }
        for swap in &step.swap_in {
            let copy = self.host.remove(&swap.sequence).unwrap();
            assert_eq!(copy.len(), swap.first + swap.blocks.len());
            for (block, cells) in swap.blocks.iter().zip(&copy[swap.first..]) {
                self.assert_private(*block);
                self.pool[block.index()] = *cells;
            }
        }
        let mut ran = HashSet::new();
        for span in &step.spans {
            assert!(ran.insert(span.sequence), "two spans of one sequence");
            self.compute(*span);
        }
    }

    fn compute(&mut self, span: Span) {
        let sequence = self.scheduler.sequence(span.sequence).unwrap();
        assert_eq!(span.start, sequence.computed());
        assert_eq!(span.samples, span.start + span.count == sequence.tokens().len());
        let right = self.right.entry(span.sequence).or_insert_with(|| vec![sequence.terms().salt[0].into()]);
        for token in &sequence.tokens()[right.len() - 1..] {
            let before = right[right.len() - 1];
            right.push(before.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(*token));
        }
        let right = right[1..=span.start + span.count].chunks(BLOCK_TOKENS);
        for (place, (block, right)) in sequence.table().iter().zip(right).enumerate() {
            let cells = &mut self.pool[block.index()][..right.len()];
            let read = span.start.saturating_sub(place * BLOCK_TOKENS).min(right.len());
            assert_eq!(cells[..read], right[..read], "{:?} reads another's KV", span.sequence);
            cells[read..].copy_from_slice(&right[read..]);
        }
        assert!(sequence.table().len() * BLOCK_TOKENS >= span.start + span.count);
        for block in &sequence.table()[span.start / BLOCK_TOKENS..] {
            self.assert_private(*block);
        }
    }

    fn assert_private(&self, block: BlockId) {
        let blocks = &self.scheduler.blocks;
        assert!(blocks.holders(block) == 1 && !blocks.findable(block), "a shared block is written");
    }

    fn conclude(&mut self, span: Span) {
        let Some(sequence) = self.scheduler.sequence(span.sequence) else { return };
        assert_eq!(sequence.computed(), span.start + span.count);
        if !self.apart.contains(&span.sequence) && span.start < sequence.prompt_tokens() {
            let whole = sequence.computed().min(sequence.prompt_tokens()) / BLOCK_TOKENS * BLOCK_TOKENS;
            for length in (BLOCK_TOKENS..=whole).step_by(BLOCK_TOKENS) {
                self.known.insert((sequence.terms().salt[0], sequence.tokens()[..length].to_vec()));
            }
        }
        let length = sequence.tokens().len();
        if !span.samples {
        } else if length == sequence.terms().limit {
            self.scheduler.finish(span.sequence).unwrap();
        } else {
            self.scheduler.push(span.sequence, (length % 3) as u32);
        }
    }

    fn cancel(&mut self, which: usize) {
        let admitted: Vec<SequenceId> = self.admitted().collect();
        if admitted.is_empty() {
            return;
        }
        let id = admitted[which % admitted.len()];
        assert_eq!(self.scheduler.finish(id).map(|sequence| sequence.id()), Some(id));
        assert!(self.scheduler.finish(id).is_none());
        self.host.remove(&id);
    }

    fn admitted(&self) -> impl Iterator<Item = SequenceId> {
        self.scheduler.running.iter().chain(&self.scheduler.swapped).map(Sequence::id)
    }

    /// The strongest of all is never swapped out, and gets its turn before long.
    fn check_strongest(&mut self, step: &Step) {
        let all = self.scheduler.running.iter().chain(&self.scheduler.swapped);
        let Some(strongest) = all.min_by_key(|sequence| sequence.rank()) else { return };
        assert!(self.scheduler.place(strongest.id()).is_some(), "the strongest is swapped out");
        let runs = step.spans.iter().any(|span| span.sequence == strongest.id());
        self.strongest_waits = if runs { 0 } else { self.strongest_waits + 1 };
        assert!(self.strongest_waits <= LONGEST_WAIT, "{:?} starves", strongest.id());
    }

    fn check(&self) {
        let Scheduler { blocks, running, swapped, max_sequences, .. } = &self.scheduler;
        blocks.check_integrity();
        assert!(running.len() + swapped.len() <= *max_sequences);
        assert!(running.iter().chain(swapped).is_sorted_by_key(Sequence::rank));
        let mut holders = vec![0; blocks.total()];
        for block in running.iter().flat_map(Sequence::table) {
            holders[block.index()] += 1;
        }
        for sequence in running {
            for block in sequence.table() {
                assert_eq!(blocks.holders(*block), holders[block.index()]);
            }
            assert!(sequence.computed() <= sequence.table().len() * BLOCK_TOKENS);
        }
        let held = holders.iter().filter(|holders| **holders > 0).count();
        assert_eq!(blocks.free() + held, blocks.total());
    }
}
