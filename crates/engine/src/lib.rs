//! The engine: token ids in, token ids, vectors and scores out, from language models in this process.
//!
//! ```text
//! caller ── Handle::submit ──▶ queue ──▶ worker ──▶ decoder (candle)
//!        ◀── Generation ◀── events ◀──────┘  └──▶ sampler, detokenizer
//!        ── Encoder::embed ──▶ queue ──▶ encoder ──▶ vectors
//!        ── CrossEncoder::score ──▶ queue ──▶ encoder, head ──▶ scores of passages
//! ```
//!
//! One thread owns each model; every queue has a bound; dropping a result cancels its work. The life of a token is
//! told in `README.md` beside this crate. Knows no HTTP, no SQL, no collection and no passage.

pub mod e5;
pub mod pickle;

mod error;

mod device;
mod event;
mod fingerprint;
mod request;

mod cross_encoder;
mod decoder_reranker;
mod encoder;
mod handle;
mod rerank;
mod threads;
mod tokenizer;

mod job;
mod queue;
mod serve;
mod turns;

mod blocks;
mod scheduler;
mod sequence;

mod vault;

mod load;
mod pace;
mod running;
mod worker;

mod detokenize;
mod grammar;
mod logprobs;
mod sampler;
mod shortlist;
mod thinking;
mod writer;

mod decoder;
mod float;
mod kernels;
mod lanes;
mod weights;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tiny;

pub use crate::cross_encoder::CrossEncoder;
pub use crate::cross_encoder::CrossEncoderOptions;
pub use crate::decoder::LoadFormat;
#[doc(hidden)]
pub use crate::decoder::stopwatch::Stopwatch;
pub use crate::decoder_reranker::DecoderReranker;
pub use crate::device::DeviceChoice;
pub use crate::encoder::Embeddings;
pub use crate::encoder::Encoder;
pub use crate::encoder::EncoderFamily;
pub use crate::encoder::EncoderOptions;
pub use crate::encoder::TextKind;
pub use crate::error::EngineError;
pub use crate::error::Fault;
pub use crate::event::Event;
pub use crate::event::Finish;
pub use crate::event::FinishReason;
pub use crate::event::Generation;
pub use crate::fingerprint::Fingerprint;
pub use crate::grammar::Grammar;
pub use crate::handle::DecoderOptions;
pub use crate::handle::Handle;
pub use crate::handle::Limits;
pub use crate::handle::ScoreRequest;
#[doc(hidden)]
pub use crate::kernels::bench;
pub use crate::load::Load;
pub use crate::logprobs::Logprob;
pub use crate::request::Priority;
pub use crate::request::Request;
pub use crate::request::Sampling;
pub use crate::rerank::Relevance;
pub use crate::rerank::RerankRequest;
pub use crate::threads::thread_variables;
pub use crate::tokenizer::Tokenizer;
pub use crate::vault::VaultOptions;
