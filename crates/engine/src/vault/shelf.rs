//! Blocks in memory, by name and by when they were last wanted; and which are on disk. Knows no file.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use super::Stock;
use crate::blocks::Label;
use crate::blocks::Name;

/// What is kept in memory beyond its bound while files are being written: a block, or this part of it.
const SLACK: usize = 4;

/// The blocks in memory.
pub(super) struct Shelf {
    blocks: HashMap<Name, Kept>,
    /// By their stamps, the oldest first.
    order: BTreeMap<u64, Name>,
    stamp: u64,
    bytes: usize,
    bound: usize,
    /// Whether somebody writes what is too much to disk.
    has_disk: bool,
    on_disk: HashSet<Name>,
    /// How often everything was forgotten: what was read before that comes too late.
    generation: u64,
}

struct Kept {
    label: Label,
    kv: Vec<u8>,
    stamp: u64,
}

impl Shelf {
    pub(super) fn new(bound: usize, has_disk: bool) -> Self {
        Self {
            blocks: HashMap::new(),
            order: BTreeMap::new(),
            stamp: 0,
            bytes: 0,
            bound,
            has_disk,
            on_disk: HashSet::new(),
            generation: 0,
        }
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Adds a block, unless everything was forgotten since `generation`; says whether there is too much now.
    pub(super) fn put(&mut self, generation: u64, label: Label, kv: Vec<u8>) -> bool {
        if generation != self.generation {
            return false;
        }
        self.remove(label.name);
        let slack = if self.has_disk { kv.len().max(self.bound / SLACK) } else { 0 };
        self.bytes += kv.len();
        self.stamp += 1;
        self.order.insert(self.stamp, label.name);
        self.blocks.insert(label.name, Kept { label, kv, stamp: self.stamp });
        while self.bytes > self.bound + slack {
            let Some(oldest) = self.oldest() else { break };
            self.remove(oldest);
        }
        self.bytes > self.bound
    }

    /// Takes a block out, if it is what it is said to be.
    pub(super) fn take(&mut self, label: &Label) -> Option<Vec<u8>> {
        self.blocks.get(&label.name).filter(|kept| kept.label == *label)?;
        self.remove(label.name)
    }

    pub(super) fn has(&self, name: Name) -> bool {
        self.blocks.contains_key(&name)
    }

    /// Makes blocks the newest, the first of them the newest of all: whoever comes back wants it first.
    pub(super) fn touch(&mut self, names: &[Name]) {
        for name in names.iter().rev() {
            if let Some(kept) = self.blocks.get_mut(name) {
                self.order.remove(&kept.stamp);
                self.stamp += 1;
                kept.stamp = self.stamp;
                self.order.insert(self.stamp, *name);
            }
        }
    }

    /// Copies the block that is to leave next, while there is too much.
    pub(super) fn surplus(&self) -> Option<(Label, Vec<u8>)> {
        let oldest = self.oldest().filter(|_| self.bytes > self.bound)?;
        let Kept { label, kv, .. } = &self.blocks[&oldest];
        Some((label.clone(), kv.clone()))
    }

    /// How many bytes more may be read from disk for somebody.
    pub(super) fn bound(&self) -> usize {
        self.bound
    }

    pub(super) fn remove(&mut self, name: Name) -> Option<Vec<u8>> {
        let Kept { kv, stamp, .. } = self.blocks.remove(&name)?;
        self.order.remove(&stamp);
        self.bytes -= kv.len();
        Some(kv)
    }

    pub(super) fn is_on_disk(&self, name: Name) -> bool {
        self.on_disk.contains(&name)
    }

    /// A file was written, or is gone.
    pub(super) fn note_disk(&mut self, name: Name, there: bool) {
        if there {
            self.on_disk.insert(name);
        } else {
            self.on_disk.remove(&name);
        }
    }

    pub(super) fn forget(&mut self) {
        self.blocks.clear();
        self.order.clear();
        self.on_disk.clear();
        self.bytes = 0;
        self.generation += 1;
    }

    pub(super) fn stock(&self) -> Stock {
        Stock { memory_blocks: self.blocks.len(), disk_blocks: self.on_disk.len() }
    }

    fn oldest(&self) -> Option<Name> {
        self.order.values().next().copied()
    }
}
