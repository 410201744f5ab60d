//! The graphics state, as far as text depends on it (ISO 32000-1, 8.4 and 9.3). Knows no operators.

use super::content::Operand;
use super::font::Font;
use super::geometry::Matrix;
use super::paint::Ink;
use std::rc::Rc;

/// The parameters that `q` saves and `Q` restores.
#[derive(Clone)]
pub(super) struct State<'a> {
    /// From user space to the page as shown.
    pub(super) to_page: Matrix,
    pub(super) font: Option<Rc<Font<'a>>>,
    pub(super) size: f64,
    pub(super) character_spacing: f64,
    pub(super) word_spacing: f64,
    /// Horizontal scaling as a factor.
    pub(super) stretch: f64,
    pub(super) leading: f64,
    pub(super) rise: f64,
    /// How text is rendered, 0 to 7.
    pub(super) mode: u8,
    pub(super) ink: Ink,
    /// The first glyph since text began to clip what is painted, if it does.
    pub(super) text_clip: Option<u32>,
    /// A layer that is off holds the content.
    pub(super) in_hidden_layer: bool,
}

impl State<'_> {
    pub(super) fn new(to_page: Matrix) -> Self {
        Self {
            to_page,
            font: None,
            size: 1.0,
            character_spacing: 0.0,
            word_spacing: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
            mode: 0,
            ink: Ink::new(),
            text_clip: None,
            in_hidden_layer: false,
        }
    }

    /// Carries out an operator that sets one number; says whether it was one.
    pub(super) fn set(&mut self, operator: &[u8], operands: &[Operand<'_>]) -> bool {
        let number = operands.last().and_then(Operand::as_number).unwrap_or(0.0);
        match operator {
            b"Tc" => self.character_spacing = number,
            b"Tw" => self.word_spacing = number,
            b"Tz" => self.stretch = number / 100.0,
            b"TL" => self.leading = number,
            b"Ts" => self.rise = number,
            b"Tr" => self.mode = if (0.0..8.0).contains(&number) { number as u8 } else { 0 },
            _ => return false,
        }
        true
    }
}

/// Takes the last six operands as a matrix; missing ones count as 0.
pub(super) fn matrix(operands: &[Operand<'_>]) -> Matrix {
    let skipped = operands.len().saturating_sub(6);
    let mut numbers = [0.0; 6];
    for (number, operand) in numbers.iter_mut().zip(&operands[skipped..]) {
        *number = operand.as_number().unwrap_or(0.0);
    }
    Matrix::new(numbers)
}
