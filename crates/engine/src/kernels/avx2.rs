//! Steps of AVX2 on references instead of pointers. Knows no format.

use std::arch::x86_64;
use std::arch::x86_64::__m128i;
use std::arch::x86_64::__m256;
use std::arch::x86_64::__m256i;

use super::panels::LANES;
use super::panels::Lanes;

/// Half of the lanes.
const HALF: usize = 8;

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn load(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: the reference covers the 32 bytes that are read, and this load needs no alignment.
    unsafe { x86_64::_mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn load_signed(bytes: &[i8; 32]) -> __m256i {
    // SAFETY: the reference covers the 32 bytes that are read, and this load needs no alignment.
    unsafe { x86_64::_mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn load_half<T>(bytes: &[T; 16]) -> __m128i {
    // SAFETY: the reference covers the 16 bytes that are read, and this load needs no alignment.
    unsafe { x86_64::_mm_loadu_si128(bytes.as_ptr().cast()) }
}

/// Asks for the line of the cache in which this begins.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn prefetch<T>(target: &T) {
    x86_64::_mm_prefetch::<{ x86_64::_MM_HINT_T0 }>(std::ptr::from_ref(target).cast());
}

/// 16 numbers of 8 bits, without a sign, as numbers of 16 bits.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn widen(bytes: &[u8; 16]) -> __m256i {
    x86_64::_mm256_cvtepu8_epi16(load_half(bytes))
}

/// 16 numbers of 8 bits, with a sign, as numbers of 16 bits.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn widen_signed(bytes: &[i8; 16]) -> __m256i {
    x86_64::_mm256_cvtepi8_epi16(load_half(bytes))
}

/// 4 numbers of 8 bits in each lane.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn broadcast(quants: [i8; 4]) -> __m256i {
    x86_64::_mm256_set1_epi32(i32::from_le_bytes(quants.map(i8::cast_unsigned)))
}

/// 2 numbers of 16 bits in each lane.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn broadcast_pair([first, second]: [i16; 2]) -> __m256i {
    let [a, b] = first.to_le_bytes();
    let [c, d] = second.to_le_bytes();
    x86_64::_mm256_set1_epi32(i32::from_le_bytes([a, b, c, d]))
}

/// The first of the two numbers of 16 bits in each lane, twice.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn firsts(pairs: __m256i) -> __m256i {
    let order = x86_64::_mm_setr_epi8(0, 1, 0, 1, 4, 5, 4, 5, 8, 9, 8, 9, 12, 13, 12, 13);
    x86_64::_mm256_shuffle_epi8(pairs, x86_64::_mm256_broadcastsi128_si256(order))
}

/// The second of the two numbers of 16 bits in each lane, twice.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn seconds(pairs: __m256i) -> __m256i {
    let order = x86_64::_mm_setr_epi8(2, 3, 2, 3, 6, 7, 6, 7, 10, 11, 10, 11, 14, 15, 14, 15);
    x86_64::_mm256_shuffle_epi8(pairs, x86_64::_mm256_broadcastsi128_si256(order))
}

/// 8 of 16 numbers of binary16.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn halves(bits: &[u16; LANES], half: usize) -> __m256 {
    let bits = &bits.as_chunks::<HALF>().0[half];
    // SAFETY: the reference covers the 16 bytes that are read, and this load needs no alignment.
    let bits = unsafe { x86_64::_mm_loadu_si128(bits.as_ptr().cast()) };
    x86_64::_mm256_cvtph_ps(bits)
}

/// Adds, in each lane of 16 bits, two products of a number without a sign and one with.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn add_short_products(sums: &mut __m256i, unsigned: __m256i, signed: __m256i) {
    *sums = x86_64::_mm256_add_epi16(*sums, x86_64::_mm256_maddubs_epi16(unsigned, signed));
}

/// Adds, in each lane of 32 bits, two products of numbers of 16 bits.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn add_products(sums: &mut __m256i, a: __m256i, b: __m256i) {
    *sums = x86_64::_mm256_add_epi32(*sums, x86_64::_mm256_madd_epi16(a, b));
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn load_sums(lanes: &Lanes) -> [__m256; 2] {
    let (halves, _) = lanes.0.as_chunks::<HALF>();
    // SAFETY: the reference covers the 32 bytes that are read, and this load needs no alignment.
    let low = unsafe { x86_64::_mm256_loadu_ps(halves[0].as_ptr()) };
    // SAFETY: as above.
    let high = unsafe { x86_64::_mm256_loadu_ps(halves[1].as_ptr()) };
    [low, high]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn store_sums(lanes: &mut Lanes, [low, high]: [__m256; 2]) {
    let (halves, _) = lanes.0.as_chunks_mut::<HALF>();
    // SAFETY: the reference covers the 32 bytes that are written, and this store needs no alignment.
    unsafe { x86_64::_mm256_storeu_ps(halves[0].as_mut_ptr(), low) };
    // SAFETY: as above.
    unsafe { x86_64::_mm256_storeu_ps(halves[1].as_mut_ptr(), high) };
}
