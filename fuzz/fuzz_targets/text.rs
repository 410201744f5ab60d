//! Text in any encoding, and whatever its bytes are taken for.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| docent_fuzz::read(bytes));
