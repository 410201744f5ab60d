//! What of a page its author hides from readers, as far as the element itself says so. Style sheets are not looked at: what
//! they hide is read. Knows no text.

use super::tree::Element;

/// Says whether an element is not shown by its own attributes.
pub(super) fn is_hidden(element: &Element) -> bool {
    element.attribute("hidden").is_some() || element.attribute("style").is_some_and(hides)
}

fn hides(style: &str) -> bool {
    style.split(';').filter_map(|declaration| declaration.split_once(':')).any(|(property, value)| {
        let value = value.trim().to_ascii_lowercase();
        let value = value.trim_end_matches("!important").trim_end();
        match property.trim().to_ascii_lowercase().as_str() {
            "display" => value == "none",
            "visibility" => matches!(value, "hidden" | "collapse"),
            "opacity" | "font-size" => is_zero(value),
            _ => false,
        }
    })
}

/// Recognises `0`, `0.0` and `0px`.
fn is_zero(value: &str) -> bool {
    let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    number.parse::<f32>().is_ok_and(|number| number == 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_that_hide_are_known() {
        for (style, expected) in [
            ("display:none", true),
            ("color: red; DISPLAY : None !important;", true),
            ("visibility: hidden", true),
            ("font-size:0px", true),
            ("opacity: 0.0", true),
            ("opacity: 0.5", false),
            ("font-size: 10px", false),
            ("display: block", false),
            ("background: url(x;display:none", true),
            ("", false),
        ] {
            assert_eq!(hides(style), expected, "{style}");
        }
    }
}
