//! What can go wrong with models on disk, each with the command that mends it. Knows no source.

use crate::domain::Fault;
use crate::domain::Faulty;
use std::path::Path;
use std::path::PathBuf;

/// Why a model cannot be fetched, found or started.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// The manifest has no such name.
    #[error("no model `{name}` in the manifest; there are {}", known.join(", "))]
    Unknown {
        /// As given.
        name: String,
        /// Every model and set.
        known: Vec<String>,
    },
    /// It was never fetched whole.
    #[error("the model `{name}` is not in `{}`: run `docent models pull {name}`", directory.display())]
    Missing {
        /// In the manifest.
        name: String,
        /// Where it was looked for.
        directory: PathBuf,
    },
    /// A file of it is not what was fetched.
    #[error("the file `{file}` of the model `{name}` {detail}: run `docent models pull {name}`")]
    Damaged {
        /// In the manifest.
        name: String,
        /// Within the model's folder.
        file: String,
        /// Such as `is gone`.
        detail: String,
    },
    /// More than one file or model is not what was fetched; one message each.
    #[error("{}", .0.join("\n"))]
    Several(Vec<String>),
    /// It exists, but does something else.
    #[error("the model `{name}` is a {is}, and a {wanted} is needed")]
    WrongKind {
        /// In the manifest.
        name: String,
        /// What it is.
        is: &'static str,
        /// What is needed.
        wanted: &'static str,
    },
    /// One source did not give a file; the next is tried.
    #[error("{origin}: {detail}")]
    Source {
        /// Such as `hub`.
        origin: String,
        /// For a person.
        detail: String,
    },
    /// No source gave it.
    #[error("cannot get the model `{name}`:\n{}", list(reasons))]
    Unobtainable {
        /// In the manifest.
        name: String,
        /// What each source said.
        reasons: Vec<String>,
    },
    /// The disk is too full.
    #[error("`{}` has {} free, and {} are needed", directory.display(), human(*free), human(*needed))]
    NoSpace {
        /// On the disk in question.
        directory: PathBuf,
        /// Bytes.
        needed: u64,
        /// Bytes.
        free: u64,
    },
    /// The disk refused.
    #[error("cannot {action} `{}`", path.display())]
    Disk {
        /// A verb.
        action: &'static str,
        /// On which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The engine refused the files or the device.
    #[error("cannot start the model `{name}`")]
    Engine {
        /// In the manifest.
        name: String,
        /// Why.
        #[source]
        source: engine::EngineError,
    },
}

impl ModelsError {
    /// For `map_err` on everything that touches the disk.
    pub(super) fn disk(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Disk { action, path, source }
    }

    pub(super) fn source(origin: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Source { origin: origin.into(), detail: detail.into() }
    }
}

impl Faulty for ModelsError {
    fn fault(&self) -> Fault {
        match self {
            Self::Unknown { .. } | Self::WrongKind { .. } => Fault::Invalid,
            Self::Missing { .. }
            | Self::Damaged { .. }
            | Self::Several(_)
            | Self::Source { .. }
            | Self::Unobtainable { .. }
            | Self::NoSpace { .. }
            | Self::Disk { .. }
            | Self::Engine { .. } => Fault::Ours,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown_model",
            Self::Missing { .. } => "model_missing",
            Self::Damaged { .. } | Self::Several(_) => "model_damaged",
            Self::WrongKind { .. } => "model_of_wrong_kind",
            Self::Source { .. } | Self::Unobtainable { .. } => "model_unobtainable",
            Self::NoSpace { .. } => "disk_full",
            Self::Disk { .. } => "disk_failed",
            Self::Engine { .. } => "model_not_started",
        }
    }
}

/// Bytes for a person, in powers of ten as disks are sold.
pub(super) fn human(bytes: u64) -> String {
    let bytes = bytes as f64;
    if bytes >= 1e9 {
        format!("{:.1} GB", bytes / 1e9)
    } else if bytes >= 1e6 {
        format!("{:.0} MB", bytes / 1e6)
    } else {
        format!("{:.0} kB", (bytes / 1e3).ceil())
    }
}

fn list(reasons: &[String]) -> String {
    reasons.iter().map(|reason| format!("  - {reason}")).collect::<Vec<_>>().join("\n")
}
