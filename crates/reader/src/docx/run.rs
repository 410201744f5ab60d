//! What of a run, the smallest stretch of text in a file, says whether a reader of the page sees it: hidden text, and
//! white text where nothing says that the ground is not white. Knows no text.

use super::styles::Look;
use super::styles::Styles;
use crate::office::xml::Element;

/// A run that is open.
#[derive(Debug, Default)]
pub(super) struct Run {
    style: Option<String>,
    look: Look,
}

impl Run {
    /// Takes one of the run's own properties.
    pub(super) fn property(&mut self, element: &Element<'_>) {
        if element.name == "rStyle" {
            self.style = element.value();
        } else {
            self.look.property(element);
        }
    }

    /// Says whether its text is not seen, in a paragraph of a style, on a ground that may be `shaded`.
    pub(super) fn is_hidden(&self, paragraph: Option<&str>, shaded: bool, styles: &Styles) -> bool {
        let of_run = self.style.as_deref().map(|id| styles.look(id)).unwrap_or_default();
        let of_paragraph = paragraph.map(|id| styles.look(id)).unwrap_or_default();
        let look = self.look.over(of_run).over(of_paragraph);
        look.hidden == Some(true) || (look.white == Some(true) && look.shaded != Some(true) && !shaded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::xml::Node;
    use crate::office::xml::walk;

    fn check(properties: &str, paragraph: Option<&str>, shaded: bool, expected: bool) {
        let styles = Styles::read(
            br#"<styles><style styleId="Secret"><rPr><vanish/></rPr></style>
            <style styleId="Banner"><pPr><shd fill="1F3864"/></pPr><rPr><color val="FFFFFF"/></rPr></style></styles>"#,
        )
        .unwrap();
        let mut run = Run::default();
        walk(format!("<rPr>{properties}</rPr>").as_bytes(), &mut |node| {
            if let Node::Open(element) = node {
                run.property(element);
            }
            Ok(())
        })
        .unwrap();

        assert_eq!(run.is_hidden(paragraph, shaded, &styles), expected, "{properties} {paragraph:?}");
    }

    #[test]
    fn what_nobody_sees_is_told_from_what_is_seen() {
        check("", None, false, false);
        check("<vanish/>", None, false, true);
        check(r#"<vanish val="0"/>"#, Some("Secret"), false, false);
        check("", Some("Secret"), false, true);
        check(r#"<rStyle val="Secret"/>"#, None, false, true);
        check(r#"<color val="ffffff"/>"#, None, false, true);
        check(r#"<color val="FFFFFF"/>"#, None, true, false);
        check(r#"<color val="FFFFFF"/><shd val="clear" fill="000000"/>"#, None, false, false);
        check(r#"<color val="FFFFFF"/><highlight val="black"/>"#, None, false, false);
        check(r#"<color val="FFFFFE"/>"#, None, false, false);
        check("", Some("Banner"), false, false);
        check(r#"<color val="auto"/>"#, Some("Banner"), false, false);
    }
}
