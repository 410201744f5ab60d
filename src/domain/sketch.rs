//! MinHash of a text: how much two texts have in common without comparing them. One permutation with 128 buckets (Li,
//! Owen and Zhang 2012, arXiv 1208.1259) over runs of nine characters; bands of eight buckets find candidates (Leskovec
//! et al., Mining of Massive Datasets, section 3.4). Knows no document.

use sha2::Digest;
use sha2::Sha256;

/// Values of a signature.
const BUCKETS: usize = 128;
/// Values of a band: two texts with 80 % in common share one of the 16 bands with a probability of 95 %, texts with 50 %
/// in common with 6 %.
const ROWS: usize = 8;
/// Characters of a run, white space and case aside.
const RUN: usize = 9;
/// A bucket that no run fell into.
const EMPTY: u32 = u32::MAX;
/// Multiplier of the rolling hash; odd, without small factors.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// What is left of a text for comparing it with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    values: [u32; BUCKETS],
}

impl Sketch {
    /// Sketches a text in one pass.
    pub fn of(text: &str) -> Self {
        let mut values = [EMPTY; BUCKETS];
        let mut run = [0_u64; RUN];
        let leaving = (0..RUN).fold(1_u64, |power, _| power.wrapping_mul(BASE));
        let (mut hash, mut seen) = (0_u64, 0_usize);
        for character in text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase) {
            let entering = u64::from(u32::from(character));
            let left = std::mem::replace(&mut run[seen % RUN], entering);
            hash = hash.wrapping_mul(BASE).wrapping_add(entering).wrapping_sub(left.wrapping_mul(leaving));
            seen += 1;
            if seen >= RUN {
                let mixed = mix(hash);
                let bucket = &mut values[(mixed >> 57) as usize];
                *bucket = (*bucket).min((mixed as u32).min(EMPTY - 1));
            }
        }
        Self { values }
    }

    /// Estimates the share of common runs in all runs of both texts, 0 to 1.
    pub fn similarity(&self, other: &Self) -> f64 {
        let pairs = self.values.iter().zip(&other.values);
        let filled = pairs.clone().filter(|(one, two)| **one != EMPTY || **two != EMPTY).count();
        let equal = pairs.filter(|(one, two)| one == two && **one != EMPTY).count();
        if filled == 0 { 0.0 } else { equal as f64 / filled as f64 }
    }

    /// What texts with much in common are likely to share; different for each position.
    pub fn bands(&self) -> Vec<i64> {
        let filled = |rows: &&[u32]| rows.iter().any(|value| *value != EMPTY);
        let bands = self.values.chunks(ROWS).enumerate().filter(|(_, rows)| filled(rows));
        bands.map(|(position, rows)| band(position, rows)).collect()
    }

    /// The values as bytes, little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// Takes back what [`Sketch::to_bytes`] gave; none if it cannot be that.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (chunks, rest) = bytes.as_chunks::<4>();
        let values: Vec<u32> = chunks.iter().map(|chunk| u32::from_le_bytes(*chunk)).collect();
        rest.is_empty().then_some(())?;
        Some(Self { values: values.try_into().ok()? })
    }
}

fn band(position: usize, rows: &[u32]) -> i64 {
    let mut hash = Sha256::new();
    hash.update([position as u8]);
    for value in rows {
        hash.update(value.to_le_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    i64::from_le_bytes(std::array::from_fn(|at| digest[at]))
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood 2014).
const fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Jaccard's index of the runs themselves.
    fn exactly(left: &str, right: &str) -> f64 {
        let runs = |text: &str| -> BTreeSet<String> {
            let solid: Vec<char> =
                text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
            solid.windows(RUN).map(|run| run.iter().collect()).collect()
        };
        let (left, right) = (runs(left), runs(right));
        left.intersection(&right).count() as f64 / left.union(&right).count().max(1) as f64
    }

    fn contract(clauses: std::ops::Range<usize>) -> String {
        let clause =
            |n| format!("第{n}条 租赁期限为{}个月。Clause {n}: the tenant pays {} euros.", n * 7, n * 131);
        clauses.map(clause).collect::<Vec<String>>().join("\n")
    }

    #[test]
    fn the_estimate_is_close_to_the_share_of_common_runs() {
        let whole = contract(0..400);
        for kept in [400, 380, 300, 200, 40] {
            let other = contract(0..kept);

            let estimate = Sketch::of(&whole).similarity(&Sketch::of(&other));

            let exact = exactly(&whole, &other);
            assert!((estimate - exact).abs() < 0.15, "{kept}: {estimate} for {exact}");
        }
    }

    #[test]
    fn white_space_case_and_punctuation_make_no_difference() {
        let (one, two) =
            (contract(0..50), contract(0..50).to_uppercase().replace(' ', "\n  ").replace('。', "."));

        assert_eq!(Sketch::of(&one), Sketch::of(&two));
    }

    #[test]
    fn texts_nearly_the_same_share_a_band_and_others_do_not() {
        let bands = |text: &str| -> BTreeSet<i64> { Sketch::of(text).bands().into_iter().collect() };
        let (old, new, other) = (contract(0..400), contract(0..395), contract(9_000..9_400));

        assert!(!bands(&old).is_disjoint(&bands(&new)));
        assert!(bands(&old).is_disjoint(&bands(&other)), "{}", exactly(&old, &other));
    }

    #[test]
    fn a_sketch_survives_its_bytes_and_no_text_is_like_nothing() {
        let sketch = Sketch::of(&contract(0..5));

        assert_eq!(Sketch::from_bytes(&sketch.to_bytes()), Some(sketch));
        assert_eq!(Sketch::from_bytes(b"short"), None);
        assert_eq!(Sketch::from_bytes(&[0; 516]), None);
        let (nothing, short) = (Sketch::of(""), Sketch::of("租约"));
        assert!(nothing.similarity(&short).abs() < f64::EPSILON && nothing.bands().is_empty());
    }
}
