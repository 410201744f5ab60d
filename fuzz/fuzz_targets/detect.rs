//! What kind of file some bytes are.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _format = reader::detect(bytes);
    let archive = reader::is_archive(bytes);
    assert!(!archive || reader::detect(bytes).is_err(), "an archive is no document");
});
