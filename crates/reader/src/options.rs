//! What a caller may ask for, and the bounds on it. Knows no format.

use crate::parsed::Rect;
use serde::Deserialize;
use serde::Serialize;
use std::fmt;

/// Bounds and keys for reading one file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReadOptions {
    /// Opens an encrypted PDF; without it the empty password is tried.
    pub password: Option<String>,
    /// More pages than this are an error; 5,000 unless set.
    pub max_pages: u32,
    /// More characters of text than this are an error; 20 million unless set.
    pub max_characters: u64,
    /// No single stream of a PDF may unpack to more bytes than this; 48 MiB unless set.
    pub max_stream_bytes: u64,
    /// A file whose pages are all pictures is no error: its pages will be recognised.
    pub will_recognise: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            password: None,
            max_pages: 5_000,
            max_characters: 20_000_000,
            max_stream_bytes: 48 << 20,
            will_recognise: false,
        }
    }
}

impl fmt::Debug for ReadOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ReadOptions")
            .field("password", &self.password.as_ref().map(|_| "***"))
            .field("max_pages", &self.max_pages)
            .field("max_characters", &self.max_characters)
            .field("max_stream_bytes", &self.max_stream_bytes)
            .field("will_recognise", &self.will_recognise)
            .finish()
    }
}

/// One page to paint.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenderRequest {
    /// The page, from 1.
    pub page: u32,
    /// Pixels a point, held between 0.5 and 4; less where the image would pass 20 megapixels.
    pub scale: f32,
    /// Boxes to mark, in points of the page as [`crate::Page`] gives them.
    #[serde(default)]
    pub highlights: Vec<Rect>,
    /// Opens an encrypted PDF; without it the empty password is tried.
    #[serde(default)]
    pub password: Option<String>,
}

impl fmt::Debug for RenderRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RenderRequest")
            .field("page", &self.page)
            .field("scale", &self.scale)
            .field("highlights", &self.highlights)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .finish()
    }
}

/// Pages of a PDF whose text is to be recognised in their pictures.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecogniseRequest {
    /// The pages, from 1.
    pub pages: Vec<u32>,
    /// Opens an encrypted PDF; without it the empty password is tried.
    #[serde(default)]
    pub password: Option<String>,
}

impl fmt::Debug for RecogniseRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RecogniseRequest")
            .field("pages", &self.pages)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .finish()
    }
}

/// Bounds on an archive that is taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnpackOptions {
    /// More files than this are an error; 1,000 unless set.
    pub max_members: usize,
    /// A file that unpacks to more bytes is left out; 256 MiB unless set.
    pub max_member_bytes: u64,
    /// All files together unpack to at most so many bytes, the rest is left out; 1 GiB unless set.
    pub max_total_bytes: u64,
    /// A file that unpacks to more than so many times its size is left out; 200 unless set. Small files may.
    pub max_ratio: u64,
}

impl Default for UnpackOptions {
    fn default() -> Self {
        Self { max_members: 1_000, max_member_bytes: 256 << 20, max_total_bytes: 1 << 30, max_ratio: 200 }
    }
}
