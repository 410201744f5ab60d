use crate::sample::Lines;
use crate::sample::Sample;
use ledger::ProofError;
use ledger::export::Problem;
use ledger::export::report::Gap;
use serde_json::json;

fn check(lines: &Lines, position: Option<u64>, problem: &Problem) {
    let flaw = lines.verify(vec![]).flaw.expect("it does not hold");

    assert_eq!((flaw.position, &flaw.problem), (position, problem));
}

#[test]
fn chosen_records_hold_and_prove_nothing_about_the_others() {
    let outcome = Sample::new(21).selection(&[0, 3, 16, 20]).verify(vec![]);

    assert_eq!(outcome.flaw, None);
    assert_eq!((outcome.report.records, outcome.report.signed), (4, Some(21)));
    assert_eq!(outcome.report.gaps(), [Gap::Selection]);
}

#[test]
fn a_chosen_record_at_another_place_or_with_another_proof_does_not_hold() {
    let lines = Sample::new(21).selection(&[3, 16]);
    let (mut moved, mut proof, mut swapped, mut bare) =
        (lines.clone(), lines.clone(), lines.clone(), lines.clone());

    moved.0[2]["record"]["position"] = json!(4);
    let hash = proof.0[3]["record"]["proof"][0].as_str().unwrap().replace(['0', '1'], "2");
    proof.0[3]["record"]["proof"][0] = json!(hash);
    swapped.0.swap(2, 3);
    bare.0[3]["record"].as_object_mut().unwrap().remove("proof");

    check(&moved, Some(4), &Problem::Proof(ProofError::Root));
    check(&proof, Some(16), &Problem::Proof(ProofError::Root));
    check(&swapped, Some(3), &Problem::Order { expected: 17 });
    check(&bare, Some(16), &Problem::Unproved);
}

#[test]
fn a_selection_has_one_checkpoint_and_that_comes_first() {
    let lines = Sample::new(21).selection(&[3, 16]);
    let (mut late, mut twice) = (lines.clone(), lines.clone());

    late.0.swap(1, 2);
    twice.0.insert(2, lines.0[1].clone());

    check(&late, Some(3), &Problem::Unproved);
    check(&twice, None, &Problem::Misplaced);
}
