//! What a tagged file says of its own structure.

use crate::fixture::Pdf;
use crate::fixture::read;
use lopdf::Object;
use lopdf::dictionary;

fn text(x: u32, y: u32, text: &str) -> String {
    format!("BT /F1 12 Tf {x} {y} Td ({text}) Tj ET\n")
}

/// Two pages with marked headings, the tree of which leads back into itself.
fn tagged() -> Pdf {
    let mut pdf = Pdf::new();
    let head = |page: u32| {
        format!(
            "/Artifact <</Type /Pagination /Subtype /Header>> BDC {} EMC\n",
            text(72, 600, &format!("Lease, page {page}"))
        )
    };
    let body = "The lessee shall pay the rent in advance, on the first day of each month of the year.";
    let first = pdf.page(&format!(
        "{}/Title <</MCID 0>> BDC {} EMC /P <</MCID 1>> BDC {} EMC",
        head(1),
        text(72, 500, "Lease of a house"),
        text(72, 470, body)
    ));
    let second = pdf.page(&format!(
        "{}/Kop <</MCID 0>> BDC {}{} EMC /P <</MCID 1>> BDC {} EMC",
        head(2),
        text(72, 500, "Rent and"),
        text(72, 486, "other payments"),
        text(72, 450, body)
    ));
    let [root, title, section, heading, paragraph] = [(); 5].map(|()| pdf.document.new_object_id());
    let element = |role: &str, page: lopdf::ObjectId, kids: Vec<Object>| {
        Object::Dictionary(dictionary! { "S" => role, "Pg" => page, "K" => kids })
    };
    let objects = [
        (title, element("Title", first, vec![0.into()])),
        (section, element("Sect", second, vec![heading.into(), paragraph.into(), section.into()])),
        (heading, element("Kop", second, vec![dictionary! { "Type" => "MCR", "MCID" => 0 }.into()])),
        (paragraph, element("P", second, vec![1.into()])),
    ];
    pdf.document.objects.extend(objects);
    let roles = dictionary! { "Kop" => "Kop2", "Kop2" => "H2", "Loop" => "Pool", "Pool" => "Loop" };
    let tree = dictionary! { "K" => vec![title.into(), section.into()], "RoleMap" => roles };
    pdf.document.objects.insert(root, tree.into());
    pdf.catalog.set("StructTreeRoot", root);
    pdf
}

#[test]
fn headings_are_those_that_the_file_marks() {
    let parsed = read(&tagged().bytes());

    let characters: Vec<char> = parsed.content.chars().collect();
    let found: Vec<(u8, String)> = parsed
        .headings
        .iter()
        .map(|heading| {
            let text = &characters[heading.span.start as usize..heading.span.end as usize];
            (heading.level, text.iter().collect())
        })
        .collect();
    assert_eq!(found, [(1, "Lease of a house".to_owned()), (2, "Rent and\nother payments".to_owned())]);
    assert_eq!(parsed.headings[1].title, "Rent and other payments");
}

#[test]
fn what_the_file_calls_a_running_head_is_one() {
    let parsed = read(&tagged().bytes());

    assert!(parsed.content.starts_with("Lease, page 1\n"));
    assert!(parsed.content.contains("page 2"), "a number that is not alone in its cell is a fact");
}

#[test]
fn bookmarks_go_before_marks() {
    let mut pdf = tagged();
    let item =
        dictionary! { "Title" => Object::string_literal("House"), "Dest" => vec![0.into(), "Fit".into()] };
    let item = pdf.document.add_object(item);
    pdf.catalog.set("Outlines", dictionary! { "First" => item });

    let titles: Vec<String> = read(&pdf.bytes()).headings.into_iter().map(|heading| heading.title).collect();

    assert_eq!(titles, ["House"]);
}
