//! Pictures at another size, by a triangle filter that widens where a picture shrinks, so that thin strokes stay.
//! Knows no text.

use super::Picture;

/// From which pixels of a row or column one new pixel comes.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// Returns the picture at another size, of at least one pixel.
pub(super) fn resize(picture: &Picture, width: usize, height: usize) -> Picture {
    let (width, height) = (width.max(1), height.max(1));
    if (picture.width, picture.height) == (width, height) {
        return picture.clone();
    }
    upright(&level(picture, width), height)
}

/// Changes the width.
fn level(picture: &Picture, width: usize) -> Picture {
    let taps = taps(picture.width, width);
    let mut pixels = Vec::with_capacity(width * picture.height * 3);
    for row in picture.pixels.chunks_exact(picture.width * 3) {
        for Taps { first, weights } in &taps {
            let mut sums = [0.5_f32; 3];
            for (pixel, weight) in row[first * 3..].chunks_exact(3).zip(weights) {
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    *sum += f32::from(value) * weight;
                }
            }
            pixels.extend(sums.map(|sum| sum as u8));
        }
    }
    Picture { width, height: picture.height, pixels }
}

/// Changes the height.
fn upright(picture: &Picture, height: usize) -> Picture {
    let stride = picture.width * 3;
    let mut pixels = Vec::with_capacity(stride * height);
    let mut sums = vec![0.0_f32; stride];
    for Taps { first, weights } in taps(picture.height, height) {
        sums.fill(0.5);
        for (row, weight) in picture.pixels[first * stride..].chunks_exact(stride).zip(weights) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += f32::from(value) * weight;
            }
        }
        pixels.extend(sums.iter().map(|&sum| sum as u8));
    }
    Picture { width: picture.width, height, pixels }
}

fn taps(from: usize, to: usize) -> Vec<Taps> {
    let step = from as f32 / to as f32;
    let reach = step.max(1.0);
    let tap = |index: usize| {
        let centre = (index as f32 + 0.5) * step;
        let first = ((centre - reach).floor().max(0.0) as usize).min(from - 1);
        let end = ((centre + reach).ceil() as usize).clamp(first + 1, from);
        let weight = |at: usize| (1.0 - (at as f32 + 0.5 - centre).abs() / reach).max(0.0);
        let mut weights: Vec<f32> = (first..end).map(weight).collect();
        let sum: f32 = weights.iter().sum();
        if sum > 0.0 {
            for weight in &mut weights {
                *weight /= sum;
            }
        }
        Taps { first, weights }
    };
    (0..to).map(tap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_shrunken_picture_is_the_mean_of_what_was_there() {
        let stripes = Picture { width: 8, height: 1, pixels: [0, 0, 0, 255, 255, 255].repeat(4) };

        let grey = resize(&stripes, 2, 1);

        assert!(grey.pixels.iter().all(|&value| (110..=145).contains(&value)), "{:?}", grey.pixels);
    }

    proptest! {
        #[test]
        fn an_even_colour_stays_at_any_size(
            (width, height) in (1_usize..40, 1_usize..40),
            (to_width, to_height) in (0_usize..40, 0_usize..40),
            value: u8,
        ) {
            let even = Picture { width, height, pixels: vec![value; width * height * 3] };

            let resized = resize(&even, to_width, to_height);

            prop_assert_eq!(resized.pixels.len(), to_width.max(1) * to_height.max(1) * 3);
            prop_assert!(resized.pixels.iter().all(|&other| other.abs_diff(value) <= 1));
        }
    }
}
