//! Markdown.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    docent_fuzz::read(&[b"# a\n\n## b\n\n", bytes].concat());
});
