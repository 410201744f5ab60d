//! Everything through the front door, in one binary: real HTTP, real Postgres, the real Qdrant engine, real models.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

mod answers;
mod architecture;
mod archives;
mod audit;
mod blobs;
mod bulk;
mod cited;
mod crashes;
mod crashes_by_stage;
mod documents;
mod doubted;
mod erasure;
mod evidence;
mod explorer;
mod hidden_text;
mod hostile;
mod idempotency;
mod identity;
mod jobs;
mod kills;
mod outlines;
mod outside;
mod pages;
mod postgres;
mod replay;
mod resumable;
mod scans;
mod tampering;
#[cfg(feature = "embedded-qdrant")]
mod vectors;
mod versions;
mod views;
mod webhooks;
mod witness;
#[cfg(feature = "embedded-qdrant")]
mod workers;
