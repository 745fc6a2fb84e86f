//! Files beside a followed one: where its bytes went, and what was written between it and its successor.

use super::identity::{FileKey, HeadFingerprint};
use super::packed::Packed;
use super::place::{COARSE, PROOF, Position};
use super::tail::Tail;
use crate::time::Timestamp;
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
    /// Where it is compressed: its content, up to where reading goes on.
    pub(super) packed: Option<Packed>,
}

impl Moved {
    /// Of what is in it.
    pub(super) fn size(&self) -> u64 {
        self.packed.as_ref().map_or(self.meta.len(), |it| it.size)
    }
}

/// The file that `position` speaks of, beside `path`: the same inode under another name, or a copy in a rotated name, which
/// may be compressed.
pub(super) fn find(position: &Position, path: &Path) -> Option<Moved> {
    find_among(&beside(path), position, path)
}

/// The same, of these files beside `path`.
pub(super) fn find_among(entries: &[(PathBuf, Metadata)], position: &Position, path: &Path) -> Option<Moved> {
    let same = |it: &&(PathBuf, Metadata)| position.has_inode(&it.1);
    // A pattern may match rotated names too: they have siblings like the name that they came from.
    let family = family(path);
    let path = family.as_path();
    let copies = || entries.iter().filter(|it| is_sibling(path, &it.0) && !same(it));
    let plain = entries.iter().filter(same).chain(copies()).find_map(|(at, meta)| {
        let key = FileKey::of(meta);
        let (file, meta) = open_same(at, key).ok()?;
        // Of a file of which nothing was read, the inode under a rotated name is all there is to know.
        let proof = position.has_proof() || position.has_inode(&meta) && is_sibling(path, at);
        let fits = proof && position.fits(&file, meta.len()).ok()?;
        fits.then(|| Moved { at: at.clone(), file, meta, packed: None })
    });
    plain.or_else(|| entries.iter().find_map(|(at, meta)| find_packed(position, path, at, meta)))
}

fn find_packed(position: &Position, path: &Path, at: &Path, meta: &Metadata) -> Option<Moved> {
    if !position.has_proof() || !is_sibling(path, &unpacked_name(at)?) {
        return None;
    }
    let (file, meta) = open_same(at, FileKey::of(meta)).ok()?;
    let packed = Packed::resume(&file, position).ok()??;
    Some(Moved { at: at.to_owned(), file, meta, packed: Some(packed) })
}

/// The name before compression, where this is a compressed file that has taken the place of the plain one: while both are
/// there, the compressed one may be unfinished.
pub(super) fn unpacked_name(path: &Path) -> Option<PathBuf> {
    let packed = path.extension().is_some_and(|it| it == "gz");
    Some(path.with_extension("")).filter(|it| packed && !it.exists())
}

/// Opens a file that was seen under this path a moment ago. Another one may stand there by now: then this one is not found.
pub(super) fn open_same(path: &Path, key: FileKey) -> io::Result<(File, Metadata)> {
    let file = File::open(path)?;
    let meta = file.metadata()?;
    if FileKey::of(&meta) == key { Ok((file, meta)) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// Files in a rotated name of `path` that were begun after `older`, oldest first: rotated before anyone saw them.
///
/// Copies of `older` and of others that are `known` by their first bytes are none of them.
pub(super) fn newer(path: &Path, older: &Tail, known: &[HeadFingerprint]) -> Vec<(PathBuf, Metadata)> {
    let Some(Ok(limit)) = older.file.as_ref().map(File::metadata) else { return Vec::new() };
    // A compressed file has its original's last write, and a birth of its own.
    let order = |it: &Metadata, packed: bool| if packed { (None, it.modified().ok()) } else { begun(it) };
    let is_candidate = |(at, meta): &(PathBuf, Metadata)| {
        let unpacked = unpacked_name(at);
        let packed = unpacked.is_some();
        at != path
            && is_sibling(path, unpacked.as_deref().unwrap_or(at))
            && FileKey::of(meta) != FileKey::of(&limit)
            && is_newer(order(meta, packed || older.is_packed()), order(&limit, packed || older.is_packed()))
            && !is_copy(at, packed, older.head)
            && !known.iter().any(|it| packed && is_copy(at, packed, *it) && tells(at, packed, *it))
    };
    let mut found: Vec<(PathBuf, Metadata)> = beside(path).into_iter().filter(is_candidate).collect();
    let any_packed = found.iter().any(|(at, _)| unpacked_name(at).is_some());
    found.sort_by_key(|(_, meta)| order(meta, any_packed));
    found
}

/// Files in a rotated name of `path` that were written to since, oldest first, without those that are `known` by their first
/// bytes.
pub(super) fn written_since(
    entries: &[(PathBuf, Metadata)],
    path: &Path,
    since: Timestamp,
    known: &[HeadFingerprint],
) -> Vec<(PathBuf, Metadata)> {
    let is_candidate = |(at, meta): &(PathBuf, Metadata)| {
        let unpacked = unpacked_name(at);
        at != path
            && is_sibling(path, unpacked.as_deref().unwrap_or(at))
            && meta.modified().is_ok_and(|it| Timestamp::from_system(it).plus(COARSE) >= since)
            && !known.iter().any(|it| is_copy(at, unpacked.is_some(), *it) && tells(at, unpacked.is_some(), *it))
    };
    let mut found: Vec<(PathBuf, Metadata)> = entries.iter().filter(|it| is_candidate(it)).cloned().collect();
    found.sort_by_key(|(_, meta)| meta.modified().ok());
    found
}

/// By birth where the file system knows it, else by the last write.
fn begun(meta: &Metadata) -> Begun {
    (meta.created().ok(), meta.modified().ok())
}

type Begun = (Option<SystemTime>, Option<SystemTime>);

fn is_newer(file: Begun, than: Begun) -> bool {
    // Copies that were made of `than` in earlier days were born after it, but it was written after them.
    match (file, than) {
        ((Some(born), Some(written)), (Some(limit), Some(last))) if born != limit => born > limit && written >= last,
        ((_, Some(written)), (_, Some(last))) => written >= last,
        _ => false,
    }
}

/// Whether the file, which may be compressed, begins with these bytes.
pub(super) fn begins_with(at: &Path, head: HeadFingerprint) -> bool {
    is_copy(at, unpacked_name(at).is_some(), head)
}

fn is_copy(at: &Path, packed: bool, head: HeadFingerprint) -> bool {
    let matches = |file: File| if packed { Packed::begins_with(&file, head) } else { head.matches(&file) };
    head.len > 0 && File::open(at).and_then(matches).unwrap_or(false)
}

/// Whether equal first bytes tell that it is the same file: they are many, or all there are.
fn tells(at: &Path, packed: bool, head: HeadFingerprint) -> bool {
    let size = |file: File| if packed { Ok(Packed::whole(&file)?.size) } else { Ok(file.metadata()?.len()) };
    u64::from(head.len) >= PROOF || File::open(at).and_then(size).is_ok_and(|it| it == u64::from(head.len))
}

/// Regular files in the directory of `path`, symbolic links in `path` resolved.
pub(super) fn beside(path: &Path) -> Vec<(PathBuf, Metadata)> {
    let Some(dir) = path.parent() else { return Vec::new() };
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let entries = entries.flatten().take(MAX_ENTRIES);
    entries.filter_map(|it| Some((it.path(), it.metadata().ok()?))).filter(|it| it.1.is_file()).collect()
}

/// Whether `other` is a name that a rotation gives to `path`, compressed or not.
pub(super) fn is_rotated_name(path: &Path, other: &Path) -> bool {
    let plain = other.extension().is_some_and(|it| it == "gz").then(|| other.with_extension(""));
    other != path && is_sibling(path, plain.as_deref().unwrap_or(other))
}

/// The name before a rotation put a number or a date into it.
pub(super) fn family(path: &Path) -> PathBuf {
    let Some(name) = file_name(path) else { return path.to_owned() };
    if let Some((stem, extension)) = name.rsplit_once('.').filter(|(_, extension)| !is_stamp(&format!(".{extension}"))) {
        let base = without_stamp(stem);
        return path.with_file_name(format!("{base}.{extension}"));
    }
    path.with_file_name(without_stamp(name))
}

fn without_stamp(name: &str) -> &str {
    let mut marks = name.match_indices(['.', '-', '_']).map(|(at, _)| name.split_at(at));
    marks.find(|(base, suffix)| !base.is_empty() && is_stamp(suffix)).map_or(name, |(base, _)| base)
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
