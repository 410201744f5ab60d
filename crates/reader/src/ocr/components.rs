//! Patches of a probability map that lie above a threshold: the kernels of lines. Knows no rectangles and no pictures.

/// A place belongs to a kernel above this, as published with the detection model.
const THRESHOLD: f32 = 0.3;
/// Smaller patches are specks.
const MIN_PLACES: usize = 8;

/// A patch of places that touch each other, sides or corners.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kernel {
    /// First and last place of it in each row, `(y, first x, last x)`, downwards.
    pub(super) rows: Vec<(usize, usize, usize)>,
    /// Mean probability.
    pub(super) score: f32,
}

/// What is known of a patch while the map is read again.
#[derive(Default)]
struct Growing {
    rows: Vec<(usize, usize, usize)>,
    sum: f32,
    places: usize,
}

/// Finds all kernels of a map of so many columns; those that begin further up come first.
///
/// Takes time and memory in proportion to the map.
pub(super) fn kernels(map: &[f32], width: usize) -> Vec<Kernel> {
    let (labels, count) = label(map, width);
    let mut growing: Vec<Growing> = (0..count).map(|_| Growing::default()).collect();
    for (at, &label) in labels.iter().enumerate().filter(|(_, label)| **label > 0) {
        let (x, y) = (at % width, at / width);
        let kernel = &mut growing[label as usize - 1];
        kernel.sum += map[at];
        kernel.places += 1;
        match kernel.rows.last_mut() {
            Some((row, _, last)) if *row == y => *last = x,
            _ => kernel.rows.push((y, x, x)),
        }
    }
    let finish = |Growing { rows, sum, places }| {
        (places >= MIN_PLACES).then_some(Kernel { rows, score: sum / places as f32 })
    };
    growing.into_iter().filter_map(finish).collect()
}

/// Numbers the patches from 1, and says how many there are; 0 is the ground.
fn label(map: &[f32], width: usize) -> (Vec<u32>, usize) {
    let mut labels = vec![0_u32; map.len()];
    let (mut count, mut open) = (0, Vec::new());
    for start in 0..map.len() {
        if labels[start] != 0 || !is_text(map[start]) {
            continue;
        }
        count += 1;
        labels[start] = count;
        open.push(start);
        while let Some(at) = open.pop() {
            for next in neighbours(at, width, map.len()) {
                if labels[next] == 0 && is_text(map[next]) {
                    labels[next] = count;
                    open.push(next);
                }
            }
        }
    }
    (labels, count as usize)
}

/// Says whether text is likely at a place; of what is no number it is not.
fn is_text(probability: f32) -> bool {
    probability > THRESHOLD
}

fn neighbours(at: usize, width: usize, length: usize) -> impl Iterator<Item = usize> {
    let column = at % width;
    let columns = column.saturating_sub(1)..=(column + 1).min(width - 1);
    let row = at - column;
    let above = row.checked_sub(width);
    let below = (row + width < length).then_some(row + width);
    [above, Some(row), below]
        .into_iter()
        .flatten()
        .flat_map(move |row| columns.clone().map(move |column| row + column))
        .filter(move |&next| next != at && next < length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Draws a map from text: `#` is certain, `+` likely, anything else ground.
    fn map(rows: &[&str]) -> (Vec<f32>, usize) {
        let probability = |place: char| match place {
            '#' => 1.0,
            '+' => 0.5,
            _ => 0.1,
        };
        (rows.iter().flat_map(|row| row.chars().map(probability)).collect(), rows[0].len())
    }

    #[test]
    fn two_lines_are_two_kernels() {
        let (map, width) = map(&["........", ".######.", ".######.", "........", "..++++++", "..++++++"]);

        let found = kernels(&map, width);

        assert_eq!(found.len(), 2);
        assert_eq!(found[0].rows, [(1, 1, 6), (2, 1, 6)]);
        assert!((found[0].score - 1.0).abs() < 1e-6);
        assert_eq!(found[1].rows, [(4, 2, 7), (5, 2, 7)]);
        assert!((found[1].score - 0.5).abs() < 1e-6);
    }

    #[test]
    fn specks_are_passed_over() {
        let (map, width) = map(&["#...", ".#..", "....", "...#"]);

        assert_eq!(kernels(&map, width), []);
    }

    #[test]
    fn a_row_does_not_touch_the_far_end_of_the_next() {
        let (map, width) = map(&["......####", "......####", "####......", "####......"]);

        assert_eq!(kernels(&map, width).len(), 2);
    }

    #[test]
    fn what_is_no_number_is_ground() {
        assert_eq!(kernels(&[f32::NAN; 64], 8), []);
        assert_eq!(kernels(&[], 8), []);
    }

    proptest! {
        #[test]
        fn kernels_hold_every_likely_place_of_a_noisy_map(map in prop::collection::vec(0.0_f32..1.0, 120)) {
            let found = kernels(&map, 12);

            let inside: usize = found.iter().flat_map(|kernel| &kernel.rows).map(|(_, a, b)| b - a + 1).sum();
            let likely = map.iter().filter(|&&place| place > THRESHOLD).count();
            prop_assert!(inside + 30 * MIN_PLACES >= likely);
            for kernel in &found {
                prop_assert!(kernel.score > THRESHOLD && kernel.score <= 1.0);
                prop_assert!(kernel.rows.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0));
            }
        }
    }
}
