//! The Postgres adapter against a real server.

mod identity;
mod intake;
mod job_control;
mod jobs;
mod log;
mod managed;
