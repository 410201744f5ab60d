//! The parts of an Excel workbook.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let names = [
        "xl/worksheets/sheet1.xml",
        "xl/sharedStrings.xml",
        "xl/styles.xml",
        "xl/workbook.xml",
        "xl/_rels/workbook.xml.rels",
        "xl/worksheets/_rels/sheet1.xml.rels",
        "xl/comments1.xml",
    ];
    docent_fuzz::read_office(&names, bytes);
});
