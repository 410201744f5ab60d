//! An e-mail.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    docent_fuzz::read(
        &[b"From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\nMIME-Version: 1.0\r\n", bytes].concat(),
    );
});
