//! Matrices of weights and their product. Knows no instructions.

use std::borrow::Cow;

use super::activations::quantised;
use super::ggml::dequantize;
use super::instructions::Instructions;
use super::kind::Kind;
use super::panels::LANES;
use super::panels::Lanes;
use super::panels::Panels;
use super::q4k::Q4K;
use super::q6k::Q6K;
use super::q8::Q8;
use super::q8::requantise;
use super::strips::Strip;
use super::team::Team;

/// A matrix of weights `[rows, columns]`, packed once for products; its rows are numbers that come out.
#[derive(Debug)]
pub(crate) struct Matrix {
    /// Below each other, all with as many columns.
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Floats(Panels<Lanes>),
    Q8(Panels<Q8>),
    Q4K(Panels<Q4K>),
    Q6K(Panels<Q6K>),
}

impl Matrix {
    /// Packs the bytes of a tensor of GGML, as [`Kind::packed`] says.
    ///
    /// # Errors
    /// Says what is wrong when there are not as many bytes as `[rows, columns]` take.
    pub(crate) fn from_ggml(kind: Kind, bytes: &[u8], rows: usize, columns: usize) -> Result<Self, String> {
        let row_bytes = kind.row_bytes(bytes.len(), rows, columns)?;
        let row = |index: usize| &bytes[index * row_bytes..][..row_bytes];
        let values = |index: usize| {
            let mut values = vec![0.0; columns];
            dequantize(kind, row(index), &mut values);
            values
        };
        let part = match kind {
            Kind::F32 => Part::Floats(Panels::pack(rows, columns, |index| Cow::Borrowed(row(index)))),
            Kind::F16 | Kind::Bf16 => {
                Part::Floats(Panels::pack(rows, columns, |index| Cow::Owned(bytes_of(&values(index)))))
            }
            Kind::Q8_0 => Part::Q8(Panels::pack(rows, columns, |index| Cow::Borrowed(row(index)))),
            Kind::Q4_0 | Kind::Q4_1 | Kind::Q5_0 | Kind::Q5_1 | Kind::Q5K => {
                Part::Q8(Panels::pack(rows, columns, |index| Cow::Owned(requantise(&values(index)))))
            }
            Kind::Q4K => Part::Q4K(Panels::pack(rows, columns, |index| Cow::Borrowed(row(index)))),
            Kind::Q6K => Part::Q6K(Panels::pack(rows, columns, |index| Cow::Borrowed(row(index)))),
        };
        Ok(Self { parts: vec![part] })
    }

    /// Packs `values`, `[rows, columns]`.
    pub(crate) fn from_f32(values: &[f32], rows: usize, columns: usize) -> Self {
        assert!(rows > 0 && columns > 0 && values.len() == rows * columns);
        let row = |index: usize| Cow::Owned(bytes_of(&values[index * columns..][..columns]));
        Self { parts: vec![Part::Floats(Panels::pack(rows, columns, row))] }
    }

    /// Puts matrices with the same number of columns below each other.
    pub(crate) fn stack(parts: Vec<Self>) -> Self {
        let parts: Vec<Part> = parts.into_iter().flat_map(|matrix| matrix.parts).collect();
        assert!(parts.windows(2).all(|two| two[0].columns() == two[1].columns()) && !parts.is_empty());
        Self { parts }
    }

    /// Numbers that come out.
    pub(crate) fn rows(&self) -> usize {
        self.parts.iter().map(Part::rows).sum()
    }

    /// Numbers that go in.
    pub(crate) fn columns(&self) -> usize {
        self.parts[0].columns()
    }

    /// Memory that the weights take.
    pub(crate) fn bytes(&self) -> usize {
        self.parts.iter().map(Part::bytes).sum()
    }

    /// What it is computed with, part by part.
    #[cfg(test)]
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        self.parts.iter().map(Part::kind).collect()
    }

    /// Writes the `columns` values of one row, as the format defines them.
    pub(crate) fn row(&self, mut index: usize, out: &mut [f32]) {
        for part in &self.parts {
            if index < part.rows() {
                return part.row(index, out);
            }
            index -= part.rows();
        }
        panic!("no row {index} after the last");
    }

    /// `out [n, rows] = x [n, columns] · selfᵀ`.
    pub(crate) fn product(&self, team: &Team, x: &[f32], out: &mut [f32]) {
        self.product_with(Instructions::detect(), team, x, out);
    }

    pub(super) fn product_with(&self, instructions: Instructions, team: &Team, x: &[f32], out: &mut [f32]) {
        let n = x.len() / self.columns();
        assert_eq!((x.len(), out.len()), (n * self.columns(), n * self.rows()));
        if n == 0 {
            return;
        }
        let has = |kinds: &[Kind]| self.parts.iter().any(|part| kinds.contains(&part.kind()));
        let wide = if has(&[Kind::Q4K, Kind::Q6K]) { quantised(team, instructions, x) } else { Vec::new() };
        let narrow = if has(&[Kind::Q8_0]) { quantised(team, instructions, x) } else { Vec::new() };
        team.each(self.shares(team, out), |(part, panel, mut strip)| match part {
            Part::Floats(panels) => panels.multiply(instructions, x, panel, &mut strip),
            Part::Q8(panels) => panels.multiply(instructions, &narrow, panel, &mut strip),
            Part::Q4K(panels) => panels.multiply(instructions, &wide, panel, &mut strip),
            Part::Q6K(panels) => panels.multiply(instructions, &wide, panel, &mut strip),
        });
    }

    /// Shares of the output, each with the part it comes from and the panel it begins with: some for each thread, so
    /// that one that is held up leaves its own to the others.
    fn shares<'a>(&'a self, team: &Team, out: &'a mut [f32]) -> Vec<(&'a Part, usize, Strip<'a>)> {
        let count = if team.threads() == 1 { 1 } else { team.threads() * 8 };
        let columns = self.rows().div_ceil(LANES).div_ceil(count) * LANES;
        let mut shares = Vec::with_capacity(count + self.parts.len());
        let mut rest = Strip::whole(out, self.rows());
        for part in &self.parts {
            for first in (0..part.rows()).step_by(columns) {
                let (strip, others) = rest.split(columns.min(part.rows() - first));
                shares.push((part, first / LANES, strip));
                rest = others;
            }
        }
        shares
    }
}

impl Part {
    fn kind(&self) -> Kind {
        match self {
            Self::Floats(_) => Kind::F32,
            Self::Q8(_) => Kind::Q8_0,
            Self::Q4K(_) => Kind::Q4K,
            Self::Q6K(_) => Kind::Q6K,
        }
    }

    fn rows(&self) -> usize {
        match self {
            Self::Floats(panels) => panels.rows(),
            Self::Q8(panels) => panels.rows(),
            Self::Q4K(panels) => panels.rows(),
            Self::Q6K(panels) => panels.rows(),
        }
    }

    fn columns(&self) -> usize {
        match self {
            Self::Floats(panels) => panels.columns(),
            Self::Q8(panels) => panels.columns(),
            Self::Q4K(panels) => panels.columns(),
            Self::Q6K(panels) => panels.columns(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Floats(panels) => panels.bytes(),
            Self::Q8(panels) => panels.bytes(),
            Self::Q4K(panels) => panels.bytes(),
            Self::Q6K(panels) => panels.bytes(),
        }
    }

    fn row(&self, index: usize, out: &mut [f32]) {
        match self {
            Self::Floats(panels) => panels.row(index, out),
            Self::Q8(panels) => panels.row(index, out),
            Self::Q4K(panels) => panels.row(index, out),
            Self::Q6K(panels) => panels.row(index, out),
        }
    }
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
