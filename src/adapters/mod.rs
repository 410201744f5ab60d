//! One file or folder for each thing we do not own. Each answers ports; none knows another.

pub mod blobs;
pub mod checkpoint_folder;
pub mod models;
pub mod postgres;
#[cfg(feature = "embedded-qdrant")]
pub mod qdrant_edge;
mod qdrant_points;
pub mod qdrant_server;
pub mod webhook_client;
pub mod witness_client;
