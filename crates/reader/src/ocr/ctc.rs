//! Characters from the steps of a recognition model, by best path decoding (Graves et al. 2006, "Connectionist Temporal
//! Classification", 3.2). Knows no pictures and no alphabet.

/// A class that was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Emission {
    /// Never 0, which is the blank.
    pub(super) class: usize,
    /// The middle of the steps that it was read at; the first step is 0 to 1.
    pub(super) at: f32,
    /// The highest among these steps.
    pub(super) probability: f32,
}

/// Reads the likeliest class at each step; steps that repeat one are one, and blanks part repetitions.
pub(super) fn decode<'s>(steps: impl Iterator<Item = &'s [f32]>) -> Vec<Emission> {
    let mut emissions: Vec<Emission> = Vec::new();
    let (mut last, mut first_step) = (0, 0);
    for (step, probabilities) in steps.enumerate() {
        let (class, probability) = likeliest(probabilities);
        if class == 0 {
            last = 0;
            continue;
        }
        match emissions.last_mut() {
            Some(emission) if class == last => {
                emission.at = (first_step + step + 1) as f32 / 2.0;
                emission.probability = emission.probability.max(probability);
            }
            _ => {
                first_step = step;
                emissions.push(Emission { class, at: step as f32 + 0.5, probability });
            }
        }
        last = class;
    }
    emissions
}

/// Returns the first of the highest; the blank where there is nothing.
fn likeliest(probabilities: &[f32]) -> (usize, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for (class, &probability) in probabilities.iter().enumerate() {
        if probability > best.1 {
            best = (class, probability);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Steps that are certain of a class each.
    fn certain(classes: &[usize]) -> Vec<Vec<f32>> {
        classes
            .iter()
            .map(|&class| (0..5).map(|other| f32::from(u8::from(other == class))).collect())
            .collect()
    }

    fn read(classes: &[usize]) -> Vec<Emission> {
        decode(certain(classes).iter().map(Vec::as_slice))
    }

    #[test]
    fn repeated_steps_are_one_character_and_blanks_part_them() {
        let classes = |steps: &[usize]| read(steps).iter().map(|emission| emission.class).collect::<Vec<_>>();

        assert_eq!(classes(&[0, 1, 1, 0, 1, 2, 2, 2, 0]), [1, 1, 2]);
        assert_eq!(classes(&[3, 4, 3]), [3, 4, 3]);
        assert_eq!(classes(&[0, 0]), [0; 0]);
        assert_eq!(classes(&[]), [0; 0]);
    }

    #[test]
    fn a_character_stands_in_the_middle_of_its_steps() {
        let places: Vec<f32> = read(&[0, 1, 1, 0, 2]).iter().map(|emission| emission.at).collect();

        assert_eq!(places, [2.0, 4.5]);
    }

    #[test]
    fn the_surest_step_counts() {
        let steps = [[0.1_f32, 0.5], [0.1, 0.9], [0.1, 0.3], [f32::NAN, f32::NAN]];

        let emissions = decode(steps.iter().map(<[f32; 2]>::as_slice));

        assert_eq!(emissions, [Emission { class: 1, at: 1.5, probability: 0.9 }]);
    }

    proptest! {
        #[test]
        fn decoding_is_collapsing_and_then_dropping_blanks(classes in prop::collection::vec(0_usize..5, 0..60)) {
            let mut naive = classes.clone();
            naive.dedup();
            naive.retain(|&class| class != 0);

            let emissions = read(&classes);

            prop_assert_eq!(emissions.iter().map(|emission| emission.class).collect::<Vec<_>>(), naive);
            prop_assert!(emissions.windows(2).all(|pair| pair[0].at < pair[1].at));
        }
    }
}
