use proptest::prelude::*;

use super::*;

const SALT: [u8; 16] = [7; 16];

/// A prompt of whole blocks, each filled with one number, and one token more.
fn prompt(blocks: &[u32]) -> Vec<u32> {
    blocks.iter().flat_map(|token| [*token; BLOCK_TOKENS]).chain([0]).collect()
}

/// Reads a prompt as a sequence would: what is known is reused, the rest computed and published.
fn read(blocks: &mut Blocks, salt: [u8; 16], tokens: &[u32]) -> (usize, Vec<BlockId>) {
    let names = names(&salt, tokens);
    let prefix = Prefix { salt, tokens, names: &names };
    let mut table = blocks.find(prefix, &[]);
    let known = table.len();
    blocks.hold(&table);
    while table.len() < blocks_for(tokens.len()) {
        table.push(blocks.take().unwrap());
    }
    blocks.publish(prefix, &mut table[..tokens.len() / BLOCK_TOKENS], known);
    blocks.check_integrity();
    (known, table)
}

/// How many blocks of a prompt are known.
fn known(blocks: &Blocks, salt: [u8; 16], tokens: &[u32]) -> usize {
    let names = names(&salt, tokens);
    blocks.find(Prefix { salt, tokens, names: &names }, &[]).len()
}

#[test]
fn a_prefix_is_found_while_its_first_reader_still_runs_and_for_its_salt_only() {
    let mut blocks = Blocks::new(20);
    let (_, first) = read(&mut blocks, SALT, &prompt(&[1, 2, 3]));

    let (reused, second) = read(&mut blocks, SALT, &prompt(&[1, 2, 4]));

    assert_eq!(reused, 2);
    assert_eq!(first[..2], second[..2]);
    assert_eq!(known(&blocks, [8; 16], &prompt(&[1, 2, 3])), 0);
    assert_eq!(blocks.free(), 20 - 6);
}

#[test]
fn the_last_token_of_a_prompt_is_always_left_to_compute() {
    let mut blocks = Blocks::new(20);
    read(&mut blocks, SALT, &prompt(&[1, 2]));

    assert_eq!(known(&blocks, SALT, &prompt(&[1, 2])), 2);
    assert_eq!(known(&blocks, SALT, &prompt(&[1, 2])[..128]), 1);
    assert_eq!(known(&blocks, SALT, &[]), 0);
}

#[test]
fn vacant_blocks_go_first_then_the_tails_of_what_was_unused_for_longest() {
    let mut blocks = Blocks::new(7);
    let (_, old) = read(&mut blocks, SALT, &prompt(&[1, 2]));
    let (_, new) = read(&mut blocks, SALT, &prompt(&[3, 4]));
    blocks.give_back(&old);
    blocks.give_back(&new);
    assert_eq!(blocks.free(), 7);

    let taken: Vec<BlockId> = (0..5).map(|_| blocks.take().unwrap()).collect();

    assert_eq!(taken[3..], [old[1], old[0]]);
    assert_eq!(known(&blocks, SALT, &prompt(&[1, 2])), 0);
    assert_eq!(known(&blocks, SALT, &prompt(&[3, 4])), 2);
    assert_eq!(blocks.evicted(), 2);
    blocks.check_integrity();
}

#[test]
fn a_block_that_is_held_is_never_taken() {
    let mut blocks = Blocks::new(3);
    let (_, table) = read(&mut blocks, SALT, &prompt(&[1, 2]));

    assert_eq!(blocks.take(), None);
    blocks.give_back(&table);
    assert_eq!(read(&mut blocks, SALT, &prompt(&[1, 2])).1[..2], table[..2]);
}

#[test]
fn two_that_computed_the_same_end_up_with_the_same_blocks() {
    let mut blocks = Blocks::new(8);
    let tokens = prompt(&[1, 2]);
    let names = names(&SALT, &tokens);
    let prefix = Prefix { salt: SALT, tokens: &tokens, names: &names };
    let mut tables: Vec<Vec<BlockId>> =
        (0..2).map(|_| (0..2).map(|_| blocks.take().unwrap()).collect()).collect();

    let published: Vec<usize> = tables.iter_mut().map(|table| blocks.publish(prefix, table, 0)).collect();

    assert_eq!(published, [2, 2]);
    assert_eq!(tables[0], tables[1]);
    assert_eq!(blocks.free(), 6);
    blocks.check_integrity();
}

#[test]
fn equal_names_of_unequal_beginnings_share_nothing() {
    let mut blocks = Blocks::new(20);
    let weak = [Name([0; 16]), Name([1; 16])];
    let (one, two) = (prompt(&[1, 2]), prompt(&[3, 2]));
    let prefix = |salt, tokens| Prefix { salt, tokens, names: &weak };
    let mut table: Vec<BlockId> = (0..2).map(|_| blocks.take().unwrap()).collect();
    assert_eq!(blocks.publish(prefix(SALT, &one), &mut table, 0), 2);

    let mut other: Vec<BlockId> = (0..2).map(|_| blocks.take().unwrap()).collect();

    assert!(blocks.find(prefix(SALT, &two), &[]).is_empty(), "other tokens");
    assert!(blocks.find(prefix([8; 16], &one), &[]).is_empty(), "another salt");
    assert_eq!(blocks.publish(prefix(SALT, &two), &mut other, 0), 0);
    assert_eq!(blocks.find(prefix(SALT, &one), &[]), table);
    blocks.check_integrity();
}

#[test]
fn what_is_forgotten_is_never_found_but_stays_with_its_holder() {
    let mut blocks = Blocks::new(6);
    let (_, held) = read(&mut blocks, SALT, &prompt(&[1]));
    let (_, unheld) = read(&mut blocks, SALT, &prompt(&[2]));
    blocks.give_back(&unheld);

    blocks.forget();

    assert_eq!(known(&blocks, SALT, &prompt(&[1])) + known(&blocks, SALT, &prompt(&[2])), 0);
    assert_eq!(blocks.free(), 4);
    blocks.give_back(&held);
    assert_eq!(blocks.free(), 6);
    assert_eq!(known(&blocks, SALT, &prompt(&[1])), 0);
    blocks.check_integrity();
}

proptest! {
    #[test]
    fn with_room_for_all_the_longest_beginning_ever_read_is_found(
        prompts in proptest::collection::vec((0_u8..2, proptest::collection::vec(0_u32..3, 1..5), any::<bool>()), 1..20),
    ) {
        let mut blocks = Blocks::new(200);
        let mut twin: Vec<(u8, Vec<u32>)> = Vec::new();

        for (salt, prompt_blocks, stays) in prompts {
            let common = |(other_salt, other): &(u8, Vec<u32>)| {
                let equal = other.iter().zip(&prompt_blocks).take_while(|(one, two)| one == two);
                if *other_salt == salt { equal.count() } else { 0 }
            };
            let expected = twin.iter().map(common).max().unwrap_or(0);

            let (reused, table) = read(&mut blocks, [salt; 16], &prompt(&prompt_blocks));

            prop_assert_eq!(reused, expected);
            twin.push((salt, prompt_blocks));
            if !stays {
                blocks.give_back(&table);
            }
            blocks.check_integrity();
        }
    }
}
