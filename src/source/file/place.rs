//! Where reading stands in each file, as a checkpoint keeps it.

use super::identity::{FileKey, HeadFingerprint, OffsetFingerprint};
use crate::framing::StreamId;
use crate::pipeline::Event;
use crate::source::SourceMessage;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How long the place in a vanished file is remembered: an unmounted volume comes back.
pub const REMEMBERED_FOR: Duration = Duration::from_hours(24);

/// Fewer equal bytes prove nothing, unless they are all there are.
pub(super) const PROOF: u64 = 64;

/// File systems keep time by a clock that ticks no faster than this.
pub(super) const COARSE: Duration = Duration::from_millis(20);

/// The most vanished files that are remembered; the latest win.
const MAX_REMEMBERED: usize = 20_000;

/// Which file, and a proof of what was read of it.
#[derive(Clone, Debug)]
pub struct FilePosition {
    /// The source's configured name.
    pub source: Arc<str>,
    /// Where it was found first: a rotated file keeps this path.
    pub path: Arc<Path>,
    /// Device and inode.
    pub key: FileKey,
    /// Its first bytes.
    pub head: HeadFingerprint,
    /// The bytes before the end of what was read.
    pub mark: OffsetFingerprint,
    /// The number of the line there.
    pub line: u64,
    /// When it had last been written to.
    pub modified: Timestamp,
}

/// One file in a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The stream's number; it is kept over a restart, for open events refer to it.
    pub stream: u32,
    /// The source's configured name.
    pub source: String,
    /// Where the file was found first.
    pub path: PathBuf,
    /// Device and inode.
    pub key: FileKey,
    /// Its first bytes.
    pub head: HeadFingerprint,
    /// The bytes before some offset that was reached, at or behind `offset`.
    pub mark: OffsetFingerprint,
    /// Where to go on: the start of the oldest open event.
    pub offset: u64,
    /// The number of the line there.
    pub line: u64,
    /// When the file was last known to be there.
    pub seen: Timestamp,
    /// When what was read of it, or nothing, had last been written to: what it is called now was written to since.
    #[serde(default)]
    pub modified: Option<Timestamp>,
    /// It was read to its end and let go.
    #[serde(default)]
    pub closed: bool,
}

impl Position {
    /// Whether a file has the inode of the one this speaks of, and not only the number that was free again.
    pub(super) fn has_inode(&self, meta: &Metadata) -> bool {
        // Where bytes were read, they are the better witness.
        let later = |it: SystemTime| Timestamp::from_system(it) > self.seen;
        FileKey::of(meta) == self.key && (self.has_proof() || !meta.created().is_ok_and(later))
    }

    /// Whether its bytes tell it from other files.
    pub(super) fn has_proof(&self) -> bool {
        self.mark.len > 0 || u64::from(self.head.len) >= PROOF
    }

    /// Whether `file`, which has `size` bytes, is the one this speaks of, as far as its bytes can tell.
    pub(super) fn fits(&self, file: &File, size: u64) -> io::Result<bool> {
        Ok(size >= self.mark.end.max(self.offset) && self.head.matches(file)? && self.mark.matches(file)?)
    }
}

/// The places of all files, as far as the pipeline has come; kept where the pipeline runs, so that a checkpoint is never
/// ahead of it.
#[derive(Debug, Default)]
pub struct Positions {
    open: BTreeMap<StreamId, FilePosition>,
    remembered: BTreeMap<StreamId, Position>,
}

impl Positions {
    /// Starts with what the last checkpoint knew.
    #[must_use]
    pub fn new(positions: Vec<Position>) -> Self {
        Self { open: BTreeMap::new(), remembered: positions.into_iter().map(|it| (StreamId(it.stream), it)).collect() }
    }

    /// Notes where a parcel stands that the pipeline handles.
    pub fn note(&mut self, parcel: &SourceMessage, now: Timestamp) {
        match (&parcel.event, &parcel.position) {
            (Event::Open(stream, _), Some(place)) => {
                self.remembered.remove(stream);
                self.open.insert(*stream, place.clone());
            }
            (Event::Chunk(chunk), Some(place)) => {
                self.open.insert(chunk.stream, place.clone());
            }
            (Event::Truncated { stream }, Some(place)) => {
                self.open.insert(*stream, place.clone());
            }
            (Event::Close(stream), _) => self.close(*stream, now),
            _ => {}
        }
    }

    /// A closed file was read to its end; it is remembered, for it may only have been out of sight.
    fn close(&mut self, stream: StreamId, now: Timestamp) {
        if let Some(place) = self.open.remove(&stream) {
            let end = place.mark.end;
            let position = Position { closed: true, ..position(stream, &place, end, place.line, now) };
            self.remembered.insert(stream, position);
        }
    }

    /// What a checkpoint keeps, given how far the pipeline is safe in each stream.
    pub fn positions(&mut self, safe: &[(StreamId, u64, u64)], now: Timestamp) -> Vec<Position> {
        self.forget(now);
        let mut positions: Vec<Position> = self.remembered.values().cloned().collect();
        for (stream, offset, line) in safe {
            if let Some(place) = self.open.get(stream) {
                positions.push(position(*stream, place, *offset, *line, now));
            }
        }
        positions
    }

    fn forget(&mut self, now: Timestamp) {
        self.remembered.retain(|_, it| now.since(it.seen) < REMEMBERED_FOR);
        while self.remembered.len() > MAX_REMEMBERED {
            self.remembered.pop_first();
        }
    }
}

fn position(stream: StreamId, place: &FilePosition, offset: u64, line: u64, now: Timestamp) -> Position {
    let FilePosition { source, path, key, head, mark, line: _, modified } = place;
    Position {
        stream: stream.0,
        source: source.to_string(),
        // JSON holds no other names; a file with one is found by its inode.
        path: path.to_string_lossy().into_owned().into(),
        key: *key,
        head: *head,
        mark: *mark,
        offset,
        line,
        seen: now,
        modified: Some(*modified),
        closed: false,
    }
}
