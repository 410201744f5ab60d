//! Products as `benches/kernels.rs` measures them. Knows no clock.

use super::Kind;
use super::Matrix;
use super::Team;

/// A matrix and the threads that multiply with it.
#[derive(Debug)]
pub struct Bench {
    matrix: Matrix,
    team: Team,
}

impl Bench {
    /// Packs the bytes of a tensor in the format that GGML calls `kind`: `Q4_K`, `Q6_K`, `Q8_0` or `F32`.
    ///
    /// # Errors
    /// Says what is wrong with the name or the sizes.
    pub fn new(
        kind: &str,
        bytes: &[u8],
        [rows, columns]: [usize; 2],
        threads: usize,
    ) -> Result<Self, String> {
        let kind = match kind {
            "Q4_K" => Kind::Q4K,
            "Q6_K" => Kind::Q6K,
            "Q8_0" => Kind::Q8_0,
            "F32" => Kind::F32,
            other => return Err(format!("no format `{other}`")),
        };
        Ok(Self { matrix: Matrix::from_ggml(kind, bytes, rows, columns)?, team: Team::new(threads) })
    }

    /// Bytes that are read for one product.
    pub fn bytes(&self) -> usize {
        self.matrix.bytes()
    }

    /// `out [n, rows] = x [n, columns] · weightsᵀ`.
    pub fn product(&self, x: &[f32], out: &mut [f32]) {
        self.matrix.product(&self.team, x, out);
    }
}
