//! Which texts are computed together. Knows no model.

use crate::device::DeviceChoice;

/// More texts than this gain nothing more.
const MAX_TEXTS: usize = 64;

/// Tokens of a batch, padding included: on a CPU so few that a query waits less than a second for the batch before
/// it, on a GPU so many that it is busy.
pub(super) fn tokens_on(device: DeviceChoice) -> usize {
    match device {
        DeviceChoice::Cpu => 1024,
        DeviceChoice::Cuda(_) => 32_768,
    }
}

/// Texts by length, the shortest first; batches are taken from the end, so that like lengths meet.
#[derive(Debug)]
pub(super) struct Batches {
    order: Vec<usize>,
}

impl Batches {
    pub(super) fn new(lengths: &[usize]) -> Self {
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|index| lengths[*index]);
        Self { order }
    }

    /// The indices of the next batch; empty when all were taken.
    pub(super) fn next(&mut self, lengths: &[usize], max_tokens: usize) -> Vec<usize> {
        let Some(longest) = self.order.last().map(|index| lengths[*index].max(1)) else {
            return Vec::new();
        };
        let count = (max_tokens / longest).clamp(1, MAX_TEXTS).min(self.order.len());
        self.order.split_off(self.order.len() - count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_is_in_one_batch_and_no_batch_is_too_large(lengths in vec(0_usize..600, 0..200)) {
            let mut batches = Batches::new(&lengths);
            let mut seen = Vec::new();

            loop {
                let batch = batches.next(&lengths, 1024);
                if batch.is_empty() {
                    break;
                }
                let longest = batch.iter().map(|index| lengths[*index]).max().unwrap();
                prop_assert!(batch.len() == 1 || batch.len() * longest <= 1024);
                prop_assert!(batch.len() <= MAX_TEXTS);
                seen.extend(batch);
            }

            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
        }
    }
}
