//! Colours, as far as it matters whether text can be told from what lies under it (ISO 32000-1, 8.6).
//! What cannot be known without a printer's profile or a program of the file is unknown. Knows no shapes.

use super::super::content::Operand;
use super::super::objects;
use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Object;

/// Two colours no further apart than this in each of red, green and blue cannot be told from each other.
const INDISTINCT: f32 = 0.08;
/// A colour whose parts are all at least so light is that of paper.
const MIN_WHITE: f32 = 0.98;

/// Red, green and blue, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) struct Colour([f32; 3]);

impl Colour {
    pub(super) const WHITE: Colour = Colour([1.0; 3]);
    pub(super) const BLACK: Colour = Colour([0.0; 3]);

    /// Says whether it is the colour of paper. Shading of cells is often hardly darker.
    pub(super) fn is_white(self) -> bool {
        self.0.iter().all(|light| *light >= MIN_WHITE)
    }

    /// Says whether nobody sees the difference.
    pub(in super::super) fn is_like(self, other: Colour) -> bool {
        self.0.iter().zip(other.0).all(|(a, b)| (a - b).abs() <= INDISTINCT)
    }
}

/// What the numbers of a colour mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    Gray,
    Rgb,
    Cmyk,
    /// Amounts of black ink alone.
    Black,
    /// Amounts of other inks: only that there is none is known.
    Inks,
    Unknown,
}

impl Space {
    /// Reads the space that `cs` names: one of the device's, or one of the resources.
    pub(super) fn named(document: &Document, name: &[u8], resource: Option<&Object>) -> Self {
        match (Self::of_device(name), resource) {
            (Some(space), _) => space,
            (None, Some(object)) => Self::of_object(document, object),
            (None, None) => Space::Unknown,
        }
    }

    fn of_device(name: &[u8]) -> Option<Self> {
        match name {
            b"DeviceGray" | b"G" | b"CalGray" => Some(Space::Gray),
            b"DeviceRGB" | b"RGB" | b"CalRGB" => Some(Space::Rgb),
            b"DeviceCMYK" | b"CMYK" => Some(Space::Cmyk),
            b"Pattern" => Some(Space::Unknown),
            _ => None,
        }
    }

    fn of_object(document: &Document, object: &Object) -> Self {
        if let Ok(name) = object.as_name() {
            return Self::of_device(name).unwrap_or(Space::Unknown);
        }
        let Ok(parts) = object.as_array() else { return Space::Unknown };
        let part = |index: usize| parts.get(index).map(|part| objects::resolve(document, part));
        match part(0).and_then(|family| family.as_name().ok()) {
            Some(b"ICCBased") => {
                let profile: Option<&Dictionary> = part(1).and_then(objects::as_dictionary);
                let components =
                    profile.and_then(|profile| objects::number(document, profile, b"N")).unwrap_or(0.0);
                match components as u8 {
                    1 => Space::Gray,
                    3 => Space::Rgb,
                    4 => Space::Cmyk,
                    _ => Space::Unknown,
                }
            }
            Some(b"Separation") => match part(1).and_then(|ink| ink.as_name().ok()) {
                Some(b"Black" | b"All") => Space::Black,
                Some(_) | None => Space::Inks,
            },
            Some(b"DeviceN") => Space::Inks,
            Some(family) => Self::of_device(family).unwrap_or(Space::Unknown),
            None => Space::Unknown,
        }
    }

    /// Returns the colour that is in force once the space is chosen.
    pub(super) fn initial(self) -> Option<Colour> {
        match self {
            Space::Gray | Space::Rgb | Space::Cmyk | Space::Black => Some(Colour::BLACK),
            Space::Inks | Space::Unknown => None,
        }
    }

    /// Returns the colour that operands name; `None` if it is not known.
    pub(super) fn colour(self, operands: &[Operand<'_>]) -> Option<Colour> {
        let wanted = match self {
            Space::Gray | Space::Black => 1,
            Space::Rgb => 3,
            Space::Cmyk => 4,
            Space::Inks => operands.len().max(1),
            Space::Unknown => return None,
        };
        let operands = operands.get(operands.len().checked_sub(wanted)?..)?;
        let numbers: Option<Vec<f32>> = operands
            .iter()
            .map(|operand| operand.as_number().map(|number| number.clamp(0.0, 1.0) as f32))
            .collect();
        match (self, numbers?.as_slice()) {
            (Space::Gray, &[gray]) => Some(Colour([gray; 3])),
            (Space::Black, &[ink]) => Some(Colour([1.0 - ink; 3])),
            (Space::Rgb, &[red, green, blue]) => Some(Colour([red, green, blue])),
            (Space::Cmyk, &[cyan, magenta, yellow, black]) => {
                Some(Colour([cyan, magenta, yellow].map(|ink| (1.0 - ink) * (1.0 - black))))
            }
            (Space::Inks, inks) => inks.iter().all(|ink| *ink < INDISTINCT / 2.0).then_some(Colour::WHITE),
            (Space::Gray | Space::Black | Space::Rgb | Space::Cmyk | Space::Unknown, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(space: Space, numbers: &[f64], expected: Option<Colour>) {
        let operands: Vec<Operand<'_>> = numbers.iter().map(|number| Operand::Number(*number)).collect();

        assert_eq!(space.colour(&operands), expected, "{space:?} {numbers:?}");
    }

    #[test]
    fn colours_are_read_in_the_spaces_that_can_be_known() {
        check(Space::Gray, &[1.0], Some(Colour::WHITE));
        check(Space::Rgb, &[0.0, 0.0, 0.0], Some(Colour::BLACK));
        check(Space::Cmyk, &[0.0, 0.0, 0.0, 0.0], Some(Colour::WHITE));
        check(Space::Cmyk, &[0.0, 0.0, 0.0, 1.0], Some(Colour::BLACK));
        check(Space::Inks, &[0.0, 0.0], Some(Colour::WHITE));
        check(Space::Inks, &[0.5], None);
        check(Space::Black, &[0.0], Some(Colour::WHITE));
        check(Space::Rgb, &[1.0], None);
        check(Space::Unknown, &[1.0], None);
        assert!(Colour::WHITE.is_like(Colour([0.95; 3])) && !Colour::WHITE.is_like(Colour([0.9; 3])));
    }
}
