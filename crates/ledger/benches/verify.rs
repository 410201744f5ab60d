//! How long `docent-verify` takes for an export, and how much memory: `cargo bench -p ledger --bench verify [-- RECORDS]`.
//! The export is made once a size and kept beside the build.

// the tests' records are what the service writes
#[path = "../tests/it/records.rs"]
mod records;

use ledger::Checkpoint;
use ledger::Frontier;
use ledger::export::Disclosed;
use ledger::export::Writer;
use ledger::export::write::About;
use ledger::leaf_hash;
use std::fs;
use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

const RECORDS: u64 = 1_000_000;
/// Records under one checkpoint: what a busy service's batches are.
const BATCH: u64 = 16;
/// One record in so many with its content shown.
const SHOWN: u64 = 10;

fn main() -> io::Result<()> {
    let count = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(RECORDS);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("export-{count}.jsonl"));
    if !path.exists() {
        let begun = Instant::now();
        make(&path, count)?;
        report(&format!("made {} in {:.1} s", path.display(), begun.elapsed().as_secs_f64()))?;
    }
    let megabytes = fs::metadata(&path)?.len() / 1_000_000;
    for _ in 0..3 {
        let (seconds, peak_kb, success) = verify(&path)?;
        let per_second = count as f64 / seconds;
        report(&format!(
            "{count} records, {megabytes} MB, a checkpoint every {BATCH}: {seconds:.1} s, {per_second:.0} records/s, \
             peak memory {} MB, holds: {success}",
            peak_kb / 1024
        ))?;
    }
    Ok(())
}

fn report(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

fn make(path: &Path, count: u64) -> io::Result<()> {
    let (key, mut frontier) = (records::signer(), Frontier::default());
    let unfinished = path.with_extension("part");
    let file = BufWriter::with_capacity(1 << 20, File::create(&unfinished)?);
    let mut writer = Writer::range(file, records::ORIGIN, &frontier, About::default())?;
    for number in 0..count {
        let leaf = records::leaf(number);
        let content = records::content(number).filter(|_| number % SHOWN == 0);
        writer.record(&leaf, content.as_ref().map(|(content, key)| Disclosed { content, key }))?;
        frontier.append(leaf_hash(&leaf), |_| ());
        if frontier.size() % BATCH == 0 || frontier.size() == count {
            let checkpoint = Checkpoint::new(records::ORIGIN, frontier.head()).expect("the origin is a line");
            writer.checkpoint(&checkpoint.sign(&key).expect("it is the log's own key"))?;
        }
    }
    writer.finish()?;
    fs::rename(unfinished, path)
}

/// Gives seconds, the largest resident size in KiB, and whether the export holds.
fn verify(path: &PathBuf) -> io::Result<(f64, u64, bool)> {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_docent-verify"))
        .args(["export", "--key", &records::signer().verifier().to_string()])
        .arg(path)
        .spawn()?;
    let mut peak_kb = 0;
    loop {
        peak_kb = peak_kb.max(high_water_kb(&child));
        if let Some(status) = child.try_wait()? {
            return Ok((begun.elapsed().as_secs_f64(), peak_kb, status.success()));
        }
        sleep(Duration::from_millis(5));
    }
}

/// What Linux has seen of a process's resident size at most; 0 elsewhere.
fn high_water_kb(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}
