//! The forward pass: what is asked of the device for a step. Knows no file format and no graph.

use half::bf16;

use super::buffers::Buffers;
use super::buffers::Inputs;
use super::cache::KvPool;
use super::weight::Weight;
use crate::error::EngineError;
use crate::kernels::cuda::Array;
use crate::kernels::cuda::Attention;
use crate::kernels::cuda::Gpu;
use crate::kernels::cuda::HeadCounts;
use crate::kernels::cuda::Placement;
use crate::kernels::cuda::Plan;
use crate::kernels::cuda::Sequences;

/// All of a model that does not change.
pub(super) struct Weights {
    pub embedding: Weight,
    pub layers: Vec<Layer>,
    /// `[1, hidden]`
    pub norm: Array<bf16>,
    /// Without it the embedding table is the head.
    pub head: Option<Weight>,
    /// Cosines and sines of positions, `[AngleRows::count, head]`.
    pub angles: Array<f32>,
    pub interleaved: bool,
    pub epsilon: f32,
    pub counts: HeadCounts,
}

/// One layer. Vectors are `[1, length]`.
pub(super) struct Layer {
    pub attention_norm: Array<bf16>,
    pub qkv: Weight,
    pub qkv_bias: Option<Array<bf16>>,
    pub query_norm: Option<Array<bf16>>,
    pub key_norm: Option<Array<bf16>>,
    pub output: Weight,
    pub mlp_norm: Array<bf16>,
    pub gate_up: Weight,
    pub down: Weight,
}

/// All that a step reads and writes.
pub(super) struct Work<'a> {
    pub gpu: &'a Gpu,
    pub weights: &'a Weights,
    pub attention: &'a Attention,
    pub inputs: &'a Inputs,
    pub cache: &'a mut KvPool,
    pub buffers: &'a mut Buffers,
}

/// Which rows logits are made of.
#[derive(Clone, Copy)]
pub(super) enum Of {
    /// Those of all tokens.
    Step,
    /// Those taken by [`Work::take_wanted`].
    Wanted,
}

impl Work<'_> {
    /// Everything for a step of one token for each of `sequences`.
    pub(super) fn answer(&mut self, plan: &Plan, sequences: usize) -> Result<(), EngineError> {
        self.transform(plan)?;
        self.predict(Of::Step, sequences)
    }

    /// All layers: `normed` becomes the tokens' states after the last norm.
    pub(super) fn transform(&mut self, plan: &Plan) -> Result<(), EngineError> {
        let (gpu, weights, (on_device, ids)) = (self.gpu, self.weights, &self.inputs.ids);
        let (tokens, buffers) = (ids.len(), &mut *self.buffers);
        weights.embedding.look_up(gpu, (on_device, ids), &mut buffers.sum)?;
        let norms = weights.layers.iter().map(|layer| &layer.attention_norm).chain([&weights.norm]);
        let mut norms = norms.map(|norm| (norm, weights.epsilon));
        if let Some(norm) = norms.next() {
            gpu.norm(&buffers.sum, norm, tokens, &mut buffers.normed)?;
        }
        for (index, (layer, next)) in weights.layers.iter().zip(norms).enumerate() {
            self.attend(index, layer, plan, tokens)?;
            self.think(layer, next, tokens)?;
        }
        Ok(())
    }

    /// The attention of a layer; `normed` becomes what its MLP reads.
    fn attend(&mut self, index: usize, layer: &Layer, plan: &Plan, tokens: usize) -> Result<(), EngineError> {
        let (gpu, weights, inputs) = (self.gpu, self.weights, self.inputs);
        let Buffers { sum, normed, qkv, queries, attended, .. } = &mut *self.buffers;
        layer.qkv.apply(gpu, normed, tokens, qkv)?;
        let placement = Placement {
            qkv,
            bias: layer.qkv_bias.as_ref(),
            query_norm: layer.query_norm.as_ref(),
            key_norm: layer.key_norm.as_ref(),
            angles: &weights.angles,
            angle_rows: &inputs.angle_rows,
            slots: &inputs.slots,
            epsilon: weights.epsilon,
            interleaved: weights.interleaved,
        };
        let cache = self.cache.layer(index);
        gpu.place(&placement, weights.counts, tokens, queries, cache)?;
        let sequences = Sequences {
            row_starts: &inputs.row_starts,
            block_starts: &inputs.block_starts,
            blocks: &inputs.blocks,
            last_tokens: &inputs.last_tokens,
        };
        self.attention.attend(gpu, plan, &sequences, (&*queries, &*cache), attended)?;
        layer.output.apply(gpu, attended, tokens, normed)?;
        gpu.add_norm(normed, sum, (&layer.mlp_norm, weights.epsilon), tokens)
    }

    /// The MLP of a layer; `normed` becomes what follows it reads.
    fn think(&mut self, layer: &Layer, next: (&Array<bf16>, f32), tokens: usize) -> Result<(), EngineError> {
        let gpu = self.gpu;
        let Buffers { sum, normed, gate_up, gated, .. } = &mut *self.buffers;
        layer.gate_up.apply(gpu, normed, tokens, gate_up)?;
        gpu.gate(gate_up, tokens, gated)?;
        layer.down.apply(gpu, gated, tokens, normed)?;
        gpu.add_norm(normed, sum, next, tokens)
    }

    /// Puts the states that are wanted below each other.
    pub(super) fn take_wanted(&mut self, wanted: usize) -> Result<(), EngineError> {
        let Buffers { normed, last, .. } = &mut *self.buffers;
        self.gpu.take_rows(normed, &self.inputs.wanted, wanted, last)
    }

    /// Logits of the first so many rows.
    pub(super) fn predict(&mut self, of: Of, rows: usize) -> Result<(), EngineError> {
        let (gpu, weights) = (self.gpu, self.weights);
        let Buffers { normed, last, logits, .. } = &mut *self.buffers;
        let states = match of {
            Of::Step => normed,
            Of::Wanted => last,
        };
        weights.head.as_ref().unwrap_or(&weights.embedding).apply_f32(gpu, states, rows, logits)
    }
}
