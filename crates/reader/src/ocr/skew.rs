//! How far the lines of a picture lean. Knows no text.

use super::rectangle::Slanted;
use std::f32::consts::FRAC_PI_2;

/// Only lines so many times longer than high say anything.
const MIN_ELONGATION: f32 = 5.0;
/// Less than this, in radians, is as good as level: cutting level lines does not blur them.
const LEVEL: f32 = 0.003;

/// Returns the slant of most lines by length: their weighted median, in radians clockwise; 0 where none says anything.
pub(super) fn skew<'l>(lines: impl Iterator<Item = &'l Slanted>) -> f32 {
    let mut slants: Vec<(f32, f32)> = lines
        .filter(|line| line.elongation() >= MIN_ELONGATION)
        // The angle of an upright line is that of its short side, which is the page's too.
        .map(|line| (line.angle, line.width.max(line.height)))
        .filter(|(angle, _)| angle.abs() < FRAC_PI_2)
        .collect();
    slants.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f32 = slants.iter().map(|(_, weight)| weight).sum();
    let mut passed = 0.0;
    let median = slants.iter().find(|(_, weight)| {
        passed += weight;
        passed * 2.0 >= total
    });
    median.map_or(0.0, |&(angle, _)| if angle.abs() < LEVEL { 0.0 } else { angle })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(width: f32, height: f32, degrees: f32) -> Slanted {
        Slanted { x: 0.0, y: 0.0, width, height, angle: degrees.to_radians() }
    }

    #[test]
    fn most_of_the_length_decides() {
        let lines =
            [line(600.0, 20.0, 2.0), line(500.0, 20.0, 2.1), line(120.0, 20.0, 30.0), line(30.0, 20.0, 44.0)];

        assert!((skew(lines.iter()).to_degrees() - 2.0).abs() < 0.2);
    }

    #[test]
    fn nothing_to_go_by_is_level() {
        assert!(skew([].iter()).abs() < f32::EPSILON);
        assert!(skew([line(30.0, 20.0, 12.0)].iter()).abs() < f32::EPSILON);
        assert!(skew([line(600.0, 20.0, 0.1)].iter()).abs() < f32::EPSILON);
    }

    proptest! {
        #[test]
        fn lines_that_scatter_around_a_slant_give_it(degrees in -6.0_f32..6.0, scatter in prop::collection::vec(-0.4_f32..0.4, 9..40)) {
            let lines: Vec<Slanted> = scatter.iter().map(|off| line(400.0, 18.0, degrees + off)).collect();

            prop_assert!((skew(lines.iter()).to_degrees() - degrees).abs() <= 0.41);
        }
    }
}
