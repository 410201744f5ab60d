//! Attention over the paged cache: planned once a step, run once a layer.

use std::ffi::c_int;

use candle_core::cuda_backend::cudarc;
use cudarc::driver::PinnedHostSlice;
use half::bf16;

use super::array::Array;
use super::array::Indices;
use super::array::pinned;
use super::ffi;
use super::gpu::Gpu;
use super::gpu::checked;
use super::gpu::failed;
use super::gpu::require;
use crate::blocks::BLOCK_TOKENS;
use crate::error::EngineError;

/// Bytes for the indices of a plan: a few numbers for each piece of work, of which there are some thousands.
const INDEX_BYTES: usize = 8 << 20;
/// The most rows of queries that a thread block takes, and thread blocks that a multiprocessor runs at a time.
const TILE_ROWS: usize = 128;
const BLOCKS_AT_ONCE: usize = 2;
/// Query heads a KV head from which on tensor cores pay for one query too: a tile has at least 16 rows.
const TENSOR_CORE_GROUP: usize = 4;

/// How many heads of which size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeadCounts {
    pub heads: usize,
    pub kv_heads: usize,
    /// 64 or 128.
    pub head: usize,
}

/// Where sequences begin among a step's rows and among its blocks, `[sequences + 1]` each, on the host.
#[derive(Clone, Copy)]
pub(crate) struct Starts<'a> {
    pub rows: &'a [i32],
    pub blocks: &'a [i32],
}

/// The sequences of a step on the device.
pub(crate) struct Sequences<'a> {
    /// As [`Starts`].
    pub row_starts: &'a Indices,
    pub block_starts: &'a Indices,
    /// The blocks of all, one sequence after another.
    pub blocks: &'a Indices,
    /// How many tokens each has in its last block.
    pub last_tokens: &'a Indices,
}

/// Which part of which sequence each thread block takes. Two steps with equal plans can run by one graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    way: Way,
    numbers: [i64; ffi::PLAN_NUMBERS],
    sequences: usize,
    rows: usize,
    blocks: usize,
}

/// Which kernel: both give the same numbers but for rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// On tensor cores, tiles of queries of any count.
    Tiles,
    /// One query a sequence, without tensor cores.
    Single,
}

/// What attention needs besides its arguments.
pub(crate) struct Attention {
    counts: HeadCounts,
    floats: Array<u8>,
    indices: Array<u8>,
    on_host: PinnedHostSlice<u8>,
}

impl Attention {
    /// # Errors
    /// `Internal` when no kernel was compiled for such heads, or there is no memory.
    pub(crate) fn new(gpu: &Gpu, counts: HeadCounts) -> Result<Self, EngineError> {
        let HeadCounts { heads, kv_heads, head } = counts;
        require(super::HEADS.contains(&head) && heads.is_multiple_of(kv_heads), "heads of another size")?;
        // what thread blocks leave of split sequences: f32, and one weight a row
        let tiles = gpu.multiprocessors()? * BLOCKS_AT_ONCE * (heads / kv_heads);
        let bytes = tiles * TILE_ROWS * (head + 1) * size_of::<f32>();
        Ok(Self {
            counts,
            floats: Array::zeros(gpu, bytes + (32 << 20), 1)?,
            indices: Array::zeros(gpu, INDEX_BYTES, 1)?,
            on_host: pinned(gpu, INDEX_BYTES)?,
        })
    }

    /// Plans a step and sends the plan to the device, after the one before was done with. With `fixed` every sequence has
    /// one row, and plans for equally many sequences are equal.
    pub(crate) fn plan(&mut self, gpu: &Gpu, starts: Starts<'_>, fixed: bool) -> Result<Plan, EngineError> {
        // the pages that plans are sent from are written again below
        gpu.finish()?;
        let Starts { rows, blocks } = starts;
        let rising = |starts: &[i32]| starts.first() == Some(&0) && starts.is_sorted();
        require(rows.len() == blocks.len() && rows.len() > 1, "a plan for no sequence")?;
        require(rising(rows) && rising(blocks), "sequences that begin before each other")?;
        let single = rows.windows(2).all(|pair| pair[1] - pair[0] == 1);
        require(single || !fixed, "a fixed plan for several rows")?;
        let group = self.counts.heads / self.counts.kv_heads;
        let way = if single && group < TENSOR_CORE_GROUP { Way::Single } else { Way::Tiles };
        let (count, fixed, stream) = (rows.len() as c_int - 1, c_int::from(fixed), gpu.raw_stream());
        let host = self.on_host.as_mut_ptr().map_err(failed)?;
        let workspace = ffi::Workspace {
            floats: self.floats.pointer_mut(gpu),
            float_bytes: self.floats.rows(),
            indices: self.indices.pointer_mut(gpu),
            indices_on_host: host.cast(),
            index_bytes: self.indices.rows(),
        };
        let mut numbers = [0; ffi::PLAN_NUMBERS];
        let (heads, workspace, plan) = (self.heads(), &raw const workspace, numbers.as_mut_ptr());
        let (heads, rows_from, blocks_from) = (&raw const heads, rows.as_ptr(), blocks.as_ptr());
        checked(match way {
            // SAFETY: both lists have `count + 1` rising numbers, the workspace is as large as it says on both sides, and
            // the plan has room; the function keeps to the workspace or fails.
            Way::Tiles => unsafe {
                ffi::docent_plan_prompts(heads, workspace, rows_from, blocks_from, count, fixed, plan, stream)
            },
            // SAFETY: as above; the group is one that the kernel was compiled for, for it is below 4.
            Way::Single => unsafe {
                ffi::docent_plan_answers(heads, workspace, blocks_from, count, fixed, plan, stream)
            },
        })?;
        let last = |starts: &[i32]| starts.last().map_or(0, |last| *last as usize);
        // a fixed plan is for whatever blocks; their count is checked by what uploads them
        let blocks = if fixed == 1 { 0 } else { last(blocks) };
        Ok(Plan { way, numbers, sequences: count as usize, rows: last(rows), blocks })
    }

    /// Attention of `queries [rows, heads · head]` over the cache of a layer, `[blocks · 64, kv_heads · head]` each, to
    /// `out` of the queries' shape. Each query sees its own token and those before it.
    pub(crate) fn attend(
        &self,
        gpu: &Gpu,
        plan: &Plan,
        sequences: &Sequences<'_>,
        (queries, [keys, values]): (&Array<bf16>, &[Array<bf16>; 2]),
        out: &mut Array<bf16>,
    ) -> Result<(), EngineError> {
        let HeadCounts { heads, kv_heads, head } = self.counts;
        let width = [queries.columns(), out.columns()] == [heads * head; 2]
            && [keys.columns(), values.columns()] == [kv_heads * head; 2];
        require(width, "heads of another shape")?;
        require(plan.rows <= queries.rows().min(out.rows()), "more rows than there are")?;
        let Sequences { row_starts, block_starts, blocks, last_tokens } = sequences;
        let starts = row_starts.length().min(block_starts.length());
        let counts = starts > plan.sequences && last_tokens.length() >= plan.sequences;
        require(counts && blocks.length() >= plan.blocks, "a plan for other sequences")?;
        let bounds = blocks.bound() * BLOCK_TOKENS <= keys.rows().min(values.rows())
            && last_tokens.bound() <= BLOCK_TOKENS + 1;
        require(bounds, "blocks that the cache may not have")?;
        let workspace = ffi::Workspace {
            floats: self.floats.pointer(gpu).cast_mut(),
            float_bytes: self.floats.rows(),
            indices: self.indices.pointer(gpu).cast_mut(),
            indices_on_host: std::ptr::null_mut(),
            index_bytes: self.indices.rows(),
        };
        let sequences = ffi::Sequences {
            query_starts: row_starts.pointer(gpu),
            block_starts: block_starts.pointer(gpu),
            blocks: blocks.pointer(gpu),
            last_tokens: last_tokens.pointer(gpu),
            count: plan.sequences as c_int,
        };
        let (heads, workspace, sequences) = (self.heads(), &raw const workspace, &raw const sequences);
        let (heads, numbers, stream) = (&raw const heads, plan.numbers.as_ptr(), gpu.raw_stream());
        let (queries, keys, values) = (queries.pointer(gpu), keys.pointer(gpu), values.pointer(gpu));
        let out = out.pointer_mut(gpu);
        checked(match plan.way {
            // SAFETY: the plan is one that `plan` made for this workspace, which nothing was planned in since; arrays
            // have its rows, every block is in the cache, and the starts are those it was made for.
            Way::Tiles => unsafe {
                ffi::docent_attend_prompts(
                    heads, workspace, sequences, numbers, queries, keys, values, out, stream,
                )
            },
            // SAFETY: as above.
            Way::Single => unsafe {
                ffi::docent_attend_answers(
                    heads, workspace, sequences, numbers, queries, keys, values, out, stream,
                )
            },
        })
    }

    fn heads(&self) -> ffi::Heads {
        let HeadCounts { heads, kv_heads, head } = self.counts;
        ffi::Heads {
            heads: heads as c_int,
            kv_heads: kv_heads as c_int,
            head: head as c_int,
            block_tokens: BLOCK_TOKENS as c_int,
        }
    }
}
