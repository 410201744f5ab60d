//! The parts of a Word document.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let names = [
        "word/document.xml",
        "word/styles.xml",
        "word/numbering.xml",
        "word/footnotes.xml",
        "word/_rels/document.xml.rels",
        "docProps/core.xml",
    ];
    docent_fuzz::read_office(&names, bytes);
});
