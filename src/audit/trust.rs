//! Whether the stored log still is what it signed and handed out: asked at the start and before each checkpoint leaves the
//! house. Where it is not, nothing is added to it any more, for everything added would hide the place. Knows no table.

use crate::audit::tree;
use crate::audit::tree::Tree;
use crate::ports::CheckpointShelf;
use crate::ports::LogHead;
use crate::ports::LogStore;
use crate::ports::StoreError;
use ledger::TreeHead;
use std::sync::Arc;

/// Why the stored log is not to be trusted; none while nothing speaks against it.
pub(super) async fn doubt(
    store: &dyn LogStore,
    tree: &Tree,
    shelves: &[Arc<dyn CheckpointShelf>],
) -> Result<Option<String>, StoreError> {
    if let Some(doubt) = own(store, tree).await? {
        return Ok(Some(doubt));
    }
    for shelf in shelves {
        let Some(note) = shelf.newest().await? else { continue };
        let Some(head) = tree.believed(&note) else {
            return Ok(Some(format!(
                "the newest checkpoint in `{}` is not signed with this log's key: another master key or `audit.origin`, or \
                 somebody changed it",
                shelf.name()
            )));
        };
        if let Some(doubt) = against(store, &head, &format!("the one in `{}`", shelf.name())).await? {
            return Ok(Some(doubt));
        }
    }
    Ok(None)
}

/// Compares the log with a checkpoint that is not taken from its database.
pub(super) async fn against(
    store: &dyn LogStore,
    outside: &TreeHead,
    which: &str,
) -> Result<Option<String>, StoreError> {
    let (size, there) = (outside.size.cast_signed(), store.head().await?.entries);
    if there < size {
        return Ok(Some(format!(
            "the log is behind: it has {there} entries, a checkpoint ({which}) says {size}; were its newest entries removed, or \
             an old backup put in its place?"
        )));
    }
    if size == 0 {
        return Ok(None);
    }
    let same = match tree::root(store, size).await {
        Ok(root) => root == outside.root,
        Err(StoreError::Corrupt { .. }) => false,
        Err(error) => return Err(error),
    };
    Ok((!same).then(|| {
        format!("the log is another one: its first {size} entries are not those of a checkpoint ({which})")
    }))
}

/// Compares the entries, the tree and the newest checkpoint of the database with each other.
pub(super) async fn own(store: &dyn LogStore, tree: &Tree) -> Result<Option<String>, StoreError> {
    let LogHead { entries: size, newest } = store.head().await?;
    let Some(newest) = newest else {
        return Ok((size > 0).then(|| {
            format!("the log has {size} entries and no checkpoint: somebody removed what it signed")
        }));
    };
    let Some(head) = tree.believed(&newest.note) else {
        return Ok(Some(format!(
            "the log's newest checkpoint (of {} entries) is not signed with its key: another master key or `audit.origin` than \
             before, or somebody changed it",
            newest.size
        )));
    };
    if size != newest.size || head != (TreeHead { size: size.cast_unsigned(), root: newest.root }) {
        return Ok(Some(format!(
            "the log has {size} entries, its newest checkpoint says {}: somebody added or removed entries",
            head.size
        )));
    }
    against(store, &head, "its own newest").await
}
