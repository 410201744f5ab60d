//! The kernels of `cuda/elementwise.cu`. `tokens` rows of each array are computed.

use std::ffi::c_int;
use std::ptr::null;

use half::bf16;

use super::array::Array;
use super::array::Indices;
use super::attention::HeadCounts;
use super::ffi;
use super::gpu::Gpu;
use super::gpu::checked;
use super::gpu::require;
use crate::error::EngineError;

/// Numbers that are read at once: rows begin at their multiples.
const ALIGNED: usize = 8;

/// What a token's queries, keys and values become between their product and attention.
pub(crate) struct Placement<'a> {
    /// `[tokens, (heads + 2 · kv_heads) · head]`
    pub qkv: &'a Array<bf16>,
    /// `[1, (heads + 2 · kv_heads) · head]`
    pub bias: Option<&'a Array<bf16>>,
    /// `[1, head]` each
    pub query_norm: Option<&'a Array<bf16>>,
    pub key_norm: Option<&'a Array<bf16>>,
    /// `[rows, head]`: cosines, then sines, of a row's position.
    pub angles: &'a Array<f32>,
    /// Of each token, its row of `angles`.
    pub angle_rows: &'a Indices,
    /// Of each token, its row of keys and values.
    pub slots: &'a Indices,
    pub epsilon: f32,
    /// Rotates neighbouring numbers rather than the halves of a head.
    pub interleaved: bool,
}

impl Gpu {
    /// `out[i] = table[rows[i]]` for `count` rows.
    pub(crate) fn take_rows(
        &self,
        table: &Array<bf16>,
        rows: &Indices,
        count: usize,
        out: &mut Array<bf16>,
    ) -> Result<(), EngineError> {
        let columns = table.columns();
        require(out.columns() == columns && columns.is_multiple_of(ALIGNED), "rows of another length")?;
        require(count <= rows.length() && count <= out.rows(), "more rows than there are")?;
        require(rows.bound() <= table.rows(), "rows that a table may not have")?;
        let (table, rows, stream) = (table.pointer(self), rows.pointer(self), self.raw_stream());
        let out = out.pointer_mut(self);
        // SAFETY: `out` and `rows` have `count` rows, every index is below the table's rows, a row is whole pieces.
        checked(unsafe { ffi::docent_take_rows(table, rows, out, count as c_int, columns as c_int, stream) })
    }

    /// Root mean square normalisation of `x [tokens, columns]` with `weight [1, columns]`.
    pub(crate) fn norm(
        &self,
        x: &Array<bf16>,
        (weight, epsilon): (&Array<bf16>, f32),
        tokens: usize,
        out: &mut Array<bf16>,
    ) -> Result<(), EngineError> {
        let columns = x.columns();
        let same = [weight.columns(), out.columns()] == [columns; 2] && columns.is_multiple_of(ALIGNED);
        require(same, "a norm of rows of another length")?;
        require(tokens <= x.rows().min(out.rows()) && weight.rows() == 1, "more rows than there are")?;
        let (x, weight, stream) = (x.pointer(self), weight.pointer(self), self.raw_stream());
        let out = out.pointer_mut(self);
        // SAFETY: `x` and `out` have `tokens` rows of `columns`, `weight` has one.
        checked(unsafe {
            ffi::docent_norm(x, weight, out, tokens as c_int, columns as c_int, epsilon, stream)
        })
    }

    /// `sum += x`, then `x` becomes the norm of `sum`; both `[tokens, columns]`, `weight [1, columns]`.
    pub(crate) fn add_norm(
        &self,
        x: &mut Array<bf16>,
        sum: &mut Array<bf16>,
        (weight, epsilon): (&Array<bf16>, f32),
        tokens: usize,
    ) -> Result<(), EngineError> {
        let columns = x.columns();
        let same = [weight.columns(), sum.columns()] == [columns; 2] && columns.is_multiple_of(ALIGNED);
        require(same, "a norm of rows of another length")?;
        require(tokens <= x.rows().min(sum.rows()) && weight.rows() == 1, "more rows than there are")?;
        let (x, sum, weight) = (x.pointer_mut(self), sum.pointer_mut(self), weight.pointer(self));
        let stream = self.raw_stream();
        // SAFETY: `x` and `sum` are two arrays with `tokens` rows of `columns`, `weight` has one.
        checked(unsafe {
            ffi::docent_add_norm(x, sum, weight, tokens as c_int, columns as c_int, epsilon, stream)
        })
    }

    /// `silu(gate) · up` of `gate_up [tokens, 2 · inner]` to `out [tokens, inner]`.
    pub(crate) fn gate(
        &self,
        gate_up: &Array<bf16>,
        tokens: usize,
        out: &mut Array<bf16>,
    ) -> Result<(), EngineError> {
        let inner = out.columns();
        require(gate_up.columns() == 2 * inner && inner.is_multiple_of(ALIGNED), "gates of another length")?;
        require(tokens <= gate_up.rows().min(out.rows()), "more rows than there are")?;
        let (gate_up, stream) = (gate_up.pointer(self), self.raw_stream());
        let out = out.pointer_mut(self);
        // SAFETY: both have `tokens` rows, of `2 · inner` and `inner`.
        checked(unsafe { ffi::docent_gate(gate_up, out, tokens as c_int, inner as c_int, stream) })
    }

    /// Adds biases, norms queries and keys, rotates them, and puts queries into `queries [tokens, heads · head]`, keys and
    /// values into the cache, `[slots, kv_heads · head]` each.
    pub(crate) fn place(
        &self,
        placement: &Placement<'_>,
        counts: HeadCounts,
        tokens: usize,
        queries: &mut Array<bf16>,
        [keys, values]: &mut [Array<bf16>; 2],
    ) -> Result<(), EngineError> {
        let HeadCounts { heads, kv_heads, head } = counts;
        let &Placement { qkv, bias, query_norm, key_norm, angles, angle_rows, slots, .. } = placement;
        let width = (heads + 2 * kv_heads) * head;
        let is = |array: Option<&Array<bf16>>, columns| {
            array.is_none_or(|array| array.rows() == 1 && array.columns() == columns)
        };
        let shapes = super::HEADS.contains(&head)
            && qkv.columns() == width
            && is(bias, width)
            && is(query_norm, head)
            && is(key_norm, head)
            && angles.columns() == head
            && queries.columns() == heads * head
            && [keys.columns(), values.columns()] == [kv_heads * head; 2];
        require(shapes, "heads of another shape")?;
        let rows = qkv.rows().min(queries.rows()).min(angle_rows.length()).min(slots.length());
        require(tokens <= rows, "more rows than there are")?;
        let bounds = angle_rows.bound() <= angles.rows() && slots.bound() <= keys.rows().min(values.rows());
        require(bounds, "rows that a table may not have")?;
        let pointer = |array: Option<&Array<bf16>>| array.map_or(null(), |array| array.pointer(self));
        let place = ffi::Place {
            qkv: qkv.pointer(self),
            bias: pointer(bias),
            query_norm: pointer(query_norm),
            key_norm: pointer(key_norm),
            angles: angles.pointer(self).cast(),
            angle_rows: angle_rows.pointer(self),
            slots: slots.pointer(self),
            queries: queries.pointer_mut(self),
            keys: keys.pointer_mut(self),
            values: values.pointer_mut(self),
            heads: heads as c_int,
            kv_heads: kv_heads as c_int,
            epsilon: placement.epsilon,
            interleaved: placement.interleaved,
        };
        // SAFETY: every array has the shape that the kernel expects and `tokens` rows, every row of angles and every slot
        // is below its bound; the structure is read before the call returns.
        checked(unsafe {
            ffi::docent_place(&raw const place, tokens as c_int, head as c_int, self.raw_stream())
        })
    }
}
