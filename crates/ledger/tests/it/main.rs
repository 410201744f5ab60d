//! Receipts, exports and the program, as an auditor meets them.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod exports;
mod program;
mod receipts;
mod records;
mod sample;
mod selections;
