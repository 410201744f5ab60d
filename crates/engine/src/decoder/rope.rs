//! Rotary positions (Su et al. 2021, arXiv 2104.09864) and how they are stretched beyond the length that a model was
//! trained for (YaRN, Peng et al. 2023, arXiv 2309.00071, in the form of Hugging Face's `modeling_rope_utils.py`). Knows
//! no layer.

use std::f64::consts::PI;

use super::Part;

/// Turns of a wave within the original context above which it stays as it is, and below which it is stretched whole.
const FAST_TURNS: f64 = 32.0;
const SLOW_TURNS: f64 = 1.0;

/// How many times the context that a model was trained for its positions are stretched to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RopeProfile {
    /// As it was trained.
    X1,
    X2,
    X4,
}

impl RopeProfile {
    /// All, the shortest first.
    pub(crate) const ALL: [Self; 3] = [Self::X1, Self::X2, Self::X4];

    /// How many times.
    pub(crate) fn factor(self) -> usize {
        match self {
            Self::X1 => 1,
            Self::X2 => 2,
            Self::X4 => 4,
        }
    }
}

/// Frequencies of each profile.
pub(super) struct Rope {
    profiles: [Frequencies; 3],
}

/// How fast each pair of numbers turns, `[head / 2]` radians a token, and what cosine and sine are multiplied by.
struct Frequencies {
    each: Vec<f32>,
    factor: f32,
}

/// Cosines and sines of the tokens of a step, `[tokens, head / 2]` each.
pub(super) struct Angles {
    cos: Vec<f32>,
    sin: Vec<f32>,
    half: usize,
}

impl Rope {
    /// For heads of `head` numbers; `original` is the context in tokens that the stretched profiles multiply.
    pub(super) fn new(head: usize, base: f64, original: usize) -> Self {
        let profiles = RopeProfile::ALL.map(|profile| {
            let (each, factor) = match profile {
                RopeProfile::X1 => (plain(head, base), 1.0),
                RopeProfile::X2 | RopeProfile::X4 => yarn(head, base, profile.factor() as f64, original),
            };
            Frequencies { each, factor }
        });
        Self { profiles }
    }

    /// The angles of all tokens of a step.
    pub(super) fn angles(&self, parts: &[Part<'_>]) -> Angles {
        let half = self.profiles[0].each.len();
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for part in parts {
            let Frequencies { each, factor } = &self.profiles[part.rope as usize];
            for position in part.position..part.position + part.tokens.len() {
                let angle = |frequency: &f32| position as f32 * frequency;
                cos.extend(each.iter().map(|frequency| angle(frequency).cos() * factor));
                sin.extend(each.iter().map(|frequency| angle(frequency).sin() * factor));
            }
        }
        Angles { cos, sin, half }
    }
}

#[cfg(any(test, feature = "cuda"))]
impl Rope {
    /// A profile's table, `[positions, head]`: of each position `head / 2` cosines, then as many sines.
    pub(super) fn table(&self, profile: RopeProfile, positions: usize) -> Vec<f32> {
        let Frequencies { each, factor } = &self.profiles[profile as usize];
        let row = |position: usize| {
            let angles = each.iter().map(move |frequency| position as f32 * frequency);
            angles.clone().map(|angle| angle.cos() * factor).chain(angles.map(|angle| angle.sin() * factor))
        };
        (0..positions).flat_map(row).collect()
    }
}

impl Angles {
    /// Cosines and sines of one token.
    pub(super) fn of(&self, token: usize) -> (&[f32], &[f32]) {
        let range = token * self.half..(token + 1) * self.half;
        (&self.cos[range.clone()], &self.sin[range])
    }

    /// Both tables, `[tokens, head / 2]`.
    pub(super) fn tables(&self) -> (&[f32], &[f32]) {
        (&self.cos, &self.sin)
    }
}

fn plain(head: usize, base: f64) -> Vec<f32> {
    (0..head / 2).map(|index| base.powf(-2.0 * index as f64 / head as f64) as f32).collect()
}

/// Frequencies stretched by `factor`, and the factor of cosine and sine that makes good for flatter attention.
pub(super) fn yarn(head: usize, base: f64, factor: f64, original: usize) -> (Vec<f32>, f32) {
    let (width, length) = (head as f64, original as f64);
    // the pair that turns so often within the original context
    let pair = |turns: f64| width * (length / (turns * 2.0 * PI)).ln() / (2.0 * base.ln());
    let low = pair(FAST_TURNS).floor().max(0.0);
    let high = pair(SLOW_TURNS).ceil().min(width - 1.0);
    let high = if high > low { high } else { low + 0.001 };
    let each = plain(head, base).into_iter().enumerate().map(|(index, frequency)| {
        let stretched = ((index as f64 - low) / (high - low)).clamp(0.0, 1.0) as f32;
        frequency / factor as f32 * stretched + frequency * (1.0 - stretched)
    });
    (each.collect(), (0.1 * factor.ln() + 1.0) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::BlockId;
    use crate::decoder::Wanted;

    #[test]
    fn a_table_has_the_angles_of_its_positions() {
        let rope = Rope::new(8, 10_000.0, 64);
        let (tokens, table) = ([0; 70], [BlockId::at(0), BlockId::at(1)]);
        for profile in RopeProfile::ALL {
            let part =
                Part { tokens: &tokens, position: 0, table: &table, rope: profile, wanted: Wanted::Nothing };
            let angles = rope.angles(&[part]);

            let table = rope.table(profile, 70);

            for (position, row) in table.chunks_exact(8).enumerate() {
                assert_eq!((&row[..4], &row[4..]), angles.of(position));
            }
        }
    }
}
