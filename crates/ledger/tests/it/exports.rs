use crate::records;
use crate::sample::Lines;
use crate::sample::Sample;
use crate::sample::policy;
use crate::sample::verify;
use ledger::Checkpoint;
use ledger::PolicyError;
use ledger::Purpose;
use ledger::SignerKey;
use ledger::export;
use ledger::export::Held;
use ledger::export::Problem;
use ledger::export::examine::examine;
use ledger::export::pairs::Unpaired;
use ledger::export::report::Gap;
use serde_json::Value;
use serde_json::json;

const COUNT: usize = 24;

/// 24 records with a checkpoint after every sixth.
fn lines() -> Lines {
    Sample::new(COUNT as u64).range(0, 6)
}

fn changed(change: impl FnOnce(&mut Lines)) -> Lines {
    let mut lines = lines();
    change(&mut lines);
    lines
}

fn check(lines: &Lines, position: Option<u64>, problem: &Problem) {
    check_with(lines, vec![], position, problem);
}

fn check_with(lines: &Lines, held: Vec<Held>, position: Option<u64>, problem: &Problem) {
    let flaw = lines.verify(held).flaw.expect("it does not hold");

    assert_eq!((flaw.position, &flaw.problem), (position, problem));
}

#[test]
fn an_untouched_export_holds_and_is_complete() {
    let sample = Sample::new(COUNT as u64);
    let outcome = lines().verify(vec![sample.held(13), sample.held(0), sample.held(24)]);

    assert_eq!(outcome.flaw, None);
    assert_eq!(outcome.report.gaps(), []);
    let report = outcome.report;
    assert_eq!((report.first, report.next, report.records, report.checkpoints), (0, 24, 24, 4));
    assert_eq!((report.disclosed, report.undisclosed, report.held), (12, 0, 3));
    assert_eq!((report.intents, report.outcomes, report.open_count), (6, 6, 0));
}

#[test]
fn a_log_without_records_can_be_exported() {
    let sample = Sample::new(0);
    let mut lines = sample.range(0, 1);
    lines.0.insert(1, json!({"checkpoint": sample.checkpoint(0).to_string()}));
    lines.renumber();

    let outcome = lines.verify(vec![]);

    assert_eq!((outcome.flaw.clone(), outcome.report.gaps()), (None, vec![]));
}

#[test]
fn an_edited_record_is_named() {
    let plainly = changed(|lines| {
        let at = lines.at(13);
        let leaf = lines.0[at]["record"]["leaf"].as_str().unwrap().replace("supported", "unsupported");
        lines.0[at]["record"]["leaf"] = json!(leaf);
    });
    check(&plainly, Some(13), &Problem::Hash);
    assert_eq!(
        plainly.verify(vec![]).flaw.unwrap().event.map(ledger::record::written_id),
        Some(records::id(13))
    );

    let with_its_hash = changed(|lines| lines.rewrite(13, |leaf| leaf["facts"]["model"] = json!("another")));
    check(&with_its_hash, Some(12), &Problem::Root { from: 12, to: 17 });
}

#[test]
fn a_deleted_record_is_named() {
    let plainly = changed(|lines| drop(lines.0.remove(lines.at(13))));
    check(&plainly, Some(13), &Problem::Missing { from: 13, to: 13 });

    let renumbered = changed(|lines| {
        lines.0.remove(lines.at(13));
        lines.renumber();
    });
    check(&renumbered, Some(12), &Problem::Short { from: 12, have: 17, size: 18 });
}

#[test]
fn an_inserted_record_is_named() {
    let inserted = |renumber: bool| {
        changed(|lines| {
            let mut more = lines.0[lines.at(14)].clone();
            let leaf = ledger::canonical(&records::fields(77, "chat.sentence", None, None)).unwrap();
            more["record"]["hash"] = json!(hex::encode(ledger::leaf_hash(&leaf)));
            more["record"]["leaf"] = json!(String::from_utf8(leaf).unwrap());
            lines.0.insert(lines.at(14), more);
            if renumber {
                lines.renumber();
            }
        })
    };

    check(&inserted(false), Some(14), &Problem::Order { expected: 15 });
    check(&inserted(true), Some(12), &Problem::Root { from: 12, to: 18 });
}

#[test]
fn records_out_of_order_are_named() {
    let (mut moved, mut swapped) = (lines(), lines());
    let (one, other) = (moved.at(13), moved.at(14));
    moved.0.swap(one, other);
    swapped.0.swap(one, other);
    swapped.renumber();

    check(&moved, Some(13), &Problem::Missing { from: 13, to: 13 });
    check(&swapped, Some(12), &Problem::Root { from: 12, to: 17 });
}

#[test]
fn a_cut_off_end_is_seen() {
    let sample = Sample::new(COUNT as u64);
    let mut cut = lines();
    cut.0.truncate(cut.at(20));
    assert_eq!(cut.verify(vec![]).report.gaps(), [Gap::BrokenOff, Gap::Unsigned(2)]);

    let mut tidy = lines();
    let end = tidy.0.pop().unwrap();
    tidy.0.truncate(tidy.checkpoint_at(18) + 1);
    tidy.0.push(end);
    tidy.renumber();
    assert_eq!(tidy.verify(vec![]).flaw, None, "it is what the log was at 18 records");
    check_with(
        &tidy,
        vec![sample.held(12), sample.held(20)],
        Some(18),
        &Problem::CutOff { size: 20, end: 18, source_name: "held-20".into() },
    );

    let bytes = lines().bytes();
    let halfway = verify(&bytes[..bytes.len() / 2], vec![]);
    assert_eq!(halfway.flaw.unwrap().problem, Problem::Line);
}

#[test]
fn a_fork_is_seen_by_whoever_holds_a_checkpoint_of_the_other_side() {
    let one = Sample::new(COUNT as u64);
    let mut leaves = one.leaves.clone();
    leaves[14] = ledger::canonical(&records::fields(14, "chat.sentence", None, Some("another"))).unwrap();
    let other = Sample::of(leaves);
    let fork = other.range(0, 6);

    assert_eq!(fork.verify(vec![]).flaw, None, "the log itself signed it");
    check_with(
        &fork,
        vec![one.held(12), one.held(16)],
        Some(12),
        &Problem::Held { source_name: "held-16".into() },
    );

    let mut both = fork;
    let at = both.checkpoint_at(18);
    both.0.insert(at + 1, json!({"checkpoint": one.checkpoint(18).to_string()}));
    check(&both, Some(18), &Problem::Fork { size: 18 });
}

#[test]
fn an_old_checkpoint_in_a_newer_ones_place_is_seen() {
    let replayed = changed(|lines| {
        let (old, newer) = (lines.checkpoint_at(6), lines.checkpoint_at(18));
        lines.0[newer] = lines.0[old].clone();
    });

    check(&replayed, Some(12), &Problem::Old { size: 6, after: 17 });
}

#[test]
fn a_left_out_checkpoint_is_counted_and_an_early_one_refused() {
    let mut fewer = lines();
    let at = fewer.checkpoint_at(12);
    let taken = fewer.0.remove(at);
    check(&fewer, None, &Problem::Count { records: 24, checkpoints: 4 });

    let mut early = fewer.clone();
    early.0.insert(at - 1, taken);
    check(&early, Some(6), &Problem::Short { from: 6, have: 11, size: 12 });

    fewer.renumber();
    assert_eq!(fewer.verify(vec![]).flaw, None, "the later ones still cover all");
    fewer.0.remove(fewer.checkpoint_at(24));
    fewer.renumber();
    assert_eq!(fewer.verify(vec![]).report.gaps(), [Gap::Unsigned(6)]);
}

#[test]
fn a_checkpoint_that_another_key_signed_or_of_another_log_is_not_believed() {
    let put = |note: String| {
        changed(|lines| {
            let at = lines.checkpoint_at(12);
            lines.0[at] = json!({"checkpoint": note});
        })
    };
    let head = Sample::new(12).head(12);
    let sign = |origin: &str, seed: u8| {
        let key = SignerKey::from_seed(origin, Purpose::Log, &[seed; 32]).unwrap();
        (Checkpoint::new(origin, head).unwrap().sign(&key).unwrap().to_string(), key.verifier())
    };
    let (stranger, _) = sign(records::ORIGIN, 9);
    let (elsewhere, key) = sign("else.example", 9);

    let unsigned = PolicyError::Unsigned { origin: records::ORIGIN.into() };
    check(&put(stranger), None, &Problem::Signature(unsigned));
    let both = policy().and_log(key).unwrap();
    let outcome = export::verify(put(elsewhere).bytes().as_slice(), &both, vec![], |_| ()).unwrap();
    assert_eq!(outcome.flaw.unwrap().problem, Problem::Origin { origin: "else.example".into() });
}

#[test]
fn content_that_was_not_recorded_is_named() {
    let set = |field: &str, value: &str| {
        changed(|lines| {
            let at = lines.at(15);
            lines.0[at]["record"]["disclosed"][field] = json!(value);
        })
    };

    check(&set("content", "something else"), Some(15), &Problem::Content);
    check(&set("key", &"00".repeat(32)), Some(15), &Problem::Content);
    let misplaced = changed(|lines| {
        let (from, to) = (lines.at(15), lines.at(14));
        lines.0[to]["record"]["disclosed"] = lines.0[from]["record"]["disclosed"].clone();
    });
    check(&misplaced, Some(14), &Problem::Uncommitted);
}

#[test]
fn each_announcement_ends_once() {
    let with = |kind: &str, reference: u64| {
        let mut leaves: Vec<Vec<u8>> = (0..8).map(records::leaf).collect();
        leaves
            .push(ledger::canonical(&records::fields(8, kind, Some(&records::id(reference)), None)).unwrap());
        Sample::of(leaves).range(0, 3)
    };

    check(&with("chat.failed", 4), Some(8), &Problem::Unpaired(Unpaired::Second));
    check(&with("chat.failed", 99), Some(8), &Problem::Unpaired(Unpaired::Unannounced));
    assert_eq!(with("chat.sentence", 4).verify(vec![]).flaw, None);

    let again = (0..9).chain([5]).map(records::leaf).collect();
    check(&Sample::of(again).range(0, 3), Some(9), &Problem::Unpaired(Unpaired::Repeated));
}

#[test]
fn an_announcement_without_end_is_told_and_after_an_hour_it_is_a_gap() {
    let open = Sample::new(6).range(0, 3).verify(vec![]);
    assert_eq!((open.report.gaps(), open.report.open_count, open.report.open[0].position), (vec![], 1, 4));

    let mut leaves: Vec<Vec<u8>> = (0..6).map(records::leaf).collect();
    let mut late = records::fields(9, "auth.login", None, None);
    late["recorded_at"] = json!("2026-11-23T23:59:59.000000Z");
    leaves.push(ledger::canonical(&late).unwrap());
    let overdue = Sample::of(leaves).range(0, 7).verify(vec![]);
    assert_eq!(overdue.report.gaps(), [Gap::Overdue(1)]);
}

#[test]
fn a_range_may_begin_later_and_is_bound_to_what_came_before() {
    let sample = Sample::new(COUNT as u64);
    let lines = sample.range(14, 6);
    let outcome = lines.verify(vec![sample.held(14), sample.held(24), sample.held(9)]);
    assert_eq!(outcome.flaw, None);
    assert_eq!((outcome.report.first, outcome.report.held, outcome.report.earlier), (14, 2, 1));
    assert_eq!(outcome.report.gaps(), [Gap::HeldUnused(1)]);

    let mut another = lines.clone();
    another.0[0]["export"]["frontier"][0] = json!("00".repeat(32));
    check(&another, Some(14), &Problem::Root { from: 14, to: 17 });
    let mut fewer = lines.clone();
    fewer.0[0]["export"]["frontier"].as_array_mut().unwrap().pop();
    check(&fewer, None, &Problem::Frontier);
    check_with(&another, vec![sample.held(14)], Some(14), &Problem::Held { source_name: "held-14".into() });
}

#[test]
fn a_record_is_written_in_one_form_and_has_what_every_record_has() {
    let put = |leaf: &str| {
        changed(|lines| {
            let at = lines.at(13);
            lines.0[at]["record"]["leaf"] = json!(leaf);
            lines.0[at]["record"]["hash"] = json!(hex::encode(ledger::leaf_hash(leaf.as_bytes())));
        })
    };

    check(&put(r#"{"v":1,"v":1}"#), Some(13), &Problem::Canonical);
    check(&put(r#"{"v": 1}"#), Some(13), &Problem::Canonical);
    check(&put("not JSON"), Some(13), &Problem::Canonical);
    check(&put(r#"{"v":1}"#), Some(13), &Problem::Record);
}

#[test]
fn lines_that_do_not_belong_are_refused() {
    let insert = |at: usize, line: Value| changed(|lines| lines.0.insert(at, line));
    let first = lines().0[0].clone();
    let last = lines().0.len();
    let unknown = changed(|lines| {
        let at = lines.at(13);
        lines.0[at]["record"]["note"] = json!("checked by nobody");
    });

    check(&insert(3, first), None, &Problem::Header);
    check(&insert(3, json!({"remark": "x"})), None, &Problem::Line);
    check(&insert(3, Value::Null), None, &Problem::Line);
    check(&unknown, None, &Problem::Line);
    check(&insert(last, lines().0[1].clone()), None, &Problem::AfterEnd);
    check(&changed(|lines| drop(lines.0.remove(0))), None, &Problem::Header);
    check(&Lines(vec![]), None, &Problem::Header);
    check(
        &changed(|lines| lines.0[0]["export"]["format"] = json!("docent.audit-export/9")),
        None,
        &Problem::Format,
    );
    check(
        &changed(|lines| {
            let at = lines.at(13);
            lines.0[at]["record"]["proof"] = json!([]);
        }),
        Some(13),
        &Problem::Misplaced,
    );
}

#[test]
fn any_flipped_bit_of_an_export_fails() {
    let bytes = Sample::new(2).range(0, 2).bytes();
    let policy = policy();
    assert_eq!(verify(&bytes, vec![]).flaw, None);

    let mut begin = 0;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        for at in 0..line.len() * 8 {
            let flip = |bytes: &[u8], at: usize| {
                let mut changed = bytes.to_vec();
                changed[at / 8] ^= 1 << (at % 8);
                changed
            };
            // most fail by themselves; only the others need the lines around them
            let alone = flip(line, at);
            let fails = examine(alone.strip_suffix(b"\n").unwrap_or(&alone), &policy).is_err()
                || verify(&flip(&bytes, begin * 8 + at), vec![]).flaw.is_some();
            assert!(fails, "bit {at}: {}", String::from_utf8_lossy(&alone));
        }
        begin += line.len();
    }
}

#[test]
fn a_large_export_is_checked_in_several_rounds() {
    let sample = Sample::new(6_000);
    let mut lines = sample.range(0, 500);
    assert_eq!(lines.verify(vec![sample.held(5_999)]).report.records, 6_000);

    lines.rewrite(5_700, |leaf| leaf["facts"]["model"] = json!("another"));
    check(&lines, Some(5_500), &Problem::Root { from: 5_500, to: 5_999 });
}
