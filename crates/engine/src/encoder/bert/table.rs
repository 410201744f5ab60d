//! The embeddings of words, left in the file: a text needs a few rows of hundreds of thousands. Knows no layer.

use candle_core::DType;
use candle_core::safetensors::MmapedSafetensors;

use crate::error::EngineError;
use crate::float::from_half;

/// A mapped tensor, `[vocabulary, width]` in f32, f16 or bf16.
pub(super) struct Table {
    file: MmapedSafetensors,
    name: String,
    float: Float,
    width: usize,
}

/// How numbers are written in the file.
#[derive(Debug, Clone, Copy)]
enum Float {
    Single,
    Half,
    Brain,
}

const FLOATS: [(DType, Float); 3] =
    [(DType::F32, Float::Single), (DType::F16, Float::Half), (DType::BF16, Float::Brain)];

impl Table {
    /// # Errors
    /// When the tensor is not there or of another shape or type.
    pub(super) fn new(
        file: MmapedSafetensors,
        name: String,
        vocabulary: usize,
        width: usize,
    ) -> Result<Self, String> {
        let tensor = file.get(&name).map_err(|error| error.to_string())?;
        if tensor.shape() != [vocabulary, width] {
            return Err(format!("`{name}` is {:?}, expected {:?}", tensor.shape(), [vocabulary, width]));
        }
        let dtype = DType::try_from(tensor.dtype()).map_err(|error| error.to_string())?;
        let float = FLOATS.into_iter().find_map(|(of, float)| (of == dtype).then_some(float));
        let float = float.ok_or_else(|| format!("`{name}` is of type {dtype:?}"))?;
        Ok(Self { file, name, float, width })
    }

    /// The rows of `ids` one after the other, `[ids, width]`.
    ///
    /// # Errors
    /// `Internal` for an id that the table has no row for.
    pub(super) fn rows(&self, ids: &[u32], rows: &mut [f32]) -> Result<(), EngineError> {
        let tensor = self.file.get(&self.name)?;
        let bytes = match self.float {
            Float::Single => 4,
            Float::Half | Float::Brain => 2,
        } * self.width;
        for (id, row) in ids.iter().zip(rows.chunks_exact_mut(self.width)) {
            let start = *id as usize * bytes;
            let numbers = tensor.data().get(start..start + bytes);
            let numbers = numbers.ok_or_else(|| EngineError::Internal(format!("no token {id}")))?;
            self.float.read(numbers, row);
        }
        Ok(())
    }
}

impl Float {
    fn read(self, bytes: &[u8], row: &mut [f32]) {
        match self {
            Self::Single => {
                for (number, bytes) in row.iter_mut().zip(bytes.as_chunks().0) {
                    *number = f32::from_le_bytes(*bytes);
                }
            }
            Self::Half => {
                for (number, bytes) in row.iter_mut().zip(bytes.as_chunks().0) {
                    *number = from_half(u16::from_le_bytes(*bytes));
                }
            }
            Self::Brain => {
                for (number, bytes) in row.iter_mut().zip(bytes.as_chunks().0) {
                    *number = f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16);
                }
            }
        }
    }
}
