//! A key as text: what reads writes as the same bytes.
#![no_main]

use ledger::SignerKey;
use ledger::VerifierKey;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(key) = SignerKey::parse(text) {
        assert_eq!(key.to_secret_text(), text);
    }
});
