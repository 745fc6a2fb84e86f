//! A file that was found and opened under a name other than its first one.

use super::gzip::GzipReader;
use super::identity::FileKey;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// An open file, with a reader for its content if it is compressed.
#[derive(Debug)]
pub(super) struct OpenedFile {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) meta: Metadata,
    /// Set for a compressed file; decompressed up to where reading starts.
    pub(super) gzip: Option<GzipReader>,
}

impl OpenedFile {
    pub(super) const fn plain(path: PathBuf, file: File, meta: Metadata) -> Self {
        Self { path, file, meta, gzip: None }
    }

    /// The size of the content, decompressed.
    pub(super) fn size(&self) -> u64 {
        self.gzip.as_ref().map_or(self.meta.len(), |gzip| gzip.size)
    }
}

/// Opens the file that a moment ago was found under `path` with this `key`. If another file has taken its name since, the
/// error is `NotFound`.
pub(super) fn open_same(path: &Path, key: FileKey) -> io::Result<(File, Metadata)> {
    let file = File::open(path)?;
    let meta = file.metadata()?;
    if FileKey::of(&meta) == key { Ok((file, meta)) } else { Err(io::ErrorKind::NotFound.into()) }
}
