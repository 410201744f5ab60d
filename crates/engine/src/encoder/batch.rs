//! Which texts are computed together. Knows no model.

use crate::device::DeviceChoice;

/// More texts than this gain nothing more.
const MAX_TEXTS: usize = 64;

/// What a batch may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Tokens, padding included: on a CPU so few that a query waits some fifth of a second for the batch before it,
    /// on a GPU so many that it is busy.
    tokens: usize,
    /// Whether every text takes as many as the longest.
    padded: bool,
}

impl Budget {
    pub(crate) fn new(device: DeviceChoice, padded: bool) -> Self {
        let tokens = match device {
            DeviceChoice::Cpu => 384,
            DeviceChoice::Cuda(_) => 32_768,
        };
        Self { tokens, padded }
    }
}

/// Texts by length, the shortest first; batches are filled from the end with whatever fits, so that like lengths meet.
#[derive(Debug)]
pub(crate) struct Batches {
    order: Vec<usize>,
}

impl Batches {
    pub(crate) fn new(lengths: &[usize]) -> Self {
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|index| lengths[*index]);
        Self { order }
    }

    /// The indices of the next batch; empty when all were taken. A text that is larger than the budget is one alone.
    pub(crate) fn next(&mut self, lengths: &[usize], budget: Budget) -> Vec<usize> {
        let longest = self.order.last().map_or(0, |index| lengths[*index]);
        let (mut batch, mut tokens) = (Vec::new(), 0);
        let mut later: Vec<usize> = Vec::new();
        for index in self.order.drain(..).rev() {
            let cost = if budget.padded { longest } else { lengths[index] };
            if batch.is_empty() || batch.len() < MAX_TEXTS && tokens + cost <= budget.tokens {
                tokens += cost;
                batch.push(index);
            } else {
                later.push(index);
            }
        }
        later.reverse();
        self.order = later;
        batch
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_is_in_one_batch_and_no_batch_is_too_large(
            lengths in vec(0_usize..600, 0..200),
            padded: bool,
        ) {
            let budget = Budget { tokens: 500, padded };
            let mut batches = Batches::new(&lengths);
            let mut seen = Vec::new();

            loop {
                let batch = batches.next(&lengths, budget);
                if batch.is_empty() {
                    break;
                }
                let of_batch = || batch.iter().map(|index| lengths[*index]);
                let padding = batch.len() * of_batch().max().unwrap();
                let tokens = if padded { padding } else { of_batch().sum() };
                prop_assert!(batch.len() == 1 || tokens <= 500);
                prop_assert!(batch.len() <= MAX_TEXTS);
                seen.extend(batch);
            }

            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_a_long_text_leaves_is_filled_with_short_ones() {
        let lengths = [400, 300, 100, 200, 12];
        let mut batches = Batches::new(&lengths);
        let budget = Budget { tokens: 512, padded: false };

        assert_eq!(batches.next(&lengths, budget), [0, 2, 4]);
        assert_eq!(batches.next(&lengths, budget), [1, 3]);
        assert!(batches.next(&lengths, budget).is_empty());
    }
}
