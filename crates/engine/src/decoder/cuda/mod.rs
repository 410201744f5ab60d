//! A decoder on an NVIDIA GPU by this crate's kernels: bf16, a paged cache, the tokens of a step one after the other.
//!
//! ```text
//! sum        [tokens, hidden]                    the residual stream
//! normed     [tokens, hidden]                    what a layer reads, and what it adds
//! qkv        [tokens, (heads + 2 · kv_heads) · head]
//! queries    [tokens, heads · head]              normed and rotated; keys and values go to the cache
//! attended   [tokens, heads · head]
//! gate_up    [tokens, 2 · inner]    gated  [tokens, inner]
//!
//! take rows of the embedding → sum, norm → normed
//! for each layer
//!   product → qkv → place → attention → product → normed;  sum += normed, norm → normed
//!   product → gate_up → gate → product → normed;           sum += normed, norm → normed
//! take the rows that are wanted → product → logits [wanted, vocabulary] f32
//! ```
//!
//! Every array is made when the model is loaded, so that a step allocates nothing and steps of one token a sequence run as
//! a captured graph, one for each of [`BUCKETS`]. Sums are in an order that depends on how many tokens a step has: the same
//! request gives nearly, not exactly, the same numbers in other company. Written without a GPU at
//! hand: **untested** until `scripts/gpu-check` has run. Knows no request and no sampling.

mod buffers;
mod cache;
mod layer;
mod load;
mod weight;

use self::buffers::Buffers;
use self::buffers::Inputs;
use self::cache::KvPool;
use self::layer::Of;
use self::layer::Weights;
use self::layer::Work;
pub(super) use self::load::load;
use super::About;
use super::Model;
use super::Outcome;
use super::Part;
use super::Saved;
use super::Shape;
use super::flat::AngleRows;
use super::flat::Flat;
use crate::blocks::BlockId;
use crate::error::EngineError;
use crate::kernels::cuda::Attention;
use crate::kernels::cuda::Gpu;
use crate::kernels::cuda::Graph;
use crate::kernels::cuda::HEADS;
use crate::kernels::cuda::Plan;
use crate::kernels::cuda::Starts;

/// Sequences that a graph was captured for: fewer are filled up, more are computed without a graph.
const BUCKETS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// Whether the kernels here compute such a model; candle's do otherwise.
pub(super) fn suits(shape: &Shape) -> bool {
    let aligned = [shape.hidden, shape.inner].iter().all(|columns| columns.is_multiple_of(8));
    HEADS.contains(&shape.head) && aligned
}

/// Weights and cache in a device's memory.
pub(super) struct CudaDecoder {
    gpu: Gpu,
    about: About,
    weights: Weights,
    angles: AngleRows,
    cache: KvPool,
    attention: Attention,
    inputs: Inputs,
    buffers: Buffers,
    graphs: Graphs,
}

/// What was captured of each of [`BUCKETS`], and for which plan.
enum Graphs {
    /// Nothing can be: candle's quantised products allocate, or capturing failed.
    Off,
    On(Box<[Option<(Plan, Graph)>; BUCKETS.len()]>),
}

impl Model for CudaDecoder {
    fn about(&self) -> &About {
        &self.about
    }

    fn blocks(&self) -> usize {
        self.cache.blocks()
    }

    fn forward(&mut self, parts: &[Part<'_>]) -> Result<Vec<Vec<f32>>, EngineError> {
        let (flat, rows) = self.compute(parts)?;
        if flat.states {
            return self.buffers.states(&self.gpu, rows.len());
        }
        rows.into_iter().map(|row| self.buffers.logits(&self.gpu, row)).collect()
    }

    fn forward_to_sample(&mut self, parts: &[Part<'_>]) -> Result<Vec<Outcome>, EngineError> {
        let (flat, rows) = self.compute(parts)?;
        let highest = rows.iter().max().filter(|_| flat.likeliest.contains(&true));
        let mut likeliest = match highest {
            Some(highest) => self.buffers.likeliest(&self.gpu, highest + 1, flat.below)?,
            None => Vec::new(),
        };
        let wanted = rows.into_iter().zip(flat.likeliest);
        let outcomes = wanted.map(|(row, enough)| match likeliest.get_mut(row).filter(|_| enough) {
            Some(candidates) => Ok(Outcome::Likeliest(std::mem::take(candidates))),
            None => self.buffers.logits(&self.gpu, row).map(Outcome::All),
        });
        outcomes.collect()
    }

    fn save(&self, blocks: &[BlockId]) -> Result<Saved, EngineError> {
        self.gpu.enter()?;
        self.cache.save(&self.gpu, blocks)
    }

    fn restore(&mut self, first: usize, blocks: &[BlockId], saved: &[u8]) -> Result<(), EngineError> {
        self.gpu.enter()?;
        self.cache.restore(&self.gpu, first, blocks, saved)
    }
}

impl CudaDecoder {
    /// Computes a step; gives the rows of what is wanted, in the logits or, where states are wanted, in the states.
    fn compute(&mut self, parts: &[Part<'_>]) -> Result<(Flat, Vec<usize>), EngineError> {
        self.gpu.enter()?;
        let mut flat = Flat::new(parts, &self.angles);
        let captured = matches!(self.graphs, Graphs::On(_)) && flat.is_single() && !flat.states;
        match BUCKETS.iter().position(|bucket| flat.sequences() <= *bucket) {
            Some(bucket) if captured => {
                self.answers(&mut flat, bucket)?;
                if flat.wanted.is_empty() {
                    self.gpu.finish()?;
                }
                let rows = flat.wanted.iter().map(|row| *row as usize).collect();
                Ok((flat, rows))
            }
            Some(_) | None => {
                self.step(&flat)?;
                let rows = (0..flat.wanted.len()).collect();
                Ok((flat, rows))
            }
        }
    }

    /// A step of any shape, asked for kernel by kernel.
    fn step(&mut self, flat: &Flat) -> Result<(), EngineError> {
        let plan = self.prepare(flat, false)?;
        let mut work = self.work();
        work.transform(&plan)?;
        let wanted = flat.wanted.len();
        if wanted == 0 {
            return self.gpu.finish();
        }
        work.take_wanted(wanted)?;
        if flat.states { Ok(()) } else { work.predict(Of::Wanted, wanted) }
    }

    /// A step of one token a sequence: by the graph of its bucket, which is captured the first time.
    fn answers(&mut self, flat: &mut Flat, bucket: usize) -> Result<(), EngineError> {
        let size = BUCKETS[bucket];
        flat.pad(size, self.cache.nobodys());
        let plan = self.prepare(flat, true)?;
        let captured = match &mut self.graphs {
            Graphs::On(graphs) => graphs[bucket].as_mut().filter(|(of, _)| *of == plan),
            Graphs::Off => None,
        };
        if let Some((_, graph)) = captured {
            return graph.launch();
        }
        // once without capturing: libraries set themselves up on their first call
        self.work().answer(&plan, size)?;
        self.gpu.finish()?;
        self.capture(plan, bucket);
        Ok(())
    }

    /// Sends a step to the device.
    fn prepare(&mut self, flat: &Flat, fixed: bool) -> Result<Plan, EngineError> {
        let Self { gpu, inputs, buffers, .. } = self;
        // what was asked for before may still read what is written or freed here
        gpu.finish()?;
        let moved = [buffers.make_room(gpu, flat)?, inputs.make_room(gpu, flat)?];
        inputs.set(gpu, flat)?;
        if let (true, Graphs::On(graphs)) = (moved.contains(&true), &mut self.graphs) {
            // they read and write arrays that are gone
            graphs.fill_with(|| None);
        }
        let starts = Starts { rows: &flat.row_starts, blocks: &flat.block_starts };
        self.attention.plan(&self.gpu, starts, fixed)
    }

    fn capture(&mut self, plan: Plan, bucket: usize) {
        let mut work = self.work();
        let gpu = work.gpu;
        let graph = gpu.capture(|| work.answer(&plan, BUCKETS[bucket]));
        match (graph, &mut self.graphs) {
            (Ok(graph), Graphs::On(graphs)) => graphs[bucket] = Some((plan, graph)),
            (Ok(_), Graphs::Off) => {}
            (Err(error), graphs) => {
                tracing::warn!(%error, "cannot capture a graph, answers are slower without");
                *graphs = Graphs::Off;
            }
        }
    }

    fn work(&mut self) -> Work<'_> {
        Work {
            gpu: &self.gpu,
            weights: &self.weights,
            attention: &self.attention,
            inputs: &self.inputs,
            cache: &mut self.cache,
            buffers: &mut self.buffers,
        }
    }
}

#[cfg(test)]
mod tests;
