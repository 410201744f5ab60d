//! Docent answers questions about an organisation's own documents and can prove afterwards what it answered and why.
//!
//! The tour, in reading order. ARCHITECTURE.md has the walk-throughs; `tests/it/architecture.rs` holds the arrows.
#![forbid(unsafe_code)]

/// One file for each thing we do not own.
pub mod adapters;
/// Question in: the flow, one line a stage.
pub mod answer;
/// The composition root: the only file that names concrete adapters.
pub mod app;
/// What goes into the log and what never does.
pub mod audit;
/// Files and environment, layered and validated at once; the only reader of the environment.
pub mod config;
/// What is true with no machine running: ids, principals, documents, passages, answers.
pub mod domain;
/// Routes in the order a request meets them.
pub mod http;
/// Document in: `accept` in the request, `process` in the worker.
pub mod ingest;
/// All this service asks of the world, on one page.
pub mod ports;
/// Tracing and metrics.
pub mod telemetry;
/// Ends of jobs, announced to other programs.
pub mod webhooks;
