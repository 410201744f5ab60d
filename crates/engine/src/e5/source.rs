//! Reads an `E5S1` file. All numbers are little-endian.
//!
//! ```text
//! "E5S1" version:u32
//! hidden layers heads inner vocabulary positions types: i32   norm_epsilon: f32   block: i32
//! pieces first last pad unknown: i32   text_bytes: u64
//! piece_offsets: u32 × (pieces + 1)    scores: f32 × pieces    piece_text: text_bytes
//! rules: i32   rule_bytes: u32   rules × { character: u32  length: u8  replacement: u32 × length }
//! tensors: i32   tensors × { name_length: u16  name  kind: u8  count: u32  offset: u64  bytes: u64 }   data
//! ```

use std::collections::BTreeMap;

/// Values in a block of Q4_0: an f16 scale and 32 values of four bits.
pub(super) const BLOCK: usize = 32;
/// Bytes of a block.
pub(super) const BLOCK_BYTES: usize = 2 + BLOCK / 2;

/// A file, read but for its tensors' data.
pub(super) struct Source<'a> {
    pub hidden: usize,
    pub layers: usize,
    pub heads: usize,
    pub inner: usize,
    pub vocabulary: usize,
    pub positions: usize,
    pub types: usize,
    pub first: u32,
    pub last: u32,
    pub pad: u32,
    pub unknown: u32,
    /// The pieces of the Unigram vocabulary, by id, with their scores.
    pub pieces: Vec<(&'a str, f32)>,
    /// What each character is replaced with before pieces are looked up.
    pub rules: BTreeMap<char, String>,
    /// Data by name, and whether it is in blocks of Q4_0 or plain f32.
    pub tensors: BTreeMap<String, Stored<'a>>,
}

/// A tensor's data.
#[derive(Clone, Copy)]
pub(super) enum Stored<'a> {
    Float(&'a [u8]),
    Blocks(&'a [u8]),
}

type Parsed<T> = Result<T, String>;

impl<'a> Source<'a> {
    pub(super) fn parse(data: &'a [u8]) -> Parsed<Self> {
        let mut reader = Reader { data, at: 0 };
        if reader.bytes(4)? != b"E5S1" {
            return Err("not an `E5S1` file".into());
        }
        reader.u32()?; // version, of which there is one
        let [hidden, layers, heads, inner, vocabulary, positions, types] = reader.counts()?;
        reader.f32()?; // the norm's epsilon, which for every BERT is 1e-12
        let [block, pieces, first, last, pad, unknown] = reader.counts()?;
        if block != BLOCK {
            return Err(format!("blocks of {block} values, expected {BLOCK}"));
        }
        let pieces = reader.pieces(pieces)?;
        let rules = reader.rules()?;
        let tensors = reader.tensors()?;
        let [first, last, pad, unknown] = [first, last, pad, unknown].map(|id| id as u32);
        Ok(Self {
            hidden,
            layers,
            heads,
            inner,
            vocabulary,
            positions,
            types,
            first,
            last,
            pad,
            unknown,
            pieces,
            rules,
            tensors,
        })
    }
}

struct Reader<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Parsed<&'a [u8]> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.data.len());
        let end = end.ok_or_else(|| format!("it ends before {count} bytes at {}", self.at))?;
        let bytes = &self.data[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    fn u32(&mut self) -> Parsed<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Parsed<usize> {
        self.array().map(|bytes| u64::from_le_bytes(bytes) as usize)
    }

    fn f32(&mut self) -> Parsed<f32> {
        self.array().map(f32::from_le_bytes)
    }

    /// A number that is signed in the file and never negative.
    fn count(&mut self) -> Parsed<usize> {
        usize::try_from(i32::from_le_bytes(self.array()?))
            .map_err(|_| format!("a negative size at {}", self.at))
    }

    fn counts<const N: usize>(&mut self) -> Parsed<[usize; N]> {
        let mut counts = [0; N];
        for count in &mut counts {
            *count = self.count()?;
        }
        Ok(counts)
    }

    fn pieces(&mut self, count: usize) -> Parsed<Vec<(&'a str, f32)>> {
        let text_bytes = self.u64()?;
        let offsets = self.bytes((count + 1) * 4)?;
        let scores = self.bytes(count * 4)?;
        let text = self.bytes(text_bytes)?;
        let offset = |index: usize| {
            let bytes = offsets[index * 4..index * 4 + 4].first_chunk();
            bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
        };
        let piece = |index: usize| {
            let bytes = text.get(offset(index)..offset(index + 1));
            let piece = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
            let score =
                scores[index * 4..index * 4 + 4].first_chunk().map(|bytes| f32::from_le_bytes(*bytes));
            piece.zip(score).ok_or_else(|| format!("piece {index} is damaged"))
        };
        (0..count).map(piece).collect()
    }

    fn rules(&mut self) -> Parsed<BTreeMap<char, String>> {
        let count = self.count()?;
        let bytes = self.u32()? as usize;
        let mut inner = Reader { data: self.bytes(bytes)?, at: 0 };
        let mut rules = BTreeMap::new();
        for _ in 0..count {
            let character = inner.character()?;
            let [length] = inner.array()?;
            let replacement = (0..length).map(|_| inner.character()).collect::<Parsed<String>>()?;
            rules.insert(character, replacement);
        }
        Ok(rules)
    }

    fn character(&mut self) -> Parsed<char> {
        let code = self.u32()?;
        char::from_u32(code).ok_or_else(|| format!("{code:#x} is no character"))
    }

    fn tensors(&mut self) -> Parsed<BTreeMap<String, Stored<'a>>> {
        let count = self.count()?;
        let mut tensors = BTreeMap::new();
        for _ in 0..count {
            let length = u16::from_le_bytes(self.array()?);
            let name = String::from_utf8_lossy(self.bytes(usize::from(length))?).into_owned();
            let [kind] = self.array()?;
            self.u32()?; // the number of values, which the shapes say
            let (offset, bytes) = (self.u64()?, self.u64()?);
            let data = offset.checked_add(bytes).and_then(|end| self.data.get(offset..end));
            let data = data.ok_or_else(|| format!("the data of `{name}` are not in the file"))?;
            let stored = match kind {
                0 => Stored::Float(data),
                1 => Stored::Blocks(data),
                other => return Err(format!("`{name}` is of unknown kind {other}")),
            };
            tensors.insert(name, stored);
        }
        Ok(tensors)
    }
}
