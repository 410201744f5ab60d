//! What one step does: who leaves, who comes back, and which tokens of whom are computed. Decoding goes before
//! reading prompts, and both make progress in every step. Knows not how anything is computed or copied.

use super::Scheduler;
use crate::blocks::BLOCK_TOKENS;
use crate::blocks::BlockId;
use crate::blocks::blocks_for;
use crate::sequence::SequenceId;
use crate::turns::Claim;

/// What the runner does, in this order: copies out, copies in, computes all spans together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// Sequences that leave the pool; host memory gets a copy of these blocks.
    pub swap_out: Vec<Swap>,
    /// Sequences that come back; these blocks are filled from the copy, which is then dropped.
    pub swap_in: Vec<Swap>,
    /// What is computed, at most one span of each sequence.
    pub spans: Vec<Span>,
}

/// Blocks to copy between the pool and host memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Swap {
    pub sequence: SequenceId,
    /// How many blocks of the sequence come before these. On the way out none; on the way in those that another
    /// sequence has in the pool already.
    pub first: usize,
    pub blocks: Vec<BlockId>,
}

/// Some tokens of one sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub sequence: SequenceId,
    /// The place of the first one among the sequence's tokens.
    pub start: usize,
    pub count: usize,
    /// Whether the last one is the last that is known, so that its logits are wanted.
    pub samples: bool,
}

impl Step {
    /// How many tokens are computed.
    pub(crate) fn tokens(&self) -> usize {
        self.spans.iter().map(|span| span.count).sum()
    }
}

impl Scheduler {
    /// Plans a step of at most `budget` tokens, but at least one for each sequence that decodes and one of a prompt.
    pub(crate) fn plan(&mut self, budget: usize) -> Step {
        let mut step = Step::default();
        self.bring_back(&mut step);
        self.plan_decoding(&mut step);
        self.plan_prompts(&mut step, budget);
        step
    }

    fn bring_back(&mut self, step: &mut Step) {
        while let Some(sequence) = self.swapped.front() {
            let mut found = sequence.find(&self.blocks);
            found.truncate(sequence.computed() / BLOCK_TOKENS);
            if !self.has_blocks_for(sequence, &found) {
                return;
            }
            let mut sequence = self.swapped.pop_front().expect("it was looked at");
            sequence.reuse(&found, &mut self.blocks);
            for _ in found.len()..blocks_for(sequence.computed()) {
                sequence.grow(self.blocks.take().expect("free blocks were counted"));
            }
            let blocks = sequence.table()[found.len()..].to_vec();
            step.swap_in.push(Swap { sequence: sequence.id(), first: found.len(), blocks });
            self.running.push(sequence);
        }
    }

    /// The weakest sequence leaves.
    fn send_away(&mut self, step: &mut Step) {
        assert!(step.swap_in.is_empty(), "who comes back leaves room for what this step may take");
        let mut sequence = self.running.pop().expect("a stronger one runs");
        let id = sequence.id();
        step.spans.retain(|span| span.sequence != id);
        let blocks = sequence.leave(&mut self.blocks);
        step.swap_out.push(Swap { sequence: id, first: 0, blocks });
        self.counts.swaps += 1;
        self.swapped.push_front(sequence);
    }

    /// The strongest first: each may send weaker ones away.
    fn plan_decoding(&mut self, step: &mut Step) {
        let mut place = 0;
        while place < self.running.len() {
            if self.running[place].decodes() && self.make_room(place, 1, step) > 0 {
                step.spans.push(self.span(place, 1));
            }
            place += 1;
        }
    }

    /// Chunks of prompts, in turns.
    fn plan_prompts(&mut self, step: &mut Step, budget: usize) {
        let reading = self.running.iter().filter(|sequence| sequence.prefills());
        let claims: Vec<(SequenceId, Claim)> = reading
            .map(|sequence| {
                let terms = sequence.terms();
                (sequence.id(), Claim { priority: terms.priority, user: terms.user, begun: false })
            })
            .collect();
        let order = self.turns.order(&claims.iter().map(|(_, claim)| *claim).collect::<Vec<_>>());
        let mut begun = false;
        for (id, claim) in order.into_iter().map(|place| claims[place]) {
            let left = budget.saturating_sub(step.tokens()).max(usize::from(!begun));
            let Some(place) = self.place(id) else { continue };
            let count = self.chunk(place, left, begun);
            let count = self.make_room(place, count, step);
            if count > 0 {
                step.spans.push(self.span(place, count));
                self.turns.give(claim);
                begun = true;
            }
        }
    }

    /// How much of its prompt a sequence reads next: all of it or whole blocks where `left` tokens allow. What was
    /// left over by `another` and is neither is not worth a turn.
    fn chunk(&mut self, place: usize, left: usize, another: bool) -> usize {
        self.reuse(place);
        let sequence = &self.running[place];
        let (start, rest) = (sequence.computed(), sequence.prompt_tokens() - sequence.computed());
        if rest <= left {
            return rest;
        }
        let whole = (start + left) / BLOCK_TOKENS * BLOCK_TOKENS;
        match whole.saturating_sub(start) {
            0 if another => 0,
            0 => left,
            count => count,
        }
    }

    /// Gets blocks for the next `count` tokens of a sequence, at the cost of weaker ones, and says for how many tokens
    /// there is room. A sequence for which there is none waits: its own blocks go to stronger ones when they ask.
    fn make_room(&mut self, place: usize, count: usize, step: &mut Step) -> usize {
        let wanted = blocks_for(self.running[place].computed() + count);
        while self.running[place].table().len() < wanted {
            match self.blocks.take() {
                Some(block) => self.running[place].grow(block),
                None if place + 1 < self.running.len() => self.send_away(step),
                None => break,
            }
        }
        count.min(self.running[place].room())
    }

    fn span(&self, place: usize, count: usize) -> Span {
        let sequence = &self.running[place];
        let start = sequence.computed();
        let samples = start + count == sequence.tokens().len();
        Span { sequence: sequence.id(), start, count, samples }
    }
}
