//! What stands in columns and is no table: clauses, lists, contents, signatures; and tables that look like them.

use crate::fixture::Pdf;
use crate::fixture::chinese_font;
use crate::fixture::gbk;
use crate::fixture::lines;
use crate::fixture::read;
use crate::tables::at;
use crate::tables::cells;
use crate::tables::grid;
use crate::tables::is_no_table;
use crate::tables::page;
use crate::tables::rows;

/// Lines of entries at their places, from a height downwards.
fn entries(lines: &[&[(i32, &str)]]) -> String {
    let line = |(index, entries): (usize, &&[(i32, &str)])| -> String {
        entries.iter().map(|(x, text)| at(*x, 700 - 14 * index as i32, text)).collect()
    };
    lines.iter().enumerate().map(line).collect()
}

/// Rules over and under so many lines.
fn closed(content: &str, count: i32) -> String {
    let bottom = 708 - 14 * count;
    format!("{content} 70 712 m 560 712 l S 70 {bottom} m 560 {bottom} l S\n")
}

#[test]
fn clauses_with_numbers_beside_them_are_no_tables() {
    is_no_table(&entries(&[
        &[(72, "4.1"), (110, r"\(1\)"), (150, "The lessee pays the rent in advance.")],
        &[(110, r"\(2\)"), (150, "It pays the charges too.")],
        &[(110, r"\(3\)"), (150, "Both fall due on the first day.")],
        &[(72, "4.2"), (110, r"\(1\)"), (150, "The lessor keeps the roof.")],
        &[(110, r"\(2\)"), (150, "It insures the house.")],
    ]));
    is_no_table(&entries(&[
        &[(72, r"\(a\)"), (110, "EUR 500;")],
        &[(72, r"\(b\)"), (110, "EUR 700;")],
        &[(72, r"\(c\)"), (110, "EUR 900.")],
    ]));
    is_no_table(&entries(&[
        &[(72, "THE PEOPLE"), (300, r"\)"), (330, "Case 12")],
        &[(72, "Plaintiff"), (300, r"\)"), (330, "Department 4")],
        &[(72, "v."), (300, r"\)"), (330, "Judge 7")],
        &[(72, "A. Tenant"), (300, r"\)"), (330, "Filed 2024")],
    ]));
    // The last lines alone have other signs in the middle.
    let signed = entries(&[
        &[(72, "Officer"), (300, r"\)"), (330, "Illegible")],
        &[(72, "Witness"), (300, r"\)"), (330, "Illegible")],
        &[(72, "Surveyor"), (300, r"\)"), (330, "Illegible")],
        &[(72, "Auditor"), (300, r"\)"), (330, "Illegible")],
        &[(72, "Notary"), (300, r"\)"), (330, "Illegible")],
        &[(72, "In confidence"), (270, "Page 41"), (330, "May 2004")],
    ]);
    is_no_table(&closed(&format!("{signed} 70 668 m 560 668 l S"), 6));
}

#[test]
fn lists_between_rules_are_no_tables() {
    let list = |signs: [&str; 4]| {
        entries(&[
            &[(72, signs[0]), (110, "Rent")],
            &[(72, signs[1]), (110, "Water and heating")],
            &[(72, signs[2]), (110, "Repairs of the roof")],
            &[(72, signs[3]), (110, "Insurance")],
        ])
    };

    is_no_table(&closed(&list(["1.", "2.", "3.", "4."]), 4));
    is_no_table(&closed(&list(["-", "-", "-", "-"]), 4));

    let named = closed(&list(["No.", "1.", "2.", "3."]), 4);
    assert_eq!(rows(&page(&named), 0)[1], "| 1. | Water and heating |");
    let table = entries(&[
        &[(72, "1."), (110, "Rent"), (400, "500.00")],
        &[(72, "2."), (110, "Water"), (400, "30.00")],
        &[(72, "3."), (110, "Heating"), (400, "70.00")],
    ]);
    assert_eq!(rows(&page(&table), 0)[2], "| 3. | Heating | 70.00 |");
}

#[test]
fn amounts_in_brackets_number_nothing() {
    let table = entries(&[
        &[(72, "Rent"), (300, r"\(12\)"), (400, "500.00")],
        &[(72, "Water"), (300, r"\(340\)"), (400, "30.00")],
        &[(72, "Heating"), (300, r"\(7\)"), (400, "70.00")],
    ]);

    assert_eq!(rows(&page(&table), 0)[1], "| Water | (340) | 30.00 |");
}

#[test]
fn signatures_side_by_side_are_no_table() {
    is_no_table(&entries(&[
        &[(72, "Name: Ada"), (250, "Name: Bo"), (430, "Name: Cy")],
        &[(72, "Title: CEO"), (250, "Title: CFO"), (430, "Title: COO")],
        &[(72, "Date: 1.2."), (250, "Date: 1.2."), (430, "Date: 1.2.")],
        &[(72, "City: Bonn"), (250, "City: Bern"), (430, "City: Brig")],
    ]));
}

#[test]
fn contents_with_leaders_and_parts_are_no_tables() {
    let mut pdf = Pdf::new();
    chinese_font(&mut pdf, "F2");
    let text = |x: i32, y: i32, text: &str| format!("BT /F2 10 Tf {x} {y} Td {} Tj ET\n", gbk(text));
    let chapters = [("第一章", "总则......3"), ("第二章", "租金......9"), ("第三章", "押金......12")];
    let content: String = chapters
        .iter()
        .zip(0..)
        .map(|((number, title), at)| text(72, 700 - 14 * at, number) + &text(150, 700 - 14 * at, title))
        .collect();
    pdf.page(&content);
    let parsed = read(&pdf.bytes());
    assert!(parsed.tables.is_empty(), "{}", parsed.content);

    is_no_table(&entries(&[
        &[(72, "1."), (110, "Lease"), (500, "3")],
        &[(72, "2."), (110, "Rent"), (500, "17")],
        &[(72, "3."), (110, "Notice"), (500, "45")],
        &[(72, "A."), (110, "Plans"), (500, "1")],
        &[(72, "B."), (110, "Keys"), (500, "5")],
    ]));
    is_no_table(&entries(&[
        &[(72, "Lease"), (300, "of the house"), (500, "3")],
        &[(72, "Rent"), (300, "and charges"), (500, "9")],
        &[(72, "Notice"), (300, "of both"), (500, "12")],
        &[(72, "Plans"), (300, "of all floors"), (500, "45")],
        &[(72, "Keys"), (300, "to the gates"), (500, "98")],
        &[(72, "Index"), (300, "of words"), (500, "104")],
    ]));
}

#[test]
fn two_columns_of_clauses_are_read_one_after_the_other() {
    let clauses = |part: i32| -> Vec<String> {
        (1..=6).map(|clause| format!("clause {part}.{clause} of this lease that runs on")).collect()
    };
    let (left, right) = (clauses(1), clauses(7));
    let mut content = String::new();
    for (index, (left, right)) in left.iter().zip(&right).enumerate() {
        let y = 740 - 14 * index as i32;
        content += &(at(50, y, &format!("1.{}", index + 1)) + &at(85, y, left));
        content += &(at(320, y, &format!("7.{}", index + 1)) + &at(355, y, right));
    }

    let parsed = page(&content);

    assert!(parsed.tables.is_empty(), "{}", parsed.content);
    let place = |text: &str| parsed.content.find(text).unwrap();
    assert!(place("clause 1.6") < place("clause 7.1"), "{}", parsed.content);
    assert!(parsed.content.starts_with("1.1\tclause 1.1"), "{}", parsed.content);
}

#[test]
fn rules_around_a_head_and_sums_do_not_make_one_row_of_what_is_summed_up() {
    let mut content = entries(&[&[(76, "Object"), (204, "Rooms"), (304, "Rent")]]);
    let rules = [712, 694, 638, 582, 564];
    content.extend(rules.map(|y| format!("72 {y} m 400 {y} l S\n")));
    // The head has a double rule.
    content += "72 691 m 400 691 l S\n";
    for row in 0..8 {
        let y = 683 - 14 * row;
        let texts = [format!("Flat {row}"), format!("{}", 2 + row % 3), format!("{}00.00", 5 + row)];
        content.extend([72, 200, 300].iter().zip(texts).map(|(x, text)| at(x + 4, y, &text)));
    }
    content += &(at(76, 570, "Total") + &at(204, 570, "23") + &at(304, 570, "6800.00"));

    let parsed = page(&content);

    assert_eq!(parsed.tables.len(), 1, "{}", parsed.content);
    assert_eq!(rows(&parsed, 0)[1..3], ["| Flat 0 | 2 | 500.00 |", "| Flat 1 | 3 | 600.00 |"]);
}

#[test]
fn rows_between_rules_hold_all_their_lines() {
    let mut content = String::new();
    for (row, [first, second, price]) in [
        ["Cleaning of the|stairs", "every week", "50.00"],
        ["Care of the|garden", "every month", "70.00"],
        ["Snow and ice", "as needed", "20.00"],
        ["Lift", "every year", "90.00"],
    ]
    .iter()
    .enumerate()
    {
        let y = 700 - 30 * row as i32;
        for (index, line) in first.split('|').enumerate() {
            content += &at(72, y - 11 * index as i32, line);
        }
        content += &(at(250, y, second) + &at(400, y, price));
        content += &format!("70 {} m 450 {} l S\n", y + 11, y + 11);
    }

    assert_eq!(rows(&page(&content), 0)[0], "| Cleaning of the stairs | every week | 50.00 |");
}

#[test]
fn titles_over_a_table_are_not_its_head() {
    let table = entries(&[
        &[(72, "Flat"), (250, "2"), (400, "500.00")],
        &[(72, "Shop"), (250, "3"), (400, "900.00")],
        &[(72, "Loft"), (250, "1"), (400, "700.00")],
    ]);
    let title = at(210, 718, "SCHEDULE 2 OF THE RENTS AND THE CHARGES");
    assert!(page(&(title + &table)).content.starts_with("SCHEDULE 2"));

    let spanning = at(250, 718, "In the year 2024, all of it as audited") + "240 713 m 440 713 l S\n";
    assert!(page(&(spanning + &table)).content.starts_with("|  | In the year 2024"));

    let named = at(72, 732, "Object") + &at(250, 732, "Rooms") + &at(400, 732, "Rent");
    let between = at(250, 718, "In the year 2024, all of it as audited");
    let parsed = page(&(named + &between + &table));
    assert_eq!(
        rows(&parsed, 0)[..2],
        ["| Object | Rooms | Rent |", "|  | In the year 2024, all of it as audited |"]
    );

    let head = at(250, 718, "In the year 2024, all of it as audited") + &at(520, 718, "Remarks");
    let parsed = page(&(head + &table));
    assert!(rows(&parsed, 0)[0].starts_with("| Flat"), "{}", parsed.content);
}

#[test]
fn labels_beside_a_grid_name_its_rows() {
    let boxed = grid(&[300, 400, 500], &[735, 715, 695, 675])
        + &cells(&[300, 400], 721, &[&["2023", "2024"], &["500", "600"], &["70", "80"]]);
    let labels = at(72, 701, "Rent of the house") + &at(72, 681, "Heating");
    let after = lines(72, 640, &["All amounts are in euros."]);
    assert_eq!(
        page(&format!("{boxed}{labels}{after}")).content,
        "|  | 2023 | 2024 |\n| Rent of the house | 500 | 600 |\n| Heating | 70 | 80 |\n\nAll amounts are in euros."
    );

    let remarks = at(520, 701, "monthly") + &at(520, 681, "yearly");
    assert_eq!(
        rows(&page(&format!("{boxed}{labels}{remarks}")), 0)[1],
        "| Rent of the house | 500 | 600 | monthly |"
    );

    let prose = at(30, 721, "This text beside the table has nothing to do with its rows,")
        + &at(30, 701, "it only stands there, and each of its lines runs on,")
        + &at(30, 681, "so that what they say is not torn into cells.");
    assert_eq!(rows(&page(&format!("{boxed}{prose}")), 0)[1], "| 500 | 600 |");
}
