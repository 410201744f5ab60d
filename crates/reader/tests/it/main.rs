//! The reader through its public door, on small files that the tests write themselves.
#![expect(clippy::unwrap_used, reason = "a test may stop at any fault")]
#![expect(
    clippy::format_collect,
    clippy::format_push_string,
    reason = "plainer, and nobody waits for a fixture"
)]

mod damage;
mod fixture;
mod headings;
mod image;
mod mutation;
mod recognise;
mod tables;
mod text;
