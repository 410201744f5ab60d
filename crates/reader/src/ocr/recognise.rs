//! What lines of text say, and where along the line each character stands. Knows no pages.

use super::OcrError;
use super::OcrModels;
use super::Picture;
use super::ctc;
use super::ctc::Emission;
use super::rectangle::Slanted;
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

/// Lines are this high for the model,
const HEIGHT: usize = 48;
/// at least this wide, with nothing on the right where they are shorter,
const MIN_WIDTH: usize = 320;
/// and at most this; longer ones are squeezed.
const MAX_WIDTH: usize = 3_200;
/// All lines of one run together are no wider, which bounds the memory for their probabilities.
const MAX_BATCH_WIDTH: usize = 3_200;
/// A line that is read with a lower mean probability is a drawing.
const MIN_CONFIDENCE: f32 = 0.5;
/// A line this many times higher than wide may run down or up the page.
const TALL: f32 = 1.5;
/// And one that is not even this many times higher may be a single upright character.
const VERY_TALL: f32 = 3.0;

/// How a line runs on the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Rightwards.
    Level,
    /// Downwards: letters lie on their right side.
    Down,
    /// Upwards: letters lie on their left side.
    Up,
}

impl Direction {
    fn quarter_turns(self) -> u8 {
        match self {
            Direction::Level => 0,
            Direction::Down => 1,
            Direction::Up => 3,
        }
    }
}

/// A line of text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// Where it stands; its width runs along the text.
    pub(crate) place: Slanted,
    pub(crate) direction: Direction,
    pub(crate) characters: Vec<Character>,
}

/// A character of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Character {
    pub(crate) read: char,
    /// Pixels from the start of the line.
    pub(crate) from: f32,
    pub(crate) to: f32,
    pub(crate) probability: f32,
}

impl Line {
    /// Returns the mean probability of the characters; 0 where there is none.
    pub(super) fn confidence(&self) -> f32 {
        let sum: f32 = self.characters.iter().map(|character| character.probability).sum();
        sum / self.characters.len().max(1) as f32
    }
}

/// Reads lines of a picture; what turns out to be no text is left out.
pub(super) fn lines(
    models: &OcrModels,
    picture: &Picture,
    places: &[Slanted],
) -> Result<Vec<Line>, OcrError> {
    let (mut attempts, mut owners) = (Vec::new(), Vec::new());
    for (owner, place) in places.iter().enumerate() {
        for &direction in directions(place) {
            attempts.push((place.seen_from(direction.quarter_turns()), direction));
            owners.push(owner);
        }
    }
    let read = read(models, picture, &attempts)?;
    let mut best: Vec<Option<Line>> = vec![None; places.len()];
    for (line, owner) in read.into_iter().zip(owners) {
        let better = best[owner].as_ref().is_none_or(|other| line.confidence() > other.confidence());
        if better && line.confidence() >= MIN_CONFIDENCE {
            best[owner] = Some(line);
        }
    }
    Ok(best.into_iter().flatten().collect())
}

/// Says how a line may run, by its shape.
fn directions(place: &Slanted) -> &'static [Direction] {
    if place.height < TALL * place.width {
        &[Direction::Level]
    } else if place.height < VERY_TALL * place.width {
        &[Direction::Level, Direction::Down, Direction::Up]
    } else {
        &[Direction::Down, Direction::Up]
    }
}

/// Reads lines as they are given, in their order.
pub(super) fn read(
    models: &OcrModels,
    picture: &Picture,
    places: &[(Slanted, Direction)],
) -> Result<Vec<Line>, OcrError> {
    let widths: Vec<usize> = places.iter().map(|(place, _)| width(place)).collect();
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|&index| widths[index]);
    let mut found: Vec<(usize, Line)> = Vec::with_capacity(places.len());
    let mut rest = order.as_slice();
    while !rest.is_empty() {
        let (batch, later) = rest.split_at(batch_length(rest, &widths));
        let padded = batch.iter().map(|&index| widths[index]).max().unwrap_or(MIN_WIDTH).max(MIN_WIDTH);
        let mut input = NdTensor::<f32, 4>::zeros([batch.len(), 3, HEIGHT, padded]);
        for (item, &index) in batch.iter().enumerate() {
            picture.cut(&places[index].0, widths[index], HEIGHT).fill(&mut input, item);
        }
        let output = models.recognise(&input)?;
        for (item, &index) in batch.iter().enumerate() {
            let steps = output.slice(item).to_contiguous();
            let classes = steps.size(1).max(1);
            let emissions = ctc::decode(steps.data().chunks_exact(classes));
            // One step is so many pixels of the line.
            let pitch =
                padded as f32 / steps.size(0).max(1) as f32 * places[index].0.width / widths[index] as f32;
            let (place, direction) = places[index];
            let characters = place_characters(models, &emissions, pitch, place.width);
            found.push((index, Line { place, direction, characters }));
        }
        rest = later;
    }
    found.sort_by_key(|(index, _)| *index);
    Ok(found.into_iter().map(|(_, line)| line).collect())
}

/// Returns how wide a line is for the model.
fn width(place: &Slanted) -> usize {
    ((HEIGHT as f32 * place.width / place.height.max(1.0)).ceil() as usize).clamp(1, MAX_WIDTH)
}

/// Returns how many of the lines, narrow ones first, are read at once; at least one.
fn batch_length(order: &[usize], widths: &[usize]) -> usize {
    let fits = |&(position, &index): &(usize, &usize)| {
        (position + 1) * widths[index].max(MIN_WIDTH) <= MAX_BATCH_WIDTH
    };
    order.iter().enumerate().take_while(fits).count().max(1)
}

/// Gives each character the room halfway to its neighbours.
fn place_characters(models: &OcrModels, emissions: &[Emission], pitch: f32, length: f32) -> Vec<Character> {
    let read: Vec<(char, f32, f32)> = emissions
        .iter()
        .filter_map(|emission| {
            let character = models.character(emission.class)?;
            Some((character, emission.at * pitch, emission.probability))
        })
        .collect();
    let middle = |index: usize| read[index].1;
    let place = |(index, &(character, at, probability)): (usize, &(char, f32, f32))| {
        let before = index.checked_sub(1).map(|before| (at - middle(before)) / 2.0);
        let after = (index + 1 < read.len()).then(|| (middle(index + 1) - at) / 2.0);
        let reach = before.or(after).unwrap_or(length / 2.0);
        let from = (at - before.or(after).unwrap_or(reach)).max(0.0);
        let to = (at + after.unwrap_or(reach)).min(length).max(from);
        Character { read: character, from, to, probability }
    };
    read.iter().enumerate().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(width: f32, height: f32) -> Slanted {
        Slanted { x: 0.0, y: 0.0, width, height, angle: 0.0 }
    }

    #[test]
    fn tall_lines_may_run_both_ways() {
        assert_eq!(directions(&place(100.0, 20.0)), [Direction::Level]);
        assert_eq!(directions(&place(10.0, 20.0)).len(), 3);
        assert_eq!(directions(&place(20.0, 200.0)), [Direction::Down, Direction::Up]);
    }

    #[test]
    fn endless_lines_are_squeezed() {
        assert_eq!(width(&place(100.0, 48.0)), 100);
        assert_eq!(width(&place(1e9, 1.0)), MAX_WIDTH);
        assert_eq!(width(&place(0.0, 0.0)), 1);
    }

    proptest! {
        #[test]
        fn no_batch_is_wider_than_allowed_but_a_single_line(widths in prop::collection::vec(1_usize..3_200, 1..60)) {
            let mut order: Vec<usize> = (0..widths.len()).collect();
            order.sort_by_key(|&index| widths[index]);

            let length = batch_length(&order, &widths);

            let widest = widths[order[length - 1]].max(MIN_WIDTH);
            prop_assert!(length >= 1 && (length == 1 || length * widest <= MAX_BATCH_WIDTH));
        }
    }
}
