//! Where lines of text stand in a picture. Knows no characters.

use super::OcrError;
use super::OcrModels;
use super::Picture;
use super::components::Kernel;
use super::components::kernels;
use super::rectangle::Slanted;
use super::rectangle::hull;
use super::resize::resize;
use super::skew::skew;
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

/// The shorter side is at least this long for the model,
const MIN_SIDE: f32 = 736.0;
/// the longer one at most this,
const MAX_SIDE: f32 = 2_000.0;
/// and both are multiples of this.
const MULTIPLE: f32 = 32.0;
/// A kernel with a lower mean probability is none, as published with the model.
const MIN_SCORE: f32 = 0.5;
/// A line is at least this high and wide before it is blown up, in places of the map.
const MIN_KERNEL: f32 = 3.0;
/// A kernel that is shorter says nothing about its own slant.
const MIN_ELONGATION: f32 = 4.0;
/// Slants closer to that of the page than this, in radians, are that of the page.
const SAME_SLANT: f32 = 0.006;
/// Lines on one picture.
const MAX_LINES: usize = 3_000;
/// All lines together cover at most so many times the picture; only frames within frames come near it.
const MAX_COVER: f32 = 6.0;

/// The lines of a picture.
pub(super) struct Detected {
    /// Downwards by where they begin.
    pub(super) lines: Vec<Slanted>,
    /// The slant of most, in radians clockwise.
    pub(super) skew: f32,
}

/// Finds the lines of a picture.
pub(super) fn detect(models: &OcrModels, picture: &Picture) -> Result<Detected, OcrError> {
    let (width, height) = model_size(picture.width, picture.height);
    let mut input = NdTensor::<f32, 4>::zeros([1, 3, height, width]);
    resize(picture, width, height).fill(&mut input, 0);
    let map = models.detect(&input)?;
    drop(input);
    if map.shape() != [1, 1, height, width] {
        let detail = "its map has another size than the picture".to_owned();
        return Err(OcrError::Run { role: "detection", detail });
    }
    let kernels = kernels(&map.to_vec(), width);
    let scale = (picture.width as f32 / width as f32, picture.height as f32 / height as f32);
    Ok(lines(&kernels, scale, (picture.width * picture.height) as f32))
}

/// Returns the size at which a picture is given to the model.
fn model_size(width: usize, height: usize) -> (usize, usize) {
    let (short, long) = (width.min(height) as f32, width.max(height) as f32);
    let scale = (MIN_SIDE / short).max(1.0).min(MAX_SIDE / long);
    let side = |length: usize| ((length as f32 * scale / MULTIPLE).round().max(1.0) * MULTIPLE) as usize;
    (side(width), side(height))
}

/// Turns kernels into lines of the picture, which is larger than the map by `scale`.
fn lines(kernels: &[Kernel], scale: (f32, f32), picture_area: f32) -> Detected {
    let smallest = MIN_KERNEL * scale.0.min(scale.1);
    let outlines: Vec<(Vec<(f32, f32)>, Slanted)> = kernels
        .iter()
        .filter(|kernel| kernel.score >= MIN_SCORE)
        .map(|kernel| outline(kernel, scale))
        .map(|outline| {
            let own = Slanted::smallest(&outline);
            (outline, own)
        })
        .filter(|(_, own)| own.width.min(own.height) >= smallest)
        .take(MAX_LINES)
        .collect();
    let skew = skew(outlines.iter().map(|(_, own)| own));
    let mut cover = 0.0;
    let lines = outlines
        .iter()
        .map(|(outline, own)| {
            let slanted = own.elongation() >= MIN_ELONGATION && (own.angle - skew).abs() > SAME_SLANT;
            if slanted { *own } else { Slanted::around(outline, skew) }
        })
        .map(Slanted::unclipped)
        .take_while(|line| {
            cover += line.width * line.height;
            cover <= MAX_COVER * picture_area
        })
        .collect();
    Detected { lines, skew }
}

/// Returns the convex outline of a kernel, in pixels of the picture.
fn outline(kernel: &Kernel, (across, down): (f32, f32)) -> Vec<(f32, f32)> {
    let corners = |&(y, first, last): &(usize, usize, usize)| {
        let (x0, x1) = (first as f32 * across, (last + 1) as f32 * across);
        let (y0, y1) = (y as f32 * down, (y + 1) as f32 * down);
        [(x0, y0), (x1, y0), (x0, y1), (x1, y1)]
    };
    hull(kernel.rows.iter().flat_map(corners).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel that fills a slanted rectangle.
    fn kernel(piece: &Slanted) -> Kernel {
        let (sine, cosine) = piece.angle.sin_cos();
        let holds = |x: usize, y: usize| {
            let (dx, dy) = (x as f32 + 0.5 - piece.x, y as f32 + 0.5 - piece.y);
            let (u, v) = (dx * cosine + dy * sine, dy * cosine - dx * sine);
            u.abs() <= piece.width / 2.0 && v.abs() <= piece.height / 2.0
        };
        let row = |y: usize| {
            let columns: Vec<usize> = (0..1_000).filter(|&x| holds(x, y)).collect();
            let (first, last) = (columns.first()?, columns.last()?);
            Some((y, *first, *last))
        };
        Kernel { rows: (0..1_000).filter_map(row).collect(), score: 0.9 }
    }

    fn piece(y: f32, width: f32, angle: f32) -> Slanted {
        Slanted { x: 500.0, y, width, height: 12.0, angle }
    }

    #[test]
    fn the_model_gets_sides_that_it_can_divide() {
        assert_eq!(model_size(1_654, 2_339), (1_408, 1_984));
        assert_eq!(model_size(300, 400), (736, 992));
        assert_eq!(model_size(1, 100_000), (32, 2_016));
    }

    #[test]
    fn a_short_line_takes_the_slant_of_the_page() {
        let angle = 3.0_f32.to_radians();
        let kernels: Vec<Kernel> = [(100.0, 600.0), (140.0, 500.0), (180.0, 20.0)]
            .iter()
            .map(|&(y, width)| kernel(&piece(y, width, angle)))
            .collect();

        let found = lines(&kernels, (1.0, 1.0), 1e6);

        assert!((found.skew - angle).abs() < 0.003, "{}", found.skew);
        assert!((found.lines[2].angle - found.skew).abs() < 1e-6);
        assert_eq!(found.lines.len(), 3);
    }

    #[test]
    fn unlikely_and_thin_kernels_are_no_lines() {
        let unlikely = Kernel { score: 0.4, ..kernel(&piece(100.0, 300.0, 0.0)) };
        let thin = kernel(&Slanted { height: 2.0, ..piece(200.0, 300.0, 0.0) });

        assert_eq!(lines(&[unlikely, thin], (1.0, 1.0), 1e6).lines, []);
    }

    #[test]
    fn a_larger_picture_has_its_lines_at_its_own_scale() {
        let found = lines(&[kernel(&piece(100.0, 400.0, 0.0))], (2.0, 3.0), 1e6);

        let line = found.lines[0];
        assert!((line.x - 1_000.0).abs() < 2.0 && (line.y - 300.0).abs() < 3.0, "{line:?}");
        assert!(line.width > 800.0 && line.height > 36.0);
    }

    #[test]
    fn lines_that_cover_the_picture_many_times_are_cut_off() {
        let frame = Kernel { rows: (0..1_000).map(|y| (y, 0, 999)).collect(), score: 0.9 };

        assert!(lines(&vec![frame; 100], (1.0, 1.0), 1e6).lines.len() < 7);
    }
}
