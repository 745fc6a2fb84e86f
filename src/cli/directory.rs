//! The log files of a directory.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How deep directories are searched.
const MAX_DEPTH: usize = 16;

/// The files below a directory that may be logs, in the order of their paths. Hidden files and binary files are left out;
/// links to directories are not followed.
pub(super) fn log_files(directory: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    add_files(directory, MAX_DEPTH, &mut found);
    found
}

fn add_files(directory: &Path, depth: usize, found: &mut BTreeSet<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let Ok(kind) = entry.file_type() else { continue };
        if is_hidden {
            continue;
        }
        if kind.is_dir() && depth > 0 {
            add_files(&path, depth - 1, found);
        } else if path.is_file() && may_be_log(&path) {
            found.insert(path);
        }
    }
}

/// Whether the file is compressed, or begins like a text. An unreadable file is reported later.
fn may_be_log(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(512).read_to_end(&mut start));
    let is_utf16 = start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff");
    let is_compressed = super::compression::is_compressed(&start);
    read.is_err() || is_compressed || is_utf16 || !start.contains(&0)
}
