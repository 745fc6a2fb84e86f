//! Lists the files of all sources.

use super::Tailer;
use super::identity::FileKey;
use std::collections::HashSet;
use std::fs::Metadata;
use std::mem;
use std::path::PathBuf;
use tracing::warn;

/// A file that a scan found.
#[derive(Debug)]
pub(super) struct FoundFile {
    /// The index of the source.
    pub(super) source: usize,
    pub(super) path: PathBuf,
    pub(super) key: FileKey,
    pub(super) meta: Metadata,
}

impl Tailer {
    /// Lists every file that matches, except those of this process. A file with two names, or in two sources, is listed once.
    pub(super) fn discover(&mut self) -> Vec<FoundFile> {
        let mut keys = HashSet::new();
        let mut all = Vec::new();
        self.glob_dirs.clear();
        for source in 0..self.sources.len() {
            let mut found = self.sources[source].globs.walk();
            self.glob_dirs.append(&mut found.dirs);
            if found.too_many && !mem::replace(&mut self.sources[source].warned_too_many, true) {
                warn!(source = %self.sources[source].name, "too many files match, ignoring the last of them");
            }
            for path in found.special {
                if self.sources[source].warned_special.insert(path.clone()) {
                    warn!(path = %path.display(), "not a regular file (a FIFO, socket or device), ignoring it; pipe it into standard input or TCP instead");
                }
            }
            for (path, error) in found.errors {
                self.read_errors.note(source, &path, &error, self.scans);
            }
            for (path, meta) in found.files {
                let key = FileKey::of(&meta);
                if !self.own_files.contains(&path, key) && keys.insert(key) {
                    all.push(FoundFile { source, path, key, meta });
                }
            }
        }
        all
    }
}
