//! A decoder on a CPU, by this crate's own kernels. The tokens of a step lie one after the other, whoever they belong to:
//!
//! ```text
//! x         [tokens, hidden]                    the residual stream
//! qkv       [tokens, (heads + 2 · kv_heads) · head]   queries | keys | values of each token
//! attended  [tokens, heads · head]              what attention gathered for each token
//! gate_up   [tokens, 2 · inner]                 gates | what they let through
//!
//! embed → x
//! for each layer
//!   norm(x) → qkv → bias, norms, rotation → keys and values into the cache → attention → x += output(attended)
//!   norm(x) → gate_up → gate → x += down(gated)
//! norm(x of the tokens that are followed) → logits
//! ```
//!
//! Every number is one chain of operations on its own token's numbers, so a token's logits have the same bits in whatever
//! company, and whether its prompt was read in one step or in many. Knows no request and no sampling.

mod attention;
mod elementwise;
mod kv;
mod layer;
mod load;
mod parts;

use self::elementwise::RmsNorm;
use self::kv::KvPool;
use self::layer::Buffers;
use self::layer::Layer;
pub(super) use self::load::load;
use self::parts::each_part;
use super::About;
use super::Model;
use super::Part;
use super::Saved;
use super::Shape;
use super::Wanted;
use super::rope::Rope;
use crate::blocks::BlockId;
use crate::error::EngineError;
use crate::kernels::Matrix;
use crate::kernels::Team;
use crate::lanes::Instructions;

/// Rows that a thread takes at a time where every row is computed alone.
const ROWS_AT_ONCE: usize = 8;

/// Weights in memory, the cache, and the threads that compute.
pub(super) struct CpuDecoder {
    embedding: Matrix,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    /// Without it the embedding table is the head.
    head: Option<Matrix>,
    rope: Rope,
    shape: Shape,
    about: About,
    cache: KvPool,
    buffers: Buffers,
    team: Team,
    instructions: Instructions,
}

impl Model for CpuDecoder {
    fn about(&self) -> &About {
        &self.about
    }

    fn blocks(&self) -> usize {
        self.cache.blocks()
    }

    fn forward(&mut self, parts: &[Part<'_>]) -> Result<Vec<Vec<f32>>, EngineError> {
        self.embed(parts);
        let angles = self.rope.angles(parts);
        for (index, layer) in self.layers.iter().enumerate() {
            let pass = layer::Pass {
                layer,
                index,
                shape: &self.shape,
                parts,
                angles: &angles,
                team: &self.team,
                instructions: self.instructions,
            };
            pass.attend(&mut self.buffers, &mut self.cache);
            pass.transform(&mut self.buffers);
        }
        Ok(self.outcomes(parts))
    }

    fn save(&self, blocks: &[BlockId]) -> Result<Saved, EngineError> {
        Ok(self.cache.save(blocks))
    }

    fn restore(&mut self, first: usize, blocks: &[BlockId], saved: &[u8]) -> Result<(), EngineError> {
        self.cache.restore(first, blocks, saved)
    }
}

impl CpuDecoder {
    /// Puts the tokens' embeddings into `x`.
    fn embed(&mut self, parts: &[Part<'_>]) {
        let tokens: Vec<u32> = parts.iter().flat_map(|part| part.tokens).copied().collect();
        let hidden = self.shape.hidden;
        self.buffers.begin(tokens.len(), &self.shape);
        let embedding = &self.embedding;
        each_part(&self.team, &mut self.buffers.x, ROWS_AT_ONCE * hidden, |index, rows| {
            for (row, token) in rows.chunks_exact_mut(hidden).zip(&tokens[index * ROWS_AT_ONCE..]) {
                embedding.row(*token as usize, row);
            }
        });
    }

    /// What the parts want of their last tokens.
    fn outcomes(&self, parts: &[Part<'_>]) -> Vec<Vec<f32>> {
        let hidden = self.shape.hidden;
        let mut end = 0;
        let mut last = Vec::new();
        for part in parts {
            end += part.tokens.len();
            if part.wanted != Wanted::Nothing {
                last.extend_from_slice(&self.buffers.x[(end - 1) * hidden..end * hidden]);
            }
        }
        if last.is_empty() {
            return Vec::new();
        }
        let mut states = vec![0.0; last.len()];
        let (weight, epsilon) = (&self.norm, self.shape.norm_epsilon);
        self.instructions.run(RmsNorm { x: &last, weight, epsilon, output: &mut states });
        if parts.iter().any(|part| part.wanted == Wanted::State) {
            return states.chunks_exact(hidden).map(<[f32]>::to_vec).collect();
        }
        let head = self.head.as_ref().unwrap_or(&self.embedding);
        let mut logits = vec![0.0; last.len() / hidden * head.rows()];
        head.product(&self.team, &states, &mut logits);
        logits.chunks_exact(head.rows()).map(<[f32]>::to_vec).collect()
    }
}
