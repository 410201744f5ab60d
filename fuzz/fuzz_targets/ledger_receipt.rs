//! A receipt: what reads writes as the same bytes, and proves nothing to who does not believe its key.
#![no_main]

use ledger::Policy;
use ledger::Receipt;
use ledger::VerifierKey;
use ledger::leaf_hash;

const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(receipt) = Receipt::parse(text) else { return };
    assert_eq!(receipt.to_string(), text);
    let key = VerifierKey::parse(KEY).expect("it is a key");
    let policy = Policy::of_log(key).expect("it is a log's key");
    assert!(receipt.check(&leaf_hash(receipt.leaf().unwrap_or_default()), &policy).is_err());
});
