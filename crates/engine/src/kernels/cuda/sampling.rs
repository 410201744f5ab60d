//! The kernel of `cuda/sampling.cu`.

use std::ffi::c_int;

use super::array::Array;
use super::ffi;
use super::gpu::Gpu;
use super::gpu::checked;
use super::gpu::require;
use crate::error::EngineError;
use crate::shortlist::Candidate;
use crate::shortlist::by_likelihood;

/// The likeliest ids of some rows of logits, on the device.
pub(crate) struct Likeliest {
    /// `[rows, count]`
    ids: Array<i32>,
    values: Array<f32>,
    /// `[rows, 1]`
    broken: Array<i32>,
}

impl Likeliest {
    /// Room for `count` of each of so many rows.
    pub(crate) fn new(gpu: &Gpu, rows: usize, count: usize) -> Result<Self, EngineError> {
        Ok(Self {
            ids: Array::zeros(gpu, rows, count)?,
            values: Array::zeros(gpu, rows, count)?,
            broken: Array::zeros(gpu, rows, 1)?,
        })
    }

    /// Waits for those of the first so many rows: each in order, empty where a logit was not a number.
    pub(crate) fn read(&self, gpu: &Gpu, rows: usize) -> Result<Vec<Vec<Candidate>>, EngineError> {
        let count = self.ids.columns();
        let (mut ids, mut values) = (vec![0; rows * count], vec![0.0; rows * count]);
        let mut broken = vec![0; rows];
        self.ids.read(gpu, 0..rows, &mut ids)?;
        self.values.read(gpu, 0..rows, &mut values)?;
        self.broken.read(gpu, 0..rows, &mut broken)?;
        let of_rows = ids.chunks_exact(count).zip(values.chunks_exact(count)).zip(broken);
        Ok(of_rows
            .map(|((ids, values), broken)| if broken == 0 { in_order(ids, values) } else { Vec::new() })
            .collect())
    }
}

fn in_order(ids: &[i32], values: &[f32]) -> Vec<Candidate> {
    let candidates = ids.iter().zip(values).map(|(id, value)| Candidate { id: *id as u32, value: *value });
    let mut candidates: Vec<Candidate> = candidates.collect();
    candidates.sort_unstable_by(by_likelihood);
    candidates
}

impl Gpu {
    /// Finds the likeliest of the ids below `below` in the first so many rows of `logits [rows, vocabulary]`.
    pub(crate) fn likeliest(
        &self,
        logits: &Array<f32>,
        rows: usize,
        below: usize,
        out: &mut Likeliest,
    ) -> Result<(), EngineError> {
        let count = out.ids.columns();
        require(rows > 0 && rows <= logits.rows().min(out.ids.rows()), "more rows than there are")?;
        require((1..=below).contains(&count) && below <= logits.columns(), "ids that rows do not have")?;
        let likeliest = ffi::Likeliest {
            logits: logits.pointer(self).cast(),
            columns: logits.columns() as c_int,
            below: below as c_int,
            count: count as c_int,
            ids: out.ids.pointer_mut(self).cast(),
            values: out.values.pointer_mut(self).cast(),
            broken: out.broken.pointer_mut(self).cast(),
        };
        // SAFETY: `logits` has `rows` rows of `columns`, of which `below` are read; the others have `rows` rows of `count`
        // and of one, and the kernel writes `count` to a row; the structure is read before the call returns.
        checked(unsafe { ffi::docent_likeliest(&raw const likeliest, rows as c_int, self.raw_stream()) })
    }
}
