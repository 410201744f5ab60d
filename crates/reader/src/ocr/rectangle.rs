//! Slanted rectangles: the smallest around a set of points, and the one that a shrunken text kernel stands for.
//! Knows no pictures.

use std::f32::consts::FRAC_PI_2;
use std::f32::consts::FRAC_PI_4;

/// How far a kernel is blown up again to be the line: the published `unclip_ratio` of the detection model.
const UNCLIP_RATIO: f32 = 1.6;

/// A rectangle in pixels, y downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slanted {
    /// The centre.
    pub(crate) x: f32,
    pub(crate) y: f32,
    /// Along `angle`.
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// Radians clockwise from rightwards.
    pub(crate) angle: f32,
}

impl Slanted {
    /// Returns the smallest rectangle of an angle that holds all points.
    pub(super) fn around(points: &[(f32, f32)], angle: f32) -> Self {
        let (sine, cosine) = angle.sin_cos();
        let (mut u0, mut u1) = (f32::INFINITY, f32::NEG_INFINITY);
        let (mut v0, mut v1) = (f32::INFINITY, f32::NEG_INFINITY);
        for &(x, y) in points {
            let (u, v) = (x * cosine + y * sine, y * cosine - x * sine);
            (u0, u1) = (u0.min(u), u1.max(u));
            (v0, v1) = (v0.min(v), v1.max(v));
        }
        let (u, v) = (f32::midpoint(u0, u1), f32::midpoint(v0, v1));
        Self { x: u * cosine - v * sine, y: u * sine + v * cosine, width: u1 - u0, height: v1 - v0, angle }
    }

    /// Returns the rectangle of least area around a convex outline. One of its sides lies along the outline
    /// (Freeman and Shapira 1975). Its angle is within 45 degrees of level.
    pub(super) fn smallest(hull: &[(f32, f32)]) -> Self {
        let mut best = Self::around(hull, 0.0);
        for (index, from) in hull.iter().enumerate() {
            let to = hull[(index + 1) % hull.len()];
            let angle = level((to.1 - from.1).atan2(to.0 - from.0));
            let candidate = Self::around(hull, angle);
            if candidate.width * candidate.height < best.width * best.height * 0.999 {
                best = candidate;
            }
        }
        best
    }

    /// Returns the line that a kernel stands for: the detection model marks lines shrunken, so that neighbours do not
    /// touch (Liao et al. 2020, "Real-time Scene Text Detection with Differentiable Binarization", 3.4).
    #[must_use]
    pub(super) fn unclipped(self) -> Self {
        let distance = self.width * self.height * UNCLIP_RATIO / (2.0 * (self.width + self.height)).max(1.0);
        Self { width: self.width + 2.0 * distance, height: self.height + 2.0 * distance, ..self }
    }

    /// Returns the same rectangle seen from a side further on, by quarter turns clockwise.
    #[must_use]
    pub(super) fn seen_from(self, quarter_turns: u8) -> Self {
        let angle = self.angle + f32::from(quarter_turns) * FRAC_PI_2;
        let swap = quarter_turns % 2 == 1;
        let (width, height) = if swap { (self.height, self.width) } else { (self.width, self.height) };
        Self { width, height, angle, ..self }
    }

    /// Returns how many times longer the long side is than the short one.
    pub(super) fn elongation(&self) -> f32 {
        self.width.max(self.height) / self.width.min(self.height).max(1e-3)
    }
}

/// Folds an angle into the eighth of a circle to both sides of level.
fn level(angle: f32) -> f32 {
    (angle + FRAC_PI_4).rem_euclid(FRAC_PI_2) - FRAC_PI_4
}

/// Returns the corners of the convex outline of points (Andrew 1979).
pub(super) fn hull(mut points: Vec<(f32, f32)>) -> Vec<(f32, f32)> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    points.dedup();
    let turns_left = |a: (f32, f32), b: (f32, f32), c: (f32, f32)| {
        (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0) > 0.0
    };
    let half = |points: &mut dyn Iterator<Item = (f32, f32)>| {
        let mut side: Vec<(f32, f32)> = Vec::new();
        for point in points {
            while let [.., a, b] = side[..] {
                if turns_left(a, b, point) {
                    break;
                }
                side.pop();
            }
            side.push(point);
        }
        side.pop();
        side
    };
    let mut outline = half(&mut points.iter().copied());
    outline.extend(half(&mut points.iter().rev().copied()));
    if outline.is_empty() { points } else { outline }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn corners(piece: &Slanted) -> Vec<(f32, f32)> {
        let (sine, cosine) = piece.angle.sin_cos();
        [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]
            .iter()
            .map(|(u, v)| (u * piece.width, v * piece.height))
            .map(|(u, v)| (piece.x + u * cosine - v * sine, piece.y + u * sine + v * cosine))
            .collect()
    }

    #[test]
    fn a_kernel_grows_by_the_published_ratio() {
        let kernel = Slanted { x: 50.0, y: 20.0, width: 60.0, height: 10.0, angle: 0.1 };

        let line = kernel.unclipped();

        let distance = 600.0 * 1.6 / 140.0;
        assert!((line.width - 60.0 - 2.0 * distance).abs() < 1e-3);
        assert!((line.height - 10.0 - 2.0 * distance).abs() < 1e-3);
        assert!((line.x - 50.0).abs() < 1e-6 && (line.angle - 0.1).abs() < 1e-6);
    }

    #[test]
    fn degenerate_outlines_have_a_rectangle_too() {
        for points in [vec![(3.0, 4.0)], vec![(3.0, 4.0), (3.0, 4.0)], vec![(0.0, 0.0), (5.0, 5.0)]] {
            let smallest = Slanted::smallest(&hull(points)).unclipped();

            assert!(smallest.width.is_finite() && smallest.height.is_finite());
        }
    }

    proptest! {
        #[test]
        fn the_smallest_rectangle_around_a_rectangle_is_itself(
            (x, y, height) in (0.0_f32..500.0, 0.0_f32..500.0, 5.0_f32..30.0),
            (times, angle) in (2.0_f32..30.0, -0.7_f32..0.7),
        ) {
            let piece = Slanted { x, y, width: height * times, height, angle };

            let found = Slanted::smallest(&hull(corners(&piece)));

            prop_assert!((found.x - x).abs() < 0.1 && (found.y - y).abs() < 0.1);
            prop_assert!((found.angle - angle).abs() < 0.01, "{found:?}");
            prop_assert!((found.width - piece.width).abs() < 0.2 && (found.height - height).abs() < 0.2);
        }

        #[test]
        fn an_outline_holds_every_point(points in prop::collection::vec((0_u8..40, 0_u8..40), 3..40)) {
            let points: Vec<(f32, f32)> = points.iter().map(|&(x, y)| (f32::from(x), f32::from(y))).collect();

            let outline = hull(points.clone());

            for (index, a) in outline.iter().enumerate().filter(|_| outline.len() > 2) {
                let b = outline[(index + 1) % outline.len()];
                for p in &points {
                    prop_assert!((b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0) > -1e-3);
                }
            }
        }
    }
}
