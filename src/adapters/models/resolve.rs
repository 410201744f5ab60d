//! From a name to files that can be loaded, and what `docent models list` and `verify` say of them. Knows no source.

use crate::adapters::models::Lock;
use crate::adapters::models::LockedFile;
use crate::adapters::models::ModelsError;
use crate::adapters::models::PullProgress;
use crate::adapters::models::error::human;
use crate::adapters::models::manifest::Family;
use crate::adapters::models::manifest::Kind;
use crate::adapters::models::manifest::Model;
use crate::adapters::models::manifest::manifest;
use crate::adapters::models::place;
use crate::config::Config;
use sha2::Digest;
use sha2::Sha256;
use std::path::Path;
use std::path::PathBuf;

/// A model that is there and was checked when it came.
#[derive(Clone, Debug)]
pub struct ResolvedModel {
    /// In the manifest.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// How it is spoken to.
    pub family: Family,
    /// SPDX, of the weights.
    pub licence: &'static str,
    /// Its folder.
    pub directory: PathBuf,
    /// Every file of it, with sizes and digests.
    pub files: Vec<LockedFile>,
    /// One GGUF file, or the folder with `config.json` and safetensors.
    pub weights: PathBuf,
    /// `tokenizer.json`.
    pub tokenizer: PathBuf,
    /// Of the one weights file; of `digest  name` lines when there are several.
    pub weights_sha256: String,
}

/// How much of a model is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nothing.
    Absent,
    /// Something, but it cannot be started.
    Partial,
    /// All of it.
    Whole,
}

/// A line of `docent models list`.
#[derive(Clone, Debug)]
pub struct ModelStatus {
    /// In the manifest.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// SPDX, of the weights.
    pub licence: &'static str,
    /// How much of it is there.
    pub presence: Presence,
    /// On disk.
    pub bytes: u64,
    /// Names of sets that hold it.
    pub sets: Vec<&'static str>,
    /// For a person who chooses.
    pub summary: &'static str,
}

/// Finds a model for use. Quick: sizes and recorded digests are compared, contents are not read.
///
/// # Errors
/// `Unknown`, `Missing`, `Damaged`, `Disk`.
pub fn resolve(name: &str, config: &Config) -> Result<ResolvedModel, ModelsError> {
    let model = manifest().model(name)?;
    let directory = config.models.dir.join(name);
    let missing = || ModelsError::Missing { name: name.to_owned(), directory: directory.clone() };
    let lock = Lock::read(&directory)?.ok_or_else(missing)?;
    check(model, &lock, &directory)?;
    let weights: Vec<&LockedFile> = lock.files.iter().filter(|file| is_weights(&file.path)).collect();
    let gguf = weights.iter().find(|file| has_extension(&file.path, "gguf"));
    Ok(ResolvedModel {
        name: &model.name,
        kind: model.kind,
        family: model.family,
        licence: &model.licence,
        weights: gguf.map_or_else(|| directory.clone(), |file| directory.join(&file.path)),
        tokenizer: directory.join("tokenizer.json"),
        weights_sha256: digest_of(&weights),
        files: lock.files.clone(),
        directory,
    })
}

/// Every model of the manifest.
///
/// # Errors
/// `Disk`.
pub fn list(config: &Config) -> Result<Vec<ModelStatus>, ModelsError> {
    let status = |model: &'static Model| {
        let directory = config.models.dir.join(&model.name);
        let lock = Lock::read(&directory)?;
        let presence = match &lock {
            Some(lock) if check(model, lock, &directory).is_ok() => Presence::Whole,
            Some(_) => Presence::Partial,
            None => Presence::Absent,
        };
        let files = lock.map(|lock| lock.files).unwrap_or_default();
        let sets = manifest().sets.iter().filter(|(_, models)| models.contains(&model.name));
        Ok(ModelStatus {
            name: &model.name,
            kind: model.kind,
            licence: &model.licence,
            presence,
            bytes: files.iter().map(|file| place::length(&directory.join(&file.path))).sum(),
            sets: sets.map(|(set, _)| set.as_str()).collect(),
            summary: &model.summary,
        })
    };
    manifest().models.iter().map(status).collect()
}

/// The list as a table for a terminal.
pub fn table(models: &[ModelStatus]) -> String {
    let mut lines = vec![format!(
        "{:<30} {:<10} {:<8} {:>9}  {:<12} {}",
        "NAME", "KIND", "STATE", "SIZE", "LICENCE", "WHAT"
    )];
    for model in models {
        let state = match model.presence {
            Presence::Absent => "-",
            Presence::Partial => "partial",
            Presence::Whole => "present",
        };
        let size = if model.bytes == 0 { "-".to_owned() } else { human(model.bytes) };
        let sets =
            if model.sets.is_empty() { String::new() } else { format!(" [{}]", model.sets.join(", ")) };
        let (name, kind, licence, summary) = (model.name, model.kind.as_str(), model.licence, model.summary);
        lines.push(format!("{name:<30} {kind:<10} {state:<8} {size:>9}  {licence:<12} {summary}{sets}"));
    }
    lines.join("\n")
}

/// Reads every byte of models and compares; without names, of those that are there. Blocking. What is found damaged is
/// written down, so that the next pull fetches it again.
///
/// # Errors
/// `Unknown`, `Missing`, `Damaged` or `Several`, each naming the file and the command that mends it.
pub fn verify(names: &[String], config: &Config, progress: &PullProgress) -> Result<(), ModelsError> {
    let there = |model: &&Model| matches!(Lock::read(&config.models.dir.join(&model.name)), Ok(Some(_)));
    let models = match names {
        [] => manifest().models.iter().filter(there).collect(),
        names => manifest().select(names)?,
    };
    let mut faults = Vec::new();
    for model in models {
        match verify_one(model, &config.models.dir.join(&model.name), progress) {
            Ok(()) => progress.say(&format!("{}: as it was fetched", model.name)),
            Err(fault) => faults.push(fault),
        }
    }
    match faults.len() {
        0 => Ok(()),
        1 => Err(faults.remove(0)),
        _ => Err(ModelsError::Several(faults.iter().map(ToString::to_string).collect())),
    }
}

pub(super) fn verify_one(
    model: &Model,
    directory: &Path,
    progress: &PullProgress,
) -> Result<(), ModelsError> {
    let missing = || ModelsError::Missing { name: model.name.clone(), directory: directory.to_owned() };
    let mut lock = Lock::read(directory)?.ok_or_else(missing)?;
    for file in lock.files.clone() {
        let path = directory.join(&file.path);
        let mut meter = progress.meter(&format!("{}: checking {}", model.name, file.path), Some(file.bytes));
        let damaged = path.is_file() && place::measure(&path, &mut meter)?.sha256 != file.sha256;
        if damaged && !file.damaged {
            lock.mark_damaged(&file.path);
            lock.write(directory)?;
        }
    }
    check(model, &lock, directory)
}

/// Whether a lock and the sizes on disk say that a model is whole and as the manifest wants it.
pub(super) fn check(model: &Model, lock: &Lock, directory: &Path) -> Result<(), ModelsError> {
    let damaged = |file: &str, detail: &str| {
        let (name, file, detail) = (model.name.clone(), file.to_owned(), detail.to_owned());
        Err(ModelsError::Damaged { name, file, detail })
    };
    for file in &lock.files {
        let Ok(metadata) = std::fs::metadata(directory.join(&file.path)) else {
            return damaged(&file.path, "is gone");
        };
        if metadata.len() != file.bytes {
            let detail = format!("has {} bytes instead of {}", metadata.len(), file.bytes);
            return damaged(&file.path, &detail);
        }
        if file.damaged {
            return damaged(&file.path, "is not what was fetched");
        }
    }
    let as_wanted = model.variants.iter().any(|variant| {
        variant.kept().all(|file| {
            let locked = lock.file(&file.path);
            locked.is_some_and(|locked| file.sha256.as_ref().is_none_or(|sha256| sha256 == &locked.sha256))
        })
    });
    if lock.complete && as_wanted {
        Ok(())
    } else {
        Err(ModelsError::Missing { name: model.name.clone(), directory: directory.to_owned() })
    }
}

fn is_weights(path: &str) -> bool {
    ["gguf", "safetensors", "onnx"].iter().any(|extension| has_extension(path, extension))
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

fn digest_of(weights: &[&LockedFile]) -> String {
    if let [one] = weights {
        return one.sha256.clone();
    }
    let mut lines: Vec<_> = weights.iter().map(|file| format!("{}  {}\n", file.sha256, file.path)).collect();
    lines.sort();
    hex::encode(Sha256::digest(lines.concat()))
}
