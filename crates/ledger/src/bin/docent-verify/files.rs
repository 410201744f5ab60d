//! Files that the auditor names: keys, policies, checkpoints, exports. Knows no record.

use crate::arguments::Trust;
use ledger::Policy;
use ledger::SignedCheckpoint;
use ledger::VerifierKey;
use ledger::export::Held;
use ledger::receipt::MAX_RECEIPT_BYTES;
use std::fs;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

/// An export as one stream, and its length where that is known.
pub(crate) struct Source {
    pub(crate) stream: Box<dyn Read>,
    pub(crate) bytes: Option<u64>,
}

/// Reads whom to believe.
pub(crate) fn policy(trust: &Trust) -> Result<Policy, String> {
    let mut policy = trust.policy.as_deref().map(read_policy).transpose()?;
    for given in &trust.keys {
        let key = key(given)?;
        let next = match policy {
            Some(policy) => policy.and_log(key),
            None => Policy::of_log(key),
        };
        policy = Some(next.map_err(|error| format!("--key {given}: {error}"))?);
    }
    policy.ok_or_else(|| "no key was given".to_owned())
}

fn read_policy(path: &Path) -> Result<Policy, String> {
    Policy::parse(&small(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads a key, or a file with one.
fn key(given: &str) -> Result<VerifierKey, String> {
    let text = if given.contains('+') { given.to_owned() } else { small(Path::new(given))? };
    VerifierKey::parse(text.trim()).map_err(|error| format!("--key {given}: {error}"))
}

/// Reads a file that is never long.
pub(crate) fn small(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read =
        File::open(path).and_then(|file| file.take(MAX_RECEIPT_BYTES as u64 + 1).read_to_string(&mut text));
    read.map_err(|error| unreadable(path, &error))?;
    Ok(text)
}

/// Reads what the auditor holds: each checkpoint must be signed by a log that the policy names.
pub(crate) fn held(paths: &[PathBuf], policy: &Policy) -> Result<Vec<Held>, String> {
    let mut held = Vec::new();
    for path in
        paths.iter().map(|path| files_of(path, None)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten()
    {
        let before = held.len();
        for note in notes(&path)? {
            let name = path.display().to_string();
            let trusted = SignedCheckpoint::parse(&note)
                .map_err(|error| error.to_string())
                .and_then(|signed| policy.check(&signed).map_err(|error| error.to_string()))
                .map_err(|error| format!("{name}: {error}"))?;
            held.push(Held { head: *trusted.head(), source_name: name });
        }
        if held.len() == before {
            return Err(format!("{}: there is no checkpoint in it", path.display()));
        }
    }
    Ok(held)
}

/// A note by itself, or those among JSON lines.
fn notes(path: &Path) -> Result<Vec<String>, String> {
    let file = BufReader::new(File::open(path).map_err(|error| unreadable(path, &error))?);
    let mut lines = file.lines().peekable();
    if !matches!(lines.peek(), Some(Ok(line)) if line.starts_with('{')) {
        return small(path).map(|note| vec![note]);
    }
    let notes = lines.filter_map(|line| match line {
        Ok(line) => ledger::export::examine::note_in(&line).map(Ok),
        Err(error) => Some(Err(unreadable(path, &error))),
    });
    notes.collect()
}

/// Opens an export; `-` is standard input.
pub(crate) fn export(path: &Path) -> Result<Source, String> {
    if path == Path::new("-") {
        return Ok(Source { stream: Box::new(io::stdin()), bytes: None });
    }
    let files = files_of(path, Some("jsonl"))?;
    let (mut stream, mut bytes): (Box<dyn Read>, u64) = (Box::new(io::empty()), 0);
    for path in files {
        let file = File::open(&path).map_err(|error| unreadable(&path, &error))?;
        bytes += file.metadata().map_err(|error| unreadable(&path, &error))?.len();
        stream = Box::new(stream.chain(file));
    }
    Ok(Source { stream, bytes: Some(bytes) })
}

/// The first line of an export, to look for a key in it.
pub(crate) fn first_line(path: &Path) -> Result<String, String> {
    let mut source = export(path)?.stream;
    let mut line = String::new();
    let read = BufReader::new(source.by_ref().take(MAX_RECEIPT_BYTES as u64)).read_line(&mut line);
    read.map_err(|error| unreadable(path, &error))?;
    Ok(line)
}

/// The file itself, or those in a folder, in the order of their names.
fn files_of(path: &Path, extension: Option<&str>) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|error| unreadable(path, &error))?;
    let mut files: Vec<PathBuf> =
        entries.iter().map(fs::DirEntry::path).filter(|path| path.is_file()).collect();
    files.retain(|path| extension.is_none_or(|wanted| path.extension().is_some_and(|found| found == wanted)));
    files.sort();
    if files.is_empty() {
        return Err(format!("{}: there are no files to check in it", path.display()));
    }
    Ok(files)
}

pub(crate) fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}
