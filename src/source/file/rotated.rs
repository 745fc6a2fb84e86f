//! Files beside a followed one: where its bytes went, and what was written between it and its successor.

use super::identity::{FileKey, Head};
use super::place::Position;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The most entries of a directory that are looked at.
const MAX_ENTRIES: usize = 20_000;

/// A file under another name.
#[derive(Debug)]
pub(super) struct Moved {
    pub(super) at: PathBuf,
    pub(super) file: File,
    pub(super) meta: Metadata,
}

/// The file that `position` speaks of, beside `path`: the same inode under another name, or a copy in a rotated name.
pub(super) fn find(position: &Position, path: &Path) -> Option<Moved> {
    let entries = beside(path);
    let same = |it: &&(PathBuf, Metadata)| FileKey::of(&it.1) == position.key;
    let copies = || entries.iter().filter(|it| is_sibling(path, &it.0) && !same(it));
    entries.iter().filter(same).chain(copies()).find_map(|(at, meta)| {
        let (file, meta) = open_same(at, FileKey::of(meta)).ok()?;
        let fits = position.mark.len > 0 && position.fits(&file, meta.len()).ok()?;
        fits.then(|| Moved { at: at.clone(), file, meta })
    })
}

/// Opens a file that was seen under this path a moment ago. Another one may stand there by now: then this one is not found.
pub(super) fn open_same(path: &Path, key: FileKey) -> io::Result<(File, Metadata)> {
    let file = File::open(path)?;
    let meta = file.metadata()?;
    if FileKey::of(&meta) == key { Ok((file, meta)) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// Files in a rotated name of `path` that were begun after `older`, oldest first: rotated before anyone saw them.
///
/// Copies of `older` are none of them.
pub(super) fn newer(path: &Path, older: &File, head: Head) -> Vec<(PathBuf, Metadata)> {
    let Ok(limit) = older.metadata() else { return Vec::new() };
    let mut found: Vec<(PathBuf, Metadata)> = beside(path)
        .into_iter()
        .filter(|(at, meta)| at != path && is_sibling(path, at) && is_newer(meta, &limit) && !is_copy(at, head))
        .collect();
    found.sort_by_key(|(_, meta)| begun(meta));
    found
}

/// By birth where the file system knows it, else by the last write.
fn begun(meta: &Metadata) -> (Option<SystemTime>, Option<SystemTime>) {
    (meta.created().ok(), meta.modified().ok())
}

fn is_newer(meta: &Metadata, than: &Metadata) -> bool {
    if FileKey::of(meta) == FileKey::of(than) {
        return false;
    }
    // Copies that were made of `than` in earlier days were born after it, but it was written after them.
    match (begun(meta), begun(than)) {
        ((Some(born), Some(written)), (Some(limit), Some(last))) => born > limit && written >= last,
        ((None, Some(written)), (_, Some(last))) => written > last,
        _ => false,
    }
}

fn is_copy(at: &Path, head: Head) -> bool {
    head.len > 0 && File::open(at).and_then(|file| head.matches(&file)).unwrap_or(false)
}

/// Regular files in the directory of `path`, symbolic links in `path` resolved.
fn beside(path: &Path) -> Vec<(PathBuf, Metadata)> {
    let Some(dir) = path.parent() else { return Vec::new() };
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let entries = entries.flatten().take(MAX_ENTRIES);
    entries.filter_map(|it| Some((it.path(), it.metadata().ok()?))).filter(|it| it.1.is_file()).collect()
}

/// Whether `other` is a name that a rotation gives to `path`: `app.log.1`, `app.log-20261120`, `app-2026-11-20.log`.
pub(super) fn is_sibling(path: &Path, other: &Path) -> bool {
    let (Some(name), Some(other_name)) = (file_name(path), file_name(other)) else { return false };
    if path.parent() != other.parent() {
        return false;
    }
    if let Some(suffix) = other_name.strip_prefix(name) {
        return is_stamp(suffix);
    }
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    let middle = other_name.strip_prefix(stem).and_then(|it| it.strip_suffix(extension)).and_then(|it| it.strip_suffix('.'));
    middle.is_some_and(is_stamp)
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

/// A number, a date or a time behind a mark: what rotations append. `.bak` and `.tmp` are none.
fn is_stamp(text: &str) -> bool {
    text.starts_with(['.', '-', '_'])
        && text.contains(|it: char| it.is_ascii_digit())
        && text.chars().all(|it| it.is_ascii_digit() || matches!(it, '.' | '-' | '_' | ':' | 'T' | 'Z' | '+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotations_append_numbers_and_dates() {
        let check = |path: &str, other: &str| is_sibling(Path::new(path), Path::new(other));
        for other in ["app.log.1", "app.log-20261120", "app.log.2026-11-20T09:16:51", "app-2026-11-20.log", "app.1.log"] {
            assert!(check("app.log", other), "{other}");
        }
        for other in ["app.log", "app.log.bak", "app.log.1.gz", "app2.log", "application.log", "x/app.log.1", "app.logger"] {
            assert!(!check("app.log", other), "{other}");
        }
        assert!(check("/pods/x/0.log", "/pods/x/0.log.20261120-091651"));
    }
}
