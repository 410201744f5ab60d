//! One variant of a model, file by file: have, or fetch and check and convert, and write down. Knows no command.

use crate::adapters::models::Lock;
use crate::adapters::models::LockedFile;
use crate::adapters::models::ModelsError;
use crate::adapters::models::PinnedBy;
use crate::adapters::models::PullProgress;
use crate::adapters::models::manifest::Convert;
use crate::adapters::models::manifest::FileSpec;
use crate::adapters::models::manifest::Model;
use crate::adapters::models::manifest::Variant;
use crate::adapters::models::place::Measured;
use crate::adapters::models::place::Place;
use crate::adapters::models::place::length;
use crate::adapters::models::place::measure;
use crate::adapters::models::place::remove;
use crate::adapters::models::shards;
use crate::adapters::models::source::Fetched;
use crate::adapters::models::source::Origin;
use crate::adapters::models::source::Sources;
use crate::adapters::models::source::Wanted;
use std::path::Path;

/// What is at hand while a variant comes in.
pub(super) struct Obtain<'a> {
    pub(super) model: &'a Model,
    pub(super) sources: &'a Sources,
    pub(super) place: &'a Place,
    pub(super) progress: &'a PullProgress,
    /// Grows with each file.
    pub(super) lock: &'a mut Lock,
}

impl Obtain<'_> {
    /// Brings every file of the variant into the model's folder and the lock; gives their names.
    ///
    /// # Errors
    /// `Unobtainable` when another variant may still do; all else ends the pull.
    pub(super) async fn variant(mut self, variant: &Variant) -> Result<Vec<String>, ModelsError> {
        let missing = variant.files.iter().filter(|file| !file.kept().iter().all(|file| self.has(file)));
        let missing: u64 = missing.filter_map(|file| file.bytes).sum();
        self.place.needs(missing.saturating_sub(self.place.half_fetched()))?;
        let mut paths = Vec::new();
        for file in &variant.files {
            self.file(file).await?;
            paths.extend(file.kept().iter().map(|file| file.path.clone()));
            if file.shards {
                paths.extend(self.shards(file).await?);
            }
        }
        Ok(paths)
    }

    async fn file(&mut self, file: &FileSpec) -> Result<(), ModelsError> {
        if file.kept().iter().all(|file| self.has(file)) {
            return Ok(());
        }
        if file.convert.is_none() && self.finds(file).await? {
            return Ok(());
        }
        let (fetched, measured) = self.fetch(file).await?;
        match file.convert {
            None => self.keep(file, &fetched, measured),
            Some(convert) => self.convert(file, convert, &fetched).await,
        }
    }

    async fn shards(&mut self, index: &FileSpec) -> Result<Vec<String>, ModelsError> {
        let shards = match shards::read(&self.place.file(&index.path)) {
            Ok(shards) => shards,
            Err(detail) => return Err(self.damaged(&index.path, detail)?),
        };
        let there: u64 = shards.names.iter().map(|name| length(&self.place.file(name))).sum();
        self.place.needs(shards.bytes.saturating_sub(there))?;
        for name in &shards.names {
            self.file(&FileSpec::unpinned(name.clone(), index.hub.clone())).await?;
        }
        Ok(shards.names.into_iter().collect())
    }

    /// Whether an earlier pull brought the file, as the manifest wants it now.
    fn has(&self, file: &FileSpec) -> bool {
        self.lock.file(&file.path).is_some_and(|locked| {
            let wanted = file.sha256.as_ref().is_none_or(|sha256| sha256 == &locked.sha256);
            wanted && !locked.damaged && length(&self.place.file(&file.path)) == locked.bytes
        })
    }

    /// Whether the file lies there and has the digest that the manifest wants, though no lock says so.
    async fn finds(&mut self, file: &FileSpec) -> Result<bool, ModelsError> {
        let path = self.place.file(&file.path);
        let Some(sha256) = file.sha256.as_ref().filter(|_| path.is_file()) else { return Ok(false) };
        let measured = self.measure(&path, &file.path).await?;
        if &measured.sha256 != sha256 {
            return Ok(false);
        }
        self.write_down(file, measured, "found in place".to_owned(), PinnedBy::Manifest)?;
        Ok(true)
    }

    /// From the first source that gives the file as it should be.
    async fn fetch(&self, file: &FileSpec) -> Result<(Fetched, Measured), ModelsError> {
        let (model, place, progress) = (self.model.name.as_str(), self.place, self.progress);
        let wanted = Wanted { model, file, place, progress };
        let mut reasons = Vec::new();
        for origin in Origin::ALL {
            let fetched = match self.sources.fetch(origin, &wanted).await {
                Ok(Some(fetched)) => fetched,
                Ok(None) => continue,
                Err(ModelsError::Source { origin, detail }) => {
                    progress.say(&format!("{origin}: {detail}"));
                    reasons.push(format!("{origin}: {detail}"));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let measured = self.measure(&fetched.part, &file.path).await?;
            let fault = fault_of(file, &fetched, &measured).or_else(|| fault_in_json(file, &fetched.part));
            match fault {
                None => return Ok((fetched, measured)),
                Some(fault) => {
                    remove(&fetched.part)?;
                    progress.say(&format!("{}: `{}` {fault}", fetched.origin, file.path));
                    reasons.push(format!("{}: `{}` {fault}", fetched.origin, file.path));
                }
            }
        }
        if reasons.is_empty() {
            reasons.push(format!("no source has `{}`", file.path));
        }
        Err(ModelsError::Unobtainable { name: self.model.name.clone(), reasons })
    }

    fn keep(&mut self, file: &FileSpec, fetched: &Fetched, measured: Measured) -> Result<(), ModelsError> {
        self.place.settle(&fetched.part, &file.path)?;
        let pinned_by = match (&file.sha256, &fetched.announced_sha256) {
            (Some(_), _) => PinnedBy::Manifest,
            (None, Some(_)) => PinnedBy::Hub,
            (None, None) => PinnedBy::FirstUse,
        };
        self.write_down(file, measured, fetched.origin.clone(), pinned_by)
    }

    /// Makes what the engine reads, checks that too, and throws away what it was made of.
    async fn convert(
        &mut self,
        file: &FileSpec,
        convert: Convert,
        fetched: &Fetched,
    ) -> Result<(), ModelsError> {
        let needed = file.made.iter().map(|made| made.bytes.unwrap_or_default()).sum();
        self.place.needs(needed)?;
        let target = self.place.work().join("made");
        std::fs::create_dir_all(&target).map_err(ModelsError::disk("create", &target))?;
        let meter = self.progress.meter(&format!("converting {}", file.path), None);
        let (from, to) = (fetched.part.clone(), target.clone());
        let converted = tokio::task::spawn_blocking(move || match convert {
            Convert::E5 => engine::e5::convert(&from, &to),
            Convert::Pickle => engine::pickle::convert(&from, &to),
        });
        let converted = converted.await.expect("the converter does not panic");
        drop(meter);
        converted.map_err(|source| ModelsError::Engine { name: self.model.name.clone(), source })?;
        for made in &file.made {
            let part = target.join(&made.path);
            let origin = format!("{}, converted", fetched.origin);
            let fetched = Fetched { part, origin, announced_sha256: None };
            let measured = self.measure(&fetched.part, &made.path).await?;
            if let Some(fault) = fault_of(made, &fetched, &measured) {
                let reason = format!("converting `{}`: `{}` {fault}", file.path, made.path);
                return Err(ModelsError::Unobtainable {
                    name: self.model.name.clone(),
                    reasons: vec![reason],
                });
            }
            self.keep(made, &fetched, measured)?;
        }
        remove(&fetched.part)
    }

    fn write_down(
        &mut self,
        file: &FileSpec,
        measured: Measured,
        origin: String,
        pinned_by: PinnedBy,
    ) -> Result<(), ModelsError> {
        let Measured { bytes, sha256 } = measured;
        self.lock.set(LockedFile {
            path: file.path.clone(),
            bytes,
            sha256,
            origin,
            pinned_by,
            damaged: false,
        });
        self.lock.write(self.place.directory())
    }

    async fn measure(&self, path: &Path, name: &str) -> Result<Measured, ModelsError> {
        let mut meter = self.progress.meter(&format!("checking {name}"), Some(length(path)));
        let path = path.to_owned();
        let measured = tokio::task::spawn_blocking(move || measure(&path, &mut meter));
        measured.await.expect("hashing does not panic")
    }

    /// The next pull fetches it again.
    fn damaged(&mut self, file: &str, detail: String) -> Result<ModelsError, ModelsError> {
        self.lock.mark_damaged(file);
        self.lock.write(self.place.directory())?;
        Ok(ModelsError::Damaged { name: self.model.name.clone(), file: file.to_owned(), detail })
    }
}

/// What is wrong with a file that came.
fn fault_of(file: &FileSpec, fetched: &Fetched, measured: &Measured) -> Option<String> {
    if let Some(bytes) = file.bytes.filter(|bytes| *bytes != measured.bytes) {
        return Some(format!("has {} bytes instead of {bytes}", measured.bytes));
    }
    let expected = file.sha256.as_ref().or(fetched.announced_sha256.as_ref())?;
    (expected != &measured.sha256).then(|| format!("has SHA-256 {} instead of {expected}", measured.sha256))
}

/// A proxy's error page must not become a configuration that nothing else vouches for.
fn fault_in_json(file: &FileSpec, part: &Path) -> Option<String> {
    let unvouched = file.sha256.is_none() && Path::new(&file.path).extension().is_some_and(|it| it == "json");
    let opened = std::fs::File::open(part).ok().filter(|_| unvouched)?;
    let read = serde_json::from_reader::<_, serde::de::IgnoredAny>(std::io::BufReader::new(opened));
    read.err().map(|error| format!("is no JSON: {error}"))
}
