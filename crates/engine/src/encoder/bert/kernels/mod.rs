//! What BERT computes beside embeddings, in lanes of 16 numbers. Knows no model file and no thread.
#![expect(clippy::inline_always, reason = "what is not inlined is compiled for the least instructions")]

mod attention;
mod gelu;
mod matmul;
mod norm;
mod softmax;

pub(super) use self::attention::Attention;
pub(super) use self::attention::AttentionScratch;
pub(super) use self::matmul::Panels;
pub(super) use self::matmul::Product;
pub(super) use self::matmul::Start;
pub(super) use self::matmul::Then;
pub(super) use self::norm::AddAndNorm;

#[cfg(test)]
mod tests;
