//! A page painted, with the font program and the content that are given.
#![no_main]

use reader::RenderRequest;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let request = RenderRequest { page: 1, scale: 0.5, highlights: Vec::new(), password: None };
    let whole = if bytes.starts_with(b"%PDF-") { bytes.to_vec() } else { docent_fuzz::pdf(bytes) };
    let _refused = reader::render(&whole, &request);
});
