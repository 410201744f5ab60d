//! A signed note, perhaps a checkpoint: what reads writes as the same bytes.
#![no_main]

use ledger::Note;
use ledger::SignedCheckpoint;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(note) = Note::parse(text) {
        assert_eq!(note.to_string(), text);
    }
    if let Ok(checkpoint) = SignedCheckpoint::parse(text) {
        assert_eq!(checkpoint.to_string(), text);
        assert!(text.starts_with(&checkpoint.checkpoint().to_string()));
    }
});
