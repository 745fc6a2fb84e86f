//! The files that come before a new one: the file that had its path before, and those that were rotated in between.

use super::Tailer;
use super::discover::FoundFile;
use super::file_position::Position;
use super::gzip::GzipReader;
use super::identity::{FileKey, HeadFingerprint};
use super::opened::{OpenedFile, open_same};
use super::rotated;
use super::rotated_names::{family, uncompressed_name};
use super::tail::{Lifecycle, Tail};
use crate::framing::StreamId;
use crate::source::ClockReading;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing::info;

impl Tailer {
    /// Finds the file that had the path of `found` before, and opens all files that were rotated between the two. Returns
    /// the stream that comes directly before `found`.
    pub(super) fn predecessor(&mut self, found: &FoundFile, now: ClockReading) -> Option<StreamId> {
        let real = fs::canonicalize(&found.path).unwrap_or_else(|_| found.path.clone());
        let relatives = self.families.get(&family(&found.path)).into_iter().flatten();
        let had_path = |tail: &&Tail| {
            *tail.path == *found.path && (tail.current_path != found.path || matches!(tail.lifecycle, Lifecycle::Rotated(_)))
        };
        let before = relatives.filter_map(|stream| self.tails.get(stream)).filter(had_path);
        let stream = match before.map(|tail| tail.stream).max() {
            Some(stream) => stream,
            None => self.resume_predecessor(found, &real, now)?,
        };
        let older = self.tails.get(&stream)?;
        let mut between = rotated::newer(&real, older, &self.known_heads(&found.path));
        between.retain(|(_, meta)| FileKey::of(meta) != found.key);
        self.begin_rotated(found.source, &found.path, between, Some(stream), now)
    }

    /// Opens the file that had the path of `found` in an earlier run and has another name now.
    fn resume_predecessor(&mut self, found: &FoundFile, real: &Path, now: ClockReading) -> Option<StreamId> {
        let source_name = Arc::clone(&self.sources[found.source].name);
        let had_path = |position: &&Position| position.source == *source_name && position.path == found.path;
        let positions = self.remembered.values().filter(had_path);
        let position = positions.max_by_key(|position| (position.seen, position.stream))?.clone();
        let opened = rotated::find(&position, real)?;
        if self.by_key.contains_key(&FileKey::of(&opened.meta)) {
            return None;
        }
        info!(path = %opened.path.display(), "file rotated while the daemon was down, reading the rest");
        self.open_renamed(found.source, &position, opened, now)
    }

    /// Opens rotated files one after the other, so that each is read after the one before it and the first one after `after`.
    /// Returns the stream that is read last.
    pub(super) fn begin_rotated(
        &mut self,
        source: usize,
        path: &Path,
        files: Vec<(PathBuf, Metadata)>,
        after: Option<StreamId>,
        now: ClockReading,
    ) -> Option<StreamId> {
        files.into_iter().fold(after, |after, (rotated_path, meta)| {
            self.begin_rotated_file(source, path, rotated_path, &meta, after, now).or(after)
        })
    }

    /// Opens a file that was created and rotated before a scan saw it.
    fn begin_rotated_file(
        &mut self,
        source: usize,
        path: &Path,
        rotated_path: PathBuf,
        meta: &Metadata,
        after: Option<StreamId>,
        now: ClockReading,
    ) -> Option<StreamId> {
        let key = FileKey::of(meta);
        let (file, meta) = open_same(&rotated_path, key).ok()?;
        // The inode number alone is not enough: it may be reused.
        let is_known = |position: &Position| position.has_inode(&meta) && position.fits(&file, meta.len()).unwrap_or(true);
        if self.by_key.contains_key(&key) || self.remembered.values().any(is_known) {
            return None;
        }
        info!(path = %rotated_path.display(), "file created and rotated between two scans, reading it");
        let gzip = uncompressed_name(&rotated_path).and_then(|_| GzipReader::from_start(&file).ok());
        let start = self.start(source, path.into(), 0);
        let opened = OpenedFile { path: rotated_path, file, meta, gzip };
        let stream = self.open(start, opened, Lifecycle::Rotated(now.steady), now)?;
        self.tails.get_mut(&stream)?.read_after(after);
        Some(stream)
    }

    /// The heads of all known files of the family of `path`: followed, remembered, or deleted after they were read.
    pub(super) fn known_heads(&self, path: &Path) -> Vec<HeadFingerprint> {
        let family_name = family(path);
        let remembered = self.remembered.values().filter(|position| family(&position.path) == family_name);
        let followed = self.tails.values().filter(|tail| family(&tail.path) == family_name);
        let finished = self.finished.iter().filter(|(family, _)| *family == family_name);
        let heads = remembered.map(|position| position.head).chain(followed.map(Tail::current_head));
        heads.chain(finished.map(|(_, head)| *head)).collect()
    }
}
