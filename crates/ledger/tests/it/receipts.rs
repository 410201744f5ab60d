use crate::records;
use crate::sample::Sample;
use crate::sample::policy;
use ledger::Checkpoint;
use ledger::Policy;
use ledger::PolicyError;
use ledger::ProofError;
use ledger::Purpose;
use ledger::Receipt;
use ledger::ReceiptError;
use ledger::SignerKey;
use ledger::leaf_hash;
use proptest::prelude::*;

fn holds(text: &str) -> bool {
    let Ok(receipt) = Receipt::parse(text) else { return false };
    receipt.leaf().is_some_and(|leaf| receipt.check(&leaf_hash(leaf), &policy()).is_ok())
}

#[test]
fn a_receipt_of_each_record_holds_and_reads_as_it_was_written() {
    let sample = Sample::new(11);

    for (index, size) in (1..=11).flat_map(|size| (0..size).map(move |index| (index, size))) {
        let receipt = sample.receipt(index, size);
        let text = receipt.to_string();

        assert_eq!(Receipt::parse(&text).as_ref(), Ok(&receipt));
        let trusted = receipt.check(&leaf_hash(&records::leaf(index as u64)), &policy()).unwrap();
        assert_eq!((trusted.origin(), trusted.head().size), (records::ORIGIN, size as u64));
    }
}

#[test]
fn any_flipped_bit_of_a_receipt_fails() {
    let text = Sample::new(6).receipt(2, 6).to_string();
    assert!(holds(&text));

    for at in 0..text.len() * 8 {
        let mut changed = text.as_bytes().to_vec();
        changed[at / 8] ^= 1 << (at % 8);
        assert!(!String::from_utf8(changed).is_ok_and(|changed| holds(&changed)), "bit {at}");
    }
}

#[test]
fn a_receipt_of_another_record_or_another_log_does_not_hold() {
    let sample = Sample::new(8);
    let receipt = sample.receipt(2, 8);
    let stranger = SignerKey::from_seed(records::ORIGIN, Purpose::Log, &[8; 32]).unwrap();
    let strange = Policy::of_log(stranger.verifier()).unwrap();

    assert_eq!(
        receipt.check(&leaf_hash(&records::leaf(3)), &policy()),
        Err(ReceiptError::Proof(ProofError::Root))
    );
    assert_eq!(
        receipt.check(&leaf_hash(&records::leaf(2)), &strange),
        Err(ReceiptError::Policy(PolicyError::Unsigned { origin: records::ORIGIN.into() }))
    );
    let wrong = Receipt::new(&records::leaf(3), 2, sample.proof(2, 8), sample.checkpoint(8));
    assert_eq!(wrong, Err(ProofError::Root));
}

#[test]
fn a_receipt_needs_the_witnesses_that_the_policy_asks_for() {
    let sample = Sample::new(3);
    let witness = SignerKey::from_seed("compliance.example", Purpose::Witness, &[9; 32]).unwrap();
    let policy =
        format!("log {}\nwitness w {}\nquorum w\n", records::signer().verifier(), witness.verifier());
    let policy = Policy::parse(&policy).unwrap();
    let plain = sample.checkpoint(3);
    let line = witness.sign(plain.note(), 1_700_000_000);
    let receipt = |checkpoint| Receipt::new(&records::leaf(1), 1, sample.proof(1, 3), checkpoint).unwrap();
    let leaf = leaf_hash(&records::leaf(1));

    assert_eq!(receipt(plain.clone()).check(&leaf, &policy), Err(ReceiptError::Policy(PolicyError::Quorum)));
    assert!(receipt(plain.with(line)).check(&leaf, &policy).unwrap().quorum());
}

#[test]
fn the_receipt_of_an_only_record_has_no_hashes() {
    let text = Sample::new(1).receipt(0, 1).to_string();

    assert!(holds(&text));
    assert!(text.contains("\nindex 0\n\ndocent.example/audit\n1\n"));
}

#[test]
fn what_is_not_a_receipt_is_refused() {
    let text = Sample::new(6).receipt(2, 6).to_string();
    let extra = text.lines().nth(1).unwrap();

    for (from, to) in [
        ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"),
        ("index 2", "index 02"),
        ("index 2\n", ""),
        (extra, &format!("{extra}=")),
        ("\n\n", "\n"),
        ("index 2\n", "index 2\nAAAA\n"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert!(Receipt::parse(&changed).is_err(), "{from} → {to}");
    }
    let without = Receipt::parse(&text.replacen(&format!("{extra}\n"), "", 1)).unwrap();
    assert_eq!(without.leaf(), None, "the record's text may be left out");
}

proptest! {
    #[test]
    fn whatever_reads_as_a_receipt_writes_as_the_same_bytes(index in 0..300_u64, hashes in 0..4_usize, extra: bool, cut in 0..400_usize) {
        let head = Sample::new(1).head(1);
        let note = Checkpoint::new("a", head).unwrap().sign(&SignerKey::from_seed("a", Purpose::Log, &[1; 32]).unwrap()).unwrap();
        let extra = if extra { "extra QUJD\n" } else { "" };
        let hashes = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".repeat(hashes);
        let text = format!("c2sp.org/tlog-proof@v1\n{extra}index {index}\n{hashes}\n{note}");

        prop_assert_eq!(Receipt::parse(&text).unwrap().to_string(), text.as_str());
        if let Some(part) = text.get(..cut) && let Ok(read) = Receipt::parse(part) {
            prop_assert_eq!(read.to_string(), part);
        }
    }
}
