//! The files below some paths, in order. Knows no service.

use anyhow::Context;
use std::path::Path;
use std::path::PathBuf;

/// Deeper folders are a loop.
const MAX_DEPTH: usize = 64;

/// Files, and those below folders; what begins with a dot is left out, and links are not followed.
pub(super) fn below(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        let kind = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if kind.is_dir() { walk(path, 0, &mut files)? } else { files.push(path.clone()) }
    }
    Ok(files)
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() && depth < MAX_DEPTH {
            walk(&entry.path(), depth + 1, files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_in_order_without_the_hidden() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.md", "a/2.txt", "a/1.txt", ".git/config", "a/.hidden"] {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, name).unwrap();
        }

        let files = below(&[folder.path().to_owned(), folder.path().join("b.md")]).unwrap();

        let names: Vec<_> = files.iter().map(|file| file.strip_prefix(folder.path()).unwrap()).collect();
        assert_eq!(names, ["a/1.txt", "a/2.txt", "b.md", "b.md"].map(Path::new));
        assert!(below(&[folder.path().join("none")]).is_err());
    }
}
