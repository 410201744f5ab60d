//! The formats of weights that matrices are made from. Knows only their sizes.

/// A format of GGML, as in the reference's `ggml-common.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

impl Kind {
    /// Weights of one row that lie in one block.
    pub(crate) fn block(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => 32,
            Self::Q4K | Self::Q5K | Self::Q6K => 256,
        }
    }

    /// Bytes of one block.
    pub(crate) fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::Q4K => 144,
            Self::Q5K => 176,
            Self::Q6K => 210,
        }
    }

    /// What a matrix of this format is computed with: the formats that have no product of their own become `Q8_0` or
    /// `F32` when they are packed, which loses nothing that matters (8 bits for 4 or 5) and takes more memory.
    pub(crate) fn packed(self) -> Self {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => Self::F32,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 | Self::Q5K => Self::Q8_0,
            Self::Q4K => Self::Q4K,
            Self::Q6K => Self::Q6K,
        }
    }

    /// Checks that `bytes` are a matrix `[rows, columns]` of this format, and says how many bytes a row has.
    pub(super) fn row_bytes(self, bytes: usize, rows: usize, columns: usize) -> Result<usize, String> {
        if rows == 0 || columns == 0 || !columns.is_multiple_of(self.block()) {
            return Err(format!("a matrix [{rows}, {columns}] cannot be {self:?}"));
        }
        let row = (columns / self.block()).checked_mul(self.block_bytes());
        match row.and_then(|row| row.checked_mul(rows)) {
            Some(expected) if expected == bytes => Ok(bytes / rows),
            Some(expected) => {
                Err(format!("{bytes} bytes for {self:?} [{rows}, {columns}], expected {expected}"))
            }
            None => Err(format!("a matrix [{rows}, {columns}] is too large")),
        }
    }
}
