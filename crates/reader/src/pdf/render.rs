//! Pages as pictures. Painting is `hayro`'s work; marks are laid over it. Knows no text.

use super::file;
use crate::error::ReadError;
use crate::options::ReadOptions;
use crate::options::RenderRequest;
use crate::parsed::Rect;
use hayro::PixmapSettings;
use hayro::RenderCache;
use hayro::RenderSettings;
use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::LoadPdfError;
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::page::Page;
use hayro::vello_cpu::Pixmap;
use hayro::vello_cpu::color::palette::css::WHITE;

/// An image holds no more pixels than this.
const MAX_PIXELS: f32 = 20_000_000.0;
/// An image is no wider or higher than this, in pixels.
const MAX_SIDE: f32 = 16_000.0;
/// What white paper becomes under a mark; black stays black.
const MARK: [u16; 3] = [255, 232, 92];

/// Paints a page as a PNG.
pub(crate) fn render(bytes: &[u8], request: &RenderRequest) -> Result<Vec<u8>, ReadError> {
    let pdf = open(bytes, request.password.as_deref())?;
    let page = page(&pdf, request.page)?;
    let scale = scale(page.render_dimensions(), request.scale);
    let mut image = paint(page, scale);
    image.mark(&request.highlights, scale);
    image.encode()
}

/// Opens a PDF for painting.
pub(super) fn open(bytes: &[u8], password: Option<&str>) -> Result<Pdf, ReadError> {
    Pdf::new_with_password(bytes.to_vec(), password.unwrap_or_default())
        .map_err(|error| explain(error, bytes, password))
}

/// Finds a page, counted from 1.
pub(super) fn page(pdf: &Pdf, number: u32) -> Result<&Page<'_>, ReadError> {
    let pages = pdf.pages();
    let index = (number as usize).checked_sub(1);
    let no_such_page = ReadError::NoSuchPage { page: number, pages: pages.len() as u32 };
    index.and_then(|index| pages.get(index)).ok_or(no_such_page)
}

/// Paints a page on white, at so many pixels a point.
pub(super) fn paint(page: &Page<'_>, scale: f32) -> Image {
    let settings = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
    let pixmap = hayro::render(
        page,
        &RenderCache::new(),
        &InterpreterSettings::default(),
        &RenderSettings::default(),
        &settings,
    );
    Image::from(&pixmap)
}

/// Says in our words why a file does not open. That a password is missing is told as reading tells it.
fn explain(error: LoadPdfError, bytes: &[u8], password: Option<&str>) -> ReadError {
    let stream_limit = usize::try_from(ReadOptions::default().max_stream_bytes).unwrap_or(usize::MAX);
    match (error, file::open(bytes, password, stream_limit)) {
        (_, Err(known)) => known,
        (LoadPdfError::Decryption(_), Ok(_)) => ReadError::Encrypted,
        (LoadPdfError::Invalid, Ok(_)) => ReadError::Damaged { detail: "its pages cannot be painted".into() },
    }
}

/// Keeps a scale within its bounds, and within what the size of the page allows.
fn scale((width, height): (f32, f32), wanted: f32) -> f32 {
    let wanted = if wanted.is_finite() { wanted.clamp(0.5, 4.0) } else { 1.0 };
    let by_area = (MAX_PIXELS / (width * height).max(1.0)).sqrt();
    let by_side = MAX_SIDE / width.max(height).max(1.0);
    wanted.min(by_area).min(by_side)
}

/// An image of three bytes a pixel.
pub(super) struct Image {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<u8>,
}

impl From<&Pixmap> for Image {
    fn from(pixmap: &Pixmap) -> Self {
        // The background is opaque, so the colours are not premultiplied with anything but 1.
        let pixels = pixmap
            .data_as_u8_slice()
            .chunks_exact(4)
            .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
            .collect();
        Self { width: pixmap.width().into(), height: pixmap.height().into(), pixels }
    }
}

impl Image {
    /// Multiplies the colour of the mark into every pixel under a box, once however many boxes cover it.
    fn mark(&mut self, boxes: &[Rect], scale: f32) {
        let mut marked = vec![false; if boxes.is_empty() { 0 } else { self.width * self.height }];
        for rect in boxes {
            let pixel = |points: f32, end: usize| ((points * scale).round().max(0.0) as usize).min(end);
            let (left, right) = (pixel(rect.x0 - 0.5, self.width), pixel(rect.x1 + 0.5, self.width));
            let (top, bottom) = (pixel(rect.y0, self.height), pixel(rect.y1, self.height));
            for y in top..bottom {
                for x in left..right {
                    let at = y * self.width + x;
                    if !std::mem::replace(&mut marked[at], true) {
                        for (channel, factor) in self.pixels[at * 3..].iter_mut().zip(MARK) {
                            *channel = (u16::from(*channel) * factor / 255) as u8;
                        }
                    }
                }
            }
        }
    }

    fn encode(&self) -> Result<Vec<u8>, ReadError> {
        let fault = |error: png::EncodingError| ReadError::Damaged {
            detail: format!("its page has no size: {error}"),
        };
        let mut output = Vec::new();
        let mut encoder = png::Encoder::new(&mut output, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header().map_err(fault)?;
        writer.write_image_data(&self.pixels).map_err(fault)?;
        writer.finish().map_err(fault)?;
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_keeps_images_small() {
        let a4 = (595.0, 842.0);

        assert!((scale(a4, 2.0) - 2.0).abs() < 1e-6);
        assert!((scale(a4, 100.0) - 4.0).abs() < 1e-6);
        assert!((scale(a4, f32::NAN) - 1.0).abs() < 1e-6);
        let huge = scale((20_000.0, 20_000.0), 4.0);
        assert!(20_000.0 * huge * 20_000.0 * huge <= MAX_PIXELS * 1.01);
    }

    #[test]
    fn a_mark_darkens_paper_once_and_ink_never() {
        let mut image = Image { width: 2, height: 1, pixels: vec![255, 255, 255, 0, 0, 0] };
        let all = Rect { x0: 0.0, y0: 0.0, x1: 2.0, y1: 1.0 };

        image.mark(&[all, all], 1.0);

        assert_eq!(image.pixels, [255, 232, 92, 0, 0, 0]);
    }
}
