//! Writes small PDFs, one feature each.

use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Object;
use lopdf::ObjectId;
use lopdf::Stream;
use lopdf::dictionary;
use reader::Format;
use reader::Page;
use reader::Parsed;
use reader::ReadOptions;
use reader::Span;
use reader::Word;

/// A PDF under construction.
pub(crate) struct Pdf {
    pub(crate) document: Document,
    pub(crate) tree: ObjectId,
    pages: Vec<ObjectId>,
    /// Resources that every page gets.
    pub(crate) resources: Dictionary,
    /// Entries that every page gets.
    pub(crate) page: Dictionary,
    pub(crate) catalog: Dictionary,
}

impl Pdf {
    pub(crate) fn new() -> Self {
        let mut document = Document::with_version("1.7");
        let tree = document.new_object_id();
        let helvetica = dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica" };
        let fonts = dictionary! { "F1" => document.add_object(helvetica) };
        Self {
            document,
            tree,
            pages: Vec::new(),
            resources: dictionary! { "Font" => fonts },
            page: dictionary! { "MediaBox" => vec![0.into(), 0.into(), 600.into(), 800.into()] },
            catalog: Dictionary::new(),
        }
    }

    /// Adds a stream, packed as most are.
    pub(crate) fn stream(&mut self, dictionary: Dictionary, content: &[u8]) -> ObjectId {
        let mut stream = Stream::new(dictionary, content.to_vec());
        let _ = stream.compress();
        self.document.add_object(stream)
    }

    /// Adds a page with its content.
    pub(crate) fn page(&mut self, content: &str) -> ObjectId {
        let content = self.stream(Dictionary::new(), content.as_bytes());
        let mut page = self.page.clone();
        page.set("Type", "Page");
        page.set("Parent", self.tree);
        page.set("Contents", content);
        page.set("Resources", self.resources.clone());
        let id = self.document.add_object(page);
        self.pages.push(id);
        id
    }

    /// Adds a font under a name that contents can use.
    pub(crate) fn font(&mut self, name: &str, font: Dictionary) {
        let id = self.document.add_object(font);
        let fonts =
            self.resources.get_mut(b"Font").and_then(Object::as_dict_mut).expect("every file has fonts");
        fonts.set(name, id);
    }

    /// Adds an XObject under a name that contents can use.
    pub(crate) fn x_object(&mut self, name: &str, id: ObjectId) {
        if !self.resources.has(b"XObject") {
            self.resources.set("XObject", Dictionary::new());
        }
        let objects = self.resources.get_mut(b"XObject").and_then(Object::as_dict_mut).expect("just set");
        objects.set(name, id);
    }

    /// Puts the tree and the catalog together.
    pub(crate) fn finish(mut self) -> Document {
        let kids: Vec<Object> = self.pages.iter().map(|&id| id.into()).collect();
        let count = kids.len() as i64;
        let tree = dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count };
        self.document.objects.entry(self.tree).or_insert(Object::Dictionary(tree));
        self.catalog.set("Type", "Catalog");
        self.catalog.set("Pages", self.tree);
        let catalog = self.document.add_object(self.catalog);
        self.document.trailer.set("Root", catalog);
        self.document
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        save(self.finish())
    }
}

pub(crate) fn save(mut document: Document) -> Vec<u8> {
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).expect("a vector can be written to");
    bytes
}

/// Reads with the default bounds, and checks what holds for every file.
#[track_caller]
pub(crate) fn read(bytes: &[u8]) -> Parsed {
    let parsed = reader::read(bytes, &ReadOptions::default()).expect("the file can be read");
    check_spans(&parsed);
    parsed
}

/// The code of the error that reading ends with.
#[track_caller]
pub(crate) fn error(bytes: &[u8]) -> &'static str {
    reader::read(bytes, &ReadOptions::default()).expect_err("the file cannot be read").code()
}

/// Pages cover the content in order, words lie in their page in order, no word is empty or holds white space, and rows
/// of tables are whole lines whose bars are the only characters in no word.
#[track_caller]
pub(crate) fn check_spans(parsed: &Parsed) {
    let characters: Vec<char> = parsed.content.chars().collect();
    let rows: Vec<Span> = parsed.tables.iter().flat_map(|table| table.rows.iter().copied()).collect();
    assert!(rows.is_sorted(), "tables are in order: {rows:?}");
    for row in &rows {
        let line: String = characters[row.start as usize..row.end as usize].iter().collect();
        // Those of sheets begin with their number.
        let begins = parsed.format == Format::Xlsx || line.starts_with("| ");
        assert!(begins && line.ends_with(" |") && !line.contains('\n'), "{line:?} is a row");
        let (before, after) = (row.start.checked_sub(1), characters.get(row.end as usize));
        assert!(before.is_none_or(|at| characters[at as usize] == '\n') && after.is_none_or(|c| *c == '\n'));
    }
    let in_row = |at: u32| rows.iter().any(|row| row.start <= at && at < row.end);
    let mut next = 0;
    for page in &parsed.pages {
        assert_eq!(page.span.start, next, "page {} begins where the one before ends", page.number);
        let mut at = page.span.start;
        for Word { span, .. } in &page.words {
            assert!(
                span.start >= at && span.start < span.end && span.end <= page.span.end,
                "{span:?} is in order"
            );
            let text = &characters[span.start as usize..span.end as usize];
            assert!(!text.iter().any(|c| c.is_whitespace()), "{text:?} is one word");
            let between = &characters[at as usize..span.start as usize];
            let divides = |(at, c): (u32, &char)| c.is_whitespace() || *c == '|' && in_row(at);
            assert!((at..).zip(between).all(divides), "{between:?} is not lost between words");
            at = span.end;
        }
        next = page.span.end;
    }
    assert_eq!(next as usize, characters.len(), "the last page ends with the content");
    let again: Parsed = serde_json::from_str(&serde_json::to_string(parsed).unwrap()).unwrap();
    assert_eq!(&again, parsed, "JSON keeps everything");
}

/// The word with this text.
#[track_caller]
pub(crate) fn word(parsed: &Parsed, page: &Page, wanted: &str) -> Word {
    let text = |word: &Word| -> String {
        let (from, count) = (word.span.start as usize, word.span.len() as usize);
        parsed.content.chars().skip(from).take(count).collect()
    };
    *page.words.iter().find(|word| text(word) == wanted).unwrap_or_else(|| panic!("no word {wanted:?}"))
}

/// A font for Chinese, whose strings are GBK.
pub(crate) fn chinese_font(pdf: &mut Pdf, name: &str) {
    let descendant = dictionary! {
        "Type" => "Font", "Subtype" => "CIDFontType0", "BaseFont" => "STSong-Light",
        "CIDSystemInfo" => dictionary! {
            "Registry" => Object::string_literal("Adobe"), "Ordering" => Object::string_literal("GB1"),
            "Supplement" => 2,
        },
    };
    let descendant = pdf.document.add_object(descendant);
    pdf.font(
        name,
        dictionary! {
            "Type" => "Font", "Subtype" => "Type0", "BaseFont" => "STSong-Light", "Encoding" => "GBK-EUC-H",
            "DescendantFonts" => vec![descendant.into()],
        },
    );
}

/// A string of such a font.
pub(crate) fn gbk(text: &str) -> String {
    let (codes, ..) = encoding_rs::GBK.encode(text);
    let codes: String = codes.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("<{codes}>")
}

/// Lines of Latin text from a height downwards.
pub(crate) fn lines(x: u32, mut y: i32, lines: &[&str]) -> String {
    let mut content = String::new();
    for line in lines {
        content.push_str(&format!("BT /F1 12 Tf {x} {y} Td ({line}) Tj ET\n"));
        y -= 14;
    }
    content
}
