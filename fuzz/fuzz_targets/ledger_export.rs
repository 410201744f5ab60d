//! An export, line by line, as its verifier meets it.
#![no_main]

use ledger::Policy;
use ledger::VerifierKey;
use ledger::export::Verifier;
use ledger::export::examine::examine;

/// The key under which the seeds are signed; its secret half is 32 bytes of 7.
const KEY: &str = "docent.example/audit+56491ea0+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let key = VerifierKey::parse(KEY).expect("it is a key");
    let policy = Policy::of_log(key).expect("it is a log's key");
    let mut verifier = Verifier::new(Vec::new());
    for line in bytes.split(|&byte| byte == b'\n') {
        match examine(line, &policy).and_then(|line| verifier.take(line)) {
            Ok(()) => {}
            Err(flaw) => {
                let outcome = verifier.fail(flaw);
                let _gaps = outcome.report.gaps();
                return;
            }
        }
    }
    let _gaps = verifier.finish().report.gaps();
});
