//! Trees of texts as they are written.

use super::*;
use crate::domain::clause::Address;
use proptest::prelude::*;

/// The tree as lines: depth as indent, address, title.
fn tree(text: &str, headings: &[Heading]) -> Vec<String> {
    let found = find(text, headings);
    found
        .iter()
        .map(|found| {
            let clause = &found.clause;
            let indent = " ".repeat(usize::from(clause.depth) - 1);
            let address = clause.address().unwrap_or_else(|| "-".to_owned());
            format!("{indent}{address} {}", clause.title).trim_end().to_owned()
        })
        .collect()
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(tree(text, &[]), expected, "{text}");
}

#[test]
fn an_english_contract_is_read_with_its_nested_lists() {
    check(
        "ARTICLE I\nDEFINITIONS.\n\
         1.1 Defined Terms. In this Agreement:\n\
         (a) the first;\n(b) the second, which has\n(i) one part; and\n(ii) another;\n(c) the third.\n\
         1.2 Construction. Words are words.\n\
         ARTICLE II PAYMENT\n\
         Section 2.1 Price. The price is EUR 5.\n\
         Section 2.2 The Buyer shall pay it within\n30 days after delivery.\n\
         SCHEDULE A\n1. Goods\n1.1 Pumps are delivered.\n2. Services\n",
        &[
            "Article I DEFINITIONS",
            " 1.1 Defined Terms",
            "  1.1(a)",
            "  1.1(b)",
            "   1.1(b)(i)",
            "   1.1(b)(ii)",
            "  1.1(c)",
            " 1.2 Construction",
            "Article II PAYMENT",
            " 2.1 Price",
            " 2.2",
            "Schedule A",
            " Schedule A, 1 Goods",
            "  Schedule A, 1.1",
            " Schedule A, 2 Services",
        ],
    );
}

#[test]
fn numbers_in_words_and_inserted_ones_are_read() {
    check(
        "ARTICLE ONE\nTERM\n1.1 It begins now.\nARTICLE TWO RENT\n2.1 It is paid.\n2.1A. Nobody pays twice.\n2.2 It rises.\n\
         ARTICLE THREE\n3.1 The end.\n",
        &["Article 1 TERM", " 1.1", "Article 2 RENT", " 2.1", " 2.1A", " 2.2", "Article 3", " 3.1"],
    );
    check(
        "1. Term\nOne.\n2. Rent\nTwo.\n2A. Deposit\nThree.\n3. End\n",
        &["1 Term", "2 Rent", "2A Deposit", "3 End"],
    );
}

#[test]
fn a_chinese_statute_is_read_with_parts_chapters_and_items() {
    check(
        "第一编 总则\n第一章 基本规定\n第一条 为了保护民事主体的合法权益，制定本法。\n\
         第二条 有下列情形之一的：\n（一）甲；\n（二）乙。\n\
         第二章 自然人\n第三条 自然人从出生时起。\n第三条之一 胎儿。\n\
         第二编 物权\n第一章 一般规定\n第四条 依照第三条的规定，\n第二条不适用。\n",
        &[
            "第1编 总则",
            " 第1编第1章 基本规定",
            "  第1条",
            "  第2条",
            "   第2条(一)",
            "   第2条(二)",
            " 第1编第2章 自然人",
            "  第3条",
            "  第3条之1",
            "第2编 物权",
            " 第2编第1章 一般规定",
            "  第4条",
        ],
    );
}

#[test]
fn a_chinese_contract_is_read_however_it_numbers() {
    check(
        "一、租赁期限\n（一）自2026年3月1日起。\n（二）共两年。\n二、租金\n1、每月8000元。\n2、按月支付。\n三、其他\n附件一：设备清单\n1. 空调\n2. 冰箱\n",
        &[
            "一、 租赁期限",
            " 一、(一)",
            " 一、(二)",
            "二、 租金",
            " 二、1",
            " 二、2",
            "三、 其他",
            "附件1 设备清单",
            " 附件1, 1 空调",
            " 附件1, 2 冰箱",
        ],
    );
    check(
        "第三条 租金\n3.1 月租金为8000元。\n3.2 乙方应当：\n（1）按时支付；\n（2）开具收据。\n第四条【解除】甲方可以解除。\n",
        &["第3条 租金", " 3.1", " 3.2", "  3.2(1)", "  3.2(2)", "第4条 解除"],
    );
}

#[test]
fn what_only_stands_at_the_start_of_a_line_begins_nothing() {
    check(
        "1. Term\nThe term ends\n30. May of that year, and\n(b) is not begun.\n2.5 million are paid.\n",
        &["1 Term"],
    );
    check(
        "The parties have agreed as it is laid down in\nSection 5 of the master agreement.\nSection 6, too.\n",
        &[],
    );
    check("依照有关法律的规定以及双方当事人在平等自愿基础上的约定，按照\n第三条 的规定处理。\n", &[]);
}

#[test]
fn a_contents_page_is_no_clause() {
    check(
        "目录\n第一章 总则\n第二章 附则\n\n第一章 总则\n第一条 甲。\n第二章 附则\n第二条 乙。\n",
        &["第1章 总则", " 第1条", "第2章 附则", " 第2条"],
    );
    check(
        "1. Term ........ 3\n2. Rent ........ 4\n1. Term\nTwo years.\n2. Rent\nNone.\n",
        &["1 Term", "2 Rent"],
    );
}

#[test]
fn headings_of_the_file_stand_above_marks() {
    let text = "# Lease\n\n## 1. Term\n\n1.1 Two years.\n\n## Other\n\n## 2. Rent\n\n2.1 it is none.\n";
    let heading = |level, title: &str, line: &str| {
        let start = text.find(line).unwrap() as u32;
        let span = reader::Span { start, end: start + line.len() as u32 };
        Heading { level, title: title.to_owned(), span }
    };
    let headings = [
        heading(1, "Lease", "# Lease"),
        heading(2, "1. Term", "## 1. Term"),
        heading(2, "Other", "## Other"),
        heading(2, "2. Rent", "## 2. Rent"),
    ];

    assert_eq!(tree(text, &headings), ["- Lease", " 1 Term", "  1.1", " - Other", " 2 Rent", "  2.1"]);
}

#[test]
fn spans_nest_and_end_where_the_next_begins() {
    let text = "1. Term\n(a) one\n(b) two\n2. Rent\nrest";
    let found = find(text, &[]);
    let spans: Vec<&str> = found
        .iter()
        .map(|found| &text[found.clause.span.start as usize..found.clause.span.end as usize])
        .collect();

    assert_eq!(spans, ["1. Term\n(a) one\n(b) two\n", "(a) one\n", "(b) two\n", "2. Rent\nrest"]);
}

#[test]
fn a_bookmark_without_its_number_takes_that_of_its_line() {
    let text = "第一章 总则\n第一条 甲。\n6.5 Term\nIt ends.\n";
    let heading = |title: &str, line: &str| {
        let start = text[..text.find(line).unwrap()].chars().count() as u32;
        let span = reader::Span { start, end: start + line.chars().count() as u32 };
        Heading { level: 1, title: title.to_owned(), span }
    };

    let headings = [heading("总则", "第一章 总则"), heading("Term", "6.5 Term")];

    assert_eq!(tree(text, &headings), ["第1章 总则", " 第1条", "6.5 Term"]);
}

#[test]
fn schedules_named_in_the_middle_do_not_end_the_body() {
    check(
        "一、保密\n二、附件\n附件1：图纸\n附件2：报价\n三、争议解决\n四、其他\n",
        &["一、 保密", "二、 附件", "附件1 图纸", "附件2 报价", "三、 争议解决", "四、 其他"],
    );
}

#[test]
fn contents_that_name_schedules_do_not_swallow_the_body() {
    check(
        "1. Definitions\n2. Term\nSchedule 1 Services\n\n1. Definitions\nIn this lease words have meanings.\n2. Term\nTwo years.\n\
         Schedule 1 Services\nCleaning.\n",
        &["1 Definitions", "2 Term", "Schedule 1 Services"],
    );
}

#[test]
fn general_and_special_conditions_with_the_same_headings_both_stay() {
    check(
        "第二部分 通用条款\n1. 一般约定\n1.1 甲方付款。\n第三部分 专用条款\n1. 一般约定\n1.1 乙方交货。\n",
        &["第2部分 通用条款", " 1 一般约定", "  1.1", "第3部分 专用条款", " 1 一般约定", "  1.1"],
    );
}

#[test]
fn a_reference_at_the_start_of_a_line_costs_no_article() {
    check(
        "第三条 保证金\n第八条约定的保证金不足的，乙方应当补足。\n第四条 交付\n",
        &["第3条 保证金", "第4条 交付"],
    );
    check(
        "第三条 保证金\n第八条 所说的保证金不足的，乙方应当补足。\n第四条 交付\n第五条 其他\n",
        &["第3条 保证金", "第8条", "第4条 交付", "第5条 其他"],
    );
}

#[test]
fn numbers_are_read_as_people_write_them() {
    check(
        "1 DEFINITIONS\n1.1 Words mean things.\n2 TERM\nThis Agreement lasts two years.\n3 FEES\n3.1 The buyer pays them when they are due.\n3.2 The seller sends an invoice.\n",
        &["1 DEFINITIONS", " 1.1", "2 TERM", "3 FEES", " 3.1", " 3.2"],
    );
    check(
        "1.Definitions\n2.Term\n（１）甲方；\n（２）乙方；\n",
        &["1 Definitions", "2 Term", " 2(1)", " 2(2)"],
    );
    check(
        "1. Term (months)\t24\nIt may be longer.\n2. Rent (EUR)\t8000\n",
        &["1 Term (months) 24", "2 Rent (EUR) 8000"],
    );
    check(
        "Exhibit 10.1\n1.1 Scope. It is wide.\n1.2 Term. It is long.\n",
        &["Exhibit 10.1", " Exhibit 10.1, 1.1 Scope", " Exhibit 10.1, 1.2 Term"],
    );
    check("5 days after delivery\n12 Months are a year\n", &[]);
}

#[test]
fn a_line_without_end_is_read_in_time() {
    let text = "。 第一条 ".repeat(200_000);
    let began = std::time::Instant::now();

    let found = find(&text, &[]);

    assert_eq!(found.len(), MAX_CLAUSES);
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
}

/// A contract of articles with sections with items, and every address that it has.
fn printed(shape: &[Vec<u8>], style: u8) -> (String, Vec<String>) {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
    const ITEMS: [&str; 12] = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"];
    let (mut text, mut addresses) = (String::new(), Vec::new());
    for (article, sections) in shape.iter().enumerate() {
        let article = article + 1;
        let (line, address) = match style {
            0 => (format!("ARTICLE {article}\n"), format!("Article {article}")),
            1 => (format!("{article}. Subject\n"), format!("{article}")),
            _ => (format!("第{article}条 事项\n"), format!("第{article}条")),
        };
        text.push_str(&line);
        addresses.push(address);
        for (section, items) in sections.iter().enumerate() {
            let section = format!("{article}.{}", section + 1);
            text.extend([section.as_str(), " What is agreed is agreed and nothing else:\n"]);
            addresses.push(section.clone());
            for item in 0..usize::from(*items) {
                let mark =
                    if style == 2 { ITEMS[item].to_owned() } else { char::from(LETTERS[item]).to_string() };
                text.extend(["(", &mark, ") it is so;\n"]);
                addresses.push(format!("{section}({mark})"));
            }
        }
    }
    (text, addresses)
}

proptest! {
    #[test]
    fn every_clause_of_a_printed_contract_is_found_at_its_address(
        shape in proptest::collection::vec(proptest::collection::vec(0..12_u8, 0..6), 1..12),
        style in 0..3_u8,
    ) {
        let (text, addresses) = printed(&shape, style);
        let found = find(&text, &[]);
        let shown: Vec<String> = found.iter().filter_map(|found| found.clause.address()).collect();
        prop_assert_eq!(&shown, &addresses, "{}", text);

        let content: Vec<char> = text.chars().collect();
        let clauses: Vec<Clause> = found.into_iter().map(|found| found.clause).collect();
        for (at, address) in addresses.iter().enumerate() {
            let address = Address::parse(address).expect("an address that is shown can be read");
            let places = crate::domain::clause::find(&clauses, &content, &address);
            prop_assert_eq!(places.first().map(|place| place.clause), Some(at));
        }
    }

    #[test]
    fn any_text_gives_a_tree_in_order(text in "[ \\n\\t0-9.()a-dA-DiIvx第一二三条章节、附件，。#|*]{0,400}") {
        let found = find(&text, &[]);
        let length = text.chars().count() as u32;
        for pair in found.windows(2) {
            prop_assert!(pair[0].clause.span.start <= pair[1].clause.span.start);
let within = pair[1].clause.span.start < pair[0].clause.span.end;
            prop_assert_eq!(pair[1].clause.depth > pair[0].clause.depth, within && pair[1].clause.depth > pair[0].clause.depth);
        }
        for one in &found {
            prop_assert!(one.clause.span.start <= one.head.end && one.clause.span.end <= length);
        }
    }
}

#[test]
fn clauses_are_those_of_the_text_as_it_would_stand() {
    check(
        "1. Parties\n\n[deleted: 2. Old Rent]\n\n[inserted: 2. Rent]\n\nThe rent is EUR 5.\n\n3. [deleted: Term][inserted: Duration]\n",
        &["1 Parties", "2 Rent", "3 Duration"],
    );
}
