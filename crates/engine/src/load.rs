//! What a decoder is busy with, for metrics. Knows no request.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::scheduler::Scheduler;
use crate::vault::Stock;

/// What a decoder is busy with, and what it did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Requests that are served now.
    pub running: usize,
    /// Of those admitted, how many had to make room and wait to come back.
    pub swapped: usize,
    /// Blocks of 64 tokens that could be taken now, and all.
    pub free_blocks: usize,
    pub total_blocks: usize,
    /// Tokens of all prompts so far, and how many of them had been read for an earlier one.
    pub prompt_tokens: u64,
    pub cached_tokens: u64,
    /// How many of those had left the cache and came back from the vault.
    pub recalled_tokens: u64,
    /// Blocks of earlier prompts that were taken for something else.
    pub evicted_blocks: u64,
    /// How often a request had to make room.
    pub swaps: u64,
    /// Blocks that the vault keeps in memory, and those in files.
    pub kept_in_memory: usize,
    pub kept_on_disk: usize,
}

/// Where the thread that serves says so.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gauge(Arc<Mutex<Load>>);

impl Gauge {
    pub(crate) fn read(&self) -> Load {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn show(&self, scheduler: &Scheduler, stock: Stock) {
        let counts = scheduler.counts();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Load {
            running: scheduler.running().len(),
            swapped: scheduler.swapped(),
            free_blocks: scheduler.free_blocks(),
            total_blocks: scheduler.total_blocks(),
            prompt_tokens: counts.prompt_tokens,
            cached_tokens: counts.cached_tokens,
            recalled_tokens: counts.recalled_tokens,
            evicted_blocks: counts.evicted_blocks,
            swaps: counts.swaps,
            kept_in_memory: stock.memory_blocks,
            kept_on_disk: stock.disk_blocks,
        };
    }
}
