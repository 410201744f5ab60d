//! What cargo would not notice by itself: new migrations, and which code documents pass through on their way in.

use std::collections::BTreeSet;
use std::fs;
use std::hash::DefaultHasher;
use std::hash::Hasher;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// What the text and the passages of a document depend on.
const PIPELINE: [&str; 4] = ["Cargo.lock", "crates/reader/src", "src/domain", "src/ingest"];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=migrations");
    let mut files = BTreeSet::new();
    for path in PIPELINE {
        println!("cargo:rerun-if-changed={path}");
        collect(Path::new(path), &mut files)?;
    }
    let mut hasher = DefaultHasher::new();
    for file in files {
        hasher.write(file.to_string_lossy().as_bytes());
        hasher.write(&fs::read(file)?);
    }
    println!("cargo:rustc-env=DOCENT_PIPELINE={:016x}", hasher.finish());
    Ok(())
}

fn collect(path: &Path, files: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    if path.is_file() {
        files.insert(path.to_owned());
        return Ok(());
    }
    fs::read_dir(path)?.try_for_each(|entry| collect(&entry?.path(), files))
}
