//! A policy file, and a checkpoint that nobody in it has signed.
#![no_main]

use ledger::Policy;
use ledger::SignedCheckpoint;

const NOTE: &str = "a.example\n7\nAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n\n— a.example AAAAAAA=\n";

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(policy) = Policy::parse(text) else { return };
    let checkpoint = SignedCheckpoint::parse(NOTE).expect("it is a checkpoint");
    assert!(policy.check(&checkpoint).is_err());
});
