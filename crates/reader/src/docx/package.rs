//! The parts of an Office file (ISO/IEC 29500-2): a zip archive, unpacked within bounds that its own headers do not set.
//! Knows no XML.

use crate::error::ReadError;
use crate::options::ReadOptions;
use std::io::Cursor;
use std::io::Read;
use zip::ZipArchive;
use zip::result::ZipError;

/// More parts than any honest file has.
const MAX_PARTS: usize = 5_000;
/// All parts that are read together unpack to at most this many bytes.
const MAX_UNPACKED: u64 = 256 << 20;

/// An open archive.
pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    part_limit: u64,
    left: u64,
}

impl<'a> Package<'a> {
    pub(super) fn open(bytes: &'a [u8], options: &ReadOptions) -> Result<Self, ReadError> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
        if archive.len() > MAX_PARTS {
            return Err(ReadError::OutOfBudget {
                detail: format!("the archive has {} parts", archive.len()),
            });
        }
        Ok(Self { archive, part_limit: options.max_stream_bytes, left: MAX_UNPACKED })
    }

    /// Unpacks a part; none when the file has no part of this name.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let file = match self.archive.by_name(name) {
            Ok(file) => file,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(damaged(&error)),
        };
        let limit = self.part_limit.min(self.left);
        let mut bytes = Vec::new();
        let unpacked = file.take(limit + 1).read_to_end(&mut bytes);
        unpacked.map_err(|error| ReadError::Damaged { detail: format!("`{name}`: {error}") })?;
        self.left = (self.left).checked_sub(bytes.len() as u64).ok_or_else(|| too_large(limit))?;
        if bytes.len() as u64 > limit { Err(too_large(limit)) } else { Ok(Some(bytes)) }
    }
}

fn too_large(limit: u64) -> ReadError {
    ReadError::TooLarge { limit, unit: "bytes".into() }
}

fn damaged(error: &ZipError) -> ReadError {
    ReadError::Damaged { detail: format!("the archive: {error}") }
}
