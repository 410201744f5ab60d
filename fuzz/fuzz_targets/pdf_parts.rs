//! Content, character map and font program within a PDF that is whole.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    docent_fuzz::read(&docent_fuzz::pdf(bytes));
});
