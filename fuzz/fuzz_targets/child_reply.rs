//! What a child that was taken over may say to the service.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _reply = reader::child::decode_reply(bytes);
    let _member = reader::child::decode_member(bytes);
});
