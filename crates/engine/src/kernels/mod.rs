//! Products of activations with matrices of weights on a CPU, the weights as small as their file has them.
//!
//! ```text
//! bytes of GGML ──▶ Matrix: panels of 16 rows, blocks in the order in which they are read
//! x [n, columns] ──▶ integers of 8 bits ──▶ strips of columns, shared out to a team ──▶ out [n, rows]
//! ```
//!
//! Every number that comes out depends on its own row of weights and its own row of the input alone: sums within a
//! block are whole numbers and so exact, and the blocks are added one after the other, each with one fused operation.
//! Hence the same bits for every number of rows and place among them, for every team, and with all instructions.
//! Knows no model, no file and no request.
#![expect(clippy::inline_always, reason = "what is not inlined is compiled for the least instructions")]

mod kind;
mod matrix;
mod team;

mod activations;
mod ggml;
mod half;
mod instructions;
mod panels;
mod strips;

#[cfg(target_arch = "x86_64")]
mod avx2;
mod floats;
mod q4k;
mod q6k;
mod q8;

pub mod bench;

#[cfg(feature = "cuda")]
pub(crate) mod cuda;

pub(crate) use self::kind::Kind;
pub(crate) use self::matrix::Matrix;
pub(crate) use self::team::Team;

#[cfg(test)]
mod tests;
