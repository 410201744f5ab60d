//! Replacement rules as sentencepiece stores them ("precompiled_charsmap"): a double-array trie over UTF-8 bytes,
//! whose values are offsets into the replacements. Knows no vocabulary.
//!
//! ```text
//! trie_bytes: u32   units: u32 × (trie_bytes / 4)   replacements, each ended by NUL
//! unit of a node    bits 0–7 its byte, bit 8 has a value, bits 10–30 offset (darts-clone, `double_array_unit`)
//! unit of a value   bit 31 set, the rest is the value
//! child of the node at `p` by byte `c`, or its value with `c` = 0:   p ^ offset(p) ^ c
//! ```
//!
//! Nodes with children get a block of 256 units each, so that children never collide; there are about eighty,
//! since UTF-8 characters share their first bytes. Whole characters have no children, so that their values are
//! packed densely behind the blocks.

use std::collections::BTreeMap;

const BLOCK: u32 = 256;
const HAS_VALUE: u32 = 1 << 8;
const IS_VALUE: u32 = 1 << 31;

/// The bytes for the rules.
pub(super) fn build(rules: &BTreeMap<char, String>) -> Vec<u8> {
    let mut units: Vec<u32> = vec![0; BLOCK as usize];
    // where the children of each proper beginning of a character are
    let mut blocks: BTreeMap<Vec<u8>, u32> = BTreeMap::from([(Vec::new(), 0)]);
    let mut whole = Vec::new();
    let mut replacements = Vec::new();
    for (character, replacement) in rules.iter().filter(|(character, _)| **character != '\0') {
        let bytes = character.to_string().into_bytes();
        for length in 1..bytes.len() {
            if !blocks.contains_key(&bytes[..length]) {
                let block = units.len() as u32;
                units.resize(units.len() + BLOCK as usize, 0);
                let node = blocks[&bytes[..length - 1]] ^ u32::from(bytes[length - 1]);
                units[node as usize] = u32::from(bytes[length - 1]) | (node ^ block) << 10;
                blocks.insert(bytes[..length].to_vec(), block);
            }
        }
        let label = bytes[bytes.len() - 1];
        let node = blocks[&bytes[..bytes.len() - 1]] ^ u32::from(label);
        whole.push((node, label, replacements.len() as u32));
        replacements.extend_from_slice(replacement.as_bytes());
        replacements.push(0);
    }
    for (node, label, value) in whole {
        let slot = units.len() as u32;
        units.push(IS_VALUE | value);
        units[node as usize] = u32::from(label) | HAS_VALUE | (node ^ slot) << 10;
    }
    // a reader that goes on past a value flips its low eight bits, and must still find a unit there
    units.resize(units.len().next_multiple_of(BLOCK as usize), 0);

    let trie_bytes = units.len() as u32 * 4;
    let trie = units.into_iter().flat_map(u32::to_le_bytes);
    trie_bytes.to_le_bytes().into_iter().chain(trie).chain(replacements).collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_map;
    use proptest::prelude::*;
    use tokenizers::normalizers::Precompiled;

    use super::*;

    proptest! {
        #[test]
        fn the_reader_finds_every_rule_and_nothing_else(
            rules in btree_map(any::<char>().prop_filter("NUL", |c| *c != '\0'), "[a-z费]{0,3}", 0..80),
            others in "\\PC{0,20}",
        ) {
            let map = Precompiled::from(&build(&rules)).unwrap();

            for (character, replacement) in &rules {
                prop_assert_eq!(map.transform(&character.to_string()), Some(replacement.as_str()));
                prop_assert_eq!(map.transform(&format!("{character}x")), Some(replacement.as_str()));
            }
            for character in others.chars().filter(|character| !rules.contains_key(character)) {
                prop_assert_eq!(map.transform(&character.to_string()), None);
            }
        }
    }
}
