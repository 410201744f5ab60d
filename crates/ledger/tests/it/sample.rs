//! A small log with all that is stored of it, and its exports as lines.

use crate::records;
use ledger::Checkpoint;
use ledger::Frontier;
use ledger::Hash;
use ledger::Plan;
use ledger::Policy;
use ledger::Receipt;
use ledger::SignedCheckpoint;
use ledger::TreeHead;
use ledger::export;
use ledger::export::Disclosed;
use ledger::export::Held;
use ledger::export::Outcome;
use ledger::export::Writer;
use ledger::export::write::About;
use ledger::leaf_hash;
use serde_json::Value;
use serde_json::json;

pub(crate) struct Sample {
    pub(crate) leaves: Vec<Vec<u8>>,
    stored: Vec<Hash>,
    frontiers: Vec<Frontier>,
}

impl Sample {
    /// A log of the first `count` records.
    pub(crate) fn new(count: u64) -> Self {
        Self::of((0..count).map(records::leaf).collect())
    }

    pub(crate) fn of(leaves: Vec<Vec<u8>>) -> Self {
        let (mut frontier, mut stored) = (Frontier::default(), Vec::new());
        let mut frontiers = vec![frontier.clone()];
        for leaf in &leaves {
            frontier.append(leaf_hash(leaf), |hash| stored.push(hash.hash));
            frontiers.push(frontier.clone());
        }
        Self { leaves, stored, frontiers }
    }

    pub(crate) fn head(&self, size: usize) -> TreeHead {
        self.frontiers[size].head()
    }

    pub(crate) fn held(&self, size: usize) -> Held {
        Held { head: self.head(size), source_name: format!("held-{size}") }
    }

    pub(crate) fn checkpoint(&self, size: usize) -> SignedCheckpoint {
        Checkpoint::new(records::ORIGIN, self.head(size)).unwrap().sign(&records::signer()).unwrap()
    }

    pub(crate) fn proof(&self, index: usize, size: usize) -> Vec<Hash> {
        let plan = Plan::inclusion(index as u64, size as u64).unwrap();
        let needed: Vec<Hash> = plan.positions().iter().map(|&at| self.stored[at as usize]).collect();
        plan.prove(&needed).unwrap()
    }

    pub(crate) fn receipt(&self, index: usize, size: usize) -> Receipt {
        let proof = self.proof(index, size);
        Receipt::new(&self.leaves[index], index as u64, proof, self.checkpoint(size)).unwrap()
    }

    /// All records from `first` on, a checkpoint after every `every`-th, every content shown.
    pub(crate) fn range(&self, first: usize, every: usize) -> Lines {
        let mut writer =
            Writer::range(Vec::new(), records::ORIGIN, &self.frontiers[first], About::default()).unwrap();
        for (at, leaf) in self.leaves.iter().enumerate().skip(first) {
            let content = records::content(at as u64);
            let shown = content.as_ref().map(|(content, key)| Disclosed { content, key });
            writer.record(leaf, shown).unwrap();
            if (at + 1) % every == 0 {
                writer.checkpoint(&self.checkpoint(at + 1)).unwrap();
            }
        }
        Lines::read(&writer.finish().unwrap())
    }

    /// Chosen records with their proofs, under a checkpoint over all.
    pub(crate) fn selection(&self, chosen: &[usize]) -> Lines {
        let size = self.leaves.len();
        let mut writer = Writer::selection(Vec::new(), &self.checkpoint(size), About::default()).unwrap();
        for &at in chosen {
            writer.chosen(at as u64, &self.leaves[at], &self.proof(at, size), None).unwrap();
        }
        Lines::read(&writer.finish().unwrap())
    }
}

/// An export that can be tampered with.
#[derive(Clone)]
pub(crate) struct Lines(pub(crate) Vec<Value>);

impl Lines {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let lines = str::from_utf8(bytes).unwrap().lines();
        Self(lines.map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect()
    }

    pub(crate) fn verify(&self, held: Vec<Held>) -> Outcome {
        verify(&self.bytes(), held)
    }

    /// Where the record of this position stands.
    pub(crate) fn at(&self, position: u64) -> usize {
        self.0.iter().position(|line| line["record"]["position"] == position).unwrap()
    }

    /// Where the checkpoint over so many records stands.
    pub(crate) fn checkpoint_at(&self, size: usize) -> usize {
        let second = format!("\n{size}\n");
        self.0
            .iter()
            .position(|line| line["checkpoint"].as_str().is_some_and(|note| note.contains(&second)))
            .unwrap()
    }

    /// Changes a record's leaf, and the hash beside it too, as one would who knows the format.
    pub(crate) fn rewrite(&mut self, position: u64, change: impl Fn(&mut Value)) {
        let at = self.at(position);
        let record = &mut self.0[at]["record"];
        let mut leaf: Value = serde_json::from_str(record["leaf"].as_str().unwrap()).unwrap();
        change(&mut leaf);
        let leaf = ledger::canonical(&leaf).unwrap();
        record["hash"] = json!(hex::encode(leaf_hash(&leaf)));
        record["leaf"] = json!(String::from_utf8(leaf).unwrap());
    }

    /// Makes positions and numbers at the end fit what is there, as one would who knows the format.
    pub(crate) fn renumber(&mut self) {
        let (mut position, mut checkpoints) = (self.0[0]["export"]["first"].as_u64().unwrap(), 0);
        let first = position;
        for line in &mut self.0 {
            if line["record"].is_object() {
                line["record"]["position"] = json!(position);
                position += 1;
            } else if line["checkpoint"].is_string() {
                checkpoints += 1;
            } else if line["end"].is_object() {
                line["end"] = json!({"records": position - first, "checkpoints": checkpoints});
            }
        }
    }
}

pub(crate) fn policy() -> Policy {
    Policy::of_log(records::signer().verifier()).unwrap()
}

pub(crate) fn verify(bytes: &[u8], held: Vec<Held>) -> Outcome {
    export::verify(bytes, &policy(), held, |_| ()).unwrap()
}
