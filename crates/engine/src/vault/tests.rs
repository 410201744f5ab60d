use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::*;

use super::disk::Disk;
use super::*;
use crate::blocks::BLOCK_TOKENS;
use crate::blocks::Origin;
use crate::blocks::Prefix;
use crate::blocks::names;

const BLOCK_BYTES: usize = 100;

/// The blocks of a prompt of so many.
fn labels(salt: u8, blocks: usize) -> Vec<Label> {
    let tokens: Vec<u32> = (0..(blocks * BLOCK_TOKENS) as u32).collect();
    let names = names(&[salt; 16], &tokens);
    let prefix = Prefix { salt: [salt; 16], tokens: &tokens, names: &names };
    (0..blocks).map(|place| prefix.label(place)).collect()
}

fn kv(number: usize) -> Vec<u8> {
    vec![number as u8; BLOCK_BYTES]
}

fn open(memory_blocks: usize, directory: Option<&Path>) -> Vault {
    let directory = directory.map(Path::to_owned);
    let options = VaultOptions { memory_bytes: memory_blocks * BLOCK_BYTES, directory, disk_bytes: 10_000 };
    Vault::open(options).unwrap()
}

/// Waits for the keeper.
fn until(vault: &Vault, reached: impl Fn(Stock) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !reached(vault.stock()) {
        assert!(Instant::now() < deadline, "{:?}", vault.stock());
        std::thread::yield_now();
    }
}

proptest! {
    #[test]
    fn memory_is_a_list_that_drops_its_oldest(moves in vec((0_usize..12, any::<bool>()), 0..80)) {
        let labels = labels(0, 12);
        let vault = open(5, None);
        let mut twin: Vec<usize> = Vec::new();

        for (number, puts) in moves {
            let place = twin.iter().position(|listed| *listed == number);
            if puts {
                vault.put(labels[number].clone(), kv(number));
                place.map(|place| twin.remove(place));
                twin.push(number);
                if twin.len() > 5 {
                    twin.remove(0);
                }
            } else {
                let expected = place.map(|place| kv(twin.remove(place)));
                prop_assert_eq!(vault.take(&labels[number]), expected);
            }
            prop_assert_eq!(vault.stock(), Stock { memory_blocks: twin.len(), disk_blocks: 0 });
        }
    }
}

#[test]
fn a_block_is_given_only_to_who_knows_all_of_it() {
    let vault = open(5, None);
    let label = labels(0, 2).remove(1);
    vault.put(label.clone(), kv(1));
    let check = |change: fn(&mut Label)| {
        let mut other = label.clone();
        change(&mut other);
        assert_eq!(vault.take(&other), None);
    };

    check(|label| label.name = Name([0; 16]));
    check(|label| label.tokens[0] += 1);
    check(|label| label.origin = Origin::Salt([0; 16]));
    check(|label| label.origin = Origin::After(Name([0; 16])));

    assert_eq!(vault.take(&label), Some(kv(1)));
}

#[test]
fn what_finds_no_room_in_memory_comes_back_from_disk_in_the_order_of_a_prompt() {
    let directory = tempfile::tempdir().unwrap();
    let vault = open(4, Some(directory.path()));
    let first = labels(0, 4);
    for (number, label) in first.iter().enumerate() {
        vault.put(label.clone(), kv(number));
    }
    for label in labels(1, 4) {
        vault.put(label, kv(9));
        until(&vault, |stock| stock.memory_blocks <= 4);
    }
    until(&vault, |stock| stock.disk_blocks == 4);
    assert!(first.iter().all(|label| vault.take(label).is_none()));

    vault.want(&first.iter().map(|label| label.name).collect::<Vec<_>>());

    for (number, label) in first.iter().enumerate() {
        let deadline = Instant::now() + Duration::from_secs(20);
        let found = loop {
            match vault.take(label) {
                Some(found) => break found,
                None => assert!(Instant::now() < deadline, "{:?}", vault.stock()),
            }
        };
        assert_eq!(found, kv(number));
    }
}

#[test]
fn what_was_forgotten_is_neither_in_memory_nor_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let vault = open(2, Some(directory.path()));
    let labels = labels(0, 6);
    for (number, label) in labels.iter().enumerate() {
        vault.put(label.clone(), kv(number));
        until(&vault, |stock| stock.memory_blocks <= 2);
    }
    until(&vault, |stock| stock.disk_blocks == 4);

    vault.forget();

    assert_eq!(vault.stock(), Stock::default());
    assert!(labels.iter().all(|label| vault.take(label).is_none()));
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::fs::read_dir(directory.path()).unwrap().count() > 0 {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
}

#[test]
fn what_was_wanted_before_all_was_forgotten_does_not_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let labels = labels(0, 6);
    let names: Vec<Name> = labels.iter().map(|label| label.name).collect();
    for _ in 0..50 {
        let vault = open(4, Some(directory.path()));
        for (number, label) in labels.iter().enumerate() {
            vault.put(label.clone(), kv(number));
            until(&vault, |stock| stock.memory_blocks <= 4);
        }
        until(&vault, |stock| stock.disk_blocks == 2);
        vault.take(&labels[5]);
        vault.want(&names);
        vault.forget();

        // the keeper has done all that it was asked for once it writes again
        for label in &labels {
            vault.put(label.clone(), kv(9));
            until(&vault, |stock| stock.memory_blocks <= 4);
        }
        until(&vault, |stock| stock.disk_blocks == 2);

        assert!(labels.iter().filter_map(|label| vault.take(label)).all(|found| found == kv(9)));
    }
}

#[test]
fn a_file_says_nothing_without_the_key_and_is_not_used_when_it_was_changed() {
    let directory = tempfile::tempdir().unwrap();
    let mut disk = Disk::open(directory.path(), 10_000).unwrap();
    let labels = labels(0, 3);
    for label in &labels {
        assert!(disk.write(label, &kv(7)).unwrap().is_empty());
    }
    let file = |label: &Label| directory.path().join(hex::encode(label.name.0)).with_extension("kv");
    let bytes = std::fs::read(file(&labels[0])).unwrap();
    assert!(!bytes.windows(8).any(|window| window == [7; 8]));

    assert_eq!(disk.read(labels[0].name).unwrap(), Some((labels[0].clone(), kv(7))));
    // another block's file, one that was changed, one that was cut
    std::fs::copy(file(&labels[0]), file(&labels[1])).unwrap();
    assert_eq!(disk.read(labels[1].name).unwrap(), None);
    std::fs::write(file(&labels[2]), &bytes[..10]).unwrap();
    assert_eq!(disk.read(labels[2].name).unwrap(), None);
    let mut changed = bytes;
    changed[40] ^= 1;
    std::fs::write(file(&labels[0]), changed).unwrap();
    assert_eq!(disk.read(labels[0].name).unwrap(), None);
}

#[test]
fn files_have_a_bound_and_another_process_begins_without_them() {
    let directory = tempfile::tempdir().unwrap();
    let labels = labels(0, 9);
    let count = || std::fs::read_dir(directory.path()).unwrap().count();
    let mut disk = Disk::open(directory.path(), 1500).unwrap();

    let gone: Vec<Name> = labels.iter().flat_map(|label| disk.write(label, &kv(1)).unwrap()).collect();

    // a block of 100 bytes is a file of 413
    assert_eq!(count(), 3);
    assert_eq!(gone, labels[..6].iter().map(|label| label.name).collect::<Vec<_>>());
    assert!(Disk::open(directory.path(), 1500).unwrap().read(labels[8].name).unwrap().is_none());
    assert_eq!(count(), 0);
}
