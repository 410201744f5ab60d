//! Reads blocks of GGML: the layouts of the reference's `ggml-common.h`, the order of weights of its
//! `dequantize_row_*`. Knows no packed matrix.

use super::half::from_bf16;
use super::half::from_f16;
use super::kind::Kind;

/// Columns of a super-block.
pub(super) const SUPER: usize = 256;

/// Writes the values of the blocks of one row, `out.len()` numbers.
pub(super) fn dequantize(kind: Kind, row: &[u8], out: &mut [f32]) {
    let blocks = row.chunks_exact(kind.block_bytes()).zip(out.chunks_exact_mut(kind.block()));
    for (bytes, out) in blocks {
        match kind {
            Kind::F32 => out[0] = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            Kind::F16 => out[0] = f16(bytes, 0),
            Kind::Bf16 => out[0] = from_bf16(u16::from_le_bytes([bytes[0], bytes[1]])),
            Kind::Q8_0 => Eight::read(bytes).values(out),
            Kind::Q4K => Four::read(bytes).values(out),
            Kind::Q5K => five_super(bytes).values(out),
            Kind::Q6K => Six::read(bytes).values(out),
            Kind::Q4_0 => nibbles(out, &bytes[2..], |_, q| (f32::from(q) - 8.0) * f16(bytes, 0)),
            Kind::Q4_1 => nibbles(out, &bytes[4..], |_, q| f32::from(q) * f16(bytes, 0) + f16(bytes, 2)),
            Kind::Q5_0 => nibbles(out, &bytes[6..], |column, q| {
                (f32::from(q | fifth(&bytes[2..], column)) - 16.0) * f16(bytes, 0)
            }),
            Kind::Q5_1 => nibbles(out, &bytes[8..], |column, q| {
                f32::from(q | fifth(&bytes[4..], column)) * f16(bytes, 0) + f16(bytes, 2)
            }),
        }
    }
}

/// A block of `Q8_0`: `value = scale · quant`.
pub(super) struct Eight {
    /// Binary16.
    pub scale: u16,
    pub quants: [i8; 32],
}

impl Eight {
    pub(super) fn read(bytes: &[u8]) -> Self {
        Self {
            scale: u16_at(bytes, 0),
            quants: std::array::from_fn(|column| bytes[2 + column].cast_signed()),
        }
    }

    pub(super) fn values(&self, out: &mut [f32]) {
        for (out, quant) in out.iter_mut().zip(self.quants) {
            *out = f32::from(quant) * from_f16(self.scale);
        }
    }
}

/// A super-block of `Q4_K`, and of `Q5_K`: `value = scale · scales[column / 32] · quant − least · leasts[column / 32]`.
pub(super) struct Four {
    /// Binary16, and so is `least`.
    pub scale: u16,
    pub least: u16,
    /// Of 6 bits, and so are `leasts`.
    pub scales: [u8; 8],
    pub leasts: [u8; 8],
    /// Of 4 bits, or of 5.
    pub quants: [u8; SUPER],
}

impl Four {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let (mut scales, mut leasts) = ([0; 8], [0; 8]);
        let packed = &bytes[4..16];
        for index in 0..4 {
            scales[index] = packed[index] & 63;
            leasts[index] = packed[index + 4] & 63;
            scales[index + 4] = packed[index + 8] & 15 | packed[index] >> 6 << 4;
            leasts[index + 4] = packed[index + 8] >> 4 | packed[index + 4] >> 6 << 4;
        }
        let mut quants = [0; SUPER];
        for (bytes, quants) in bytes[16..144].chunks_exact(32).zip(quants.chunks_exact_mut(64)) {
            let (low, high) = quants.split_at_mut(32);
            for ((byte, low), high) in bytes.iter().zip(low).zip(high) {
                (*low, *high) = (byte & 15, byte >> 4);
            }
        }
        Self { scale: u16_at(bytes, 0), least: u16_at(bytes, 2), scales, leasts, quants }
    }

    pub(super) fn values(&self, out: &mut [f32]) {
        let (scale, least) = (from_f16(self.scale), from_f16(self.least));
        for (part, (out, quants)) in out.chunks_exact_mut(32).zip(self.quants.chunks_exact(32)).enumerate() {
            let (scale, least) = (scale * f32::from(self.scales[part]), least * f32::from(self.leasts[part]));
            for (out, quant) in out.iter_mut().zip(quants) {
                *out = scale * f32::from(*quant) - least;
            }
        }
    }
}

/// `Q5_K` is `Q4_K` with a fifth bit for each weight, 32 bytes of them before the others.
fn five_super(bytes: &[u8]) -> Four {
    let (fifths, rest) = (&bytes[16..48], [&bytes[..16], &bytes[48..]].concat());
    let mut block = Four::read(&rest);
    for (part, quants) in block.quants.chunks_exact_mut(32).enumerate() {
        for (quant, fifth) in quants.iter_mut().zip(fifths) {
            *quant |= (fifth >> part & 1) << 4;
        }
    }
    block
}

/// A super-block of `Q6_K`: `value = scale · scales[column / 16] · (quant − 32)`.
pub(super) struct Six {
    /// Binary16.
    pub scale: u16,
    pub scales: [i8; 16],
    /// Of 6 bits.
    pub quants: [u8; SUPER],
}

impl Six {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut quants = [0; SUPER];
        for (half, quants) in quants.chunks_exact_mut(128).enumerate() {
            let low: &[u8] = &bytes[half * 64..][..64];
            let high: &[u8] = &bytes[128 + half * 32..][..32];
            for index in 0..32 {
                quants[index] = low[index] & 15 | (high[index] & 3) << 4;
                quants[index + 32] = low[index + 32] & 15 | (high[index] >> 2 & 3) << 4;
                quants[index + 64] = low[index] >> 4 | (high[index] >> 4 & 3) << 4;
                quants[index + 96] = low[index + 32] >> 4 | high[index] >> 6 << 4;
            }
        }
        let scales = std::array::from_fn(|part| bytes[192 + part].cast_signed());
        Self { scale: u16_at(bytes, 208), scales, quants }
    }

    pub(super) fn values(&self, out: &mut [f32]) {
        let scale = from_f16(self.scale);
        for (part, (out, quants)) in out.chunks_exact_mut(16).zip(self.quants.chunks_exact(16)).enumerate() {
            let scale = scale * f32::from(self.scales[part]);
            for (out, quant) in out.iter_mut().zip(quants) {
                *out = scale * (f32::from(*quant) - 32.0);
            }
        }
    }
}

/// 32 values of 16 bytes: first the low halves of them all, then the high ones.
fn nibbles(out: &mut [f32], bytes: &[u8], value: impl Fn(usize, u8) -> f32) {
    for (column, out) in out.iter_mut().enumerate() {
        *out = value(column, bytes[column % 16] >> (column / 16 * 4) & 15);
    }
}

/// The fifth bit of a column of `Q5_0` or `Q5_1`, in its place.
fn fifth(bytes: &[u8], column: usize) -> u8 {
    (bytes[column / 8] >> (column % 8) & 1) << 4
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn f16(bytes: &[u8], at: usize) -> f32 {
    from_f16(u16_at(bytes, at))
}
