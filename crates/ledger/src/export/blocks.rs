//! Whole lines in blocks of about a megabyte, so that a file of any size is read in constant memory. Knows no line's
//! meaning.

use std::io;
use std::io::Read;

/// A line is at most this long, in bytes: a leaf of 64 KiB and the content of one record.
pub(super) const MAX_LINE_BYTES: usize = 16 << 20;

const BLOCK_BYTES: usize = 1 << 20;

/// A file in blocks.
pub(super) struct Blocks<R> {
    source: R,
    /// What was read after the last line feed.
    rest: Vec<u8>,
    bytes: u64,
    ended: bool,
}

impl<R: Read> Blocks<R> {
    pub(super) const fn new(source: R) -> Self {
        Self { source, rest: Vec::new(), bytes: 0, ended: false }
    }

    /// How many bytes were read.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Up to `count` blocks; none at the end of the file.
    pub(super) fn take(&mut self, count: usize) -> io::Result<Vec<Vec<u8>>> {
        let mut blocks = Vec::with_capacity(count);
        while blocks.len() < count && !self.ended {
            let block = self.next()?;
            if !block.is_empty() {
                blocks.push(block);
            }
        }
        Ok(blocks)
    }

    /// The next whole lines. At the end of the file, what is left counts as a line.
    fn next(&mut self) -> io::Result<Vec<u8>> {
        let mut block = std::mem::take(&mut self.rest);
        loop {
            let before = block.len();
            block.reserve(BLOCK_BYTES);
            let read = self.source.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut block)?;
            self.bytes += read as u64;
            if read == 0 {
                self.ended = true;
                return Ok(block);
            }
            if let Some(at) = block[before..].iter().rposition(|&byte| byte == b'\n') {
                self.rest = block.split_off(before + at + 1);
                return Ok(block);
            }
            if block.len() > MAX_LINE_BYTES {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is longer than 16 MiB"));
            }
        }
    }
}

/// The lines of a block without their line feeds.
pub(super) fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    block.split_inclusive(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn blocks_joined_are_the_file_and_break_only_at_line_feeds(lengths in prop::collection::vec(0..700_000_usize, 0..6), ends: bool) {
            let mut file = Vec::new();
            for length in lengths {
                file.resize(file.len() + length, b'x');
                file.push(b'\n');
            }
            if !ends {
                file.pop();
            }
            let mut blocks = Blocks::new(file.as_slice());
            let mut joined = Vec::new();

            loop {
                let round = blocks.take(3).unwrap();
                if round.is_empty() {
                    break;
                }
                for block in round {
                    prop_assert!(joined.is_empty() || joined.ends_with(b"\n"));
                    joined.extend(block);
                }
            }

            prop_assert_eq!(blocks.bytes(), file.len() as u64);
            prop_assert!(joined == file);
        }
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut blocks = Blocks::new(io::repeat(b'x'));

        assert_eq!(blocks.take(1).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
