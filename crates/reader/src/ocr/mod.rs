//! Text in pictures: where lines stand, how the picture lies, what the lines say.
//!
//! The models are PP-OCRv6 (detection by differentiable binarisation, recognition by CTC), run by `rten`. The way of a
//! picture: [`detect`] finds the lines, [`posture`] says by how many quarter turns the picture is to be turned and how
//! far its lines lean, [`recognise`] reads each line. Knows no PDF, no pages in points and no reading order.

mod components;
mod ctc;
mod detect;
mod error;
mod models;
mod picture;
mod posture;
mod recognise;
mod rectangle;
mod resize;
mod skew;

pub use error::OcrError;
pub use models::OcrModels;
pub(crate) use picture::Picture;
pub(crate) use posture::Posture;
#[cfg(test)]
pub(crate) use recognise::Character;
pub(crate) use recognise::Direction;
pub(crate) use recognise::Line;
#[cfg(test)]
pub(crate) use rectangle::Slanted;

/// What a picture says.
pub(crate) struct Reading {
    /// In no order.
    pub(crate) lines: Vec<Line>,
    /// How the picture lies; the lines stand in the picture once it is turned by its quarter turns.
    pub(crate) posture: Posture,
}

/// Reads a picture, however it is turned.
///
/// # Errors
/// [`OcrError::Run`] where a model cannot be run on it.
pub(crate) fn read(models: &OcrModels, picture: Picture) -> Result<Reading, OcrError> {
    let (picture, detected, quarter_turns) = posture::upright(models, picture)?;
    let lines = recognise::lines(models, &picture, &detected.lines)?;
    let (width, height) = (picture.width as f32, picture.height as f32);
    let posture = Posture { quarter_turns, skew: detected.skew, width, height };
    Ok(Reading { lines, posture })
}
