//! Hands the newest checkpoint out of the database, to shelves and witnesses, also while nothing happens: who holds one can tell a log that lost
//! entries from one that had none. Knows no folder and no bucket.

use crate::audit::log::Handed;
use crate::audit::log::Log;
use crate::audit::witnesses::Said;
use crate::audit::witnesses::Witness;
use crate::ports::StoreError;
use ledger::TreeHead;
use metrics::counter;
use metrics::gauge;
use std::sync::PoisonError;
use time::OffsetDateTime;

/// One pass over all shelves. What does not take it is said and tried again at the next pass.
pub(super) async fn hand_out(log: &Log) {
    match newest(log).await {
        Ok(Some((head, note))) => put(log, head, &note).await,
        Ok(None) => {}
        Err(error) => {
            counter!("docent_audit_checkpoint_failures_total").increment(1);
            tracing::error!(%error, "no checkpoint can be handed out: the audit log cannot be read");
        }
    }
}

/// The checkpoint to hand out, if the log is what it signed and still holds what was seen of it before.
async fn newest(log: &Log) -> Result<Option<(TreeHead, String)>, StoreError> {
    if log.doubt().is_some() {
        return Ok(None);
    }
    let newest = log.store.head().await?.newest;
    log.look().await?;
    let believed = newest.and_then(|newest| Some((log.tree.believed(&newest.note)?, newest.note)));
    let believed = believed.filter(|_| log.doubt().is_none());
    if let Some((head, _)) = &believed {
        *log.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(*head);
    }
    Ok(believed)
}

async fn put(log: &Log, head: TreeHead, note: &str) {
    let mut taken = 0;
    for shelf in &log.shelves {
        match shelf.put(head.size.cast_signed(), note).await {
            Ok(()) => taken += 1,
            Err(error) => {
                counter!("docent_audit_checkpoint_failures_total").increment(1);
                tracing::error!(%error, shelf = shelf.name(), "the newest checkpoint could not be handed out");
            }
        }
    }
    for witness in &log.witnesses {
        taken += usize::from(show(log, witness, head.size.cast_signed(), note).await);
    }
    if taken == 0 {
        return;
    }
    let now = OffsetDateTime::now_utc();
    *log.handed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Handed { head, at: now });
    gauge!("docent_audit_checkpoint_size").set(head.size as f64);
    if taken == log.shelves.len() + log.witnesses.len() {
        gauge!("docent_audit_checkpoint_timestamp_seconds").set(now.unix_timestamp() as f64);
    }
}

/// Says whether the witness signed.
async fn show(log: &Log, witness: &Witness, size: i64, note: &str) -> bool {
    let said = match witness.ask(log.store.as_ref(), note).await {
        Ok(said) => said,
        Err(error) => Said::Nothing(error.to_string()),
    };
    let why = match said {
        Said::Cosigned(line) => {
            gauge!("docent_audit_witnessed_size", "witness" => witness.name().to_owned()).set(size as f64);
            let kept = log.store.keep_cosignature(size, witness.name(), &line.to_string()).await;
            let Err(error) = kept else { return true };
            error.to_string()
        }
        Said::Against(doubt) => {
            log.distrust(doubt);
            return false;
        }
        Said::Nothing(why) => why,
    };
    counter!("docent_audit_checkpoint_failures_total").increment(1);
    tracing::warn!(why, witness = witness.name(), "a witness did not sign the newest checkpoint");
    false
}
