//! Recognises pages of a PDF in their pictures and prints their text, each page ended by a form feed, and on standard
//! error what it took: `recognise --models FOLDER FILE [PAGE…]`, or all pages. `--words` prints the words
//! with their boxes after each page, `--unread` only the pages that reading asks to have recognised.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the command line")]

use reader::OcrModels;
use reader::ReadOptions;
use reader::RecogniseRequest;
use reader::RecognisedPage;
use std::path::Path;
use std::time::Instant;

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut flag = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name);
        at.map(|at| arguments.remove(at)).is_some()
    };
    let (words, unread) = (flag("--words"), flag("--unread"));
    let [models, folder, file, pages @ ..] = arguments.as_slice() else {
        panic!("see the top of this program")
    };
    assert_eq!(models, "--models");
    let bytes = std::fs::read(file).expect("the file can be opened");
    let read = reader::read(&bytes, &ReadOptions { will_recognise: true, ..ReadOptions::default() });
    let parsed = read.expect("the file can be read");
    if unread {
        println!("{file}\t{} pages\tunread {:?}", parsed.pages.len(), parsed.unread);
        return;
    }
    let started = Instant::now();
    let models = OcrModels::open(Path::new(folder), 1).expect("the models can be loaded");
    eprintln!("models\t{:.2} s", started.elapsed().as_secs_f32());
    let pages: Vec<u32> = match pages {
        [] => (1..=parsed.pages.len() as u32).collect(),
        some => some.iter().map(|page| page.parse().expect("a page number")).collect(),
    };
    for number in pages {
        let started = Instant::now();
        let request = RecogniseRequest { pages: vec![number], password: None };
        let found = reader::recognise(&bytes, &request, &models).expect("the page can be recognised");
        eprintln!("page {number}\t{:.2} s\t{:?}", started.elapsed().as_secs_f32(), found[0].recognised);
        print!("{}\u{c}", found[0].text);
        if words {
            print_words(&found[0]);
        }
    }
}

fn print_words(page: &RecognisedPage) {
    let characters: Vec<char> = page.text.chars().collect();
    for word in &page.words {
        let text: String = characters[word.span.start as usize..word.span.end as usize].iter().collect();
        let reader::Rect { x0, y0, x1, y1 } = word.rect;
        println!("{}\t{x0}\t{y0}\t{x1}\t{y1}\t{text}", page.number);
    }
}
