//! What a log sends to a witness: what reads writes as the same bytes, and a witness of another log signs nothing of it.
#![no_main]

use ledger::Policy;
use ledger::Purpose;
use ledger::SignerKey;
use ledger::Submission;
use ledger::VerifierKey;
use ledger::cosign;

const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(submission) = Submission::parse(text) else { return };
    assert_eq!(submission.to_string(), text);
    let key = VerifierKey::parse(KEY).expect("it is a key");
    let logs = Policy::of_log(key).expect("it is a log's key");
    let witness = SignerKey::from_seed("example.com/w1", Purpose::Witness, &[7; 32]).expect("a name");
    assert!(cosign(&submission, None, &logs, &witness, 0).is_err());
});
