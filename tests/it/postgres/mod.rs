//! The Postgres adapter against a real server.

mod identity;
mod intake;
mod jobs;
mod log;
mod managed;
