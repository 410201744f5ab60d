//! Pages as pictures.

use crate::fixture::Pdf;
use crate::fixture::read;
use crate::fixture::word;
use reader::RenderRequest;

struct Picture {
    width: u32,
    pixels: Vec<u8>,
}

impl Picture {
    fn at(&self, x: f32, y: f32) -> [u8; 3] {
        let at = (y as usize * self.width as usize + x as usize) * 3;
        [self.pixels[at], self.pixels[at + 1], self.pixels[at + 2]]
    }
}

fn paint(bytes: &[u8], request: &RenderRequest) -> Picture {
    let image = reader::render(bytes, request).unwrap();
    let mut decoder = png::Decoder::new(std::io::Cursor::new(image)).read_info().unwrap();
    let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
    let info = decoder.next_frame(&mut pixels).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    Picture { width: info.width, pixels }
}

#[test]
fn marks_cover_the_words_however_the_page_is_turned() {
    for turn in [0, 90, 180, 270] {
        let mut pdf = Pdf::new();
        pdf.page.set("Rotate", turn);
        pdf.page.set("CropBox", vec![50.into(), 40.into(), 550.into(), 750.into()]);
        // A black bar where the word stands, so that the renderer's idea of the place can be seen.
        pdf.page(
            "BT /F1 40 Tf 100 600 Td (MMMMMMMM) Tj /F1 12 Tf 0 -50 Td (and many more words that follow it) Tj ET 110 605 60 10 re f",
        );
        let bytes = pdf.bytes();
        let parsed = read(&bytes);
        let page = &parsed.pages[0];
        let rect = word(&parsed, page, "MMMMMMMM").rect;
        let request = RenderRequest { page: 1, scale: 2.0, highlights: vec![rect], password: None };

        let picture = paint(&bytes, &request);

        assert_eq!(picture.width, page.width as u32 * 2);
        let marked: Vec<(u32, u32)> = (0..page.height as u32 * 2)
            .flat_map(|y| (0..picture.width).map(move |x| (x, y)))
            .filter(|&(x, y)| picture.at(x as f32, y as f32) == [255, 232, 92])
            .collect();
        let inside = |&(x, y): &(u32, u32)| {
            let (x, y) = (x as f32 / 2.0, y as f32 / 2.0);
            x >= rect.x0 - 1.0 && x <= rect.x1 + 1.0 && y >= rect.y0 - 1.0 && y <= rect.y1 + 1.0
        };
        assert!(marked.len() > 1000 && marked.iter().all(inside), "turned by {turn}");
        // The bar runs along the word, a little above its baseline and inside of the mark.
        let bar = match turn {
            0 => (rect.x0 + 30.0, rect.y1 - 20.0),
            90 => (rect.x0 + 20.0, rect.y0 + 30.0),
            180 => (rect.x1 - 30.0, rect.y0 + 20.0),
            _ => (rect.x1 - 20.0, rect.y1 - 30.0),
        };
        assert_eq!(picture.at(bar.0 * 2.0, bar.1 * 2.0), [0, 0, 0], "turned by {turn}");
    }
}

#[test]
fn only_pages_that_exist_are_painted() {
    let mut pdf = Pdf::new();
    pdf.page("");
    let bytes = pdf.bytes();
    let code = |bytes: &[u8], page| {
        let request = RenderRequest { page, scale: 1.0, highlights: Vec::new(), password: None };
        reader::render(bytes, &request).unwrap_err().code()
    };

    assert_eq!(code(&bytes, 0), "no_such_page");
    assert_eq!(code(&bytes, 2), "no_such_page");
    assert_eq!(code(b"plain text", 1), "not_renderable");
}

#[test]
fn a_huge_page_becomes_a_bounded_picture() {
    let mut pdf = Pdf::new();
    pdf.page.set("MediaBox", vec![0.into(), 0.into(), 14_400.into(), 14_400.into()]);
    pdf.page("");
    let request = RenderRequest { page: 1, scale: 4.0, highlights: Vec::new(), password: None };

    let picture = paint(&pdf.bytes(), &request);

    assert!(picture.width < 4_500, "{}", picture.width);
}
