//! Blocks in the order in which they were last used; every operation takes constant time. Knows not what is in them.
//!
//! ```text
//! oldest ─▶ 5 ⇄ 2 ⇄ 7 ◀─ newest        links[2] = { older: 5, newer: 7 }
//! ```

use super::BlockId;

/// A doubly linked list whose links lie in one vector, one for each block of the pool.
pub(super) struct Recency {
    links: Vec<Link>,
    oldest: Option<BlockId>,
    newest: Option<BlockId>,
    len: usize,
}

#[derive(Clone, Copy, Default)]
struct Link {
    older: Option<BlockId>,
    newer: Option<BlockId>,
}

impl Recency {
    /// An empty list that any of `count` blocks can be in.
    pub(super) fn new(count: usize) -> Self {
        Self { links: vec![Link::default(); count], oldest: None, newest: None, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a block that is not in the list.
    pub(super) fn add_newest(&mut self, block: BlockId) {
        let older = self.newest.replace(block);
        self.links[block.index()] = Link { older, newer: None };
        match older {
            Some(older) => self.links[older.index()].newer = Some(block),
            None => self.oldest = Some(block),
        }
        self.len += 1;
    }

    /// Takes a block out that is in the list.
    pub(super) fn remove(&mut self, block: BlockId) {
        let Link { older, newer } = std::mem::take(&mut self.links[block.index()]);
        match older {
            Some(older) => self.links[older.index()].newer = newer,
            None => self.oldest = newer,
        }
        match newer {
            Some(newer) => self.links[newer.index()].older = older,
            None => self.newest = older,
        }
        self.len -= 1;
    }

    pub(super) fn take_oldest(&mut self) -> Option<BlockId> {
        let oldest = self.oldest?;
        self.remove(oldest);
        Some(oldest)
    }

    #[cfg(test)]
    pub(super) fn oldest_first(&self) -> Vec<BlockId> {
        std::iter::successors(self.oldest, |block| self.links[block.index()].newer).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_list_is_a_vector_that_forgets_nothing(moves in proptest::collection::vec((0_u32..8, any::<bool>()), 0..60)) {
            let (mut list, mut twin) = (Recency::new(8), Vec::new());

            for (block, oldest) in moves {
                let block = BlockId(block);
                if oldest {
                    let expected = (!twin.is_empty()).then(|| twin.remove(0));
                    prop_assert_eq!(list.take_oldest(), expected);
                } else if let Some(place) = twin.iter().position(|listed| *listed == block) {
                    list.remove(block);
                    twin.remove(place);
                } else {
                    list.add_newest(block);
                    twin.push(block);
                }
                prop_assert_eq!(&list.oldest_first(), &twin);
                prop_assert_eq!(list.len(), twin.len());
            }
        }
    }
}
