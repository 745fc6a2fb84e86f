//! The position in one file: which file it is, how far it was read, and fingerprints that prove it.

use super::identity::{FileKey, HeadFingerprint, OffsetFingerprint};
use crate::framing::StreamId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How long the position in a file that disappeared is remembered: an unmounted volume may be mounted again.
pub const REMEMBERED_FOR: Duration = Duration::from_hours(24);

/// Fewer equal bytes do not prove that two files are the same, unless the file has no more.
pub(super) const PROOF_BYTES: u64 = 64;

/// Resolution of the timestamps that file systems keep; the kernel's clock tick limits it.
pub(super) const MTIME_RESOLUTION: Duration = Duration::from_millis(20);

/// Which file, and a proof of what was read of it.
#[derive(Clone, Debug)]
pub struct FilePosition {
    /// The configured name of the source.
    pub source: Arc<str>,
    /// The path under which the file was found first. Rotation does not change it.
    pub path: Arc<Path>,
    /// Device and inode.
    pub key: FileKey,
    /// The fingerprint of the first bytes of the file.
    pub head: HeadFingerprint,
    /// The fingerprint of the last bytes that were read; its `end` is the offset.
    pub last_bytes: OffsetFingerprint,
    /// The number of the line at the offset.
    pub line: u64,
    /// The file's modification time when it was last checked.
    pub modified: Timestamp,
}

impl FilePosition {
    /// The position as a checkpoint stores it: at `offset` and `line`, which may be before the end of what was read.
    pub(super) fn at(&self, stream: StreamId, offset: u64, line: u64, seen: Timestamp) -> Position {
        let Self { source, path, key, head, last_bytes, line: _, modified } = self;
        Position {
            stream: stream.0,
            source: source.to_string(),
            // JSON holds only UTF-8 names. A file with another name is found by its inode.
            path: path.to_string_lossy().into_owned().into(),
            key: *key,
            head: *head,
            last_bytes: *last_bytes,
            offset,
            line,
            seen,
            modified: Some(*modified),
            closed: false,
        }
    }
}

/// One file in a checkpoint. The serialised names are part of the checkpoint format and must not change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The number of the stream. It is the same after a restart, because open events refer to it.
    pub stream: u32,
    /// The configured name of the source.
    pub source: String,
    /// The path under which the file was found first.
    pub path: PathBuf,
    /// Device and inode.
    pub key: FileKey,
    /// The fingerprint of the first bytes of the file.
    pub head: HeadFingerprint,
    /// The fingerprint of the bytes before some offset that was read: at `offset` or behind it.
    #[serde(rename = "mark")]
    pub last_bytes: OffsetFingerprint,
    /// Where to resume: the start of the oldest open event.
    pub offset: u64,
    /// The number of the line at `offset`.
    pub line: u64,
    /// When the file was last known to exist.
    pub seen: Timestamp,
    /// The modification time of the file as of the last read, or as of when the file was found. If the file has a later
    /// one under its new name, it was written to since.
    #[serde(default)]
    pub modified: Option<Timestamp>,
    /// The file was read to its end and closed.
    #[serde(default)]
    pub closed: bool,
}

impl Position {
    /// Whether `meta` is the same inode, and not a new file that reuses the inode number.
    pub(super) fn has_inode(&self, meta: &Metadata) -> bool {
        // If bytes were read, the fingerprints decide, not the time of creation. A file that was closed without a byte was
        // empty, so what is in the inode now belongs to another file.
        let is_newer = |created: SystemTime| Timestamp::from_system(created) > self.seen;
        let may_be_same = || !self.closed && !meta.created().is_ok_and(is_newer);
        FileKey::of(meta) == self.key && (self.has_proof() || may_be_same())
    }

    /// Whether the fingerprints cover enough bytes to distinguish the file from others.
    pub(super) fn has_proof(&self) -> bool {
        self.last_bytes.len > 0 || u64::from(self.head.len) >= PROOF_BYTES
    }

    /// Whether the fingerprints match `file`, which has `size` bytes.
    pub(super) fn fits(&self, file: &File, size: u64) -> io::Result<bool> {
        Ok(size >= self.last_bytes.end.max(self.offset) && self.head.matches(file)? && self.last_bytes.matches(file)?)
    }
}
