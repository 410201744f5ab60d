//! The sequences that are being served, and what is computed for each of them in each step.
//!
//! ```text
//! admit ──▶ running ◀──── plan ────▶ swapped        plan ──▶ Step ──▶ the runner ──▶ complete, push
//!           strongest … weakest      strongest … weakest
//! ```
//!
//! All running sequences are stronger than all swapped ones: who leaves is the weakest that runs, who comes back is
//! the strongest that waits, and nothing is admitted meanwhile. So the strongest of all always runs. The same calls
//! give the same plans. Knows no tensor, no clock, and nobody who waits to be admitted.

mod plan;
#[cfg(test)]
mod twin;

use std::collections::VecDeque;

pub(crate) use self::plan::Step;
pub(crate) use self::plan::Swap;
use crate::blocks::BLOCK_TOKENS;
use crate::blocks::BlockId;
use crate::blocks::Blocks;
use crate::blocks::Label;
use crate::blocks::blocks_for;
use crate::sequence::Sequence;
use crate::sequence::SequenceId;
use crate::turns::Turns;

/// Decides what runs.
pub(crate) struct Scheduler {
    blocks: Blocks,
    max_sequences: usize,
    /// Their KV is in the pool; by rank.
    running: Vec<Sequence>,
    /// Their KV is in host memory; by rank.
    swapped: VecDeque<Sequence>,
    /// Who read how much of a prompt, in chunks.
    turns: Turns,
    admissions: u64,
    counts: Counts,
}

/// What happened so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Prompt tokens of all that was admitted.
    pub prompt_tokens: u64,
    /// How many of them another sequence had computed.
    pub cached_tokens: u64,
    /// How many of those had left the pool and came back.
    pub recalled_tokens: u64,
    /// Blocks of earlier prompts that were taken for something else.
    pub evicted_blocks: u64,
    /// How often a sequence had to leave for a stronger one.
    pub swaps: u64,
}

impl Scheduler {
    /// A scheduler over a pool of `blocks` for at most `max_sequences`, at least one.
    pub(crate) fn new(blocks: usize, max_sequences: usize) -> Self {
        Self {
            blocks: Blocks::new(blocks),
            max_sequences: max_sequences.max(1),
            running: Vec::new(),
            swapped: VecDeque::new(),
            turns: Turns::default(),
            admissions: 0,
            counts: Counts::default(),
        }
    }

    /// Whether so many tokens, prompt and answer, could be served with nothing beside them. Nothing else may be
    /// admitted: it would wait for ever.
    pub(crate) fn fits(&self, tokens: usize) -> bool {
        blocks_for(tokens) <= self.blocks.total()
    }

    /// Whether a sequence would be admitted now.
    pub(crate) fn has_room_for(&self, sequence: &Sequence) -> bool {
        let closed = self.running.len() >= self.max_sequences || !self.swapped.is_empty();
        !closed && self.has_blocks_for(sequence, &sequence.find(&self.blocks))
    }

    /// Takes a sequence in, with all of its prompt that is known.
    ///
    /// # Errors
    /// The sequence, when there is no room for it now: as many as may run do, one waits to come back, or too few
    /// blocks are free for its prompt beside what those that run will need soon.
    pub(crate) fn admit(&mut self, mut sequence: Sequence) -> Result<(), Box<Sequence>> {
        assert!(self.fits(sequence.terms().limit), "what can never run is refused before it waits");
        if !self.has_room_for(&sequence) {
            return Err(Box::new(sequence));
        }
        self.admissions += 1;
        sequence.enter(self.admissions);
        self.counts.prompt_tokens += sequence.prompt_tokens() as u64;
        let place = self.running.partition_point(|other| other.rank() < sequence.rank());
        self.running.insert(place, sequence);
        self.reuse(place);
        Ok(())
    }

    /// Remembers from now on what leaves the pool, for [`Self::take_spilled`].
    pub(crate) fn spill(&mut self) {
        self.blocks.spill();
    }

    /// What left the pool since the last call: to be copied before anything is written into these blocks.
    pub(crate) fn take_spilled(&mut self) -> Vec<(BlockId, Label)> {
        self.blocks.take_spilled()
    }

    /// Which block of its prompt a running sequence computes next, if it is not in the pool and may come from
    /// elsewhere.
    pub(crate) fn next_shared(&mut self, id: SequenceId) -> Option<Label> {
        let place = self.place(id)?;
        self.reuse(place);
        self.running[place].next_shared()
    }

    /// Gives that block a place, which the runner fills before the next step; none where none is free.
    pub(crate) fn recall(&mut self, id: SequenceId) -> Option<BlockId> {
        let place = self.place(id)?;
        let block = self.blocks.take()?;
        self.running[place].recall(block, &mut self.blocks);
        self.counts.cached_tokens += BLOCK_TOKENS as u64;
        self.counts.recalled_tokens += BLOCK_TOKENS as u64;
        Some(block)
    }

    /// A step was computed: what it read of prompts can be found from now on.
    pub(crate) fn complete(&mut self, step: &Step) {
        for span in &step.spans {
            if let Some(place) = self.place(span.sequence) {
                self.running[place].advance(span.count, &mut self.blocks);
            }
        }
    }

    /// Adds a token that was sampled for a running sequence.
    pub(crate) fn push(&mut self, id: SequenceId, token: u32) {
        let place = self.place(id).expect("only what ran in the last step gets a token");
        self.running[place].push(token);
    }

    /// Lets go of a sequence, running or swapped out, and gives all its blocks back; the runner drops its copy, if
    /// there is one.
    pub(crate) fn finish(&mut self, id: SequenceId) -> Option<Sequence> {
        if let Some(place) = self.place(id) {
            let mut sequence = self.running.remove(place);
            sequence.leave(&mut self.blocks);
            return Some(sequence);
        }
        let place = self.swapped.iter().position(|sequence| sequence.id() == id)?;
        self.swapped.remove(place)
    }

    /// Lets nothing of prompts that were admitted before now be reused by another.
    pub(crate) fn forget(&mut self) {
        self.blocks.forget();
        let sequences = self.running.iter_mut().chain(&mut self.swapped);
        sequences.for_each(Sequence::keep_to_itself);
    }

    /// A sequence that was admitted and is not finished.
    pub(crate) fn sequence(&self, id: SequenceId) -> Option<&Sequence> {
        self.running.iter().chain(&self.swapped).find(|sequence| sequence.id() == id)
    }

    /// Those whose KV is in the pool, the strongest first.
    pub(crate) fn running(&self) -> &[Sequence] {
        &self.running
    }

    /// How many wait to come back.
    pub(crate) fn swapped(&self) -> usize {
        self.swapped.len()
    }

    /// Whether nothing is being served.
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.swapped.is_empty()
    }

    /// How many blocks could be taken now.
    pub(crate) fn free_blocks(&self) -> usize {
        self.blocks.free()
    }

    pub(crate) fn total_blocks(&self) -> usize {
        self.blocks.total()
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts { evicted_blocks: self.blocks.evicted(), ..self.counts }
    }

    /// Whether a sequence that holds nothing can read its prompt, or go on, and begin one more block, when those that
    /// run read theirs and begin one more block each. With nothing running this holds for whatever [`Self::fits`].
    fn has_blocks_for(&self, sequence: &Sequence, found: &[BlockId]) -> bool {
        let wanted = sequence.blocks_soon() - found.len() + self.blocks.unheld(found);
        let promised: usize = self.running.iter().map(|sequence| sequence.blocks_to_read() + 1).sum();
        wanted + promised <= self.blocks.free()
    }

    /// Goes on with what others computed, as far as it is known.
    fn reuse(&mut self, place: usize) {
        let sequence = &mut self.running[place];
        let before = sequence.cached();
        let found = sequence.find(&self.blocks);
        sequence.reuse(&found, &mut self.blocks);
        self.counts.cached_tokens += (sequence.cached() - before) as u64;
    }

    fn place(&self, id: SequenceId) -> Option<usize> {
        self.running.iter().position(|sequence| sequence.id() == id)
    }
}

#[cfg(test)]
mod tests;
