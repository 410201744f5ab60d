//! The log looked through by the service itself, from the first record to the last, as `docent-verify` would: what somebody
//! changed in the middle is found within a day, without anybody asking. Knows no clock and no HTTP.

use crate::audit::AuditError;
use crate::audit::Auditor;
use crate::audit::event::Actor;
use crate::audit::event::Event;
use crate::audit::export;
use crate::audit::log::Log;
use crate::audit::pieces::PieceReader;
use crate::domain::EventId;
use crate::domain::Principal;
use crate::ports::Digest;
use crate::ports::StoreError;
use ledger::Frontier;
use ledger::TreeHead;
use ledger::export::Held;
use ledger::export::Outcome;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

/// Leaves hashed at once.
const PAGE: i64 = 1_000;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Verification {
    /// Whether everything that was checked holds.
    pub holds: bool,
    /// Records that were checked.
    pub records: i64,
    /// Checkpoints that were checked.
    pub checkpoints: i64,
    /// The position of the first bad record, or where one is missing.
    pub first_bad: Option<i64>,
    /// What is wrong, in words.
    pub problem: Option<String>,
    /// The event that says so in the log; none when nothing can be recorded any more.
    pub event_id: Option<EventId>,
}

/// Checks all, records it, and lets the log be doubted when something does not hold.
pub(super) async fn verify(
    auditor: &Auditor,
    asked_by: Option<&Principal>,
) -> Result<Verification, AuditError> {
    let log = Arc::clone(&auditor.log);
    log.look().await?;
    // Before the export's end is settled: a checkpoint seen later may speak of more than it holds.
    let seen = log.seen();
    let outcome = records(&log, seen).await?;
    let stored =
        if outcome.flaw.is_none() { hashes(&log, outcome.report.next.cast_signed()).await? } else { None };
    let mut verification = Verification {
        holds: outcome.flaw.is_none() && stored.is_none() && log.doubt().is_none(),
        records: outcome.report.records.cast_signed(),
        checkpoints: outcome.report.checkpoints.cast_signed(),
        first_bad: outcome.flaw.as_ref().and_then(|flaw| flaw.position).map(u64::cast_signed).or(stored),
        problem: outcome
            .flaw
            .map(|flaw| flaw.problem.to_string())
            .or_else(|| stored.map(|_| "the tree's stored hashes are not those of the record".to_owned()))
            .or_else(|| log.doubt().map(str::to_owned)),
        event_id: None,
    };
    if let Some(problem) = &verification.problem {
        let place =
            verification.first_bad.map_or_else(String::new, |position| format!(" (record {position})"));
        log.distrust(format!("{problem}{place}"));
    }
    verification.event_id = match auditor.record(verified(asked_by, &verification)).await {
        Ok(receipt) => Some(receipt.event_id),
        Err(AuditError::Doubted) => None,
        Err(error) => return Err(error),
    };
    Ok(verification)
}

fn verified(asked_by: Option<&Principal>, verification: &Verification) -> Event {
    Event {
        id: EventId::new(),
        kind: "log.verified",
        reference: None,
        actor: asked_by.map(Actor::from),
        documents: Vec::new(),
        outcome: Some("holds"),
        facts: json!({"records": verification.records, "checkpoints": verification.checkpoints}),
        content: None,
    }
}

/// Records and checkpoints, by what the auditor's program is made of.
async fn records(log: &Arc<Log>, seen: Option<TreeHead>) -> Result<Outcome, AuditError> {
    let pieces = export::pieces(log, 0).await?;
    let Some(pieces) = pieces else { return Ok(empty()) };
    let policy = log.tree.policy();
    let held = seen.map(|head| Held { head, source_name: "the newest checkpoint seen before".to_owned() });
    let source = PieceReader::new(pieces);
    let checked = tokio::task::spawn_blocking(move || {
        ledger::export::verify(source, &policy, held.into_iter().collect(), |_bytes| ())
    });
    let outcome = checked.await.map_err(|_| AuditError::Unavailable)?;
    outcome.map_err(|error| StoreError::Unavailable { store: "postgres", detail: error.to_string() }.into())
}

fn empty() -> Outcome {
    Outcome { report: ledger::export::Report::default(), flaw: None }
}

/// Compares the stored hashes with those of the leaves; gives the first leaf whose hash, or that of a node it completes, is
/// another.
async fn hashes(log: &Log, end: i64) -> Result<Option<i64>, StoreError> {
    let mut frontier = Frontier::default();
    let mut next = 0;
    while next < end {
        let to = end.min(next + PAGE);
        let mut due: Vec<(i64, i64, Digest)> = Vec::with_capacity(2 * PAGE as usize);
        for (position, leaf) in log.store.leaves(next, to).await? {
            let hash = ledger::leaf_hash(&leaf);
            frontier.append(hash, |stored| due.push((position, stored.position.cast_signed(), stored.hash)));
        }
        let positions: Vec<i64> = due.iter().map(|(_, position, _)| *position).collect();
        let stored = match log.store.hashes(&positions).await {
            Ok(stored) => stored,
            Err(StoreError::Corrupt { .. }) => return Ok(Some(next)),
            Err(error) => return Err(error),
        };
        let other = due.iter().zip(&stored).find(|((_, _, hash), stored)| hash != *stored);
        if let Some(((leaf, _, _), _)) = other {
            return Ok(Some(*leaf));
        }
        next = to;
    }
    Ok(None)
}
