//! A PDF as it comes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    docent_fuzz::read(&[b"%PDF-1.7\n", bytes].concat());
});
