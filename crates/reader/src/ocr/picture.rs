//! Pictures of three bytes a pixel: turning them and cutting slanted pieces out of them. Knows no text.

use super::rectangle::Slanted;
use super::resize::resize;
use rten_tensor::NdTensor;

/// A picture, red, green and blue, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<u8>,
}

impl Picture {
    /// Returns the picture turned clockwise.
    pub(super) fn turned(&self, quarter_turns: u8) -> Self {
        let (width, height) = (self.width, self.height);
        let swap = quarter_turns % 2 == 1;
        let (new_width, new_height) = if swap { (height, width) } else { (width, height) };
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for y in 0..new_height {
            for x in 0..new_width {
                let (x, y) = match quarter_turns % 4 {
                    1 => (y, height - 1 - x),
                    2 => (width - 1 - x, height - 1 - y),
                    3 => (width - 1 - y, x),
                    _ => (x, y),
                };
                let at = (y * width + x) * 3;
                pixels.extend_from_slice(&self.pixels[at..at + 3]);
            }
        }
        Self { width: new_width, height: new_height, pixels }
    }

    /// Cuts a slanted rectangle out, turned level. What lies beyond the picture is as its edge.
    pub(super) fn cut(&self, piece: &Slanted, width: usize, height: usize) -> Self {
        let (sine, cosine) = piece.angle.sin_cos();
        // At the picture's own resolution first: a sample from each pixel of a large piece would lose strokes.
        let bound = |length: f32, most: usize| (length.ceil().max(1.0) as usize).min(2 * most.max(1));
        let across = bound(piece.width, self.width.max(self.height));
        let down = bound(piece.height, self.width.max(self.height));
        let mut pixels = Vec::with_capacity(across * down * 3);
        for row in 0..down {
            let v = ((row as f32 + 0.5) / down as f32 - 0.5) * piece.height;
            for column in 0..across {
                let u = ((column as f32 + 0.5) / across as f32 - 0.5) * piece.width;
                let (x, y) = (piece.x + u * cosine - v * sine, piece.y + u * sine + v * cosine);
                pixels.extend(self.sample(x - 0.5, y - 0.5));
            }
        }
        resize(&Self { width: across, height: down, pixels }, width, height)
    }

    /// Returns the colour at a place between pixel centres.
    fn sample(&self, x: f32, y: f32) -> [u8; 3] {
        let (x, y) = (x.clamp(0.0, (self.width - 1) as f32), y.clamp(0.0, (self.height - 1) as f32));
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (fx, fy) = (x - left as f32, y - top as f32);
        let at =
            |x: usize, y: usize, channel: usize| f32::from(self.pixels[(y * self.width + x) * 3 + channel]);
        std::array::from_fn(|channel| {
            let upper = at(left, top, channel) * (1.0 - fx) + at(right, top, channel) * fx;
            let lower = at(left, bottom, channel) * (1.0 - fx) + at(right, bottom, channel) * fx;
            (upper * (1.0 - fy) + lower * fy).round() as u8
        })
    }

    /// Writes the picture into the left of an item of a batch `[num_pictures, 3, height, width] f32`, blue first, from
    /// -1 to 1, as the models were trained.
    pub(super) fn fill(&self, batch: &mut NdTensor<f32, 4>, item: usize) {
        for channel in 0..3 {
            let mut plane = batch.slice_mut([item, channel]);
            for (y, row) in self.pixels.chunks_exact(self.width * 3).enumerate() {
                for (x, pixel) in row.chunks_exact(3).enumerate() {
                    plane[[y, x]] = f32::from(pixel[2 - channel]) / 127.5 - 1.0;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each pixel says where it is.
    fn numbered(width: usize, height: usize) -> Picture {
        let pixels = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| [(10 * x) as u8, (10 * y) as u8, 0]))
            .collect();
        Picture { width, height, pixels }
    }

    #[test]
    fn a_quarter_turn_brings_the_lower_left_corner_to_the_upper_left() {
        let turned = numbered(3, 2).turned(1);

        assert_eq!((turned.width, turned.height), (2, 3));
        assert_eq!(turned.pixels[..3], [0, 10, 0]);
        assert_eq!(turned.pixels[3..6], [0, 0, 0]);
    }

    #[test]
    fn turns_add_up() {
        let picture = numbered(4, 3);

        assert_eq!(picture.turned(1).turned(1), picture.turned(2));
        assert_eq!(picture.turned(1).turned(3), picture);
        assert_eq!(picture.turned(0), picture);
    }

    #[test]
    fn a_level_piece_is_cut_without_blur() {
        let piece = Slanted { x: 2.0, y: 1.5, width: 2.0, height: 1.0, angle: 0.0 };

        assert_eq!(numbered(4, 3).cut(&piece, 2, 1).pixels, [10, 10, 0, 20, 10, 0]);
    }

    #[test]
    fn a_piece_turned_by_a_quarter_reads_downwards() {
        let angle = std::f32::consts::FRAC_PI_2;
        let piece = Slanted { x: 1.5, y: 1.5, width: 3.0, height: 1.0, angle };

        assert_eq!(numbered(4, 3).cut(&piece, 3, 1).pixels, [10, 0, 0, 10, 10, 0, 10, 20, 0]);
    }

    #[test]
    fn a_piece_beyond_the_picture_is_as_its_edge() {
        let piece = Slanted { x: -50.0, y: 1.5, width: 4.0, height: 3.0, angle: 0.3 };

        let cut = numbered(4, 3).cut(&piece, 8, 4);

        assert_eq!(cut.pixels.len(), 8 * 4 * 3);
        assert!(cut.pixels.chunks(3).all(|pixel| pixel[0] == 0));
    }
}
