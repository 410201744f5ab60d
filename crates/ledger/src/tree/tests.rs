use super::*;
use crate::hash::leaf_hash;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

/// The leaves of certificate-transparency-go's reference vectors, and the roots over the first one, two, … of them.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// A tree with all that is stored of it, and the heads it had on the way.
struct Grown {
    stored: Vec<Hash>,
    heads: Vec<TreeHead>,
    frontier: Frontier,
}

fn grow(leaves: &[impl AsRef<[u8]>]) -> Grown {
    let mut grown = Grown { stored: Vec::new(), heads: Vec::new(), frontier: Frontier::default() };
    grown.heads.push(grown.frontier.head());
    for leaf in leaves {
        let (frontier, stored) = (&mut grown.frontier, &mut grown.stored);
        frontier.append(leaf_hash(leaf.as_ref()), |hash| {
            assert_eq!(hash.position, stored.len() as u64, "positions have no gaps");
            stored.push(hash.hash);
        });
        grown.heads.push(frontier.head());
    }
    grown
}

impl Grown {
    fn prove(&self, plan: &Plan) -> Vec<Hash> {
        let needed: Vec<Hash> = plan.positions().iter().map(|&at| self.stored[at as usize]).collect();
        plan.prove(&needed).unwrap()
    }
}

fn twin(leaves: &[Vec<u8>]) -> MemoryBackedTree<Sha256, Vec<u8>> {
    let mut twin = MemoryBackedTree::new();
    for leaf in leaves {
        twin.push(leaf.clone());
    }
    twin
}

fn leaves() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 1..70)
}

#[test]
fn roots_are_those_of_certificate_transparency() {
    let grown = grow(&LEAVES.map(|leaf| hex::decode(leaf).unwrap()));

    assert_eq!(
        hex::encode(grown.heads[0].root),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(grown.heads[1..].iter().map(|head| hex::encode(head.root)).collect::<Vec<_>>(), ROOTS);
}

#[test]
fn proofs_are_those_of_certificate_transparency() {
    // certificate-transparency-go, `merkletree` tests: inclusion of leaf 0 of 8, and from 1 to 8 and 6 to 8 leaves
    let grown = grow(&LEAVES.map(|leaf| hex::decode(leaf).unwrap()));
    let proof = |plan: Plan| grown.prove(&plan).iter().map(hex::encode).collect::<Vec<_>>();
    let from_one = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ];

    assert_eq!(proof(Plan::inclusion(0, 8).unwrap()), from_one);
    assert_eq!(proof(Plan::consistency(1, 8).unwrap()), from_one);
    assert_eq!(
        proof(Plan::consistency(6, 8).unwrap()),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
}

#[test]
fn stored_hashes_are_in_the_order_of_gos_checksum_database() {
    // golang.org/x/mod/sumdb/tlog, `StoredHashIndex`: by level, then number
    let order: Vec<u64> = [(0, 0), (0, 1), (1, 0), (0, 2), (0, 3), (1, 1), (2, 0), (0, 4), (0, 5), (1, 2)]
        .map(|(level, number)| stored::position(level, number))
        .to_vec();

    assert_eq!(order, (0..10).collect::<Vec<_>>());
    assert_eq!([0, 1, 2, 3, 4, 7, 8].map(stored::count), [0, 1, 3, 4, 7, 11, 15]);
    assert!(i64::try_from(stored::count(MAX_SIZE)).is_ok());
}

#[test]
fn what_lies_outside_a_tree_has_no_proof() {
    assert_eq!(Plan::inclusion(3, 3), Err(ProofError::Outside { asked: 3, size: 3 }));
    assert_eq!(Plan::consistency(4, 3), Err(ProofError::Outside { asked: 4, size: 3 }));
    assert_eq!(Plan::inclusion(0, u64::MAX), Err(ProofError::Outside { asked: 0, size: u64::MAX }));
    assert_eq!(Frontier::from_roots(3, vec![[0; 32]]), None);
    assert_eq!(Plan::root(5).prove(&[[0; 32]]), None);
}

proptest! {
    #[test]
    fn roots_and_proofs_are_those_of_another_implementation(leaves in leaves(), a: prop::sample::Index, b: prop::sample::Index) {
        let (grown, twin) = (grow(&leaves), twin(&leaves));
        let size = leaves.len() as u64;
        let (index, old) = (a.index(leaves.len()), b.index(leaves.len()) + 1);

        prop_assert_eq!(grown.frontier.head().root.to_vec(), twin.root().as_bytes().to_vec());
        let inclusion = grown.prove(&Plan::inclusion(index as u64, size).unwrap());
        let theirs = twin.prove_inclusion(index);
        prop_assert_eq!(inclusion.concat(), theirs.as_bytes());
        if old < leaves.len() {
            let consistency = grown.prove(&Plan::consistency(old as u64, size).unwrap());
            let theirs = twin.prove_consistency(leaves.len() - old);
            prop_assert_eq!(consistency.concat(), theirs.as_bytes());
        }
    }

    #[test]
    fn proofs_hold_and_no_changed_bit_does(leaves in leaves(), a: prop::sample::Index, b: prop::sample::Index, c: prop::sample::Index, bit in 0..256_usize) {
        let grown = grow(&leaves);
        let new = grown.frontier.head();
        let index = a.index(leaves.len());
        let leaf = leaf_hash(&leaves[index]);
        let old = grown.heads[b.index(leaves.len() + 1)];
        let inclusion = grown.prove(&Plan::inclusion(index as u64, new.size).unwrap());
        let consistency = grown.prove(&Plan::consistency(old.size, new.size).unwrap());

        prop_assert_eq!(check_inclusion(&leaf, index as u64, &new, &inclusion), Ok(()));
        prop_assert_eq!(check_consistency(&old, &new, &consistency), Ok(()));
        let flip = |hash: &mut Hash| hash[bit / 8] ^= 1 << (bit % 8);
        let (mut changed_leaf, mut changed_new, mut changed_old) = (leaf, new, old);
        flip(&mut changed_leaf);
        flip(&mut changed_new.root);
        flip(&mut changed_old.root);
        prop_assert!(check_inclusion(&changed_leaf, index as u64, &new, &inclusion).is_err());
        prop_assert!(check_inclusion(&leaf, index as u64, &changed_new, &inclusion).is_err());
        prop_assert!(check_consistency(&changed_old, &new, &consistency).is_err());
        prop_assert!(old.size == 0 || check_consistency(&old, &changed_new, &consistency).is_err());
        for proof in [&inclusion, &consistency] {
            let mut longer = proof.clone();
            longer.push([0; 32]);
            prop_assert!(check_inclusion(&leaf, index as u64, &new, &longer).is_err());
            prop_assert!(check_consistency(&old, &new, &longer).is_err());
        }
        if !inclusion.is_empty() {
            let mut changed = inclusion.clone();
            flip(&mut changed[c.index(inclusion.len())]);
            prop_assert!(check_inclusion(&leaf, index as u64, &new, &changed).is_err());
            prop_assert!(check_inclusion(&leaf, index as u64, &new, &inclusion[1..]).is_err());
        }
        if !consistency.is_empty() {
            let mut changed = consistency.clone();
            flip(&mut changed[c.index(consistency.len())]);
            prop_assert!(check_consistency(&old, &new, &changed).is_err());
            prop_assert!(check_consistency(&old, &new, &consistency[1..]).is_err());
        }
    }

    #[test]
    fn another_position_does_not_hold(count in 2..70_u8, a: prop::sample::Index, b: prop::sample::Index) {
        let grown = grow(&(0..count).map(|leaf| [leaf]).collect::<Vec<_>>());
        let (right, wrong) = (a.index(count.into()) as u64, b.index(count.into()) as u64);
        let proof = grown.prove(&Plan::inclusion(right, count.into()).unwrap());

        let outcome = check_inclusion(&leaf_hash(&[right as u8]), wrong, &grown.frontier.head(), &proof);

        prop_assert_eq!(outcome.is_ok(), right == wrong);
    }

    #[test]
    fn a_tree_is_taken_up_again_from_what_is_stored(leaves in leaves(), at: prop::sample::Index) {
        let grown = grow(&leaves);
        let size = at.index(leaves.len() + 1);

        let roots = Frontier::positions(size as u64).iter().map(|&at| grown.stored[at as usize]).collect();
        let mut again = Frontier::from_roots(size as u64, roots).unwrap();
        prop_assert_eq!(again.head(), grown.heads[size]);
        if size > 0 {
            prop_assert_eq!(grown.prove(&Plan::root(size as u64)), [grown.heads[size].root]);
        }
        leaves[size..].iter().for_each(|leaf| again.append(leaf_hash(leaf), |_| ()));

        prop_assert_eq!(again, grown.frontier);
    }
}
