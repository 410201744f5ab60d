//! The parts of a PowerPoint presentation.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let names = [
        "ppt/slides/slide1.xml",
        "ppt/presentation.xml",
        "ppt/_rels/presentation.xml.rels",
        "ppt/slides/_rels/slide1.xml.rels",
        "ppt/notesSlides/notesSlide1.xml",
        "ppt/comments/comment1.xml",
    ];
    docent_fuzz::read_office(&names, bytes);
});
