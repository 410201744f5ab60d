//! An export of the log: a file of JSON lines that can be checked offline, written by the service and read by whoever
//! doubts it. The format is in `docs/audit-format.md`; change both together.
//!
//! ```text
//! {"export":{…}}          origin, whether it is a range without gaps or a selection, where it begins
//! {"checkpoint":"…"}      a signed note, where exactly as many records have come as it speaks of
//! {"record":{…}}          position, leaf, hash; perhaps content with its key, perhaps a proof
//! …
//! {"end":{…}}             how many there were
//! ```
//!
//! Checking is a flow of two stages. `examine` looks at one line by itself (hash, canonical form,
//! commitment, signatures) and runs on all cores; `Verifier` follows the log from line to line
//! (tree, gaps, pairs) and keeps a bounded state. `verify` joins them. Knows no database.

/// One line by itself.
pub mod examine;
/// What the lines hold.
pub mod line;
/// Intents and their outcomes.
pub mod pairs;
/// What was checked, and what was found.
pub mod report;
/// One line after the other.
pub mod verifier;
/// The side of the service: writes lines.
pub mod write;

mod blocks;

pub use line::Scope;
pub use report::Flaw;
pub use report::Outcome;
pub use report::Problem;
pub use report::Report;
pub use verifier::Held;
pub use verifier::Verifier;
pub use write::Disclosed;
pub use write::Writer;

use crate::export::blocks::Blocks;
use crate::export::examine::Examined;
use crate::policy::Policy;
use std::io;
use std::io::Read;
use std::num::NonZero;
use std::thread;

/// Threads that examine lines; one more follows the log.
const MAX_THREADS: usize = 8;

/// Reads an export to its end or to the first thing that is wrong. Memory does not grow with the number of records.
///
/// `progress` is called now and then with how many bytes were read.
///
/// # Errors
/// When the file cannot be read. What is wrong with its content is in the outcome.
pub fn verify(
    source: impl Read,
    policy: &Policy,
    held: Vec<Held>,
    mut progress: impl FnMut(u64),
) -> io::Result<Outcome> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS);
    let (mut blocks, mut verifier) = (Blocks::new(source), Verifier::new(held));
    loop {
        let round = blocks.take(threads)?;
        if round.is_empty() {
            return Ok(verifier.finish());
        }
        for line in examine_all(&round, policy) {
            if let Err(flaw) = line.and_then(|line| verifier.take(line)) {
                return Ok(verifier.fail(flaw));
            }
        }
        progress(blocks.bytes());
    }
}

/// Examines each block on a thread of its own and gives the lines in their order.
fn examine_all(round: &[Vec<u8>], policy: &Policy) -> impl Iterator<Item = Result<Examined, Flaw>> {
    let examined: Vec<Vec<_>> = thread::scope(|scope| {
        let threads: Vec<_> =
            round.iter().map(|block| scope.spawn(move || examine_block(block, policy))).collect();
        threads.into_iter().map(|thread| thread.join().expect("examining never panics")).collect()
    });
    examined.into_iter().flatten()
}

fn examine_block(block: &[u8], policy: &Policy) -> Vec<Result<Examined, Flaw>> {
    blocks::lines(block).map(|line| examine::examine(line, policy)).collect()
}
