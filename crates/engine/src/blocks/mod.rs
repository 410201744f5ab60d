//! The pool of KV blocks, and the index that finds the blocks of a prompt that was read before.
//!
//! ```text
//! vacant ── take ──▶ held ── publish ──▶ held, findable ◀─ find, hold ─┐
//!   ▲ ▲               │                        │                       │
//!   │ └── give_back ──┘                        └─ give_back ─▶ unheld, findable
//!   └──────────────────── take, when nothing is vacant (least recent first) ┘
//! ```
//!
//! Whoever holds a findable block holds its parent too, and gives tails back first. So a parent is never evicted
//! before its children, and the id of a parent is enough to tell which block it was. Knows no tensor and no sequence:
//! blocks are numbers, held by count.

mod chain;
mod recency;

use std::collections::HashMap;

pub(crate) use self::chain::Label;
pub(crate) use self::chain::Name;
pub(crate) use self::chain::Origin;
pub(crate) use self::chain::Prefix;
pub(crate) use self::chain::names;
use self::recency::Recency;

/// How many tokens' KV a block holds. A multiple of 32 is what paged attention kernels need.
pub(crate) const BLOCK_TOKENS: usize = 64;

/// How many blocks hold the KV of so many tokens.
pub(crate) fn blocks_for(tokens: usize) -> usize {
    tokens.div_ceil(BLOCK_TOKENS)
}

/// One place in the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BlockId(u32);

impl BlockId {
    /// The block at a place.
    pub(crate) fn at(index: usize) -> Self {
        Self(index as u32)
    }

    /// Its place, from 0 to the size of the pool.
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// All blocks of a device.
pub(crate) struct Blocks {
    pool: Vec<Block>,
    /// Neither held nor findable.
    vacant: Vec<BlockId>,
    /// Findable but not held.
    unheld: Recency,
    index: HashMap<Name, BlockId>,
    evicted: u64,
    /// What was evicted and still lies in its block; nothing where nobody asks for it.
    spilled: Option<Vec<(BlockId, Label)>>,
}

#[derive(Default)]
struct Block {
    holders: u32,
    published: Option<Published>,
}

/// What makes a block findable. All of it is compared on a hit: a name alone could be another block's.
#[derive(Debug, PartialEq, Eq)]
struct Published {
    name: Name,
    parent: Parent,
    tokens: Box<[u32]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parent {
    /// The first block of a prompt with this salt.
    Salt([u8; 16]),
    Block(BlockId),
}

impl Blocks {
    /// A pool of `count` blocks, all vacant; at most 2³².
    pub(crate) fn new(count: usize) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let pool = (0..count).map(|_| Block::default()).collect();
        let vacant = (0..count).rev().map(BlockId).collect();
        let unheld = Recency::new(count as usize);
        Self { pool, vacant, unheld, index: HashMap::new(), evicted: 0, spilled: None }
    }

    pub(crate) fn total(&self) -> usize {
        self.pool.len()
    }

    /// How many blocks can be taken now.
    pub(crate) fn free(&self) -> usize {
        self.vacant.len() + self.unheld.len()
    }

    /// How many findable blocks were taken for something else, ever.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Remembers from now on what is evicted, for [`Blocks::take_spilled`].
    pub(crate) fn spill(&mut self) {
        self.spilled = Some(Vec::new());
    }

    /// What was evicted since the last call: to be copied before anything is written into these blocks.
    pub(crate) fn take_spilled(&mut self) -> Vec<(BlockId, Label)> {
        self.spilled.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Which findable blocks continue `table`, whose blocks must all be findable: the longest run of them that
    /// leaves at least one token of the prompt to compute.
    pub(crate) fn find(&self, prefix: Prefix<'_>, table: &[BlockId]) -> Vec<BlockId> {
        let mut found = Vec::new();
        let mut parent = table.last().map_or(Parent::Salt(prefix.salt), |block| Parent::Block(*block));
        for place in table.len()..prefix.reusable() {
            let Some(block) = self.index.get(&prefix.names[place]).copied() else { break };
            if !self.is(block, parent, prefix.block(place)) {
                break;
            }
            found.push(block);
            parent = Parent::Block(block);
        }
        found
    }

    /// How many of these blocks would leave the free ones if they were held.
    pub(crate) fn unheld(&self, found: &[BlockId]) -> usize {
        found.iter().filter(|block| self.pool[block.index()].holders == 0).count()
    }

    /// Takes a share in blocks that were just found.
    pub(crate) fn hold(&mut self, found: &[BlockId]) {
        for block in found {
            let holders = &mut self.pool[block.index()].holders;
            if *holders == 0 {
                self.unheld.remove(*block);
            }
            *holders += 1;
        }
    }

    /// A block to write into, nobody else's: a vacant one, else the one that was findable but unused for longest.
    pub(crate) fn take(&mut self) -> Option<BlockId> {
        let block = self.vacant.pop().or_else(|| {
            let oldest = self.unheld.take_oldest()?;
            self.unpublish(oldest);
            self.evicted += 1;
            Some(oldest)
        })?;
        self.pool[block.index()].holders = 1;
        Some(block)
    }

    /// Makes the blocks of `table` from `known` on findable, whose KV must be complete; those before it must be
    /// findable already. Where an equal block is known, the table gets that one and its own becomes vacant. Says how
    /// many blocks of the table are findable now.
    pub(crate) fn publish(&mut self, prefix: Prefix<'_>, table: &mut [BlockId], known: usize) -> usize {
        for place in known..table.len().min(prefix.names.len()) {
            let own = table[place];
            let parent = match place {
                0 => Parent::Salt(prefix.salt),
                _ => Parent::Block(table[place - 1]),
            };
            let (name, tokens) = (prefix.names[place], prefix.block(place));
            match self.index.get(&name).copied() {
                None => {
                    self.index.insert(name, own);
                    self.pool[own.index()].published =
                        Some(Published { name, parent, tokens: tokens.into() });
                }
                Some(equal) if self.is(equal, parent, tokens) => {
                    self.hold(&[equal]);
                    self.give_back(&[own]);
                    table[place] = equal;
                }
                Some(_) => return place,
            }
        }
        table.len().min(prefix.names.len()).max(known)
    }

    /// Ends a share in each of these blocks, the last one first.
    pub(crate) fn give_back(&mut self, table: &[BlockId]) {
        for block in table.iter().rev() {
            let Block { holders, published } = &mut self.pool[block.index()];
            *holders = holders.checked_sub(1).expect("only held blocks are given back");
            match (*holders, published) {
                (0, Some(_)) => self.unheld.add_newest(*block),
                (0, None) => self.vacant.push(*block),
                (_, _) => {}
            }
        }
    }

    /// Makes everything unfindable. Held blocks stay with their holders.
    pub(crate) fn forget(&mut self) {
        self.index.clear();
        for block in &mut self.pool {
            block.published = None;
        }
        while let Some(block) = self.unheld.take_oldest() {
            self.vacant.push(block);
        }
        self.take_spilled();
    }

    fn unpublish(&mut self, block: BlockId) {
        let Some(Published { name, parent, tokens }) = self.pool[block.index()].published.take() else {
            return;
        };
        self.index.remove(&name);
        let origin = match parent {
            Parent::Salt(salt) => Some(Origin::Salt(salt)),
            Parent::Block(parent) => {
                let parent = self.pool[parent.index()].published.as_ref();
                parent.map(|parent| Origin::After(parent.name))
            }
        };
        if let (Some(spilled), Some(origin)) = (&mut self.spilled, origin) {
            spilled.push((block, Label { name, origin, tokens }));
        }
    }

    fn is(&self, block: BlockId, parent: Parent, tokens: &[u32]) -> bool {
        let published = self.pool[block.index()].published.as_ref();
        published.is_some_and(|published| published.parent == parent && *published.tokens == *tokens)
    }
}

#[cfg(test)]
impl Blocks {
    /// How many hold a block.
    pub(crate) fn holders(&self, block: BlockId) -> u32 {
        self.pool[block.index()].holders
    }

    /// Whether a block is findable.
    pub(crate) fn findable(&self, block: BlockId) -> bool {
        self.pool[block.index()].published.is_some()
    }

    /// Every block is in exactly one of the states of the drawing above, and no parent goes before its child.
    pub(crate) fn check_integrity(&self) {
        let oldest_first = self.unheld.oldest_first();
        let held = self.pool.iter().filter(|block| block.holders > 0).count();
        assert_eq!(self.free() + held, self.total());
        assert_eq!(self.unheld.len(), oldest_first.len());
        for block in &self.vacant {
            assert!(self.holders(*block) == 0 && !self.findable(*block), "{block:?} is not vacant");
        }
        let mut age = vec![usize::MAX; self.total()];
        for (place, block) in oldest_first.iter().enumerate() {
            age[block.index()] = place;
            assert!(self.holders(*block) == 0 && self.findable(*block), "{block:?} is held or not findable");
        }
        let published = (0..self.pool.len() as u32).map(BlockId).filter(|block| self.findable(*block));
        assert_eq!(published.clone().count(), self.index.len());
        for block in published {
            let Published { name, parent, tokens } = self.pool[block.index()].published.as_ref().unwrap();
            assert_eq!(self.index.get(name), Some(&block));
            assert_eq!(tokens.len(), BLOCK_TOKENS);
            if let Parent::Block(parent) = parent {
                assert!(self.findable(*parent), "the parent of {block:?} is gone");
                assert!(self.holders(*parent) >= self.holders(block), "{block:?} is held without its parent");
                let first = age[block.index()] < age[parent.index()] || age[parent.index()] == usize::MAX;
                assert!(first, "{parent:?} would be evicted before its child {block:?}");
            }
        }
    }
}

#[cfg(test)]
mod tests;
