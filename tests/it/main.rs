//! Everything through the front door, in one binary: real HTTP, real Postgres, the real Qdrant engine, real models.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

mod answers;
mod architecture;
mod audit;
mod blobs;
mod bulk;
mod crashes;
mod documents;
mod hidden_text;
mod identity;
mod outlines;
mod outside;
mod pages;
mod postgres;
mod scans;
#[cfg(feature = "embedded-qdrant")]
mod vectors;
mod versions;
