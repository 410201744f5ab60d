//! A web page.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    docent_fuzz::read(&[b"<!doctype html>", bytes].concat());
});
