use std::path::Path;

use sha2::Digest;
use sha2::Sha256;

use super::*;
use crate::Tokenizer;
use crate::tiny::Random;

const SIZES: [i32; 7] = [32, 1, 2, 64, 64, 64, 2];
const PIECES: [(&str, f32); 11] = [
    ("<s>", 0.0),
    ("<pad>", 0.0),
    ("</s>", 0.0),
    ("<unk>", 0.0),
    ("\u{2581}", -1.0),
    ("a", -2.0),
    ("b", -2.0),
    ("ab", -2.5),
    ("\u{2581}a", -2.5),
    ("费", -3.0),
    ("<mask>", 0.0),
];

/// A small `E5S1` file, converted.
pub(crate) fn convert_tiny(directory: &Path) {
    let source = directory.join("source.bin");
    std::fs::write(&source, tiny_source()).unwrap();
    convert(&source, directory).unwrap();
    std::fs::remove_file(source).unwrap();
}

fn tiny_source() -> Vec<u8> {
    let mut file = Vec::from(*b"E5S1\x01\0\0\0");
    let integers = |file: &mut Vec<u8>, values: &[i32]| {
        file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    };
    integers(&mut file, &SIZES);
    file.extend(1e-12_f32.to_le_bytes());
    integers(&mut file, &[32, PIECES.len() as i32, 0, 2, 1, 3]);
    let text: String = PIECES.iter().map(|(piece, _)| *piece).collect();
    file.extend((text.len() as u64).to_le_bytes());
    let mut offset = 0;
    for (piece, _) in PIECES {
        integers(&mut file, &[offset]);
        offset += piece.len() as i32;
    }
    integers(&mut file, &[offset]);
    file.extend(PIECES.iter().flat_map(|(_, score)| score.to_le_bytes()));
    file.extend(text.as_bytes());
    // ａ (full width) is a, a tab is a space, BEL is nothing
    let rules: [(char, &str); 3] = [('ａ', "a"), ('\t', " "), ('\u{7}', "")];
    let mut table = Vec::new();
    for (character, replacement) in rules {
        table.extend(u32::from(character).to_le_bytes());
        table.push(replacement.len() as u8);
        replacement.chars().for_each(|c| table.extend(u32::from(c).to_le_bytes()));
    }
    integers(&mut file, &[rules.len() as i32, table.len() as i32]);
    file.extend(table);
    add_tensors(file)
}

fn add_tensors(mut file: Vec<u8>) -> Vec<u8> {
    let [hidden, _, _, inner, vocabulary, positions, types] = SIZES.map(|size| size as usize);
    let mut tensors = vec![
        ("emb.word".to_owned(), vocabulary * hidden, true),
        ("emb.pos".to_owned(), positions * hidden, false),
        ("emb.type".to_owned(), types * hidden, false),
        ("emb.ln.w".to_owned(), hidden, false),
        ("emb.ln.b".to_owned(), hidden, false),
    ];
    for (part, rows, columns) in [
        ("q", hidden, hidden),
        ("k", hidden, hidden),
        ("v", hidden, hidden),
        ("ao", hidden, hidden),
        ("fi", inner, hidden),
        ("fo", hidden, inner),
    ] {
        tensors.push((format!("l0.{part}.w"), rows * columns, true));
        tensors.push((format!("l0.{part}.b"), rows, false));
    }
    for part in ["aln.w", "aln.b", "oln.w", "oln.b"] {
        tensors.push((format!("l0.{part}"), hidden, false));
    }
    file.extend((tensors.len() as i32).to_le_bytes());
    let directory: usize = tensors.iter().map(|(name, ..)| 2 + name.len() + 21).sum();
    let (mut data, mut random) = (Vec::new(), Random(5));
    let start = file.len() + directory;
    for (name, values, blocks) in tensors {
        let offset = data.len();
        if blocks {
            for _ in 0..values / 32 {
                data.extend(0x2C00_u16.to_le_bytes()); // 1/16
                data.extend((0..16).map(|_| ((random.next() + 0.5) * 256.0) as u8));
            }
        } else {
            let norm = if name.ends_with("ln.w") { 1.0 } else { 0.0 };
            (0..values).for_each(|_| data.extend((norm + random.next()).to_le_bytes()));
        }
        file.extend((name.len() as u16).to_le_bytes());
        file.extend(name.as_bytes());
        file.push(u8::from(blocks));
        file.extend((values as u32).to_le_bytes());
        file.extend(((start + offset) as u64).to_le_bytes());
        file.extend(((data.len() - offset) as u64).to_le_bytes());
    }
    file.extend(data);
    file
}

#[test]
fn the_same_source_gives_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let digests = || {
        convert_tiny(directory.path());
        ["config.json", "model.safetensors", "tokenizer.json"]
            .map(|name| hex::encode(Sha256::digest(std::fs::read(directory.path().join(name)).unwrap())))
    };

    assert_eq!(digests(), digests());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 3);
}

#[test]
fn blocks_become_their_values() {
    let directory = tempfile::tempdir().unwrap();
    convert_tiny(directory.path());
    let path = directory.path().join("model.safetensors");

    let tensors = candle_core::safetensors::load(path, &candle_core::Device::Cpu).unwrap();

    assert_eq!(tensors.len(), 5 + 6 * 2 + 4);
    let words = &tensors["embeddings.word_embeddings.weight"];
    assert_eq!((words.dims(), words.dtype()), (&[64, 32][..], candle_core::DType::F16));
    let row = words.to_dtype(candle_core::DType::F32).unwrap().to_vec2::<f32>().unwrap().remove(0);
    let mut random = Random(5);
    let quants: Vec<u8> = (0..16).map(|_| ((random.next() + 0.5) * 256.0) as u8).collect();
    let expected = [quants[3] & 15, quants[3] >> 4].map(|quant| (f32::from(quant) - 8.0) / 16.0);
    assert_eq!([row[3], row[16 + 3]].map(f32::to_bits), expected.map(f32::to_bits));
}

#[test]
fn the_tokenizer_applies_the_rules_and_composes_characters() {
    let directory = tempfile::tempdir().unwrap();
    convert_tiny(directory.path());
    let tokenizer = Tokenizer::load(&directory.path().join("tokenizer.json")).unwrap();
    let ids = |text: &str| tokenizer.encode_text(text).unwrap();

    assert_eq!(ids("ab"), [4, 7]);
    assert_eq!(ids("ａ\u{7}b"), ids("ab"));
    assert_eq!(ids("  a\t\tb "), ids("a b"));
    assert_eq!(ids("费"), [4, 9]);
    assert!(!ids("a</s>").contains(&2));
    assert_eq!(tokenizer.special("</s>"), Some(2));
}

#[test]
fn a_damaged_source_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let whole = tiny_source();
    let path = directory.path().join("source.bin");
    for length in [0, 3, 40, 90, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();

        let error = convert(&path, directory.path()).unwrap_err();

        assert!(matches!(error, EngineError::Model { .. }), "{error}");
    }
}
