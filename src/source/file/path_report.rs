//! A report on one configured pattern, for `check`: which files it matches now, and which of them cannot be read. Opens
//! files for reading and changes nothing.

use super::globs::{Globs, PatternError};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// What one pattern matches.
#[derive(Debug, Default)]
pub struct PathReport {
    /// Files that match and can be read, with their sizes in bytes.
    pub readable: Vec<(PathBuf, u64)>,
    /// Files and directories that cannot be read, with the error.
    pub unreadable: Vec<(PathBuf, io::Error)>,
    /// Directories that the daemon would watch.
    pub dirs: BTreeSet<PathBuf>,
    /// The topmost directory on the way to the files that does not exist.
    pub missing: Option<PathBuf>,
    /// The pattern matches more files than one source may follow.
    pub too_many: bool,
}

/// Reports what `pattern` matches now.
///
/// # Errors
///
/// Invalid glob pattern.
pub fn path_report(pattern: &str, exclude: &[String]) -> Result<PathReport, PatternError> {
    let found = Globs::new(&[pattern.to_owned()], exclude)?.walk();
    let mut report =
        PathReport { unreadable: found.errors, dirs: found.dirs, too_many: found.too_many, ..PathReport::default() };
    for (path, meta) in found.files {
        match File::open(&path) {
            Ok(_) => report.readable.push((path, meta.len())),
            Err(error) => report.unreadable.push((path, error)),
        }
    }
    report.missing = report.dirs.iter().find_map(|dir| first_missing(dir)).or_else(|| {
        let literal = Path::new(pattern).parent().filter(|dir| report.dirs.is_empty() && !dir.as_os_str().is_empty())?;
        first_missing(literal)
    });
    Ok(report)
}

fn first_missing(dir: &Path) -> Option<PathBuf> {
    let is_missing = |dir: &&Path| fs::metadata(dir).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    dir.ancestors().take_while(is_missing).last().map(Path::to_owned)
}
