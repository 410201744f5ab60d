//! Kernels on an NVIDIA GPU: `cuda/*.cu` over FlashInfer's headers, and cuBLAS. Numbers are bf16, `[rows, columns]` without
//! gaps; sums are f32. Everything runs on one stream in the order it is asked for.
//!
//! Unsafe code stands beside the checks it relies on. An [`Array`] knows its shape and its device, [`Indices`] are checked
//! against a bound before they reach the device, and a wrapper compares the shapes, so that no kernel reads or writes
//! outside what it was given. `tests.rs` compares each with a twin on the CPU. Knows no model.

mod array;
mod attention;
mod elementwise;
mod ffi;
mod gpu;
mod graph;
mod product;
mod sampling;

pub(crate) use self::array::Array;
pub(crate) use self::array::Indices;
pub(crate) use self::array::pinned;
pub(crate) use self::attention::Attention;
pub(crate) use self::attention::HeadCounts;
pub(crate) use self::attention::Plan;
pub(crate) use self::attention::Sequences;
pub(crate) use self::attention::Starts;
pub(crate) use self::elementwise::Placement;
pub(crate) use self::gpu::Gpu;
pub(crate) use self::graph::Graph;
pub(crate) use self::sampling::Likeliest;

/// Sizes of a head that attention is compiled for.
pub(crate) const HEADS: [usize; 2] = [64, 128];

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use self::tests::gpu_or_skip;
