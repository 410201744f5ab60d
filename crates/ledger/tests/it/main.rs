//! Receipts, exports and the program, as an auditor meets them.

mod exports;
mod program;
mod receipts;
mod records;
mod sample;
mod selections;
