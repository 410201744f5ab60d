//! BERT and XLM-RoBERTa on a CPU, in f32 (Devlin et al. 2018, arXiv 1810.04805; Conneau et al. 2019, arXiv 1911.02116).
//! Texts lie one after the other without padding, so that no token is computed that nobody asked for:
//!
//! ```text
//! x        [tokens, hidden]        text 0 | text 1 | …
//! qkv      [tokens, 3 · hidden]    queries | keys | values of each token
//! context  [tokens, hidden]        what attention gathered for each token
//!
//! embed, project      blocks of tokens side by side   → x, qkv
//! for each layer
//!   attend            parts of texts side by side     qkv → context
//!   combine, project  blocks of tokens side by side   context, x → x, qkv of the next layer
//! pool                each text alone                 → vectors
//! ```
//!
//! Between two steps all threads meet; within one, a block's numbers stay in the cache of the thread that has it.
//! Knows no tokenizer and no queue.

mod config;
mod head;
mod kernels;
mod layer;
mod load;
mod table;

use std::ops::Range;

use rayon::prelude::*;

pub(crate) use self::config::Architecture;
pub(crate) use self::config::read as read_config;
pub(crate) use self::head::Head;
use self::kernels::Attention;
use self::kernels::AttentionScratch;
use self::layer::Layer;
use self::layer::LayerScratch;
use self::layer::Norm;
use self::table::Table;
use crate::error::EngineError;
use crate::lanes::Instructions;

/// Numbers of a block of `x`: together with as many of a layer's inner numbers they fit into a second cache of 512 KiB.
const BLOCK_NUMBERS: usize = 36_864;
/// Tokens of a text whose attention is computed at a time: a head's keys and values are read from the second cache.
const ATTENTION_TOKENS: usize = 48;

/// A model that is ready to compute.
pub(crate) struct Bert {
    architecture: Architecture,
    words: Table,
    /// For each token type, the embedding of each position with that of the type added: `[positions, hidden]`.
    positions: Vec<Vec<f32>>,
    /// The position of a text's first token: XLM-R counts on from its padding's.
    first_position: usize,
    norm: Norm,
    layers: Vec<Layer>,
    heads: usize,
    hidden: usize,
    instructions: Instructions,
}

/// How the tokens' states become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// Their mean.
    Mean,
    /// That of the first.
    First,
}

/// Two texts, one after the other with what belongs around them, as one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair<'a> {
    pub ids: &'a [u32],
    /// How many tokens, from the first, are of the first type. All others are of the second.
    pub of_first_type: usize,
}

impl<'a> Pair<'a> {
    /// One text alone.
    pub(super) fn one(ids: &'a [u32]) -> Self {
        Self { ids, of_first_type: ids.len() }
    }
}

impl Bert {
    pub(crate) fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// How many types of tokens it tells apart.
    pub(crate) fn token_types(&self) -> usize {
        self.positions.len()
    }

    /// The longest text, in tokens.
    pub(crate) fn max_tokens(&self) -> usize {
        self.positions[0].len() / self.hidden - self.first_position
    }

    /// The vectors of texts, not yet of length 1. Each has the same bits in whatever company.
    ///
    /// # Errors
    /// `Internal` for a text without tokens or with too many, or a token that the vocabulary lacks.
    pub(crate) fn embed(&self, texts: &[Vec<u32>], pooling: Pooling) -> Result<Vec<Vec<f32>>, EngineError> {
        let texts: Vec<Pair<'_>> = texts.iter().map(|ids| Pair::one(ids)).collect();
        self.pool(&texts, pooling)
    }

    /// The states of the first tokens of pairs, which speak for the whole: `[pairs][hidden]`.
    ///
    /// # Errors
    /// As [`Bert::embed`], and for tokens of a second type where it has one.
    pub(crate) fn embed_pairs(&self, pairs: &[Pair<'_>]) -> Result<Vec<Vec<f32>>, EngineError> {
        self.pool(pairs, Pooling::First)
    }

    fn pool(&self, texts: &[Pair<'_>], pooling: Pooling) -> Result<Vec<Vec<f32>>, EngineError> {
        if texts.iter().any(|text| text.ids.is_empty() || text.ids.len() > self.max_tokens()) {
            return Err(EngineError::Internal("a text without tokens or with too many".into()));
        }
        if self.token_types() < 2 && texts.iter().any(|text| text.of_first_type < text.ids.len()) {
            return Err(EngineError::Internal("a token of a type that the model does not have".into()));
        }
        // in the pool from the start: else each step would wake it from outside
        let states = rayon::scope(|_| self.states(texts))?;
        let mut rest = states.as_slice();
        let pool = |text: &Pair<'_>| {
            let own;
            (own, rest) = rest.split_at(text.ids.len() * self.hidden);
            match pooling {
                Pooling::Mean => mean(own, self.hidden),
                Pooling::First => own[..self.hidden].to_vec(),
            }
        };
        Ok(texts.iter().map(pool).collect())
    }

    /// The states of all tokens after the last layer, `[tokens, hidden]`.
    fn states(&self, texts: &[Pair<'_>]) -> Result<Vec<f32>, EngineError> {
        let hidden = self.hidden;
        let lengths: Vec<usize> = texts.iter().map(|text| text.ids.len()).collect();
        let tokens: usize = lengths.iter().sum();
        let rows = block_rows(tokens, hidden, rayon::current_num_threads());
        let (mut x, mut qkv) = (vec![0.0; tokens * hidden], vec![0.0; tokens * hidden * 3]);
        let mut context = vec![0.0; tokens * hidden];
        let Some(first) = self.layers.first() else { return Ok(x) };

        let ids: Vec<u32> = texts.iter().flat_map(|text| text.ids).copied().collect();
        self.words.rows(&ids, &mut x)?;
        let positions: Vec<f32> = texts.iter().flat_map(|text| self.positions(*text)).copied().collect();
        let blocks = x.par_chunks_mut(rows * hidden).zip(qkv.par_chunks_mut(rows * hidden * 3));
        blocks.zip(positions.par_chunks(rows * hidden)).with_max_len(1).for_each(|((x, qkv), positions)| {
            self.norm.add(self.instructions, x, positions);
            first.project(self.instructions, x, qkv);
        });
        drop(positions);

        for (index, layer) in self.layers.iter().enumerate() {
            self.attend(&lengths, &qkv, &mut context);
            let next = self.layers.get(index + 1);
            let blocks = x.par_chunks_mut(rows * hidden).zip(qkv.par_chunks_mut(rows * hidden * 3));
            blocks.zip(context.par_chunks(rows * hidden)).with_max_len(1).for_each_init(
                LayerScratch::default,
                |scratch, ((x, qkv), context)| {
                    layer.combine(self.instructions, context, x, scratch);
                    if let Some(next) = next {
                        next.project(self.instructions, x, qkv);
                    }
                },
            );
        }
        Ok(x)
    }

    /// The embeddings of the positions and types of a text's tokens, `[tokens, hidden]`.
    fn positions(&self, text: Pair<'_>) -> impl Iterator<Item = &f32> {
        let rows = |of_type: usize, tokens: Range<usize>| {
            let first = self.first_position + tokens.start;
            let table = self.positions.get(of_type).map_or(&[][..], Vec::as_slice);
            table.iter().skip(first * self.hidden).take(tokens.len() * self.hidden)
        };
        rows(0, 0..text.of_first_type).chain(rows(1, text.of_first_type..text.ids.len()))
    }

    /// What every token gathers from its own text.
    fn attend(&self, lengths: &[usize], qkv: &[f32], context: &mut [f32]) {
        let hidden = self.hidden;
        let (mut parts, mut qkv, mut context) = (Vec::new(), qkv, context);
        for tokens in lengths {
            let (text, context_of_text);
            (text, qkv) = qkv.split_at(tokens * hidden * 3);
            (context_of_text, context) = context.split_at_mut(tokens * hidden);
            let outputs = context_of_text.chunks_mut(ATTENTION_TOKENS * hidden);
            parts.extend(outputs.enumerate().map(|(index, output)| (text, index * ATTENTION_TOKENS, output)));
        }
        parts.into_par_iter().with_max_len(1).for_each_init(
            AttentionScratch::default,
            |scratch, (qkv, first, output)| {
                let queries = first..first + output.len() / hidden;
                let (heads, head_width) = (self.heads, hidden / self.heads);
                self.instructions.run(Attention { qkv, queries, heads, head_width, scratch, output });
            },
        );
    }
}

/// Tokens of a block, so that all threads have as many blocks and a block fits into the cache.
fn block_rows(tokens: usize, hidden: usize, threads: usize) -> usize {
    let most = (BLOCK_NUMBERS / hidden).max(12);
    let rounds = tokens.div_ceil(most * threads).max(1);
    tokens.div_ceil(rounds * threads).next_multiple_of(6).max(6)
}

/// The mean of rows, each column's sum in the order of the rows.
fn mean(states: &[f32], hidden: usize) -> Vec<f32> {
    let mut mean = vec![0.0; hidden];
    for row in states.chunks_exact(hidden) {
        for (sum, number) in mean.iter_mut().zip(row) {
            *sum += number;
        }
    }
    let tokens = (states.len() / hidden) as f32;
    for sum in &mut mean {
        *sum /= tokens;
    }
    mean
}

#[cfg(test)]
mod tests;
