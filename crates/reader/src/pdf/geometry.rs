//! Plane geometry of pages. Knows no PDF objects.

/// An affine map `[a b c d e f]` on row vectors, as PDF writes it (ISO 32000-1, 8.3.4).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Matrix {
    pub(super) a: f64,
    pub(super) b: f64,
    pub(super) c: f64,
    pub(super) d: f64,
    pub(super) e: f64,
    pub(super) f: f64,
}

/// A point or a vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Matrix {
    pub(super) const IDENTITY: Matrix = Matrix::new([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    pub(super) const fn new(m: [f64; 6]) -> Self {
        Self { a: m[0], b: m[1], c: m[2], d: m[3], e: m[4], f: m[5] }
    }

    pub(super) const fn translation(x: f64, y: f64) -> Self {
        Self::new([1.0, 0.0, 0.0, 1.0, x, y])
    }

    /// Returns the map that does `self` first and `next` on its result; PDF writes it `self × next`.
    pub(super) fn then(&self, next: &Matrix) -> Self {
        Self {
            a: self.a * next.a + self.b * next.c,
            b: self.a * next.b + self.b * next.d,
            c: self.c * next.a + self.d * next.c,
            d: self.c * next.b + self.d * next.d,
            e: self.e * next.a + self.f * next.c + next.e,
            f: self.e * next.b + self.f * next.d + next.f,
        }
    }

    pub(super) fn apply(&self, x: f64, y: f64) -> Point {
        Point { x: self.a * x + self.c * y + self.e, y: self.b * x + self.d * y + self.f }
    }
}

/// The visible part of a page and how it is turned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PageBox {
    /// Corners in user space, y upwards: `x0 < x1`, `y0 < y1`.
    pub(super) x0: f64,
    pub(super) y0: f64,
    pub(super) x1: f64,
    pub(super) y1: f64,
    /// Quarter turns clockwise, 0 to 3.
    pub(super) quarter_turns: u8,
}

impl PageBox {
    /// Returns width and height as shown, in points.
    pub(super) fn size(&self) -> (f64, f64) {
        let (width, height) = (self.x1 - self.x0, self.y1 - self.y0);
        if self.quarter_turns.is_multiple_of(2) { (width, height) } else { (height, width) }
    }

    /// Returns the map from user space to points from the top left of the page as shown.
    pub(super) fn to_shown(self) -> Matrix {
        let PageBox { x0, y0, x1, y1, quarter_turns } = self;
        match quarter_turns {
            1 => Matrix::new([0.0, 1.0, 1.0, 0.0, -y0, -x0]),
            2 => Matrix::new([-1.0, 0.0, 0.0, 1.0, x1, -y0]),
            3 => Matrix::new([0.0, -1.0, -1.0, 0.0, y1, x1]),
            _ => Matrix::new([1.0, 0.0, 0.0, -1.0, -x0, y1]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corner_that_is_shown_top_left_is_the_origin() {
        for (quarter_turns, (x, y)) in
            [(0, (10.0, 70.0)), (1, (10.0, 20.0)), (2, (110.0, 20.0)), (3, (110.0, 70.0))]
        {
            let page = PageBox { x0: 10.0, y0: 20.0, x1: 110.0, y1: 70.0, quarter_turns };

            assert_eq!(page.to_shown().apply(x, y), Point { x: 0.0, y: 0.0 }, "{quarter_turns}");
        }
    }
}
