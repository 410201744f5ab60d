//! What of a page its author hides from readers, as far as the elements themselves say so. Style sheets are not looked at:
//! what they hide is read. Knows no text.

use super::tree::Element;

/// What an element hides of the text in it; an element within may show its own again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hiding {
    /// Nothing is painted.
    unseen: bool,
    /// Characters are as small as a point; pictures are not.
    tiny: bool,
}

impl Hiding {
    /// What holds in an element that stands where `self` holds.
    pub(super) fn within(self, element: &Element) -> Self {
        let sized = &*element.name.local == "font" && element.attribute("size").is_some();
        let start = Self { tiny: self.tiny && !sized, ..self };
        element.attribute("style").map_or(start, |style| start.styled(style))
    }

    fn styled(self, style: &str) -> Self {
        // Of two declarations the last one counts.
        declarations(style).fold(self, |hiding, (property, value)| {
            if property.eq_ignore_ascii_case("visibility") {
                match value.to_ascii_lowercase().as_str() {
                    "hidden" | "collapse" => Self { unseen: true, ..hiding },
                    "visible" => Self { unseen: false, ..hiding },
                    _ => hiding,
                }
            } else if property.eq_ignore_ascii_case("font-size") {
                let tiny = is_zero(value) || hiding.tiny && !is_absolute(value);
                Self { tiny, ..hiding }
            } else {
                hiding
            }
        })
    }

    pub(super) const fn hides_text(self) -> bool {
        self.unseen || self.tiny
    }

    pub(super) const fn hides_pictures(self) -> bool {
        self.unseen
    }
}

/// Says whether an element is not shown with all that is in it, whatever that says of itself.
pub(super) fn is_hidden(element: &Element) -> bool {
    element.attribute("hidden").is_some() || element.attribute("style").is_some_and(drops)
}

fn drops(style: &str) -> bool {
    declarations(style).any(|(property, value)| {
        (property.eq_ignore_ascii_case("display") && value.eq_ignore_ascii_case("none"))
            || (property.eq_ignore_ascii_case("opacity") && is_zero(value))
    })
}

/// Properties with their values.
fn declarations(style: &str) -> impl Iterator<Item = (&str, &str)> {
    style.split(';').filter_map(|declaration| {
        let (property, value) = declaration.split_once(':')?;
        let value = value.trim();
        let plain = value.len().saturating_sub("!important".len());
        let mark = value.get(plain..).filter(|mark| mark.eq_ignore_ascii_case("!important"));
        Some((property.trim(), mark.map_or(value, |_| value[..plain].trim_end())))
    })
}

/// Recognises `0`, `0.0` and `0px`.
fn is_zero(value: &str) -> bool {
    let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    number.parse::<f32>().is_ok_and(|number| number == 0.0)
}

/// Recognises a size that does not go by the one around it, such as `13px`.
fn is_absolute(value: &str) -> bool {
    let unit =
        value.trim_start_matches(|c: char| c.is_ascii_digit() || "+-.".contains(c)).to_ascii_lowercase();
    let goes_by_another = ["%", "em", "ex", "ch", "inherit", "unset", "smaller", "larger"];
    !unit.is_empty() && !goes_by_another.contains(&unit.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_that_hide_are_known() {
        for (style, expected) in [
            ("display:none", true),
            ("color: red; DISPLAY : None !important;", true),
            ("opacity: 0.0", true),
            ("opacity: 0.5", false),
            ("visibility: hidden", false),
            ("display: block", false),
            ("background: url(x;display:none", true),
            ("", false),
        ] {
            assert_eq!(drops(style), expected, "{style}");
        }
    }

    #[test]
    fn what_is_inherited_can_be_taken_back() {
        for (outer, inner, expected) in [
            ("visibility: hidden", "", true),
            ("visibility: HIDDEN !Important", "visibility: inherit", true),
            ("visibility: collapse", "visibility: visible", false),
            ("font-size:0px", "", true),
            ("font-size:0px", "font-size: 10px", false),
            ("font-size:0", "font-size: medium", false),
            ("font-size:0", "font-size: 120%", true),
            ("font-size:0", "font-size: 2em", true),
            ("font-size:0", "font-size: 2rem", false),
            ("font-size:0;font-size:9pt", "", false),
            ("font-size:0", "visibility: visible", true),
            ("", "font-size: 10px", false),
        ] {
            let hiding = Hiding::default().styled(outer).styled(inner);

            assert_eq!(hiding.hides_text(), expected, "{outer} {inner}");
        }
    }
}
