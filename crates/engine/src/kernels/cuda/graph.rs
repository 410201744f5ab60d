//! Work that was asked for once and can be repeated by one call. Knows no kernel.

use candle_core::cuda_backend::cudarc;
use cudarc::driver::CudaGraph;
use cudarc::driver::sys::CUgraphInstantiate_flags;
use cudarc::driver::sys::CUstreamCaptureMode;

use super::gpu::Gpu;
use super::gpu::failed;
use crate::error::EngineError;

/// Captured work. It reads and writes the arrays that it was captured with, which must live and stay in place.
pub(crate) struct Graph(CudaGraph);

// SAFETY: a graph may be used from any thread, but from one at a time: it can only be launched through `&mut`.
unsafe impl Send for Graph {}
// SAFETY: nothing can be done with a shared reference.
unsafe impl Sync for Graph {}

impl Gpu {
    /// Captures what `work` asks for, without doing it. `work` allocates nothing and waits for nothing.
    ///
    /// # Errors
    /// `Internal` when something that was asked for cannot be captured; the stream is usable again in either case.
    pub(crate) fn capture(
        &self,
        work: impl FnOnce() -> Result<(), EngineError>,
    ) -> Result<Graph, EngineError> {
        let stream = self.stream();
        let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        stream.begin_capture(mode).map_err(failed)?;
        let outcome = work();
        let captured = stream.end_capture(CUgraphInstantiate_flags(0));
        outcome?;
        let graph = captured.map_err(failed)?;
        graph.map(Graph).ok_or_else(|| EngineError::Internal("CUDA: nothing was captured".into()))
    }
}

impl Graph {
    /// Does it again, after everything asked for so far.
    pub(crate) fn launch(&mut self) -> Result<(), EngineError> {
        self.0.launch().map_err(failed)
    }
}
