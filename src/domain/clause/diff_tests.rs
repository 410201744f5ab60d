//! Differences as a lawyer would mark them, and words that add up to both texts.

use super::super::Address;
use super::*;
use proptest::prelude::*;

/// A text whose lines are clauses: `1 Rent is due.`
fn version(lines: &[&str]) -> Vec<Part> {
    let content: Vec<char> = lines.concat().chars().collect();
    let mut at = 0;
    let mut clauses = Vec::new();
    for line in lines {
        let length = line.chars().count() as u32;
        let label = line.split_whitespace().next().unwrap().to_owned();
        clauses.push(Clause {
            path: Address::parse(&label).unwrap().segments().to_vec(),
            label,
            title: String::new(),
            opening: String::new(),
            depth: 1,
            page: 1,
            span: Span { start: at, end: at + length },
        });
        at += length;
    }
    parts(&clauses, &content)
}

fn shown(old: &[&str], new: &[&str]) -> (Vec<String>, usize) {
    let (differences, same) = diff(&version(old), &version(new));
    let address = |part: &Option<Part>| {
        part.as_ref().and_then(|part| part.address.clone()).unwrap_or_else(|| "-".to_owned())
    };
    let line = |one: &Difference| format!("{:?} {} {}", one.kind, address(&one.old), address(&one.new));
    (differences.iter().map(line).collect(), same)
}

#[test]
fn changed_added_and_removed_clauses_are_told_apart() {
    let old = [
        "1 The rent is 500 euros a month.\n",
        "2 The tenant keeps the garden tidy.\n",
        "3 Notice is ninety days.\n",
    ];
    let new = [
        "1 The rent is 600 euros a month.\n",
        "3 Notice is ninety days.\n",
        "4 Pets need a written permission.\n",
    ];

    assert_eq!(shown(&old, &new), (vec!["Changed 1 1".into(), "Removed 2 -".into(), "Added - 4".into()], 1));
}

#[test]
fn a_clause_that_only_got_another_number_is_renumbered() {
    let old = ["1 The rent is 500 euros a month.\n", "2 Notice is ninety days.\n"];
    let new = [
        "1 The rent is 500 euros a month.\n",
        "2 Pets need a written permission.\n",
        "3 Notice is ninety days.\n",
    ];

    assert_eq!(shown(&old, &new), (vec!["Added - 2".into(), "Renumbered 2 3".into()], 1));
}

#[test]
fn a_clause_that_stands_elsewhere_was_moved() {
    let pets = "Pets need a permission that is written by the landlord.\n";
    let (one, three) = (format!("1 {pets}"), format!("4 {pets}"));
    let old = [one.as_str(), "2 The rent is 500 euros a month.\n", "3 Notice is ninety days.\n"];
    let new = ["2 The rent is 500 euros a month.\n", "3 Notice is ninety days.\n", three.as_str()];

    assert_eq!(shown(&old, &new), (vec!["Moved 1 4".into()], 2));
}

#[test]
fn words_say_what_changed_in_both_languages() {
    let check = |old: &str, new: &str, expected: &[(Tag, &str)]| {
        let words = diff_words(old, new);
        let words: Vec<(Tag, &str)> = words.iter().map(|(tag, text)| (*tag, text.as_str())).collect();
        assert_eq!(words, expected);
    };

    check(
        "Rent is 500 euros.",
        "Rent is 600 euros.",
        &[(Tag::Same, "Rent is "), (Tag::Old, "500"), (Tag::New, "600"), (Tag::Same, " euros.")],
    );
    check(
        "租金八千元",
        "租金九千元",
        &[(Tag::Same, "租金"), (Tag::Old, "八"), (Tag::New, "九"), (Tag::Same, "千元")],
    );
}

#[test]
fn a_text_without_clauses_is_compared_by_paragraphs() {
    let text = |middle: &str| -> Vec<char> {
        format!("To whom it may concern.\n\n{middle}\nIt goes on.\n\nYours,\nAda\n").chars().collect()
    };
    let (old, new) = (parts(&[], &text("We pay in May.")), parts(&[], &text("We pay in June.")));

    let (differences, same) = diff(&old, &new);

    assert_eq!((old.len(), differences.len(), same), (3, 1, 2));
    assert_eq!(differences[0].kind, Kind::Changed);
}

#[test]
fn two_long_texts_with_nothing_in_common_take_no_time() {
    let many = |word: &str| -> Vec<char> {
        let lines: Vec<String> = (0..20_000).map(|n| format!("{word} {n} {}", n * 7919 % 10_007)).collect();
        lines.join("\n\n").chars().collect()
    };
    let began = Instant::now();

    let (differences, same) = diff(&parts(&[], &many("a")), &parts(&[], &many("b")));

    assert_eq!((differences.len(), same), (40_000, 0));
    assert!(began.elapsed() < Duration::from_mins(1));
}

proptest! {
    #[test]
    fn the_words_add_up_to_both_texts(old in "[ a-c一二，.\n]{0,60}", new in "[ a-c一二，.\n]{0,60}") {
        let words = diff_words(&old, &new);

        let of = |wanted: Tag| -> String {
            words.iter().filter(|(tag, _)| *tag == Tag::Same || *tag == wanted).map(|(_, text)| text.as_str()).collect()
        };
        prop_assert_eq!(of(Tag::Old), old);
        prop_assert_eq!(of(Tag::New), new);
    }

    #[test]
    fn every_stretch_is_accounted_for(
        old in prop::collection::vec("[a-d]{1,3}", 0..12),
        new in prop::collection::vec("[a-d]{1,3}", 0..12),
    ) {
        let of = |lines: &[String]| parts(&[], &lines.join("\n\n").chars().collect::<Vec<_>>());
        let (old, new) = (of(&old), of(&new));

        let (differences, same) = diff(&old, &new);

        prop_assert_eq!(differences.iter().filter(|one| one.old.is_some()).count() + same, old.len());
        prop_assert_eq!(differences.iter().filter(|one| one.new.is_some()).count() + same, new.len());
    }
}
