use super::*;
use crate::checkpoint::Checkpoint;
use crate::note::SignerKey;

const ORIGIN: &str = "docent.example/audit";

fn log() -> SignerKey {
    SignerKey::from_seed(ORIGIN, Purpose::Log, &[1; 32]).unwrap()
}

fn witness(number: u8) -> SignerKey {
    SignerKey::from_seed(&format!("w{number}.example"), Purpose::Witness, &[10 + number; 32]).unwrap()
}

fn checkpoint() -> SignedCheckpoint {
    Checkpoint::new(ORIGIN, TreeHead { size: 7, root: [3; 32] }).unwrap().sign(&log()).unwrap()
}

fn cosigned_by(witnesses: &[u8]) -> SignedCheckpoint {
    witnesses.iter().fold(checkpoint(), |signed, &number| {
        let line = witness(number).sign(signed.note(), 1_700_000_000 + u64::from(number));
        signed.with(line)
    })
}

/// The example of C2SP `tlog-policy`: two of X1, X2, X3, and one of Y1, Y2, Y3.
fn two_of_x_and_one_of_y() -> Policy {
    let key = |number| witness(number).verifier();
    Policy::parse(&format!(
        "log {}\n\nwitness X1 {}\nwitness X2 {}\nwitness X3 {} https://x3.example\ngroup X 2 X1 X2 X3\n\n\
         # the others\n\twitness Y1 {}\nwitness Y2 {}\nwitness Y3 {}\ngroup Y any Y1 Y2 Y3\n\ngroup both all X Y\nquorum both\n",
        log().verifier(),
        key(1),
        key(2),
        key(3),
        key(4),
        key(5),
        key(6),
    ))
    .unwrap()
}

#[test]
fn a_quorum_is_counted_through_groups() {
    let policy = two_of_x_and_one_of_y();
    let quorum = |witnesses: &[u8]| policy.check(&cosigned_by(witnesses)).unwrap().quorum();

    assert!(quorum(&[1, 3, 5]));
    assert!(quorum(&[1, 2, 3, 4, 5, 6]));
    for few in [&[][..], &[1, 2, 3], &[1, 4, 5, 6], &[4], &[1, 1, 4], &[1, 7, 4]] {
        assert!(!quorum(few), "{few:?}");
    }
}

#[test]
fn a_checkpoint_says_which_witnesses_saw_it_when() {
    let trusted = two_of_x_and_one_of_y().check(&cosigned_by(&[3, 5])).unwrap();

    assert_eq!((trusted.origin(), trusted.head().size), (ORIGIN, 7));
    assert_eq!(
        trusted.cosigned(),
        [
            Cosigned { witness: "X3".into(), time: 1_700_000_003 },
            Cosigned { witness: "Y2".into(), time: 1_700_000_005 },
        ]
    );
}

#[test]
fn a_checkpoint_that_the_log_did_not_sign_is_not_believed() {
    let policy = Policy::of_log(log().verifier()).unwrap();
    let forged = checkpoint().to_string().replace("\n7\n", "\n8\n");
    let elsewhere = SignerKey::from_seed("else.example", Purpose::Log, &[2; 32]).unwrap();
    let of_another = Checkpoint::new("else.example", TreeHead { size: 7, root: [3; 32] }).unwrap();
    let of_another = of_another.sign(&elsewhere).unwrap();
    let ours_on_it = of_another.clone().with(log().sign(of_another.note(), 0));

    assert!(policy.check(&checkpoint()).unwrap().quorum());
    assert_eq!(
        policy.check(&SignedCheckpoint::parse(&forged).unwrap()),
        Err(PolicyError::Forged { name: ORIGIN.into() })
    );
    let unsigned = Err(PolicyError::Unsigned { origin: "else.example".into() });
    assert_eq!(policy.check(&of_another), unsigned);
    assert_eq!(policy.check(&ours_on_it), unsigned, "a log speaks for its own origin only");
}

#[test]
fn a_cosignature_that_does_not_hold_is_not_overlooked() {
    let other = Checkpoint::new(ORIGIN, TreeHead { size: 8, root: [3; 32] }).unwrap().sign(&log()).unwrap();
    let moved = checkpoint().with(witness(1).sign(other.note(), 1));

    assert_eq!(two_of_x_and_one_of_y().check(&moved), Err(PolicyError::Forged { name: "w1.example".into() }));
}

#[test]
fn a_key_before_and_one_after_a_change_are_both_believed() {
    let next = SignerKey::from_seed(ORIGIN, Purpose::Log, &[9; 32]).unwrap();
    let policy = Policy::of_log(log().verifier()).unwrap().and_log(next.verifier()).unwrap();
    let by_next = Checkpoint::new(ORIGIN, TreeHead { size: 9, root: [3; 32] }).unwrap().sign(&next).unwrap();

    assert!(policy.check(&checkpoint()).is_ok() && policy.check(&by_next).is_ok());
    assert_eq!(Policy::of_log(witness(1).verifier()), Err(PolicyError::NotALog));
}

fn check(lines: &str, right: bool) {
    let lines = lines
        .replace("LOG", &log().verifier().to_string())
        .replace("W1", &witness(1).verifier().to_string())
        .replace("W2", &witness(2).verifier().to_string());
    let read = Policy::parse(&lines);
    assert_eq!(read.is_ok(), right, "{lines}\n{read:?}");
}

#[test]
fn lines_that_the_format_does_not_allow_are_refused() {
    check("log LOG\nquorum none", true);
    check("log LOG\nwitness a W1\nquorum a\n", true);
    check("quorum none\nlog LOG\n", true);
    check("log LOG\n", false);
    check("quorum none\n", false);
    check("log LOG\nquorum none\nquorum none\n", false);
    check("log LOG\nlog LOG\nquorum none\n", false);
    check("log W1\nquorum none\n", false);
    check("log LOG\nwitness a LOG\nquorum none\n", false);
    check("log LOG\nwitness a W1\nwitness a W2\nquorum a\n", false);
    check("log LOG\nwitness a W1\nwitness b W1\nquorum a\n", false);
    check("log LOG\nwitness none W1\nquorum none\n", false);
    check("log LOG\nquorum a\nwitness a W1\n", false);
    check("log LOG\nwitness a W1\ngroup g any a b\nquorum g\n", false);
    check("log LOG\nwitness a W1\ngroup g 2 a\nquorum g\n", false);
    check("log LOG\nwitness a W1\ngroup g 0 a\nquorum g\n", false);
    check("log LOG\nwitness a W1\ngroup g all\nquorum g\n", false);
    check("log LOG\nwitness a W1\nwitness b W2\ngroup g any a a\nquorum g\n", false);
    check("log LOG\nwitness a W1\nwitness b W2\ngroup g any a\ngroup h all a b\nquorum h\n", false);
    check("log LOG\nwitness a W1\ngroup g any g\nquorum g\n", false);
    check("log LOG\r\nquorum none\n", false);
    check("log LOG\nquorum none\nsomething else\n", false);
}
