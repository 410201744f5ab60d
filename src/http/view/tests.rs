//! Views of whole texts: what they look like, and that what is marked is what was highlighted.

use super::*;
use crate::domain::TableRows;
use crate::domain::revision;
use proptest::prelude::*;

fn view(kind: Kind, text: &str, structure: Structure) -> View {
    let span = Span { start: 0, end: text.chars().count() as u32 };
    let (document, text) = (DocumentId::new(), text.to_owned());
    View { document, version: 1, number: 1, kind, has_image: false, span, text, structure }
}

fn drawn(kind: Kind, text: &str, highlight: &str) -> String {
    let at = text.find(highlight).map_or(0, |byte| text[..byte].chars().count()) as u32;
    let span = Span { start: at, end: at + highlight.chars().count() as u32 };
    let html = view(kind, text, Structure::default()).draw(Some(span), Part::Whole).unwrap().into_string();
    let sheet = html.split_once("<div class=\"sheet\">").unwrap().1;
    sheet.strip_suffix("</div></article>").unwrap().to_owned()
}

#[test]
fn a_table_is_marked_cell_by_cell_and_changes_are_told() {
    assert_eq!(
        drawn(
            Kind::Written,
            "Due in [deleted: five][inserted: ten] days.\n\n| Item | Price |\n| <b> | 5 |\n\n[Ada: Check this.]\n",
            "days.\n\n| Item | Price |\n| <"
        ),
        "<p>Due in <del title=\"deleted\">five</del><ins title=\"inserted\">ten</ins> <mark>days.</mark></p>\
         <div class=\"wide\"><table><tr><td><mark>Item</mark></td><td><mark>Price</mark></td></tr>\
         <tr><td><mark>&lt;</mark>b&gt;</td><td>5</td></tr></table></div><p class=\"note\">[Ada: Check this.]</p>"
    );
}

#[test]
fn a_workbook_shows_the_names_of_its_rows_and_columns() {
    assert_eq!(
        drawn(Kind::Workbook, "# | A | C (hidden) |\n7 | 租金 | 2400 |\n", "2400"),
        "<div class=\"wide\"><table><thead><tr><th scope=\"col\">#</th><th scope=\"col\">A</th><th scope=\"col\">C (hidden)</th></tr></thead>\
         <tr><th class=\"place\" scope=\"row\">7</th><td>租金</td><td><mark>2400</mark></td></tr></table></div>"
    );
}

#[test]
fn a_message_begins_with_its_header_and_lists_are_lists() {
    assert_eq!(
        drawn(
            Kind::Message,
            "From: Lin <l@x.y>\nDate: today\n\nHello\nthere\n\n- one\n  1. two\n  more\n",
            "Lin"
        ),
        "<div class=\"wide\"><table><tr><th class=\"place\" scope=\"row\">From</th><td><mark>Lin</mark> &lt;l@x.y&gt;</td></tr>\
         <tr><th class=\"place\" scope=\"row\">Date</th><td>today</td></tr></table></div><p>Hello\nthere</p>\
         <ul class=\"numbered\"><li class=\"in-0\">one</li><li class=\"in-1\"><span class=\"marker\">1.</span> two\n  more</li></ul>"
    );
}

#[test]
fn markdown_is_drawn_without_pictures_links_or_markup_of_its_own() {
    assert_eq!(
        drawn(
            Kind::Markdown,
            "# *One* `x`\n\n3. see [the rules](https://a.b \"t\")\n\n<script>alert(1)</script>\n\n| a | b |\n|---|---|\n| ![p](q.png) | ~~d~~ |\n\n[r]: /url\n",
            "the rules](https"
        ),
        "<h3 class=\"level-1\"><em>One</em> <code>x</code></h3><ul class=\"numbered\"><li class=\"in-0\"><span class=\"marker\">3.</span> see \
         <mark>the rules</mark> <span class=\"quiet\"><mark>https</mark>://a.b &quot;t</span> </li></ul>\
         <pre>&lt;script&gt;alert(1)&lt;/script&gt;\n</pre><div class=\"wide\"><table><thead><tr><th scope=\"col\">a</th><th scope=\"col\">b</th></tr></thead>\
         <tr><td>p <span class=\"quiet\">q.png</span> </td><td><s>d</s></td></tr></table></div><p> <span class=\"quiet\">r]: /url</span> </p>"
    );
}

#[test]
fn a_long_page_is_drawn_in_sections_around_the_highlight() {
    let rows: Vec<String> = (1..=4_000).map(|row| format!("{row} | x |\n")).collect();
    let text = format!("S\n\n# | A |\n{}", rows.concat());
    let view = view(Kind::Workbook, &text, Structure::default());
    let at = text.find("\n3000 |").unwrap() as u32 + 1;

    let html = view.draw(Some(Span { start: at, end: at + 4 }), Part::Whole).unwrap().into_string();

    assert!(html.contains("<mark>3000</mark>") && html.len() < 300_000, "{}", html.len());
    assert!(html.contains("<th scope=\"col\">A</th>"), "the columns' names are repeated");
    assert!(html.contains("&amp;section=1&amp;version=1\" data-section=\"1\""), "{html:.600}");
    assert!(view.draw(None, Part::Section(9)).is_none());
    let alone = view.draw(Some(Span { start: at, end: at + 4 }), Part::Highlighted).unwrap().into_string();
    assert!(alone.contains("<mark>3000</mark>") && !alone.contains("<nav"), "{alone:.600}");
}

/// Texts made of what readers write and people type, on one page after `before` characters of others.
fn texts() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "word ",
        "租金",
        "5%",
        "\n",
        "\n\n",
        "| a | b |\n",
        "| c |\n",
        "3 | x | y |\n",
        "# | A |\n",
        "- ",
        "  - ",
        "1. ",
        "# ",
        "[deleted: old]",
        "[inserted: new [1]]",
        "[Ada: note]",
        "[^1] ",
        "**",
        "*",
        "`",
        "```\n",
        "> ",
        "[",
        "](u.v)",
        "<b>",
        "From: me\n",
        "Date: now\n",
        "&amp;",
        "\\",
        "|",
        "---\n",
        "    ",
        "☒",
        "\r\n",
        "[x]: /y\n",
        "![",
        "===\n",
        "&",
    ];
    prop::collection::vec(prop::sample::select(PIECES), 0..60).prop_map(|pieces| pieces.concat())
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![Kind::Plain, Kind::Written, Kind::Message, Kind::Workbook, Kind::Markdown])
}

/// The text of all elements, and of the marked ones.
fn texts_of(html: &str) -> (String, String) {
    let (mut all, mut marked, mut in_mark) = (String::new(), String::new(), false);
    let mut rest = html;
    while let Some((text, after)) = rest.split_once('<') {
        all.push_str(text);
        marked.push_str(if in_mark { text } else { "" });
        let (tag, after) = after.split_once('>').unwrap();
        in_mark = if tag == "mark" { true } else { in_mark && tag != "/mark" };
        rest = after;
    }
    all.push_str(rest);
    let plain = |text: &str| {
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    };
    (plain(&all), plain(&marked))
}

/// What a view shows of characters: its letters and digits, those of the marks of changes excepted.
fn letters(characters: impl Iterator<Item = (char, bool)>) -> String {
    characters
        .filter(|(character, label)| character.is_alphanumeric() && !label)
        .map(|(character, _)| character)
        .collect()
}

/// Which characters are the words of the marks of changes, where these are read.
fn labels(text: &[char], kind: Kind) -> Vec<bool> {
    let mut labels = vec![false; text.len()];
    let revisions = if kind == Kind::Markdown { Vec::new() } else { revision::revisions(text) };
    for revision in revisions {
        labels[revision.whole.start..revision.words.start].fill(true);
    }
    labels
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn what_is_marked_is_what_was_highlighted_and_no_word_is_lost(
        text in texts(), kind in kinds(), from in 0_usize..400, length in 0_usize..200,
        headings in prop::collection::vec((1_u8..5, 0_usize..30), 0..4), tables in prop::collection::vec((0_usize..30, 1_usize..5, 0_u32..3), 0..3),
    ) {
        let characters: Vec<char> = text.chars().collect();
        let lines: Vec<Span> = line::lines(&characters).into_iter().map(|line| Span { start: line.start as u32, end: line.end as u32 }).collect();
        let structure = Structure {
            headings: headings.iter().filter_map(|(level, line)| Some((*level, *lines.get(*line)?))).collect(),
            tables: tables.iter().filter_map(|(first, count, header_rows)| {
                let rows = lines.get(*first..(*first + count).min(lines.len()))?.to_vec();
                Some(TableRows { rows, header_rows: *header_rows })
            }).collect(),
        };
        let (from, to) = (from.min(characters.len()), (from + length).min(characters.len()));
        let span = Span { start: from as u32, end: to as u32 };

        let html = view(kind, &text, structure).draw(Some(span), Part::Whole).unwrap().into_string();

        let (all, marked) = texts_of(&html);
        let labels = labels(&characters, kind);
        let of = |range: Range<usize>| letters(range.map(|at| (characters[at], labels[at])));
        let plain = |text: &str| letters(text.chars().map(|character| (character, false)));
        prop_assert_eq!(plain(&marked), of(from..to), "{}", html);
        prop_assert_eq!(plain(&all), of(0..characters.len()), "{}", html);
        if kind != Kind::Markdown {
            let signs = |text: &str| text.replace(|c: char| c.is_whitespace() || "|[]:-•*".contains(c), "");
            let shown: String = (from..to).filter(|at| !labels[*at]).map(|at| characters[at]).collect();
            prop_assert_eq!(signs(&marked), signs(&shown), "{}", html);
        }
        prop_assert!(!html.contains("<script") && !html.contains("<img") && !html.contains(" style="));
    }
}
