//! Titles, page labels and bookmarks.

use crate::fixture::Pdf;
use crate::fixture::lines;
use crate::fixture::read;
use lopdf::Object;
use lopdf::dictionary;
use lopdf::text_string;

fn manual() -> Vec<u8> {
    let mut pdf = Pdf::new();
    pdf.page(&lines(72, 700, &["Contents", "1 Lease 1", "2 Rent and other payments 2"]));
    let lease = pdf.page(&lines(
        72,
        700,
        &["1 Lease", "The lessor lets the house.", "1.1 Term", "Five years.", "Art. 1.2 Notice", "Ten days."],
    ));
    let rent = pdf.page(&lines(
        72,
        700,
        &["2 Rent and", "other payments", "Due monthly. 2 Rent and other payments"],
    ));
    let [first, term, notice, second] = [(); 4].map(|()| pdf.document.new_object_id());
    let entries = [
        (
            first,
            dictionary! {
                "Title" => text_string("1  Lease"), "Dest" => vec![lease.into(), "Fit".into()], "First" => term, "Next" => second,
            },
        ),
        (
            term,
            dictionary! {
                "Title" => text_string("Duration"), "Dest" => vec![lease.into(), "XYZ".into(), 0.into(), 684.into(), 0.into()],
                "Next" => notice,
            },
        ),
        (
            notice,
            dictionary! { "Title" => text_string("Notice"), "Dest" => vec![lease.into(), "Fit".into()] },
        ),
        (
            second,
            dictionary! {
                "Title" => text_string("2 RENT and other payments"),
                "A" => dictionary! { "S" => "GoTo", "D" => Object::string_literal("rent") },
            },
        ),
    ];
    for (id, entry) in entries {
        pdf.document.objects.insert(id, Object::Dictionary(entry));
    }
    let target = dictionary! { "D" => vec![rent.into(), "FitH".into(), 720.into()] };
    pdf.catalog.set("Outlines", dictionary! { "First" => first });
    pdf.catalog.set(
        "Names",
        dictionary! {
            "Dests" => dictionary! { "Names" => vec![Object::string_literal("rent"), target.into()] },
        },
    );
    pdf.catalog.set("PageLabels", dictionary! {
        "Nums" => vec![0.into(), dictionary! { "S" => "r" }.into(), 1.into(), dictionary! { "S" => "D" }.into()],
    });
    let mut document = pdf.finish();
    let information = document.add_object(dictionary! { "Title" => text_string("租赁手册") });
    document.trailer.set("Info", information);
    crate::fixture::save(document)
}

#[test]
fn bookmarks_are_found_again_in_the_text() {
    let parsed = read(&manual());

    let characters: Vec<char> = parsed.content.chars().collect();
    let found: Vec<(u8, &str, String)> = parsed
        .headings
        .iter()
        .map(|heading| {
            let text = &characters[heading.span.start as usize..heading.span.end as usize];
            (heading.level, heading.title.as_str(), text.iter().collect())
        })
        .collect();
    assert_eq!(
        found,
        [
            (1, "1 Lease", "1 Lease".to_owned()),
            (2, "Duration", "1.1 Term".to_owned()),
            (2, "Notice", "Art. 1.2 Notice".to_owned()),
            (1, "2 RENT and other payments", "2 Rent and\nother payments".to_owned()),
        ]
    );
}

#[test]
fn the_title_and_printed_page_numbers_are_read() {
    let parsed = read(&manual());

    assert_eq!(parsed.title.as_deref(), Some("租赁手册"));
    let labels: Vec<Option<&str>> = parsed.pages.iter().map(|page| page.label.as_deref()).collect();
    assert_eq!(labels, [Some("i"), Some("1"), Some("2")]);
}
