//! The part of the graphics state that says how things are painted. Knows no paths.

use super::super::content::Operand;
use super::super::rules::Pen;
use super::UNSEEN;
use super::colour::Colour;
use super::colour::Space;
use super::intersection;
use crate::parsed::Rect;

/// Colours, transparency and clipping.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Ink {
    pub(super) fill: Tone,
    pub(super) stroke: Tone,
    /// In user space.
    pub(super) line_width: f32,
    /// Mixed with what lies under it by other rules than the usual.
    pub(super) blends: bool,
    /// Seen through a mask.
    pub(super) is_masked: bool,
    /// Of the groups around.
    pub(super) group_alpha: f32,
    group_blends: bool,
    pub(in super::super) clip: Clip,
}

/// A colour and how much of it is painted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tone {
    pub(super) space: Space,
    /// `None` where it is not known.
    pub(super) colour: Option<Colour>,
    pub(super) alpha: f32,
}

/// What of the page can be painted on.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Clip {
    pub(in super::super) bounds: Rect,
    /// All of the box can be painted on.
    pub(super) exact: bool,
}

impl Ink {
    pub(in super::super) fn new() -> Self {
        let black = Tone { space: Space::Gray, colour: Some(Colour::BLACK), alpha: 1.0 };
        let bounds = Rect { x0: -1e5, y0: -1e5, x1: 1e5, y1: 1e5 };
        Self {
            fill: black,
            stroke: black,
            line_width: 1.0,
            blends: false,
            is_masked: false,
            group_alpha: 1.0,
            group_blends: false,
            clip: Clip { bounds, exact: true },
        }
    }

    /// Says whether colours come out otherwise than they are named.
    pub(super) fn is_blended(&self) -> bool {
        self.blends || self.is_masked || self.group_blends
    }

    /// Goes into a group that is painted as a whole.
    pub(super) fn enter_group(&mut self) {
        self.group_alpha *= self.fill.alpha;
        self.group_blends = self.is_blended();
        (self.blends, self.is_masked) = (false, false);
        (self.fill.alpha, self.stroke.alpha) = (1.0, 1.0);
    }

    /// Returns how lines and areas come out on paper.
    pub(super) fn pen(&self) -> Pen {
        let seen = |tone: Tone| {
            tone.alpha * self.group_alpha >= UNSEEN && !tone.colour.is_some_and(Colour::is_white)
        };
        Pen { width: f64::from(self.line_width.abs()), strokes: seen(self.stroke), fills: seen(self.fill) }
    }

    /// Says whether text of a rendering mode leaves no trace: it is neither filled nor stroked, or with next to nothing.
    pub(in super::super) fn leaves_no_trace(&self, mode: u8) -> bool {
        let seen = |tone: Tone| tone.alpha * self.group_alpha >= UNSEEN;
        match mode % 4 {
            0 => !seen(self.fill),
            1 => !seen(self.stroke),
            2 => !seen(self.fill) && !seen(self.stroke),
            _ => true,
        }
    }

    /// Returns the colour of text of a rendering mode, where it is known.
    pub(in super::super) fn text_colour(&self, mode: u8) -> Option<Colour> {
        let colour = match mode % 4 {
            0 => self.fill.colour,
            1 => self.stroke.colour,
            2 => {
                self.fill.colour.filter(|fill| self.stroke.colour.is_some_and(|stroke| stroke.is_like(*fill)))
            }
            _ => None,
        };
        colour.filter(|_| !self.is_blended())
    }
}

impl Tone {
    pub(super) fn set(&mut self, space: Space, operands: &[Operand<'_>]) {
        (self.space, self.colour) = (space, space.colour(operands));
    }

    pub(super) fn choose(&mut self, space: Space) {
        (self.space, self.colour) = (space, space.initial());
    }
}

impl Clip {
    /// Leaves no more than a box, or what of it a path leaves.
    pub(super) fn narrow(&mut self, bounds: Rect, exact: bool) {
        let empty = Rect { x1: bounds.x0, y1: bounds.y0, ..bounds };
        self.bounds = intersection(self.bounds, bounds).unwrap_or(empty);
        self.exact &= exact;
    }

    /// Says whether nothing of a box is left, with some tolerance in points.
    pub(in super::super) fn misses(&self, other: Rect, tolerance: f32) -> bool {
        let Rect { x0, y0, x1, y1 } = self.bounds;
        let grown = Rect { x0: x0 - tolerance, y0: y0 - tolerance, x1: x1 + tolerance, y1: y1 + tolerance };
        intersection(grown, other).is_none()
    }
}
