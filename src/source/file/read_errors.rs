//! Paths that cannot be read. Every scan tries them again.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use tracing::warn;

/// The errors of the last scan and of the reads since.
#[derive(Debug, Default)]
pub(super) struct ReadErrors(HashMap<PathBuf, ReadError>);

#[derive(Debug)]
struct ReadError {
    /// The index of the source.
    source: usize,
    kind: io::ErrorKind,
    /// The number of the scan in which the error occurred last.
    scan: u64,
    /// The path existed at the first scan, so `start_at` applies to it.
    from_start: bool,
}

impl ReadErrors {
    /// Notes an error of the scan with this number, and logs it when its kind changes.
    pub(super) fn note(&mut self, source: usize, path: &Path, error: &io::Error, scan: u64) {
        let kind = error.kind();
        // The file was removed between the scan and the read. The next scan handles that.
        if kind == io::ErrorKind::NotFound {
            return;
        }
        let known = self.0.get(path);
        if known.is_none_or(|known| known.kind != kind) {
            warn!(path = %path.display(), %error, "cannot read file or directory, retrying with every scan");
        }
        let from_start = known.is_some_and(|known| known.from_start) || scan == 1;
        self.0.insert(path.to_owned(), ReadError { source, kind, scan, from_start });
    }

    /// Whether a path that could not be read so far existed at the first scan.
    pub(super) fn existed_at_start(&self, path: &Path) -> bool {
        self.0.get(path).is_some_and(|error| error.from_start)
    }

    /// Forgets the paths that did not fail again in the scan with this number.
    pub(super) fn keep_only(&mut self, scan: u64) {
        self.0.retain(|_, error| error.scan == scan);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The index of the source of each path that cannot be read.
    pub(super) fn sources(&self) -> impl Iterator<Item = usize> {
        self.0.values().map(|error| error.source)
    }
}
