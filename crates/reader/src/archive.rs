//! The files in a zip archive (APPNOTE.TXT 6.3.10), one at a time and within bounds that its headers do not set. A file
//! that cannot be had costs only itself. Knows no format of a file.

use crate::error::ReadError;
use crate::office::package;
use crate::options::UnpackOptions;
use encoding_rs::GB18030;
use std::io::Cursor;
use std::io::Read;
use std::ops::ControlFlow;
use zip::CompressionMethod;
use zip::ZipArchive;
use zip::read::ZipFileEntry;

/// So much may come out of however little: short texts of one sort of line fold up well.
const RATIO_FREE_BYTES: u64 = 1 << 20;
/// Members that are refused have been unpacked to their bound: all that is unpacked is at most so many times what is kept.
const WORK_FOR_TOTAL: u64 = 2;
/// What systems put beside the files of a folder; nobody means to upload it.
const BESIDE: &[&str] = &[".DS_Store", "Thumbs.db", "desktop.ini"];
/// The folder of what macOS notes of each file.
const MAC_NOTES: &str = "__MACOSX";

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its path as the archive says it: for people to read, never to be used as a path.
    pub path: String,
    /// Its bytes, or why they cannot be had.
    pub content: Result<Vec<u8>, ReadError>,
}

/// Gives each file of an archive to `take`, in the archive's order, until that has enough.
///
/// # Errors
/// [`ReadError`] where the archive has no directory that can be read, too many files, or none.
pub fn unpack(
    bytes: &[u8],
    options: &UnpackOptions,
    take: &mut dyn FnMut(Member) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    // Looked at before the archive is opened, which takes memory for each entry; folders are entries too.
    if package::names(bytes).len() >= package::MAX_PARTS {
        return Err(ReadError::TooManyMembers { limit: options.max_members });
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| ReadError::Damaged { detail: format!("the archive: {error}") })?;
    let wanted: Vec<usize> = (0..archive.len()).filter(|&at| is_wanted(&mut archive, at)).collect();
    match wanted.len() {
        0 => return Err(ReadError::EmptyArchive),
        members if members > options.max_members => {
            return Err(ReadError::TooManyMembers { limit: options.max_members });
        }
        _ => {}
    }
    let size = bytes.len() as u64;
    let mut left =
        Left { bytes: options.max_total_bytes, work: options.max_total_bytes.saturating_mul(WORK_FOR_TOTAL) };
    for at in wanted {
        let (path, content) = member(&mut archive, at, size, options, &mut left);
        if take(Member { path, content }).is_break() {
            break;
        }
    }
    Ok(())
}

/// Files, but for those that nobody put there.
fn is_wanted(archive: &mut ZipArchive<Cursor<&[u8]>>, at: usize) -> bool {
    let Ok(entry) = archive.by_index_data(at) else { return true };
    let path = path(entry.name_raw());
    let mut parts = path.split(['/', '\\']);
    let name = parts.clone().next_back().unwrap_or_default();
    !entry.is_dir() && !parts.any(|part| part == MAC_NOTES) && !BESIDE.contains(&name)
}

/// What the members still to come may unpack to. Entries may overlap, so that each of a thousand is as large as the archive;
/// each that is refused costs the work of unpacking it to its bound.
struct Left {
    /// Bytes that are kept.
    bytes: u64,
    /// Bytes that are unpacked at all.
    work: u64,
}

fn member(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    at: usize,
    size: u64,
    options: &UnpackOptions,
    left: &mut Left,
) -> (String, Result<Vec<u8>, ReadError>) {
    let damaged = |detail: String| ReadError::Damaged { detail };
    let entry = match archive.by_index_data(at) {
        Ok(entry) => entry,
        Err(error) => return (format!("#{}", at + 1), Err(damaged(error.to_string()))),
    };
    let path = path(entry.name_raw());
    let allowed = match allowance(&entry, size, options) {
        Ok(allowed) => allowed,
        Err(error) => return (path, Err(error)),
    };
    let archive_too_large = || ReadError::ArchiveTooLarge { limit: options.max_total_bytes };
    if left.work == 0 {
        return (path, Err(archive_too_large()));
    }
    let file = match archive.by_index(at) {
        Ok(file) => file,
        Err(error) => return (path, Err(damaged(error.to_string()))),
    };
    let most = allowed.bytes.min(left.bytes);
    let mut bytes = Vec::new();
    let read = file.take(most + 1).read_to_end(&mut bytes);
    let count = bytes.len() as u64;
    left.work = left.work.saturating_sub(count);
    let outcome = match read {
        Err(error) => Err(damaged(error.to_string())),
        Ok(_) if count <= most => {
            left.bytes -= count;
            Ok(bytes)
        }
        Ok(_) if left.bytes < allowed.bytes => Err(archive_too_large()),
        Ok(_) => Err(allowed.excess),
    };
    (path, outcome)
}

/// How many bytes a file may unpack to, and what it is refused with beyond.
struct Allowance {
    bytes: u64,
    excess: ReadError,
}

/// `size` is the archive's: no entry can hold more, whatever the directory says of it.
fn allowance(entry: &ZipFileEntry<'_>, size: u64, options: &UnpackOptions) -> Result<Allowance, ReadError> {
    if entry.encrypted() {
        return Err(ReadError::EncryptedMember);
    }
    if entry.is_symlink() {
        return Err(ReadError::UnknownFormat { found: "a link".into() });
    }
    if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
        return Err(ReadError::UnsupportedMember { method: entry.compression().to_string() });
    }
    let compressed = entry.compressed_size().min(size);
    let by_ratio = compressed.saturating_mul(options.max_ratio).max(RATIO_FREE_BYTES);
    Ok(if by_ratio < options.max_member_bytes {
        let detail = format!("it unpacks to more than {} times its size", options.max_ratio);
        Allowance { bytes: by_ratio, excess: ReadError::OutOfBudget { detail } }
    } else {
        let excess = ReadError::TooLarge { limit: options.max_member_bytes, unit: "bytes".into() };
        Allowance { bytes: options.max_member_bytes, excess }
    })
}

/// A path as it was meant. Programs that set no mark for UTF-8 write it all the same, or the code page of their system,
/// which for Chinese is GBK (GB 18030 is its superset); what is neither is shown as best it can.
fn path(raw: &[u8]) -> String {
    if let Ok(path) = std::str::from_utf8(raw) {
        return path.to_owned();
    }
    let decoded = GB18030.decode_without_bom_handling_and_without_replacement(raw);
    decoded.map_or_else(|| String::from_utf8_lossy(raw).into_owned(), String::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    /// Path, and length or code.
    type Found = (String, Result<usize, &'static str>);

    fn members(bytes: &[u8], options: &UnpackOptions) -> Result<Vec<Found>, &'static str> {
        let mut members = Vec::new();
        let unpacked = unpack(bytes, options, &mut |member| {
            let content = member.content.map(|bytes| bytes.len()).map_err(|error| error.code());
            members.push((member.path, content));
            ControlFlow::Continue(())
        });
        unpacked.map(|()| members).map_err(|error| error.code())
    }

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn files_come_in_order_without_folders_and_what_systems_leave() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default();
        writer.add_directory("合同/", options).unwrap();
        for name in ["合同/b.txt", "__MACOSX/合同/._b.txt", "合同/.DS_Store", "a.txt"] {
            writer.start_file(name, options).unwrap();
            writer.write_all(b"text").unwrap();
        }
        let bytes = writer.finish().unwrap().into_inner();

        let members = members(&bytes, &UnpackOptions::default()).unwrap();

        assert_eq!(members, [("合同/b.txt".to_owned(), Ok(4)), ("a.txt".to_owned(), Ok(4))]);
    }

    #[test]
    fn names_are_read_as_utf8_or_gbk() {
        assert_eq!(path("租赁合同.pdf".as_bytes()), "租赁合同.pdf");
        assert_eq!(path(b"\xba\xcf\xcd\xac/\xd7\xe2\xc1\xde.pdf"), "合同/租赁.pdf");
        assert_eq!(path(b"caf\xff.txt"), "caf\u{fffd}.txt");
    }

    #[test]
    fn a_bomb_costs_only_itself() {
        let zeros = vec![0; 20 << 20];
        let bytes = archive(&[("bomb.txt", &zeros), ("good.txt", b"good")]);

        let members = members(&bytes, &UnpackOptions::default()).unwrap();

        assert_eq!(members[0].1, Err("out_of_budget"));
        assert_eq!(members[1].1, Ok(4));
    }

    #[test]
    fn each_bound_has_its_own_error() {
        let text = "line of a text\n".repeat(100);
        let bytes = archive(&[("a", text.as_bytes()), ("b", text.as_bytes()), ("c", b"c")]);
        let bounded = |change: fn(&mut UnpackOptions)| {
            let mut options = UnpackOptions::default();
            change(&mut options);
            members(&bytes, &options)
        };

        assert_eq!(bounded(|options| options.max_members = 2), Err("too_many_members"));
        let small = bounded(|options| options.max_member_bytes = 1_000).unwrap();
        assert_eq!(
            small.iter().map(|member| member.1).collect::<Vec<_>>(),
            [Err("too_large"), Err("too_large"), Ok(1)]
        );
        let total = bounded(|options| options.max_total_bytes = 1_600).unwrap();
        assert_eq!(
            total.iter().map(|member| member.1).collect::<Vec<_>>(),
            [Ok(1_500), Err("archive_too_large"), Ok(1)]
        );
        assert_eq!(members(&archive(&[]), &UnpackOptions::default()), Err("empty_archive"));
        assert_eq!(members(b"PK\x03\x04", &UnpackOptions::default()), Err("damaged"));
    }

    #[test]
    fn a_size_that_only_the_headers_claim_allows_no_more() {
        let zeros = vec![0; 40 << 20];
        let mut bytes = archive(&[("bomb.txt", &zeros)]);
        let half = (2_u32 << 30).to_le_bytes();
        for (signature, size_at) in [(b"PK\x03\x04", 18), (b"PK\x01\x02", 20)] {
            let at = bytes.windows(4).position(|window| window == signature).unwrap() + size_at;
            bytes[at..at + 4].copy_from_slice(&half);
        }

        let members = members(&bytes, &UnpackOptions::default()).unwrap();

        assert_eq!(members, [("bomb.txt".to_owned(), Err("out_of_budget"))]);
    }

    #[test]
    fn members_that_are_refused_use_up_what_may_be_looked_at() {
        let text = "line of a text\n".repeat(100);
        let large: Vec<(String, &[u8])> = (0..5).map(|at| (at.to_string(), text.as_bytes())).collect();
        let large: Vec<(&str, &[u8])> = large.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        let options =
            UnpackOptions { max_member_bytes: 1_000, max_total_bytes: 1_501, ..UnpackOptions::default() };

        let members = members(&archive(&large), &options).unwrap();

        assert_eq!(
            members.iter().map(|member| member.1).collect::<Vec<_>>(),
            [
                Err("too_large"),
                Err("too_large"),
                Err("too_large"),
                Err("archive_too_large"),
                Err("archive_too_large")
            ]
        );
    }

    #[test]
    fn locked_and_linked_members_are_named() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("locked.txt", SimpleFileOptions::default()).unwrap();
        writer.write_all(b"text").unwrap();
        writer.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
        let mut bytes = writer.finish().unwrap().into_inner();
        set_encrypted(&mut bytes);

        let members = members(&bytes, &UnpackOptions::default()).unwrap();

        assert_eq!(
            members,
            [("locked.txt".to_owned(), Err("encrypted_member")), ("link".to_owned(), Err("unknown_format"))]
        );
    }

    /// Marks the first member as encrypted, in its own header and in the directory.
    fn set_encrypted(bytes: &mut [u8]) {
        for (signature, flags_at) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
            let at = bytes.windows(4).position(|window| window == signature).unwrap();
            bytes[at + flags_at] |= 1;
        }
    }

    #[test]
    fn enough_is_enough() {
        let bytes = archive(&[("a", b"a"), ("b", b"b")]);
        let mut taken = 0;

        unpack(&bytes, &UnpackOptions::default(), &mut |_| {
            taken += 1;
            ControlFlow::Break(())
        })
        .unwrap();

        assert_eq!(taken, 1);
    }
}
