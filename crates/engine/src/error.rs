//! What can go wrong in the engine, and whose fault it is. Knows no status code and no caller.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

/// Why the engine did not do what it was asked to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The prompt and the answer asked for do not fit the context; counts are in tokens.
    #[error(
        "{prompt_tokens} prompt tokens and {max_tokens} answer tokens exceed the context of {limit} tokens"
    )]
    TooLong { prompt_tokens: usize, max_tokens: usize, limit: usize },
    /// The queue is full; `retry_after` is an estimate from recent work, `queue_depth` the bound that was met.
    #[error("the engine's queue of {queue_depth} is full, try again in {} s", retry_after.as_secs())]
    Busy { retry_after: Duration, queue_depth: usize },
    /// The deadline passed before there was a result.
    #[error("the deadline passed before the engine was done")]
    Late,
    /// The engine was stopped, or its thread is gone.
    #[error("the engine has stopped")]
    Stopped,
    /// The request contradicts itself or names something that does not exist.
    #[error("{0}")]
    BadRequest(String),
    /// A model file is missing, damaged or of a kind that this engine does not run.
    #[error("cannot use the model `{path}`: {detail}")]
    Model { path: String, detail: String },
    /// The device that was asked for is not there.
    #[error("cannot use the device `{device}`: {detail}")]
    Device { device: String, detail: String },
    /// The engine itself failed; the request is lost, the engine goes on.
    #[error("the engine failed: {0}")]
    Internal(String),
}

/// Whose fault an error is, from which a caller chooses what to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request must change before it can succeed.
    Caller,
    /// The same request may succeed later.
    Overload,
    /// A bug, a broken installation or broken hardware.
    Ours,
    /// The engine is no longer there.
    Gone,
}

impl EngineError {
    /// Says whose fault this error is.
    pub fn kind(&self) -> Fault {
        match self {
            Self::TooLong { .. } | Self::BadRequest(_) => Fault::Caller,
            Self::Busy { .. } | Self::Late => Fault::Overload,
            Self::Model { .. } | Self::Device { .. } | Self::Internal(_) => Fault::Ours,
            Self::Stopped => Fault::Gone,
        }
    }

    pub(crate) fn model(path: &Path, detail: impl Display) -> Self {
        Self::Model { path: path.display().to_string(), detail: detail.to_string() }
    }
}

/// A tensor operation that fails while serving is our bug: shapes were checked when the model was loaded.
impl From<candle_core::Error> for EngineError {
    fn from(error: candle_core::Error) -> Self {
        Self::Internal(error.to_string())
    }
}
