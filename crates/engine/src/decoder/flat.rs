//! A step as flat lists of numbers, the way that kernels of a GPU read it. Knows no device.
//!
//! ```text
//! part            0: three tokens from position 62 on      1: one token at position 5
//! ids             a  b  c                                  d
//! slots           62 63 | of the next block 0              5      block · 64 + place, by the part's table
//! row_starts      0                                        3  4
//! block_starts    0                                        2  3
//! blocks          t0 t1                                    u0
//! last_tokens     1                                        6
//! ```

use super::About;
use super::Part;
use super::RopeProfile;
use super::Wanted;
use crate::blocks::BLOCK_TOKENS;
use crate::blocks::BlockId;

/// Tokens of all parts one after the other, and the sequences they belong to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Flat {
    /// Of each token.
    pub ids: Vec<i32>,
    /// Of each token, its row of the table of angles.
    pub angle_rows: Vec<i32>,
    /// Of each token, its place in the cache.
    pub slots: Vec<i32>,
    /// Where each part's tokens begin, and where the last ends.
    pub row_starts: Vec<i32>,
    /// Where each part's blocks begin in `blocks`, and where the last ends.
    pub block_starts: Vec<i32>,
    pub blocks: Vec<i32>,
    /// How many tokens each part has in its last block, those of this step included.
    pub last_tokens: Vec<i32>,
    /// The rows of tokens whose outcome is wanted.
    pub wanted: Vec<i32>,
    /// For each of `wanted`, whether the likeliest are enough, and below which id they are.
    pub likeliest: Vec<bool>,
    pub below: usize,
    /// States are wanted rather than logits.
    pub states: bool,
}

impl Flat {
    pub(super) fn new(parts: &[Part<'_>], angles: &AngleRows) -> Self {
        let mut flat = Self { row_starts: vec![0], block_starts: vec![0], ..Self::default() };
        for part in parts {
            flat.add(part, angles);
        }
        flat
    }

    fn add(&mut self, part: &Part<'_>, angles: &AngleRows) {
        let end = part.position + part.tokens.len();
        self.ids.extend(part.tokens.iter().map(|id| *id as i32));
        for position in part.position..end {
            self.angle_rows.push(angles.row(part.rope, position) as i32);
            let block = part.table[position / BLOCK_TOKENS].index();
            self.slots.push((block * BLOCK_TOKENS + position % BLOCK_TOKENS) as i32);
        }
        let blocks = &part.table[..end.div_ceil(BLOCK_TOKENS)];
        self.blocks.extend(blocks.iter().map(|block| block.index() as i32));
        self.row_starts.push(self.ids.len() as i32);
        self.block_starts.push(self.blocks.len() as i32);
        self.last_tokens.push(((end - 1) % BLOCK_TOKENS + 1) as i32);
        if part.wanted != Wanted::Nothing {
            self.wanted.push(self.ids.len() as i32 - 1);
            self.likeliest.push(matches!(part.wanted, Wanted::Likeliest { .. }));
        }
        if let Wanted::Likeliest { below } = part.wanted {
            self.below = below;
        }
        self.states |= part.wanted == Wanted::State;
    }

    /// How many parts there are.
    pub(super) fn sequences(&self) -> usize {
        self.last_tokens.len()
    }

    /// Whether every part is one token, as while answers are written.
    pub(super) fn is_single(&self) -> bool {
        self.ids.len() == self.sequences()
    }

    /// Adds parts of one token that nobody wants, at the beginning of a block that belongs to nobody.
    pub(super) fn pad(&mut self, sequences: usize, nobodys: BlockId) {
        let part = Part {
            tokens: &[0],
            position: 0,
            table: &[nobodys],
            rope: RopeProfile::X1,
            wanted: Wanted::Nothing,
        };
        while self.sequences() < sequences {
            self.add(&part, &AngleRows { starts: [0; 3], positions: [1; 3] });
        }
    }
}

/// Which rows of a table of angles belong to which profile: first all positions as they were trained, then stretched ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AngleRows {
    starts: [usize; 3],
    positions: [usize; 3],
}

impl AngleRows {
    /// For sequences of at most `longest` tokens.
    pub(super) fn new(about: &About, longest: usize) -> Self {
        let positions = RopeProfile::ALL.map(|profile| {
            let reach = match (profile, about.stretch) {
                (RopeProfile::X1, _) => about.context,
                (RopeProfile::X2 | RopeProfile::X4, Some(stretch)) if profile.factor() <= stretch.times => {
                    profile.factor() * stretch.original
                }
                (RopeProfile::X2 | RopeProfile::X4, _) => 0,
            };
            reach.min(longest)
        });
        let starts = [0, positions[0], positions[0] + positions[1]];
        Self { starts, positions }
    }

    /// How many rows a profile has.
    pub(super) fn positions(&self, profile: RopeProfile) -> usize {
        self.positions[profile as usize]
    }

    /// How many rows there are.
    pub(super) fn count(&self) -> usize {
        self.positions.iter().sum()
    }

    /// The row of a position; `count` where there is none, which no table has.
    fn row(&self, profile: RopeProfile, position: usize) -> usize {
        let index = profile as usize;
        if position < self.positions[index] { self.starts[index] + position } else { self.count() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoder::Stretch;

    fn about(context: usize, stretch: Option<Stretch>) -> About {
        let (architecture, quantization) = (String::new(), String::new());
        About { architecture, quantization, context, stretch, vocabulary: 9, end: Vec::new(), kv_bytes: 1 }
    }

    fn blocks(of: &[usize]) -> Vec<BlockId> {
        of.iter().map(|block| BlockId::at(*block)).collect()
    }

    #[test]
    fn a_step_lies_flat_as_its_parts_follow_each_other() {
        let angles = AngleRows::new(&about(100, None), 1000);
        let (first, second) = (blocks(&[4, 2, 7]), blocks(&[1]));
        let parts = [
            Part {
                tokens: &[5, 6, 7],
                position: 62,
                table: &first,
                rope: RopeProfile::X1,
                wanted: Wanted::Nothing,
            },
            Part {
                tokens: &[8],
                position: 5,
                table: &second,
                rope: RopeProfile::X1,
                wanted: Wanted::Likeliest { below: 9 },
            },
        ];

        let flat = Flat::new(&parts, &angles);

        assert_eq!(flat.ids, [5, 6, 7, 8]);
        assert_eq!(flat.angle_rows, [62, 63, 64, 5]);
        assert_eq!(flat.slots, [4 * 64 + 62, 4 * 64 + 63, 2 * 64, 64 + 5]);
        assert_eq!(flat.row_starts, [0, 3, 4]);
        assert_eq!((flat.blocks, flat.block_starts), (vec![4, 2, 1], vec![0, 2, 3]));
        assert_eq!(flat.last_tokens, [1, 6]);
        assert_eq!((flat.wanted, flat.states), (vec![3], false));
        assert_eq!((flat.likeliest, flat.below), (vec![true], 9));
    }

    #[test]
    fn single_tokens_are_filled_up_with_parts_that_nobody_wants() {
        let angles = AngleRows::new(&about(100, None), 1000);
        let table = blocks(&[3]);
        let part =
            Part { tokens: &[5], position: 63, table: &table, rope: RopeProfile::X1, wanted: Wanted::Logits };
        let mut flat = Flat::new(&[part], &angles);

        flat.pad(4, BlockId::at(9));

        assert!(flat.is_single());
        assert_eq!(flat.sequences(), 4);
        assert_eq!(flat.slots, [3 * 64 + 63, 9 * 64, 9 * 64, 9 * 64]);
        assert_eq!(flat.last_tokens, [64, 1, 1, 1]);
        assert_eq!(flat.row_starts, [0, 1, 2, 3, 4]);
        assert_eq!((flat.wanted, flat.likeliest), (vec![0], vec![false]));
    }

    #[test]
    fn each_profile_has_rows_as_far_as_it_reaches() {
        let stretch = Some(Stretch { original: 32, times: 2 });
        let angles = AngleRows::new(&about(40, stretch), 50);

        assert_eq!(RopeProfile::ALL.map(|profile| angles.positions(profile)), [40, 50, 0]);
        assert_eq!(angles.count(), 90);
        assert_eq!(angles.row(RopeProfile::X1, 39), 39);
        assert_eq!(angles.row(RopeProfile::X2, 3), 43);
        assert_eq!([angles.row(RopeProfile::X1, 40), angles.row(RopeProfile::X4, 0)], [90, 90]);
    }
}
