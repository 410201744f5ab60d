//! Reads files and prints one line for each: time, pages, characters, warnings. `--text FILE` prints the text instead,
//! `--words FILE` the words with their boxes, `--pages FILE [PASSWORD]` the pages as JSON with what runs through all of
//! them, `--tables FILE…` the tables as JSON, one a line, `--hidden FILE` what pages hide, `--headings FILE` its headings,
//! `--render FILE PAGE` writes the page's image to standard output.
#![expect(clippy::print_stdout, reason = "a program for the command line")]

use reader::ReadOptions;
use reader::RenderRequest;
use std::io::Write;
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--text", file] => text(file),
        ["--words", file] => words(file),
        ["--tables", ref files @ ..] => files.iter().for_each(|file| tables(file)),
        ["--pages", file] => pages(file, None),
        ["--pages", file, password] => pages(file, Some(password.to_owned())),
        ["--hidden", file] => hidden(file),
        ["--headings", file] => headings(file),
        ["--render", file, page] => image(file, page.parse().expect("a page number")),
        ref files => files.iter().for_each(|file| summary(file)),
    }
}

fn load(file: &str) -> Vec<u8> {
    std::fs::read(file).expect("the file can be opened")
}

fn summary(file: &str) {
    let bytes = load(file);
    let started = Instant::now();
    let outcome = reader::read(&bytes, &ReadOptions::default());
    let milliseconds = started.elapsed().as_millis();
    match outcome {
        Ok(parsed) => {
            let undecodable: u32 = parsed.pages.iter().map(|page| page.undecodable).sum();
            let words: usize = parsed.pages.iter().map(|page| page.words.len()).sum();
            println!(
                "{file}\tok\t{milliseconds} ms\t{} pages\t{} characters\t{words} words\t{undecodable} undecodable\t{} headings\t{} warnings\t{:?}",
                parsed.pages.len(),
                parsed.content.chars().count(),
                parsed.headings.len(),
                parsed.warnings.len(),
                parsed.warnings.iter().take(2).map(|warning| &warning.detail).collect::<Vec<_>>(),
            );
        }
        Err(error) => println!("{file}\t{}\t{milliseconds} ms\t{error}", error.code()),
    }
}

fn text(file: &str) {
    match reader::read(&load(file), &ReadOptions::default()) {
        Ok(parsed) => {
            let mut characters = parsed.content.chars();
            for page in &parsed.pages {
                let text: String = characters.by_ref().take(page.span.len() as usize).collect();
                print!("{text}\u{c}");
            }
        }
        Err(error) => println!("{}: {error}", error.code()),
    }
}

/// Ends with status 1 where the file cannot be read.
fn pages(file: &str, password: Option<String>) {
    let options = ReadOptions { password, ..ReadOptions::default() };
    let Ok(parsed) = reader::read(&load(file), &options) else { std::process::exit(1) };
    let characters: Vec<char> = parsed.content.chars().collect();
    let text = |span: reader::Span| -> String {
        characters[span.start as usize..span.end as usize].iter().collect()
    };
    let pages = parsed.pages.iter().map(|page| {
        let words = page.words.iter().map(|word| {
            let reader::Rect { x0, y0, x1, y1 } = word.rect;
            serde_json::json!([x0, y0, x1, y1, text(word.span)])
        });
        let words: Vec<_> = words.collect();
        serde_json::json!({ "text": text(page.span), "running": page.running, "words": words })
    });
    println!("{}", serde_json::json!({ "pages": pages.collect::<Vec<_>>() }));
}

fn words(file: &str) {
    let parsed = reader::read(&load(file), &ReadOptions::default()).expect("the file can be read");
    let characters: Vec<char> = parsed.content.chars().collect();
    for page in &parsed.pages {
        for word in &page.words {
            let text: String = characters[word.span.start as usize..word.span.end as usize].iter().collect();
            let reader::Rect { x0, y0, x1, y1 } = word.rect;
            println!("{}\t{x0}\t{y0}\t{x1}\t{y1}\t{text}", page.number);
        }
    }
}

/// Each row comes with its page and its text.
fn tables(file: &str) {
    let Ok(parsed) = reader::read(&load(file), &ReadOptions::default()) else { return };
    let characters: Vec<char> = parsed.content.chars().collect();
    for table in &parsed.tables {
        let rows = table.rows.iter().map(|row| {
            let page = parsed.pages.partition_point(|page| page.span.end <= row.start) + 1;
            (page, characters[row.start as usize..row.end as usize].iter().collect::<String>())
        });
        let rows: Vec<(usize, String)> = rows.collect();
        let header_rows = table.header_rows;
        println!("{}", serde_json::json!({ "file": file, "header_rows": header_rows, "rows": rows }));
    }
}

fn hidden(file: &str) {
    let parsed = reader::read(&load(file), &ReadOptions::default()).expect("the file can be read");
    for page in &parsed.pages {
        for text in &page.hidden {
            println!("{}\t{:?}\t{}\t{:?}", page.number, text.reason, text.characters, text.text);
        }
    }
}

fn headings(file: &str) {
    let parsed = reader::read(&load(file), &ReadOptions::default()).expect("the file can be read");
    for heading in &parsed.headings {
        println!("{}\t{}\t{:?}", heading.level, heading.title, heading.span);
    }
}

fn image(file: &str, page: u32) {
    let bytes = load(file);
    let text = reader::read(&bytes, &ReadOptions::default());
    let rects = text.ok().and_then(|parsed| {
        let page = parsed.pages.get(page as usize - 1)?;
        let third = page.span.len() / 3;
        let span = reader::Span { start: page.span.start + third, end: page.span.start + third + 120 };
        Some(reader::rects_for(page, span))
    });
    let request = RenderRequest { page, scale: 1.5, highlights: rects.unwrap_or_default(), password: None };
    let png = reader::render(&bytes, &request).expect("the page can be painted");
    std::io::stdout().write_all(&png).expect("standard output is open");
}
