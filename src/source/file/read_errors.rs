//! Paths that cannot be read. Every scan tries them again.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use tracing::warn;

/// The errors of the last scan and of the reads since.
#[derive(Debug, Default)]
pub(super) struct ReadErrors {
    errors: HashMap<PathBuf, ReadError>,
    /// The scan at which the current period of warnings began, and how many were logged in it.
    period_began: u64,
    warnings: u32,
}

/// The most warnings in one period, and its length in scans: a minute or more. The metrics count every error.
const MAX_WARNINGS: u32 = 10;
const PERIOD_SCANS: u64 = 60;

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
        let known = self.errors.get(path);
        let is_new = known.is_none_or(|known| known.kind != kind);
        let from_start = known.is_some_and(|known| known.from_start) || scan == 1;
        if is_new {
            self.warn(path, error, scan);
        }
        self.errors.insert(path.to_owned(), ReadError { source, kind, scan, from_start });
    }

    fn warn(&mut self, path: &Path, error: &io::Error, scan: u64) {
        if scan.saturating_sub(self.period_began) >= PERIOD_SCANS {
            (self.period_began, self.warnings) = (scan, 0);
        }
        self.warnings = self.warnings.saturating_add(1);
        if self.warnings <= MAX_WARNINGS {
            warn!(path = %path.display(), %error, "cannot read file or directory, retrying with every scan");
        } else if self.warnings == MAX_WARNINGS + 1 {
            warn!("cannot read more files or directories, logging the next of them in a minute; the metrics count all");
        }
    }

    /// Whether a path that could not be read so far existed at the first scan.
    pub(super) fn existed_at_start(&self, path: &Path) -> bool {
        self.errors.get(path).is_some_and(|error| error.from_start)
    }

    /// Forgets the paths that did not fail again in the scan with this number.
    pub(super) fn keep_only(&mut self, scan: u64) {
        self.errors.retain(|_, error| error.scan == scan);
    }

    pub(super) fn clear(&mut self) {
        self.errors.clear();
    }

    /// The index of the source of each path that cannot be read.
    pub(super) fn sources(&self) -> impl Iterator<Item = usize> {
        self.errors.values().map(|error| error.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_about_many_paths_are_limited_and_all_are_counted() {
        let mut errors = ReadErrors::default();
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        for path in 0..500 {
            errors.note(0, Path::new(&format!("/{path}.log")), &denied, 7);
        }
        assert_eq!((errors.warnings, errors.sources().count()), (500, 500));
        assert!(errors.warnings > MAX_WARNINGS);
        errors.note(0, Path::new("/later.log"), &denied, 7 + PERIOD_SCANS);
        assert_eq!(errors.warnings, 1, "a new period begins");
    }
}
