//! Arithmetic on a CPU: plain Rust on arrays of 16 numbers, compiled once for each instruction set, the widest that
//! this processor has chosen when it runs. The one `unsafe` here is that choice; inside the kernels every index is
//! checked or cannot be wrong.
//!
//! Every number that comes out is one chain of operations whose order depends on the sizes of the model and of its own
//! text alone, never on what is computed beside it: the same text has the same bits in every batch, on any number of
//! threads, and on all processors that add a product in one rounding. Knows no model and no thread.
#![expect(clippy::inline_always, reason = "what is not inlined is compiled for the least instructions")]

mod exp;
mod product;
mod total;

pub(crate) use self::exp::exp;
pub(crate) use self::product::sum_products;
pub(crate) use self::total::total;

/// Numbers that are computed side by side.
pub(crate) const LANES: usize = 16;

/// As many numbers as lie in a line of the cache, which are two registers of AVX2.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
pub(crate) struct Lanes(pub [f32; LANES]);

impl Lanes {
    pub(crate) const ZERO: Self = Self([0.0; LANES]);
}

/// How a product is added to a sum.
pub(crate) trait Arithmetic {
    /// `a · b + c`.
    fn mul_add(a: f32, b: f32, c: f32) -> f32;
}

/// In one rounding.
pub(crate) struct Fused;
/// In two roundings, for processors without an instruction for one.
struct Separate;

impl Arithmetic for Fused {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

impl Arithmetic for Separate {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
}

/// Work that is compiled for each instruction set. `run` and all it calls must be inlined, or they are compiled for the
/// least of them: hence loops over lanes and `inline(always)`, and no closure handed to a function of the library.
///
/// `TILE` rows of a product are summed at once, and `SLICE` numbers of a head: as many as the registers hold.
pub(crate) trait Kernel {
    fn run<A: Arithmetic, const TILE: usize, const SLICE: usize>(self);
}

/// Which instructions this processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instructions {
    /// Those that every processor of this architecture has.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Instructions {
    /// All that this processor has, the widest last.
    pub(crate) fn available() -> Vec<Self> {
        let mut available = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            available.push(Self::Avx2);
        }
        available
    }

    /// The widest that this processor has.
    pub(crate) fn detect() -> Self {
        Self::available().pop().unwrap_or(Self::Portable)
    }

    /// What a fingerprint calls them.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
        }
    }

    /// Computes with these instructions, or with those that every processor has where it lacks them.
    pub(crate) fn run(self, kernel: impl Kernel) {
        match self {
            Self::Portable => portable(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") => {
                // SAFETY: the guard of this arm saw both features.
                unsafe { avx2(kernel) }
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => portable(kernel),
        }
    }
}

/// Every 64-bit ARM adds products in one rounding.
#[cfg(target_arch = "aarch64")]
fn portable(kernel: impl Kernel) {
    kernel.run::<Fused, 4, 4>();
}

#[cfg(not(target_arch = "aarch64"))]
fn portable(kernel: impl Kernel) {
    kernel.run::<Separate, 2, 2>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
// with 512-bit registers the compiler takes these loops apart (Rust 1.96), so that processors with AVX-512 run this, too
fn avx2(kernel: impl Kernel) {
    kernel.run::<Fused, 6, 4>();
}
