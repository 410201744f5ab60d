//! The parts of an Office file (ISO/IEC 29500-2): a zip archive, unpacked within bounds that its own headers do not set.
//! Knows no XML.

use crate::error::ReadError;
use crate::options::ReadOptions;
use std::io::Cursor;
use std::io::Read;
use zip::ZipArchive;
use zip::result::ZipError;

/// More parts than any honest file has.
pub(crate) const MAX_PARTS: usize = 5_000;
/// All parts that are read together unpack to at most this many bytes.
const MAX_UNPACKED: u64 = 256 << 20;

/// The end of the directory is 22 bytes and a comment of up to 65,535.
const DIRECTORY_END_WITHIN: usize = 65_557;
/// Where in an entry of the directory its name stands.
const NAME_AT: usize = 46;

/// An open archive.
pub(crate) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    part_limit: u64,
    left: u64,
}

impl<'a> Package<'a> {
    pub(crate) fn open(bytes: &'a [u8], options: &ReadOptions) -> Result<Self, ReadError> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
        if archive.len() > MAX_PARTS {
            return Err(ReadError::OutOfBudget {
                detail: format!("the archive has {} parts", archive.len()),
            });
        }
        Ok(Self { archive, part_limit: options.max_stream_bytes, left: MAX_UNPACKED })
    }

    /// Unpacks a part; none when the file has no part of this name.
    pub(crate) fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
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

    /// Counts the parts whose names begin and end so.
    pub(crate) fn count(&self, start: &str, end: &str) -> u32 {
        let names = self.archive.file_names().flatten();
        names.filter(|name| name.starts_with(start) && name.ends_with(end)).count() as u32
    }
}

/// The names of the first parts, as the archive's directory has them. This runs where a file is only looked at: the archive
/// is not opened, for that costs as much as its directory is long.
pub(crate) fn names(bytes: &[u8]) -> Vec<&[u8]> {
    let Some(mut at) = directory(bytes) else { return Vec::new() };
    let mut names = Vec::new();
    while names.len() < MAX_PARTS
        && let Some(header) = bytes.get(at..).filter(|header| header.starts_with(b"PK\x01\x02"))
        && let (Some(name), Some(extra), Some(comment)) =
            (length(header, 28), length(header, 30), length(header, 32))
    {
        names.extend(header.get(NAME_AT..NAME_AT + name));
        at += NAME_AT + name + extra + comment;
    }
    names
}

/// Where the directory of an archive begins: its end, which a comment may follow, says so.
fn directory(bytes: &[u8]) -> Option<usize> {
    let tail = &bytes[bytes.len().saturating_sub(DIRECTORY_END_WITHIN)..];
    let end = tail.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let offset = tail.get(end + 16..end + 20)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(offset)).ok()
}

fn length(header: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(header.get(at..at + 2)?.try_into().ok()?)))
}

fn too_large(limit: u64) -> ReadError {
    ReadError::TooLarge { limit, unit: "bytes".into() }
}

fn damaged(error: &ZipError) -> ReadError {
    ReadError::Damaged { detail: format!("the archive: {error}") }
}

/// Makes an archive of parts.
#[cfg(test)]
pub(crate) fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        writer
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .expect("a vector can be written to");
        writer.write_all(text.as_bytes()).expect("a vector can be written to");
    }
    writer.finish().expect("a vector can be written to").into_inner()
}
