//! A tree for tests of the log's tables: real hashes, nothing signed.

use docent::ports::Digest;
use docent::ports::Growing;
use docent::ports::Growth;
use docent::ports::StoreError;
use docent::ports::StoredCheckpoint;
use ledger::Frontier;

pub(crate) struct UnsignedTree;

impl Growing for UnsignedTree {
    fn needed(&self, size: i64) -> Vec<i64> {
        let positions = Frontier::positions(size.cast_unsigned());
        positions.into_iter().map(u64::cast_signed).collect()
    }

    fn grow(
        &self,
        size: i64,
        needed: &[Digest],
        newest: Option<&StoredCheckpoint>,
        leaves: &[Digest],
    ) -> Result<Growth, StoreError> {
        let mut frontier = Frontier::from_roots(size.cast_unsigned(), needed.to_vec()).unwrap();
        let before = newest.map_or((0, frontier.head().root), |newest| (newest.size, newest.root));
        assert_eq!(before, (size, frontier.head().root));
        let mut hashes = Vec::new();
        for leaf in leaves {
            frontier.append(*leaf, |stored| hashes.push((stored.position.cast_signed(), stored.hash)));
        }
        let head = frontier.head();
        let checkpoint =
            StoredCheckpoint { size: head.size.cast_signed(), root: head.root, note: "unsigned".to_owned() };
        Ok(Growth { hashes, checkpoint })
    }
}
