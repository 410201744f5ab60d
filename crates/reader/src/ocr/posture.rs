//! How a picture lies: quarter turns and slant. Knows no characters.

use super::Direction;
use super::Line;
use super::OcrError;
use super::OcrModels;
use super::Picture;
use super::detect::Detected;
use super::detect::detect;
use super::recognise;
use super::rectangle::Slanted;
use crate::parsed::Rect;

/// So many lines are read to see whether the picture stands on its head,
const PROBES: usize = 5;
/// the first part of each, so many times longer than high,
const PROBE_LENGTH: f32 = 10.0;
/// and read with at least this confidence they stand upright.
const CERTAIN: f32 = 0.9;
/// If this part of the lines, by length, runs across the usual direction, both directions are tried.
const DOUBTFUL: f32 = 0.3;

/// How a picture lay before it was turned upright.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Posture {
    /// Quarter turns clockwise that it was turned by, 0 to 3.
    pub(crate) quarter_turns: u8,
    /// How far the lines lean after that, in radians clockwise.
    pub(crate) skew: f32,
    /// Size of the turned picture.
    pub(crate) width: f32,
    pub(crate) height: f32,
}

impl Posture {
    /// Returns where a place of the turned picture stands once its lines are level.
    pub(crate) fn levelled(&self, x: f32, y: f32) -> (f32, f32) {
        let (sine, cosine) = self.skew.sin_cos();
        (x * cosine + y * sine, y * cosine - x * sine)
    }

    /// Returns the smallest box of the picture as it lay that holds a box of the levelled one.
    pub(crate) fn as_it_lay(&self, level: Rect) -> Rect {
        let (sine, cosine) = self.skew.sin_cos();
        let corner = |u: f32, v: f32| self.turned_back(u * cosine - v * sine, u * sine + v * cosine);
        let corners = [
            corner(level.x0, level.y0),
            corner(level.x1, level.y0),
            corner(level.x0, level.y1),
            corner(level.x1, level.y1),
        ];
        let (x, y) = corners[0];
        let (width, height) =
            if self.quarter_turns % 2 == 1 { (self.height, self.width) } else { (self.width, self.height) };
        let hull = corners.iter().fold(Rect { x0: x, y0: y, x1: x, y1: y }, |hull, &(x, y)| {
            hull.union(Rect { x0: x, y0: y, x1: x, y1: y })
        });
        Rect {
            x0: hull.x0.clamp(0.0, width),
            y0: hull.y0.clamp(0.0, height),
            x1: hull.x1.clamp(0.0, width),
            y1: hull.y1.clamp(0.0, height),
        }
    }

    /// Undoes the quarter turns for one place.
    fn turned_back(&self, x: f32, y: f32) -> (f32, f32) {
        match self.quarter_turns % 4 {
            1 => (y, self.width - x),
            2 => (self.width - x, self.height - y),
            3 => (self.height - y, x),
            _ => (x, y),
        }
    }
}

/// Turns a picture so that its text is upright; returns it with its lines and the quarter turns it took.
pub(super) fn upright(models: &OcrModels, picture: Picture) -> Result<(Picture, Detected, u8), OcrError> {
    let detected = detect(models, &picture)?;
    let quarter_turns = quarter_turns(models, &picture, &detected.lines)?;
    if quarter_turns == 0 {
        return Ok((picture, detected, 0));
    }
    let turned = picture.turned(quarter_turns);
    drop(picture);
    let detected = detect(models, &turned)?;
    Ok((turned, detected, quarter_turns))
}

/// Says by how many quarter turns clockwise the text would be upright. Shapes tell level text from text that runs up
/// or down; which way up it is only reading tells.
fn quarter_turns(models: &OcrModels, picture: &Picture, lines: &[Slanted]) -> Result<u8, OcrError> {
    let mut best = (0, 0.0);
    for &turns in candidates(lines) {
        let confidence = confidence(models, picture, lines, turns)?;
        if confidence > best.1 {
            best = (turns, confidence);
        }
        if confidence >= CERTAIN {
            break;
        }
    }
    Ok(best.0)
}

/// Returns the turns to be tried, the likeliest first.
fn candidates(lines: &[Slanted]) -> &'static [u8] {
    let (mut level, mut tall) = (0.0, 0.0);
    for line in lines.iter().filter(|line| line.elongation() > 2.0) {
        *(if line.width > line.height { &mut level } else { &mut tall }) += line.width.max(line.height);
    }
    let total: f32 = level + tall;
    if tall <= DOUBTFUL * total {
        &[0, 2]
    } else if level <= DOUBTFUL * total {
        &[1, 3]
    } else {
        &[0, 1, 2, 3]
    }
}

/// Returns how surely some lines are read if the picture is to be turned so.
fn confidence(
    models: &OcrModels,
    picture: &Picture,
    lines: &[Slanted],
    quarter_turns: u8,
) -> Result<f32, OcrError> {
    let read = recognise::read(models, picture, &probes(lines, quarter_turns))?;
    let (mut sum, mut count) = (0.0, 0);
    for character in read.iter().flat_map(|line: &Line| &line.characters) {
        sum += character.probability;
        count += 1;
    }
    Ok(sum / count.max(1) as f32)
}

/// Returns the beginnings of the longest lines, seen as they would be read.
fn probes(lines: &[Slanted], quarter_turns: u8) -> Vec<(Slanted, Direction)> {
    let mut longest: Vec<Slanted> =
        lines.iter().map(|line| line.seen_from((4 - quarter_turns) % 4)).collect();
    longest.sort_by(|a, b| (b.width / b.height).total_cmp(&(a.width / a.height)));
    let beginning = |line: Slanted| {
        let width = line.width.min(PROBE_LENGTH * line.height);
        let back = (line.width - width) / 2.0;
        let (sine, cosine) = line.angle.sin_cos();
        Slanted { x: line.x - back * cosine, y: line.y - back * sine, width, ..line }
    };
    longest.into_iter().take(PROBES).map(|line| (beginning(line), Direction::Level)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn posture(quarter_turns: u8, degrees: f32) -> Posture {
        Posture { quarter_turns, skew: degrees.to_radians(), width: 600.0, height: 800.0 }
    }

    #[test]
    fn boxes_go_back_to_where_the_picture_had_them() {
        let level = Rect { x0: 10.0, y0: 20.0, x1: 110.0, y1: 30.0 };

        assert_eq!(posture(0, 0.0).as_it_lay(level), level);
        assert_eq!(posture(1, 0.0).as_it_lay(level), Rect { x0: 20.0, y0: 490.0, x1: 30.0, y1: 590.0 });
        assert_eq!(posture(2, 0.0).as_it_lay(level), Rect { x0: 490.0, y0: 770.0, x1: 590.0, y1: 780.0 });
        assert_eq!(posture(3, 0.0).as_it_lay(level), Rect { x0: 770.0, y0: 10.0, x1: 780.0, y1: 110.0 });
    }

    #[test]
    fn shapes_tell_level_text_from_text_that_runs_up() {
        let level = Slanted { x: 0.0, y: 0.0, width: 300.0, height: 20.0, angle: 0.0 };
        let tall = Slanted { width: 20.0, height: 300.0, ..level };

        assert_eq!(candidates(&[level, level, level, tall]), [0, 2]);
        assert_eq!(candidates(&[level, tall, tall, tall]), [1, 3]);
        assert_eq!(candidates(&[level, tall]).len(), 4);
        assert_eq!(candidates(&[]), [0, 2]);
    }

    #[test]
    fn a_probe_is_the_beginning_of_its_line_as_it_would_be_read() {
        let tall = Slanted { x: 50.0, y: 400.0, width: 20.0, height: 600.0, angle: 0.0 };

        let upwards = probes(&[tall], 1)[0].0;
        let downwards = probes(&[tall], 3)[0].0;

        // Text that a turn clockwise puts upright begins at the bottom.
        assert!((upwards.y - 600.0).abs() < 0.1 && (upwards.x - 50.0).abs() < 0.1, "{upwards:?}");
        assert!((downwards.y - 200.0).abs() < 0.1, "{downwards:?}");
        assert!((upwards.width - 200.0).abs() < 0.1 && (upwards.height - 20.0).abs() < 0.1);
    }

    proptest! {
        #[test]
        fn a_place_that_is_levelled_lies_in_the_box_that_goes_back(
            (x, y) in (50.0_f32..550.0, 50.0_f32..750.0),
            degrees in -8.0_f32..8.0,
            quarter_turns in 0_u8..4,
        ) {
            let posture = posture(quarter_turns, degrees);
            let (u, v) = posture.levelled(x, y);

            let back = posture.as_it_lay(Rect { x0: u, y0: v, x1: u, y1: v });

            let (x, y) = posture.turned_back(x, y);
            prop_assert!((back.x0 - x).abs() < 0.1 && (back.y0 - y).abs() < 0.1);
        }
    }
}
