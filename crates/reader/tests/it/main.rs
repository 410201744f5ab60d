//! The reader through its public door, on small files that the tests write themselves.
#![expect(clippy::unwrap_used, reason = "a test may stop at any fault")]
#![expect(
    clippy::format_collect,
    clippy::format_push_string,
    reason = "plainer, and nobody waits for a fixture"
)]

mod damage;
mod fixture;
mod forms;
mod headings;
mod hidden;
mod image;
mod lists;
mod mutation;
mod notes;
mod recognise;
mod structure;
mod tables;
mod text;
