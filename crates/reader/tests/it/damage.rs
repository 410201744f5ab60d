//! Files that are broken, locked, empty or out to do harm.

use crate::fixture::Pdf;
use crate::fixture::check_spans;
use crate::fixture::error;
use crate::fixture::lines;
use crate::fixture::read;
use crate::fixture::save;
use lopdf::Dictionary;
use lopdf::EncryptionState;
use lopdf::EncryptionVersion;
use lopdf::Object;
use lopdf::Permissions;
use lopdf::dictionary;
use proptest::prelude::ProptestConfig;
use proptest::proptest;
use reader::ReadOptions;
use reader::WarningCode;
use std::time::Duration;
use std::time::Instant;

const CLAUSES: [&str; 3] =
    ["The lessee shall pay the rent.", "The lessor shall keep the roof.", "Both shall be polite."];

fn contract(pages: usize) -> Pdf {
    let mut pdf = Pdf::new();
    for _ in 0..pages {
        pdf.page(&lines(72, 700, &CLAUSES));
    }
    pdf
}

fn encrypted(user_password: &str) -> Vec<u8> {
    let mut document = contract(1).finish();
    document.trailer.set(
        "ID",
        vec![Object::string_literal("0123456789abcdef"), Object::string_literal("0123456789abcdef")],
    );
    let version = EncryptionVersion::V2 {
        document: &document,
        owner_password: "owner",
        user_password,
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    save(document)
}

fn with_password(bytes: &[u8], password: &str) -> Result<String, &'static str> {
    let options = ReadOptions { password: Some(password.into()), ..ReadOptions::default() };
    reader::read(bytes, &options).map(|parsed| parsed.content).map_err(|error| error.code())
}

#[test]
fn a_password_opens_an_encrypted_file() {
    let bytes = encrypted("secret");

    assert_eq!(error(&bytes), "encrypted");
    assert_eq!(with_password(&bytes, "wrong"), Err("wrong_password"));
    assert_eq!(with_password(&bytes, "secret").unwrap(), CLAUSES.join("\n"));
}

#[test]
fn the_empty_password_is_tried_unasked() {
    assert_eq!(read(&encrypted("")).content, CLAUSES.join("\n"));
}

#[test]
fn an_encryption_written_into_the_trailer_itself_is_found() {
    let file = encrypted("secret");
    let find = |wanted: &str, from: usize| {
        from + file[from..].windows(wanted.len()).position(|window| window == wanted.as_bytes()).unwrap()
    };
    let from = find("/Encrypt ", 0) + "/Encrypt ".len();
    let past = find(" R", from) + " R".len();
    let number: u32 =
        std::str::from_utf8(&file[from..past]).unwrap().split(' ').next().unwrap().parse().unwrap();
    let object = find(&format!("\n{number} 0 obj"), 0);
    let dictionary = find("<<", object)..find("endobj", object);
    let direct = [&file[..from], &file[dictionary], &file[past..]].concat();

    assert_eq!(error(&direct), "encrypted");
    assert_eq!(with_password(&direct, "wrong"), Err("wrong_password"));
    assert_eq!(with_password(&direct, "secret").unwrap(), CLAUSES.join("\n"));
}

#[test]
fn pictures_of_pages_are_no_text() {
    let mut pdf = Pdf::new();
    let image = dictionary! {
        "Type" => "XObject", "Subtype" => "Image", "Width" => 1, "Height" => 1, "BitsPerComponent" => 8,
        "ColorSpace" => "DeviceGray",
    };
    let image = pdf.stream(image, &[128]);
    pdf.x_object("Scan", image);
    pdf.page("q 600 0 0 800 0 0 cm /Scan Do Q");
    pdf.page("q 600 0 0 800 0 0 cm /Scan Do Q");

    assert_eq!(error(&pdf.bytes()), "no_text");
}

#[test]
fn a_few_words_alone_on_a_page_are_its_text() {
    let mut pdf = Pdf::new();
    pdf.page("BT /F1 12 Tf 72 700 Td (Annex 3) Tj ET");

    let parsed = reader::read(&pdf.bytes(), &ReadOptions::default()).unwrap();

    assert_eq!(parsed.content.trim(), "Annex 3");
}

#[test]
fn pages_without_text_are_listed() {
    let mut pdf = contract(2);
    pdf.page("10 10 100 100 re f");
    pdf.page("BI /W 1 /H 1 /BPC 8 /CS /G ID x EI");
    pdf.page("10 10 m 50 50 l S");
    pdf.page("");

    let parsed = read(&pdf.bytes());

    let warning = &parsed.warnings[0];
    assert_eq!(warning.code, WarningCode::PageWithoutText);
    assert!(warning.detail.contains("3-5"), "{}", warning.detail);
}

#[test]
fn a_file_cut_off_is_repaired_and_says_so() {
    let bytes = contract(3).bytes();
    let cut = bytes.len() * 9 / 10;

    let parsed = read(&bytes[..cut]);

    assert!(parsed.content.contains("polite"));
    assert!(parsed.warnings.iter().any(|warning| warning.code == WarningCode::RepairedFile));
}

#[test]
fn nothing_but_a_header_is_damage() {
    assert_eq!(error(b"%PDF-1.7\nnothing more"), "damaged");
    assert_eq!(error(&Pdf::new().bytes()), "damaged");
}

#[test]
fn a_tree_that_bites_its_tail_ends() {
    let mut pdf = contract(1);
    let (tree, page) = (pdf.tree, pdf.page(&lines(72, 700, &CLAUSES)));
    let inner = pdf.document.add_object(
        dictionary! { "Type" => "Pages", "Kids" => vec![tree.into(), page.into()], "Count" => 9 },
    );
    pdf.document.objects.insert(
        tree,
        Object::Dictionary(dictionary! {
            "Type" => "Pages", "Kids" => vec![inner.into(), tree.into(), page.into()], "Count" => 9,
        }),
    );

    assert_eq!(read(&pdf.bytes()).pages.len(), 1);
}

#[test]
fn bounds_on_pages_and_characters_hold() {
    let bytes = contract(3).bytes();
    let code = |options: ReadOptions| reader::read(&bytes, &options).unwrap_err().code();

    assert_eq!(code(ReadOptions { max_pages: 2, ..ReadOptions::default() }), "too_many_pages");
    assert_eq!(code(ReadOptions { max_characters: 100, ..ReadOptions::default() }), "too_large");
}

#[test]
fn a_stream_that_unpacks_beyond_its_bound_costs_its_page_only() {
    let mut pdf = contract(1);
    pdf.page(&format!("{} {}", lines(72, 700, &CLAUSES), " ".repeat(2_000_000)));
    let options = ReadOptions { max_stream_bytes: 1_000_000, ..ReadOptions::default() };

    let parsed = reader::read(&pdf.bytes(), &options).unwrap();

    check_spans(&parsed);
    assert_eq!(parsed.content.matches("roof").count(), 1);
    assert!(
        parsed
            .warnings
            .iter()
            .any(|warning| warning.code == WarningCode::PageIncomplete && warning.page == Some(2))
    );
}

#[test]
fn forms_that_draw_each_other_without_end_are_stopped() {
    let started = Instant::now();
    let mut pdf = Pdf::new();
    let ids: Vec<_> = (0..30).map(|_| pdf.document.new_object_id()).collect();
    for (at, &id) in ids.iter().enumerate() {
        let next = ids[(at + 1) % ids.len()];
        let form = dictionary! {
            "Type" => "XObject", "Subtype" => "Form", "BBox" => vec![0.into(); 4],
            "Resources" => dictionary! { "XObject" => dictionary! { "Next" => next } },
        };
        pdf.document.objects.insert(id, Object::Stream(lopdf::Stream::new(form, b"/Next Do ".repeat(4))));
    }
    pdf.x_object("First", ids[0]);
    pdf.page(&format!("{} /First Do", lines(72, 700, &CLAUSES)));

    let parsed = read(&pdf.bytes());

    assert_eq!(parsed.content, CLAUSES.join("\n"));
    assert_eq!(parsed.warnings[0].code, WarningCode::PageIncomplete);
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn outlines_and_labels_that_loop_end() {
    let mut pdf = contract(1);
    let [item, names, labels] = [(); 3].map(|()| pdf.document.new_object_id());
    let looping = |entries: Dictionary| Object::Dictionary(entries);
    pdf.document.objects.insert(
        item,
        looping(dictionary! {
            "Title" => Object::string_literal("Loop"), "First" => item, "Next" => item,
            "Dest" => Object::string_literal("nowhere"),
        }),
    );
    pdf.document.objects.insert(names, looping(dictionary! { "Kids" => vec![names.into(), names.into()] }));
    pdf.document
        .objects
        .insert(labels, looping(dictionary! { "Kids" => vec![labels.into(), labels.into()] }));
    pdf.catalog.set("Outlines", dictionary! { "First" => item });
    pdf.catalog.set("Names", dictionary! { "Dests" => names });
    pdf.catalog.set("PageLabels", labels);

    assert_eq!(read(&pdf.bytes()).content, CLAUSES.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn flipped_bytes_never_panic(flips in proptest::collection::vec((0_usize..5_000, 0_u8..), 1..12)) {
        let mut bytes = contract(2).bytes();
        let length = bytes.len();
        for (at, value) in flips {
            bytes[at % length] = value;
        }

        if let Ok(parsed) = reader::read(&bytes, &ReadOptions::default()) {
            check_spans(&parsed);
        }
    }

    #[test]
    fn any_content_keeps_the_spans_right(content in "[ -~\n]{0,400}") {
        let mut pdf = contract(1);
        pdf.page(&content);
        pdf.page(&format!("BT /F1 12 Tf {content} ({}) Tj", content.replace(['(', ')', '\\'], "")));

        check_spans(&reader::read(&pdf.bytes(), &ReadOptions::default()).unwrap());
    }
}
