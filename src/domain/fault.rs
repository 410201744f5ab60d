//! Whose fault an error is. Modules say it; `http/error.rs` alone turns it into a status. Knows no status code.

use std::time::Duration;

/// Whose fault, and what the caller can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request makes no sense as it is.
    Invalid,
    /// Nobody said who asks.
    Unauthenticated,
    /// The caller may not do this, and may know that it exists.
    Denied,
    /// Not there, or not for this caller: the two look the same.
    Missing,
    /// Clashes with what is there.
    Conflict,
    /// Somebody else is at it.
    Locked {
        /// When to try again.
        retry_after: Duration,
    },
    /// Too large.
    TooLarge,
    /// A kind of file or body that is not taken.
    Unsupported,
    /// This caller asks too often.
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
    /// Too much is under way.
    Overload {
        /// When to try again.
        retry_after: Duration,
    },
    /// A part that is needed does not answer.
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
    /// A bug, or a damaged store.
    Ours,
}

/// An error at a module's seam.
pub trait Faulty: std::error::Error {
    /// Whose fault.
    fn fault(&self) -> Fault;
    /// A stable name for programs, `snake_case`.
    fn code(&self) -> &'static str;
}
