//! What every test needs: a service of its own on real parts, a client, files.

pub(crate) mod app;
pub(crate) mod bombs;
pub(crate) mod files;
pub(crate) mod freeze;
pub(crate) mod postgres;
pub(crate) mod process;
#[cfg(feature = "embedded-qdrant")]
pub(crate) mod qdrant_server;
#[cfg(feature = "embedded-qdrant")]
mod qdrant_wire;
pub(crate) mod receiver;
pub(crate) mod s3_server;
pub(crate) mod tree;
pub(crate) mod verifier;
pub(crate) mod wire;
