//! Why the log has no entry, or does not give one. Knows no status code.

use crate::audit::NotErased;
use crate::audit::NotReviewed;
use crate::domain::Fault;
use crate::domain::Faulty;
use crate::ports::StoreError;
use ledger::LeafError;
use ledger::SealError;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;

const RETRY_BUSY: Duration = Duration::from_secs(1);
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(5);
/// People have to look first.
const RETRY_DOUBTED: Duration = Duration::from_mins(10);

/// Why the log has no entry, or does not give one.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Too many entries wait.
    #[error("the audit log has too much to write")]
    Busy,
    /// The store did not write it; the appender has logged why.
    #[error("the audit log is not available")]
    Unavailable,
    /// The store did not say in time that it wrote it.
    #[error("the audit log does not answer in time")]
    TimedOut,
    /// The service is stopping.
    #[error("the audit log is closed")]
    Stopped,
    /// The intent has an outcome already, or the event id is another event's.
    #[error("the audit log already has an outcome for this")]
    Closed,
    /// The store did not make the change that the event records, so neither is there.
    #[error("{0}")]
    Refused(String),
    /// Content is not erased, or a hold not lifted.
    #[error(transparent)]
    NotErased(#[from] NotErased),
    /// A step of a review is not taken.
    #[error(transparent)]
    NotReviewed(#[from] NotReviewed),
    /// What is stored is not what was signed; the log says at the start what is wrong.
    #[error(
        "the audit log is not what it was: nothing is answered or changed until its operators have seen to it"
    )]
    Doubted,
    /// The log's name cannot be one.
    #[error("`audit.origin` is a name without white space and plus, such as `docent.example.com/audit`")]
    Origin,
    /// A witness of the configuration cannot be one.
    #[error("`{0}` in `audit.witnesses` is not an address and a witness's key with a space between")]
    Witness(String),
    /// The event cannot be an entry: a bug.
    #[error("the event cannot be an entry of the audit log")]
    Leaf(#[from] LeafError),
    /// Its content cannot be sealed.
    #[error("the content of the event cannot be sealed")]
    Seal(#[from] SealError),
    /// The store does not give entries.
    #[error("the audit log cannot be read")]
    Read(#[from] StoreError),
}

impl AuditError {
    pub(super) const fn from_full_queue<T>(error: &TrySendError<T>) -> Self {
        match error {
            TrySendError::Full(_) => Self::Busy,
            TrySendError::Closed(_) => Self::Stopped,
        }
    }
}

impl Faulty for AuditError {
    fn fault(&self) -> Fault {
        match self {
            Self::Busy => Fault::Overload { retry_after: RETRY_BUSY },
            Self::Unavailable
            | Self::TimedOut
            | Self::Stopped
            | Self::Read(StoreError::Unavailable { .. }) => {
                Fault::Unavailable { retry_after: RETRY_UNAVAILABLE }
            }
            Self::Doubted => Fault::Unavailable { retry_after: RETRY_DOUBTED },
            Self::Closed | Self::Refused(_) => Fault::Conflict,
            Self::NotErased(why) => why.fault(),
            Self::NotReviewed(why) => why.fault(),
            Self::Origin
            | Self::Witness(_)
            | Self::Leaf(_)
            | Self::Seal(_)
            | Self::Read(
                StoreError::Conflict { .. } | StoreError::Missing { .. } | StoreError::Corrupt { .. },
            ) => Fault::Ours,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Busy => "audit_busy",
            Self::Unavailable | Self::TimedOut | Self::Stopped | Self::Read(_) => "audit_unavailable",
            Self::Closed => "audit_closed",
            Self::Refused(_) => "audit_refused",
            Self::NotErased(why) => why.code(),
            Self::NotReviewed(why) => why.code(),
            Self::Doubted => "audit_rollback",
            Self::Origin | Self::Witness(_) | Self::Leaf(_) | Self::Seal(_) => "audit_failed",
        }
    }
}
