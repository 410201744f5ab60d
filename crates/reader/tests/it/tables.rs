//! Tables: what becomes one, and what does not.

use crate::fixture::Pdf;
use crate::fixture::chinese_font;
use crate::fixture::gbk;
use crate::fixture::lines;
use crate::fixture::read;
use crate::fixture::word;
use lopdf::dictionary;
use reader::Parsed;
use reader::Span;

/// A text at a place.
pub(crate) fn at(x: i32, y: i32, text: &str) -> String {
    format!("BT /F1 10 Tf {x} {y} Td ({text}) Tj ET\n")
}

/// A grid of lines: edges of columns, and of rows from top to bottom.
pub(crate) fn grid(columns: &[i32], rows: &[i32]) -> String {
    let (left, right) = (columns[0], columns[columns.len() - 1]);
    let (top, bottom) = (rows[0], rows[rows.len() - 1]);
    let across = rows.iter().map(|y| format!("{left} {y} m {right} {y} l S\n"));
    let down = columns.iter().map(|x| format!("{x} {bottom} m {x} {top} l S\n"));
    across.chain(down).collect()
}

/// Rows of cells at the edges of columns, from a height downwards.
pub(crate) fn cells(columns: &[i32], mut y: i32, rows: &[&[&str]]) -> String {
    let mut content = String::new();
    for row in rows {
        content.extend(columns.iter().zip(*row).map(|(x, text)| at(x + 4, y, text)));
        y -= 20;
    }
    content
}

pub(crate) fn page(content: &str) -> Parsed {
    let mut pdf = Pdf::new();
    pdf.page(content);
    read(&pdf.bytes())
}

pub(crate) fn rows(parsed: &Parsed, table: usize) -> Vec<String> {
    let characters: Vec<char> = parsed.content.chars().collect();
    let text = |row: &Span| characters[row.start as usize..row.end as usize].iter().collect();
    parsed.tables[table].rows.iter().map(text).collect()
}

#[track_caller]
pub(crate) fn is_no_table(content: &str) {
    let parsed = page(content);
    assert!(parsed.tables.is_empty(), "{}", parsed.content);
    assert!(!parsed.content.contains("| "), "{}", parsed.content);
}

const PRICES: &[&[&str]] =
    &[&["Item", "Unit", "Price"], &["Rent", "month", "2,400"], &["Water", "m3", "3.10"]];

#[test]
fn lines_make_cells_and_rows_between_the_text_around_them() {
    let content = [
        lines(72, 760, &["The prices are these:"]),
        grid(&[72, 200, 300, 400], &[735, 715, 695, 675]),
        cells(&[72, 200, 300], 721, PRICES),
        lines(72, 640, &["They hold for a year."]),
    ];

    let parsed = page(&content.concat());

    assert_eq!(
        parsed.content,
        "The prices are these:\n\n| Item | Unit | Price |\n| Rent | month | 2,400 |\n| Water | m3 | 3.10 |\n\nThey hold for a year."
    );
    assert_eq!((parsed.tables.len(), parsed.tables[0].page, parsed.tables[0].header_rows), (1, 1, 1));
    let price = word(&parsed, &parsed.pages[0], "2,400");
    assert!((price.rect.x0 - 304.0).abs() < 0.5 && (price.rect.y1 - 101.2).abs() < 0.5, "{price:?}");
}

#[test]
fn merged_cells_are_repeated_downwards_and_lines_of_a_cell_are_joined() {
    let content = [
        // The first cell covers two rows, the head of the last two columns covers both.
        "72 735 m 400 735 l S 72 715 m 400 715 l S 200 685 m 400 685 l S 72 655 m 400 655 l S\n".into(),
        "72 735 m 72 655 l S 200 735 m 200 655 l S 300 715 m 300 655 l S 400 735 m 400 655 l S\n".into(),
        at(76, 721, "Object") + &at(204, 721, "Rent | month"),
        at(76, 681, "Office") + &at(204, 702, "ground") + &at(204, 690, "floor") + &at(304, 696, "2,400"),
        at(204, 666, "loft") + &at(304, 666, "900"),
    ];

    let parsed = page(&content.concat());

    assert_eq!(
        rows(&parsed, 0),
        ["| Object | Rent ¦ month |", "| Office | ground floor | 2,400 |", "| Office | loft | 900 |"]
    );
    let text = |word: &&reader::Word| {
        parsed.content.chars().skip(word.span.start as usize).take(6).collect::<String>() == "Office"
    };
    let offices: Vec<_> = parsed.pages[0].words.iter().filter(text).collect();
    assert_eq!((offices.len(), offices[0].rect), (2, offices[1].rect));
}

#[test]
fn thin_areas_boxes_and_forms_draw_tables_too() {
    let rectangle = |x: i32, y: i32| format!("{x} {y} 100 20 re S\n");
    let boxes: String =
        [715, 695, 675].iter().flat_map(|y| [72, 172, 272].map(|x| rectangle(x, *y))).collect();
    let areas = "72 735 300 0.5 re f 72 715 300 0.5 re f 72 695 300 0.5 re f 72 675 300 0.5 re f
        72 675 0.5 60 re f 172 675 0.5 60 re f 272 675 0.5 60 re f 372 675 0.5 60 re f\n";
    let shaded: String = [715, 695, 675]
        .iter()
        .flat_map(|y| [72, 172, 272].map(|x| format!("0.9 g {x} {y} 100 20 re f 0 g\n")))
        .collect();
    let text = cells(&[72, 172, 272], 721, PRICES);
    let expected = ["| Item | Unit | Price |", "| Rent | month | 2,400 |", "| Water | m3 | 3.10 |"];
    for ruling in [boxes.as_str(), areas, shaded.as_str()] {
        assert_eq!(rows(&page(&format!("{ruling}{text}")), 0), expected, "{ruling}");
    }

    let mut pdf = Pdf::new();
    let form = dictionary! {
        "Type" => "XObject", "Subtype" => "Form", "BBox" => vec![0.into(); 4],
        "Matrix" => vec![0.5.into(), 0.into(), 0.into(), 0.5.into(), 0.into(), 0.into()],
    };
    let form = pdf.stream(form, boxes.as_bytes());
    pdf.x_object("Grid", form);
    pdf.page(&format!("{text} q 2 0 0 2 0 0 cm /Grid Do Q"));
    assert_eq!(rows(&read(&pdf.bytes()), 0), expected);
}

#[test]
fn a_table_without_lines_is_found_by_its_columns() {
    let rows_of = [
        ["Office", "12", "2,400.00"],
        ["Storage room", "3", "900.00"],
        ["Parking place", "10", "75.50"],
        ["Loft", "1", "1,100.00"],
    ];
    let mut content = lines(72, 760, &["The following rents are due on the first day of each month."]);
    for (index, [item, count, rent]) in rows_of.iter().enumerate() {
        let y = 730 - 14 * index as i32;
        // Helvetica's digits are 556 thousandths wide, its points and commas 278.
        let width =
            |text: &str| text.chars().map(|c| if c.is_ascii_digit() { 5.56 } else { 2.78 }).sum::<f64>();
        content += &at(72, y, item);
        content += &format!("BT /F1 10 Tf {} {y} Td ({count}) Tj ET\n", 260.0 - width(count));
        content += &format!("BT /F1 10 Tf {} {y} Td ({rent}) Tj ET\n", 400.0 - width(rent));
    }
    content += &lines(72, 650, &["All rents are exclusive of value added tax and of charges."]);

    let parsed = page(&content);

    assert_eq!(
        rows(&parsed, 0),
        [
            "| Office | 12 | 2,400.00 |",
            "| Storage room | 3 | 900.00 |",
            "| Parking place | 10 | 75.50 |",
            "| Loft | 1 | 1,100.00 |"
        ]
    );
    assert!(parsed.content.starts_with("The following") && parsed.content.ends_with("charges."));
}

#[test]
fn lines_between_groups_of_rows_do_not_make_one_row_of_each() {
    let grouped = grid(&[72, 200, 300, 400], &[735, 715, 635, 555]);
    let mut content = grouped + &cells(&[72, 200, 300], 721, &[&["Object", "Rooms", "Rent"]]);
    for row in 0..8 {
        let y = 702 - 20 * row;
        let texts = [format!("Flat {row}"), format!("{}", 2 + row % 3), format!("{}00.00", 5 + row)];
        content.extend([72, 200, 300].iter().zip(texts).map(|(x, text)| at(x + 4, y, &text)));
    }

    let parsed = page(&content);

    assert!(
        parsed.content.contains("| Flat 0 | 2 | 500.00 |\n| Flat 1 | 3 | 600.00 |"),
        "{}",
        parsed.content
    );
}

#[test]
fn two_columns_are_a_table_where_the_second_holds_values() {
    let mut content = String::new();
    for (i, item) in ["Rent", "Water", "Heating", "Parking", "Insurance"].iter().enumerate() {
        content += &lines(50, 700 - 14 * i as i32, &[item]);
        content += &lines(310, 700 - 14 * i as i32, &[&format!("{}00", i + 1)]);
    }

    assert_eq!(
        page(&content).content,
        "| Rent | 100 |\n| Water | 200 |\n| Heating | 300 |\n| Parking | 400 |\n| Insurance | 500 |"
    );
}

#[test]
fn chinese_cells_are_joined_without_spaces() {
    let mut pdf = Pdf::new();
    chinese_font(&mut pdf, "F2");
    let text = |x: i32, y: i32, text: &str| format!("BT /F2 10 Tf {x} {y} Td {} Tj ET\n", gbk(text));
    let content = [
        grid(&[72, 172, 272], &[735, 715, 685, 665]),
        text(76, 721, "项目") + &text(176, 721, "金额（元）"),
        text(76, 702, "办公室每月") + &text(76, 690, "租金") + &text(176, 696, "贰仟肆佰"),
        text(76, 671, "押金") + &text(176, 671, "4800"),
    ];
    pdf.page(&content.concat());

    let parsed = read(&pdf.bytes());

    assert_eq!(
        rows(&parsed, 0),
        ["| 项目 | 金额（元） |", "| 办公室每月租金 | 贰仟肆佰 |", "| 押金 | 4800 |"]
    );
    assert_eq!(word(&parsed, &parsed.pages[0], "租金").span.len(), 2);
}

#[test]
fn a_table_that_goes_on_overleaf_keeps_its_header() {
    let table = |first: &[&str], items: &[&[&str]]| {
        let rows: Vec<&[&str]> = std::iter::once(first).chain(items.iter().copied()).collect();
        let edges: Vec<i32> = (0..=rows.len() as i32).map(|row| 740 - 20 * row).collect();
        grid(&[72, 200, 300, 400], &edges) + &cells(&[72, 200, 300], 726, &rows)
    };
    let body: &[&[&str]] = &[&["Gas", "m3", "x"], &["Power", "kWh", "y"]];
    let headers = |contents: [String; 2]| {
        let mut pdf = Pdf::new();
        for content in contents {
            pdf.page(&content);
        }
        let parsed = read(&pdf.bytes());
        parsed
            .tables
            .iter()
            .map(|table| (table.page, table.rows.len(), table.header_rows))
            .collect::<Vec<_>>()
    };

    let repeated =
        [table(&["Item", "Unit", "Price"], body), table(&["Item", "Unit", "Price"], &[&["Tax", "-", "z"]])];
    assert_eq!(headers(repeated), [(1, 3, 1), (2, 2, 1)]);

    let goes_on = [table(&["Item", "Unit", "Price"], &PRICES[1..]), table(&["Tax", "year", "z"], body)];
    assert_eq!(headers(goes_on), [(1, 6, 1)]);
}

#[test]
fn text_beside_a_table_stays_whole() {
    let prose: Vec<String> = (0..12).map(|i| format!("right column line {i} of text")).collect();
    let left = [
        "left column of running text",
        "that goes on above the table",
        "and has more lines than",
        "four of them in all",
    ];
    let mut content = lines(50, 760, &left);
    content += &grid(&[50, 130, 190, 250], &[700, 680, 660, 640]);
    content += &cells(&[50, 130, 190], 686, PRICES);
    content += &lines(310, 760, &prose.iter().map(String::as_str).collect::<Vec<_>>());

    let parsed = page(&content);

    assert_eq!(
        parsed.content,
        format!(
            "{}\n\n| Item | Unit | Price |\n| Rent | month | 2,400 |\n| Water | m3 | 3.10 |\n\n{}",
            left.join("\n"),
            prose.join("\n")
        )
    );
}

#[test]
fn bold_and_shaded_first_rows_are_headers() {
    let names: &[&[&str]] = &[&["Name", "Role"], &["Acme", "lessor"], &["Bolt", "lessee"]];
    let ruled = grid(&[72, 200, 300], &[735, 715, 695, 675]);
    let plain = cells(&[72, 200], 721, names);
    assert_eq!(page(&format!("{ruled}{plain}")).tables[0].header_rows, 0);
    assert_eq!(page(&format!("0.8 g 72 715 228 20 re f 0 g {ruled}{plain}")).tables[0].header_rows, 1);

    let mut pdf = Pdf::new();
    pdf.font("F1B", dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica-Bold" });
    pdf.page(&(ruled + &plain.replacen("/F1 ", "/F1B ", 2)));
    assert_eq!(read(&pdf.bytes()).tables[0].header_rows, 1);
}

#[test]
fn prose_in_columns_is_no_table() {
    let line = |side: &str, i: i32| format!("{side} {i} of text that runs on");
    let content: String = (0..14)
        .map(|i| {
            lines(50, 740 - 14 * i, &[&line("left line", i)])
                + &lines(310, 740 - 14 * i, &[&line("right line", i)])
        })
        .collect();

    is_no_table(&content);
}

#[test]
fn contents_lists_and_signatures_are_no_tables() {
    let row =
        |y: i32, cells: &[(i32, &str)]| -> String { cells.iter().map(|(x, text)| at(*x, y, text)).collect() };
    let each = |rows: &[&[(i32, &str)]]| -> String {
        rows.iter().enumerate().map(|(i, cells)| row(700 - 16 * i as i32, cells)).collect()
    };
    is_no_table(&each(&[
        &[(72, "1"), (110, "Lease"), (500, "3")],
        &[(72, "2"), (110, "Rent"), (500, "7")],
        &[(72, "3"), (110, "Notice"), (500, "12")],
        &[(72, "4"), (110, "Repairs"), (500, "19")],
    ]));
    is_no_table(&each(&[
        &[(72, "Lease ........................................"), (500, "3")],
        &[(72, "Rent ........................................."), (500, "9")],
        &[(72, "Notice ......................................."), (500, "2")],
    ]));
    is_no_table(&each(&[
        &[(72, "9.1"), (110, "Interpretation"), (500, "51")],
        &[(72, "9.2"), (110, "Assignment"), (500, "51")],
        &[(72, "9.3"), (110, "Force Majeure"), (500, "51")],
        &[(72, "9.4"), (110, "Notices"), (500, "52")],
        &[(72, "Exhibit A"), (150, "Press Release"), (500, "A-1")],
    ]));
    is_no_table(&each(&[
        &[(72, "Exhibit 1"), (150, "-"), (200, "Press Release")],
        &[(72, "Exhibit 2"), (150, "-"), (200, "Marks")],
        &[(72, "Exhibit 3"), (150, "-"), (200, "Form of Letter")],
    ]));
    is_no_table(&each(&[
        &[(72, "1."), (110, "The lessee shall pay the rent in advance and without deduction.")],
        &[(72, "2."), (110, "The lessor shall keep the roof.")],
        &[(72, "3."), (110, "Both shall be polite.")],
    ]));
    is_no_table(&each(&[
        &[(72, "By:"), (120, "____________"), (320, "By:"), (370, "____________")],
        &[(72, "Name:"), (120, "Ada Long"), (320, "Name:"), (370, "Bo Li")],
        &[(72, "Title:"), (120, "Director"), (320, "Title:"), (370, "Manager")],
    ]));
}

#[test]
fn a_frame_around_a_page_and_a_chart_are_no_tables() {
    let prose: Vec<String> =
        (0..20).map(|i| format!("line {i} of an agreement that fills the page with its clauses")).collect();
    let prose = lines(72, 740, &prose.iter().map(String::as_str).collect::<Vec<_>>());
    is_no_table(&format!("{prose} {}", grid(&[50, 550], &[780, 100])));
    is_no_table(&format!("{prose} {}", grid(&[50, 300, 550], &[780, 760, 120, 100])));

    let chart = grid(&[100, 150, 200, 250, 300, 350, 400], &[700, 670, 640, 610, 580, 550, 520]);
    let bars: String = (0..6).map(|i| format!("{} 520 20 {} re f\n", 110 + 50 * i, 20 + 25 * i)).collect();
    let labels: String = (0..6).map(|i| at(108 + 50 * i, 505, &format!("200{i}"))).collect();
    is_no_table(&format!("{chart} {bars} {labels} {} {}", at(120, 655, "Rents"), at(300, 560, "Costs")));
}

#[test]
fn drawings_without_end_are_no_tables_and_end() {
    let hatched: String =
        (0..30_000).map(|i| format!("{} {} m {} {} l S\n", i % 500, i % 700, i % 500 + 9, i % 700)).collect();
    let net = grid(
        &(0..300).map(|i| 2 * i).collect::<Vec<_>>(),
        &(0..390).map(|i| 790 - 2 * i).collect::<Vec<_>>(),
    );
    let wide = grid(
        &(0..190).map(|i| 3 * i).collect::<Vec<_>>(),
        &(0..260).map(|i| 790 - 3 * i).collect::<Vec<_>>(),
    );
    for drawing in [hatched, net, wide] {
        is_no_table(&format!(
            "{drawing}{}",
            lines(72, 700, &["A map of the premises.", "It shows all rooms."])
        ));
    }
}

#[test]
fn a_ruled_head_that_runs_on_every_page_is_set_apart() {
    let mut pdf = Pdf::new();
    for number in 1..=4 {
        let head = grid(&[50, 200, 350, 550], &[790, 772, 754]);
        let head = head
            + &cells(&[50, 200], 778, &[&["Lease", "Aurora"]])
            + &cells(&[50, 200], 758, &[&["Form 7", "valid"]]);
        pdf.page(&(head + &lines(72, 600, &[&format!("Clause {number} of this lease is here.")])));
    }

    let parsed = read(&pdf.bytes());

    assert_eq!(parsed.tables.len(), 1);
    assert_eq!(parsed.content.matches("Aurora").count(), 1);
    assert_eq!(parsed.pages[2].running, ["| Lease | Aurora |", "| Form 7 | valid |"]);
}
