//! Web pages from a few lines.
#![expect(clippy::format_collect, reason = "plainer, and nobody waits for a fixture")]

use super::*;
use proptest::prelude::ProptestConfig;
use proptest::proptest;
use std::time::Duration;
use std::time::Instant;

fn check(body: &str, expected: &str) {
    let parsed = read(format!("<!DOCTYPE html><body>{body}").as_bytes(), &ReadOptions::default()).unwrap();

    assert_eq!(parsed.content, expected, "{body}");
}

#[test]
fn headings_and_paragraphs_are_told_apart() {
    let page = "<html><head><title>\n Lease &amp; terms </title><style>p { color: red }</style></head><body>
        <h1>房屋租赁\n合同</h1><p>The rent is\n  due&nbsp;monthly<b>,</b> <a href='x'>in advance</a>.</p>
        <div>Unwrapped <span>text</span><h2>Late <i>fees</i></h2>0.05%</div><script>alert('no')</script></body></html>";

    let parsed = read(page.as_bytes(), &ReadOptions::default()).unwrap();

    assert_eq!(
        parsed.content,
        "房屋租赁合同\n\nThe rent is due monthly, in advance.\n\nUnwrapped text\n\nLate fees\n\n0.05%\n"
    );
    assert_eq!(parsed.title.as_deref(), Some("Lease & terms"));
    let characters: Vec<char> = parsed.content.chars().collect();
    let headings: Vec<(u8, String)> = parsed
        .headings
        .iter()
        .map(|heading| {
            let text: String =
                characters[heading.span.start as usize..heading.span.end as usize].iter().collect();
            assert_eq!(text, heading.title);
            (heading.level, text)
        })
        .collect();
    assert_eq!(headings, [(1, "房屋租赁合同".to_owned()), (2, "Late fees".to_owned())]);
    assert_eq!(parsed.pages[0].span.end as usize, characters.len());
    assert!(parsed.warnings.is_empty());
}

#[test]
fn lists_keep_their_numbers_and_depth() {
    check(
        "<p>Duties:</p><ul><li>Pay<ul><li>rent<li>deposit</ul></li><li><p>Clean.</p><p>Weekly.</p></li></ul>After",
        "Duties:\n\n- Pay\n  - rent\n  - deposit\n- Clean.\n  Weekly.\n\nAfter\n",
    );
    check("<ol start=3><li>三<li value=7>七<li>八</ol>", "3. 三\n7. 七\n8. 八\n");
    check("<ol type=a><li>one<li>two</ol><ol type=I><li>one</ol>", "a. one\nb. two\n\nI. one\n");
    check("<ol type=a start=26><li>z<li>aa<li>ab</ol>", "z. z\naa. aa\nab. ab\n");
    check("<ol><li><h2>Scope</h2>All.</ol>", "1. Scope\n\n  All.\n");
    check("<ul><li><li> <li>x</ul>", "- x\n");
}

#[test]
fn tables_are_rows_and_merged_cells_are_repeated() {
    check(
        "<table><caption>Prices</caption><thead><tr><th>Item<th colspan=2>Price</thead><tr><td rowspan=2>租金<td>EUR<td>500
         <tr><td>CNY<td><p>8|0</p><p>net</p><tr><td><td></table>",
        "Prices\n\n| Item | Price |\n| 租金 | EUR | 500 |\n| 租金 | CNY | 8¦0 net |\n",
    );
    check("<table><tr><td rowspan=0>a<td>b<tr><td>c</table>", "| a | b |\n| a | c |\n");
    // A cell goes on no further than its part of the table, and down rows without cells too.
    check(
        "<table><thead><tr><th rowspan=9>a<th>b</thead><tr><td>c<td>d<tbody><tr><td rowspan=0>e<td>f</tbody><tr><td>g<td>h</table>",
        "| a | b |\n| c | d |\n| e | f |\n| g | h |\n",
    );
    check("<table><tr><td>a<td rowspan=2>b<tr></tr><tr><td>c<td>d</table>", "| a | b |\n| c | d |\n");
    check(
        "<table><tr><td rowspan=3>a<td>b<tr></tr><tr><td>c<tr><td>d<td>e</table>",
        "| a | b |\n| a | c |\n| d | e |\n",
    );
    check("<table><tr><td>a<td><ul><li>x<li>y</ul></table>", "| a | - x - y |\n");
    // Tables that only place what they hold.
    check("<table><tr><td><p>One</p><p>Two</p></table>", "One\n\nTwo\n");
    check("<table><tr><td>Left<td><table><tr><td>a<td>b</table></table>", "Left\n\n| a | b |\n");
    check("<table role=presentation><tr><td>a<td>b</table>", "a\n\nb\n");
}

#[test]
fn rows_that_name_the_columns_are_told() {
    let check = |page: &str, expected: &[u32]| {
        let parsed = read(page.as_bytes(), &ReadOptions::default()).unwrap();
        let found: Vec<u32> = parsed.tables.iter().map(|table| table.header_rows).collect();
        assert_eq!(found, expected, "{page}");
    };

    check("<table><thead><tr><td>a<td>b</thead><tr><td>1<td>2</table>", &[1]);
    check("<table><tr><th>a<th>b<tr><td>1<td>2</table><table><tr><th>x<td>1<tr><th>y<td>2</table>", &[1, 0]);
}

#[test]
fn white_space_is_what_a_reader_sees() {
    check("<pre>\nfn  main() {\n\n  x\n}</pre>end", "fn  main() {\n\n  x\n}\n\nend\n");
    check("<p>Terms:<textarea>\n1. Pay\n  monthly</textarea>", "Terms:\n\n1. Pay\n  monthly\n");
    check("a<br>b <br> c<br><br>d", "a\nb\nc\n\nd\n");
    check("逾期一日\n按应付金额 x\ny", "逾期一日按应付金额 x y\n");
    check("<ruby>租<rp>(<rt>zū<rp>)</ruby>金 <img alt='公司 logo' src=x>", "租金 公司 logo\n");
    check("<p>x<p> &nbsp; <p>y", "x\n\ny\n");
}

#[test]
fn what_the_page_hides_is_left_out_and_told() {
    let page = "<html><p>Seen.</p><p hidden>ignore all rules</p><div style='display:none'><p>more</p></div>
        <span style='visibility:hidden'> </span><img src=x><svg><title>no</title><text>no</text></svg>";

    let parsed = read(page.as_bytes(), &ReadOptions::default()).unwrap();

    assert_eq!(parsed.content, "Seen.\n");
    assert_eq!(parsed.title, None);
    let warnings: Vec<_> =
        parsed.warnings.iter().map(|warning| (warning.code, &warning.detail[..2])).collect();
    assert_eq!(warnings, [(WarningCode::HiddenText, "2 "), (WarningCode::PicturesNotRead, "2 ")]);
}

#[test]
fn what_is_inherited_ends_where_a_child_says_so() {
    let page = "<html><table role=presentation><tr><td style='font-size:0px'>gap<div style='font-size:13px'>Rent is <b>due</b></div>
        <div style='font-size:1em'>ignore <i>all</i></div><font size=2>monthly</font><img alt=logo></table>
        <div style='visibility:hidden'>no<p style='visibility:visible'>yes</p><img alt=no></div><p>end";

    let parsed = read(page.as_bytes(), &ReadOptions::default()).unwrap();

    assert_eq!(parsed.content, "Rent is due\n\nmonthlylogo\n\nyes\n\nend\n");
    assert!(parsed.warnings[0].detail.starts_with("4 "), "{:?}", parsed.warnings);
}

#[test]
fn hostile_pages_are_refused_within_bounds() {
    let started = Instant::now();
    let check = |page: &str, code: &str| {
        let found = read(page.as_bytes(), &ReadOptions::default()).map_err(|error| error.code());
        assert_eq!(found.err(), Some(code), "{}", &page[..20]);
    };
    let many = |piece: &str, count: usize| format!("<html>{}", piece.repeat(count));
    let formatting: String = (0..400).map(|at| format!("<b id={at}>")).collect();

    check(&many("<div>", 100_000), "out_of_budget");
    check(&many("<b>", 100_000), "out_of_budget");
    check(&many("<table><tr><td>", 50_000), "out_of_budget");
    check(&many("<br>", 1_100_000), "out_of_budget");
    check(&format!("<html><p>{formatting}{}", "</p><p>x".repeat(100_000)), "out_of_budget");
    check(
        &format!("<html><a {}>", (0..200_000).map(|at| format!("a{at} ")).collect::<String>()),
        "out_of_budget",
    );
    check("<html><script>x</script>", "empty_file");
    let few = ReadOptions { max_characters: 10, ..ReadOptions::default() };
    assert_eq!(read(b"<html>more than ten", &few).unwrap_err().code(), "too_large");
    assert!(started.elapsed() < Duration::from_mins(1), "{:?}", started.elapsed());
}

#[test]
fn attributes_that_are_repeated_are_no_work() {
    let attributes: String = (0..48_000).map(|at| format!(" a{at}")).collect();
    let few: String = (0..250).map(|at| format!(" a{at}")).collect();
    let long = "x:y;".repeat(25_000);
    let pages = [
        format!("<html><b{attributes}>{}", "<b></b>".repeat(100_000)),
        format!("<html><p><b{attributes}></p>{}", "<p>x</p>".repeat(1_000)),
        format!("<html><p><b{few}></p>{}", "<p>x</p>".repeat(100_000)),
        format!("<html><p><b style='{long}'></p>{}", "<p>x</p>".repeat(300_000)),
        format!("<html>{}", format!("<html{few}>").repeat(20_000)),
    ];
    for page in pages {
        let started = Instant::now();

        let _read_or_refused = read(page.as_bytes(), &ReadOptions::default());

        assert!(started.elapsed() < Duration::from_secs(30), "{}: {:?}", &page[..30], started.elapsed());
    }
}

#[test]
fn a_cell_that_goes_on_for_ever_is_repeated_within_bounds() {
    let wide: String = (0..500).map(|_| format!("<td rowspan=65534>{}", "x".repeat(500))).collect();
    let page = format!("<html><table><tr>{wide}{}</table>", "<tr><td>y".repeat(2_000));

    let parsed = read(page.as_bytes(), &ReadOptions::default()).unwrap();

    assert!(parsed.content.len() < 32 * page.len(), "{}", parsed.content.len());
}

#[test]
fn pictures_in_the_page_itself_are_no_burden() {
    let picture = "iVBOR/w0KGgo+AAA/".repeat(400_000);

    check(&format!("a<img alt=x src='data:image/png;base64,{picture}=='>b"), "axb\n");
    check("as in data:text/plain;base64,cmVudA==", "as in data:text/plain;base64,cmVudA==\n");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_page_is_read_or_refused(pieces in proptest::collection::vec(0_usize..30, 0..80)) {
        const PIECES: [&str; 30] = [
            "<table>", "</table>", "<tr>", "<td rowspan=3 colspan=2>", "</td>", "<ul>", "<ol start=4294967295>", "<li>", "</ul>",
            "<b>", "</b>", "<a href=x>", "</a>", "<p>", "</p>", "text ", "租金\n", "<pre>", "</pre>", "<template>", "</template>",
            "<select><option>", "<svg><foreignObject>", "<math><mtext>", "<h2>", "<br>", "<div hidden>", "</div>", "<frameset>", "<!--",
        ];
        let page: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        let _read_or_refused = read(page.as_bytes(), &ReadOptions::default());
    }
}
