//! The files in the directory of a followed one: where its unread bytes are after a rotation, and which files were written
//! between it and the file that has its name now.

use super::file_position::{MTIME_RESOLUTION, PROOF_BYTES, Position};
use super::gzip::GzipReader;
use super::identity::{FileKey, HeadFingerprint};
use super::opened::{OpenedFile, open_same};
use super::rotated_names::{family, is_sibling, uncompressed_name};
use super::tail::Tail;
use crate::time::Timestamp;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The most entries of a directory that are checked.
const MAX_ENTRIES: usize = 20_000;

/// Finds the file of `position` in the directory of `path`: the same inode under another name, or a copy under a rotated
/// name, which may be compressed.
pub(super) fn find(position: &Position, path: &Path) -> Option<OpenedFile> {
    find_among(&beside(path), position, path)
}

/// Like [`find`], but searches only `entries`, which are files in the directory of `path`.
pub(super) fn find_among(entries: &[(PathBuf, Metadata)], position: &Position, path: &Path) -> Option<OpenedFile> {
    let has_inode = |entry: &&(PathBuf, Metadata)| position.has_inode(&entry.1);
    // A glob may match rotated names too. Their copies have names that derive from the original name.
    let family = family(path);
    let path = family.as_path();
    let copies = || entries.iter().filter(|entry| is_sibling(path, &entry.0) && !has_inode(entry));
    let plain = entries.iter().filter(has_inode).chain(copies()).find_map(|(candidate, meta)| {
        let key = FileKey::of(meta);
        let (file, meta) = open_same(candidate, key).ok()?;
        // If no byte was read, there is no proof by content. The same inode under a rotated name is enough then.
        let has_proof = position.has_proof() || position.has_inode(&meta) && is_sibling(path, candidate);
        let fits = has_proof && position.fits(&file, meta.len()).ok()?;
        fits.then(|| OpenedFile::plain(candidate.clone(), file, meta))
    });
    plain.or_else(|| entries.iter().find_map(|(candidate, meta)| find_compressed(position, path, candidate, meta)))
}

fn find_compressed(position: &Position, path: &Path, candidate: &Path, meta: &Metadata) -> Option<OpenedFile> {
    if !position.has_proof() || !is_sibling(path, &uncompressed_name(candidate)?) {
        return None;
    }
    let (file, meta) = open_same(candidate, FileKey::of(meta)).ok()?;
    let gzip = GzipReader::resume(&file, position).ok()??;
    Some(OpenedFile { path: candidate.to_owned(), file, meta, gzip: Some(gzip) })
}

/// Files under a rotated name of `path` that were created after `older`, oldest first: they were rotated before any scan
/// saw them.
///
/// Leaves out copies of `older` and compressed copies of files with a `known` head.
pub(super) fn newer(path: &Path, older: &Tail, known: &[HeadFingerprint]) -> Vec<(PathBuf, Metadata)> {
    let Some(Ok(limit)) = older.file.as_ref().map(File::metadata) else { return Vec::new() };
    // A compressed file keeps the modification time of its original, but not the time of creation.
    let age = |meta: &Metadata, compressed: bool| if compressed { (None, meta.modified().ok()) } else { age(meta) };
    let is_candidate = |(candidate, meta): &(PathBuf, Metadata)| {
        let plain_name = uncompressed_name(candidate);
        let compressed = plain_name.is_some();
        candidate != path
            && is_sibling(path, plain_name.as_deref().unwrap_or(candidate))
            && FileKey::of(meta) != FileKey::of(&limit)
            && is_newer(age(meta, compressed || older.is_compressed()), age(&limit, compressed || older.is_compressed()))
            && !is_copy(candidate, compressed, older.head)
            && !(compressed && known.iter().any(|head| is_proven_copy(candidate, compressed, *head)))
    };
    let mut found: Vec<(PathBuf, Metadata)> = beside(path).into_iter().filter(is_candidate).collect();
    let any_compressed = found.iter().any(|(candidate, _)| uncompressed_name(candidate).is_some());
    found.sort_by_key(|(_, meta)| age(meta, any_compressed));
    found
}

/// Files under a rotated name of `path` that were modified at `since` or later, oldest first, without copies of files with
/// a `known` head.
pub(super) fn written_since(
    entries: &[(PathBuf, Metadata)],
    path: &Path,
    since: Timestamp,
    known: &[HeadFingerprint],
) -> Vec<(PathBuf, Metadata)> {
    let is_candidate = |(candidate, meta): &(PathBuf, Metadata)| {
        let plain_name = uncompressed_name(candidate);
        let is_recent = |modified| Timestamp::from_system(modified).plus(MTIME_RESOLUTION) >= since;
        candidate != path
            && is_sibling(path, plain_name.as_deref().unwrap_or(candidate))
            && meta.modified().is_ok_and(is_recent)
            && !known.iter().any(|head| is_proven_copy(candidate, plain_name.is_some(), *head))
    };
    let mut found: Vec<(PathBuf, Metadata)> = entries.iter().filter(|entry| is_candidate(entry)).cloned().collect();
    found.sort_by_key(|(_, meta)| meta.modified().ok());
    found
}

/// Times of creation, where the file system records it, and of the last modification.
type Age = (Option<SystemTime>, Option<SystemTime>);

fn age(meta: &Metadata) -> Age {
    (meta.created().ok(), meta.modified().ok())
}

fn is_newer(file: Age, than: Age) -> bool {
    // An earlier copy of `than` was created after it, but `than` was modified after the copy.
    match (file, than) {
        ((Some(created), Some(modified)), (Some(limit), Some(last))) if created != limit => created > limit && modified >= last,
        ((_, Some(modified)), (_, Some(last))) => modified >= last,
        _ => false,
    }
}

/// Whether the file, which may be compressed, begins with the bytes of `head`.
pub(super) fn begins_with(path: &Path, head: HeadFingerprint) -> bool {
    is_copy(path, uncompressed_name(path).is_some(), head)
}

fn is_copy(path: &Path, compressed: bool, head: HeadFingerprint) -> bool {
    let matches = |file: File| if compressed { GzipReader::begins_with(&file, head) } else { head.matches(&file) };
    head.len > 0 && File::open(path).and_then(matches).unwrap_or(false)
}

/// Whether equal first bytes prove that it is the same content: they are many, or all that the file has.
fn is_proven_copy(path: &Path, compressed: bool, head: HeadFingerprint) -> bool {
    let size = |file: File| if compressed { Ok(GzipReader::from_start(&file)?.size) } else { Ok(file.metadata()?.len()) };
    let head_is_all = || File::open(path).and_then(size).is_ok_and(|size| size == u64::from(head.len));
    is_copy(path, compressed, head) && (u64::from(head.len) >= PROOF_BYTES || head_is_all())
}

/// Regular files in the directory of `path`.
pub(super) fn beside(path: &Path) -> Vec<(PathBuf, Metadata)> {
    let Some(dir) = path.parent() else { return Vec::new() };
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let entries = entries.flatten().take(MAX_ENTRIES);
    entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?))).filter(|(_, meta)| meta.is_file()).collect()
}
