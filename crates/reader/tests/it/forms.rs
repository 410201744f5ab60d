//! What is filled in, ticked, signed and noted beside the content of a page.

use crate::fixture::Pdf;
use crate::fixture::lines;
use crate::fixture::read;
use crate::fixture::word;
use lopdf::Dictionary;
use lopdf::Object;
use lopdf::dictionary;
use lopdf::text_string;

fn at(mut annotation: Dictionary, [x0, y0, x1, y1]: [i64; 4]) -> Dictionary {
    annotation.set("Type", "Annot");
    annotation.set("Rect", vec![x0.into(), y0.into(), x1.into(), y1.into()]);
    annotation
}

fn with(content: &str, annotations: Vec<Dictionary>) -> reader::Parsed {
    let mut pdf = Pdf::new();
    let annotations: Vec<Object> =
        annotations.into_iter().map(|annotation| pdf.document.add_object(annotation).into()).collect();
    pdf.page.set("Annots", annotations);
    pdf.page(content);
    read(&pdf.bytes())
}

fn widget(kind: &str, place: [i64; 4], mut entries: Dictionary) -> Dictionary {
    entries.set("Subtype", "Widget");
    entries.set("FT", kind);
    at(entries, place)
}

#[test]
fn fields_without_an_appearance_are_read_at_their_place() {
    let content =
        lines(72, 700, &["Name of the lessee:", "", "", "Term of this lease:", "", "", "Pets are allowed:"]);
    let parsed = with(
        &content,
        vec![
            widget("Tx", [200, 696, 400, 712], dictionary! { "V" => text_string("Acme Ltd") }),
            widget(
                "Ch",
                [200, 654, 400, 670],
                dictionary! {
                    "V" => text_string("24"),
                    "Opt" => vec![vec![text_string("24"), text_string("two years")].into()],
                },
            ),
            widget("Btn", [200, 612, 212, 624], dictionary! { "AS" => "Yes" }),
            widget("Tx", [200, 596, 400, 610], dictionary! { "V" => text_string("secret"), "F" => 2 }),
        ],
    );

    assert_eq!(
        parsed.content,
        "Name of the lessee: Acme Ltd\n\nTerm of this lease:\ttwo years\n\nPets are allowed:\t[x]"
    );
    let rect = word(&parsed, &parsed.pages[0], "Acme").rect;
    assert!(rect.x0 >= 200.0 && rect.x1 <= 240.0 && rect.y0 > 86.0 && rect.y1 < 105.0, "{rect:?}");
}

#[test]
fn a_field_that_nothing_names_says_its_name_and_a_signature_whose_it_is() {
    let parsed = with(
        &lines(72, 700, &["The parties sign this lease."]),
        vec![
            widget("Btn", [72, 500, 84, 512], dictionary! { "V" => "Off", "TU" => text_string("Smoker") }),
            widget(
                "Tx",
                [72, 450, 300, 465],
                dictionary! { "V" => text_string("Ghent"), "TU" => text_string("Place") },
            ),
            widget("Sig", [72, 400, 300, 420], dictionary! { "T" => text_string("Lessor") }),
            widget(
                "Sig",
                [72, 350, 300, 370],
                dictionary! {
                    "V" => dictionary! { "Name" => text_string("Ada Lovelace"), "M" => text_string("D:20260131120000Z") },
                },
            ),
        ],
    );

    assert_eq!(
        parsed.content,
        "The parties sign this lease.\n\n[ ] Smoker\n\nPlace: Ghent\n\n[Signature: Lessor, not signed]\n\n\
         [Signature: Ada Lovelace, 2026-01-31]"
    );
}

#[test]
fn comments_follow_the_text_of_their_page() {
    let comment = |kind: &str, y: i64, entries: Dictionary| {
        let mut entries = entries;
        entries.set("Subtype", kind);
        at(entries, [72, y, 200, y + 14])
    };
    let parsed = with(
        &lines(72, 700, &["The lessee shall pay", "the rent in advance."]),
        vec![
            comment(
                "StrikeOut",
                686,
                dictionary! { "Contents" => text_string("Why in advance?"), "T" => text_string("Bob") },
            ),
            comment(
                "Highlight",
                700,
                dictionary! { "Contents" => text_string("Who is\rthis?"), "T" => text_string("Ada") },
            ),
            comment(
                "Text",
                600,
                dictionary! { "Contents" => text_string("Done."), "State" => text_string("Accepted") },
            ),
            comment("Text", 600, dictionary! { "Contents" => text_string("Gone."), "F" => 2 }),
            comment("Underline", 600, dictionary! {}),
            comment("FreeText", 640, dictionary! { "Contents" => text_string("DRAFT") }),
        ],
    );

    assert_eq!(
        parsed.content,
        "The lessee shall pay\nthe rent in advance.\n\nDRAFT\n\n[Comment by Ada: Who is this?]\n\n[Comment by Bob: Why in advance?]"
    );
}
