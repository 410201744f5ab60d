//! `docent models pull`: from a name to a folder with a lock. Knows no engine.

use crate::adapters::models::Lock;
use crate::adapters::models::Manifest;
use crate::adapters::models::ModelsError;
use crate::adapters::models::PullProgress;
use crate::adapters::models::manifest;
use crate::adapters::models::manifest::Model;
use crate::adapters::models::manifest::Variant;
use crate::adapters::models::obtain::Obtain;
use crate::adapters::models::place::Place;
use crate::adapters::models::resolve;
use crate::adapters::models::source::Sources;
use crate::adapters::models::source::folder_of;
use crate::config::Config;

/// Fetches every model that the names of models and sets stand for, those that are there already aside. What an
/// interrupted pull left is used.
///
/// # Errors
/// `Unknown`, `Unobtainable` with what each source said, `NoSpace`, `Disk`.
pub async fn pull(names: &[String], config: &Config, progress: &PullProgress) -> Result<(), ModelsError> {
    pull_from(manifest(), names, config, progress).await
}

/// The same with another manifest.
///
/// # Errors
/// As [`pull`].
pub(super) async fn pull_from(
    manifest: &Manifest,
    names: &[String],
    config: &Config,
    progress: &PullProgress,
) -> Result<(), ModelsError> {
    let sources = Sources::new(config);
    for model in manifest.select(names)? {
        let place = hold(config, model, progress).await?;
        pull_one(model, &sources, &place, progress).await?;
    }
    Ok(())
}

async fn hold(config: &Config, model: &Model, progress: &PullProgress) -> Result<Place, ModelsError> {
    if let Some(place) = Place::try_hold(&config.models.dir, &model.name)? {
        return Ok(place);
    }
    progress.say(&format!("{}: another pull is under way, waiting for it", model.name));
    let (models, name) = (config.models.dir.clone(), model.name.clone());
    let held = tokio::task::spawn_blocking(move || Place::hold(&models, &name));
    held.await.expect("waiting for a lock does not panic")
}

async fn pull_one(
    model: &Model,
    sources: &Sources,
    place: &Place,
    progress: &PullProgress,
) -> Result<(), ModelsError> {
    let lock = Lock::read(place.directory())?;
    if lock.as_ref().is_some_and(|lock| resolve::check(model, lock, place.directory()).is_ok()) {
        progress.say(&format!("{}: there already", model.name));
        return place.clear_work();
    }
    let mut lock = lock.unwrap_or_else(|| Lock::empty(&model.name, &model.licence));
    lock.complete = false;
    sources.go_on_with(&lock);
    let mut reasons = Vec::new();
    for variant in nearest_first(model, sources, place) {
        let kept = Obtain { model, sources, place, progress, lock: &mut lock }.variant(variant).await;
        match kept {
            Ok(paths) => {
                lock.files.retain(|file| paths.contains(&file.path));
                lock.complete = true;
                lock.write(place.directory())?;
                progress.say(&format!("{}: ready in {}", model.name, place.directory().display()));
                return place.clear_work();
            }
            Err(ModelsError::Unobtainable { reasons: more, .. }) => reasons.extend(more),
            Err(error) => return Err(error),
        }
    }
    Err(ModelsError::Unobtainable { name: model.name.clone(), reasons })
}

/// A variant that is at hand whole goes before one that has to be downloaded.
fn nearest_first<'a>(model: &'a Model, sources: &Sources, place: &Place) -> Vec<&'a Variant> {
    let folder = sources.local().map(|root| folder_of(root, &model.name));
    let at_hand = |variant: &&Variant| {
        variant.files.iter().all(|file| {
            let brought = folder.as_ref().is_some_and(|folder| folder.join(&file.path).is_file());
            brought || place.file(&file.path).is_file()
        })
    };
    let (mut near, far): (Vec<_>, Vec<_>) = model.variants.iter().partition(at_hand);
    near.extend(far);
    near
}
