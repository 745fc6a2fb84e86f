//! Files that a scan found and that are not followed yet: known from an earlier run, a copy of a followed file, the
//! successor of a rotated one, or new.

use super::discover::FoundFile;
use super::identity::read_full_at;
use super::opened::{OpenedFile, open_same};
use super::rotated_names::family;
use super::tail::{Lifecycle, Start, Tail, encoding_of};
use super::{StartAt, Tailer};
use crate::framing::{Encoding, StreamId};
use crate::source::ClockReading;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::{io, mem};

/// How far before the end of a file the start of its last line is searched, in bytes.
const LINE_START_WITHIN: usize = 64 * 1024;

impl Tailer {
    /// Starts to follow new files, oldest first.
    pub(super) fn admit(&mut self, mut new: Vec<FoundFile>, now: ClockReading) {
        new.sort_by(|a, b| (a.meta.modified().ok(), &a.path).cmp(&(b.meta.modified().ok(), &b.path)));
        let new = self.resume_known(new, now);
        let sizes_before = mem::take(&mut self.unfinished_copies);
        for found in new {
            let (path, source) = (found.path.clone(), found.source);
            // Its successor has opened it already, to read it first.
            if let Some(tail) = self.by_key.get(&found.key).and_then(|stream| self.tails.get_mut(stream)) {
                (tail.last_scan, tail.lifecycle) = (self.scans, Lifecycle::Live);
                continue;
            }
            if !self.may_be_copy(&found, &sizes_before, now)
                && let Err(error) = self.begin(found, now)
            {
                self.read_errors.note(source, &path, &error, self.scans);
            }
        }
    }

    /// Starts to follow a file of which nothing is known.
    fn begin(&mut self, found: FoundFile, now: ClockReading) -> io::Result<()> {
        let (file, meta) = open_same(&found.path, found.key)?;
        let predecessor = self.predecessor(&found, now);
        let source = &self.sources[found.source];
        let from_start = self.scans == source.first_scan || self.read_errors.existed_at_start(&found.path);
        let at_end = from_start && source.first_ever && source.options.start_at == StartAt::End;
        let offset = if at_end { last_line_start(&file, meta.len())? } else { 0 };
        let start = self.start(found.source, found.path.as_path().into(), offset);
        let stream = self.open(start, OpenedFile::plain(found.path, file, meta), Lifecycle::Live, now);
        if let Some(tail) = stream.and_then(|stream| self.tails.get_mut(&stream)) {
            tail.read_after(predecessor);
            self.skip(found.source, offset);
        }
        Ok(())
    }

    /// A start as a new stream.
    pub(super) fn start(&self, source: usize, path: Arc<Path>, offset: u64) -> Start {
        let source_name = Arc::clone(&self.sources[source].name);
        Start { stream: self.ids.next(), source, source_name, path, offset, line: 1 }
    }

    /// Follows an open file from `start` on.
    pub(super) fn open(
        &mut self,
        start: Start,
        opened: OpenedFile,
        lifecycle: Lifecycle,
        now: ClockReading,
    ) -> Option<StreamId> {
        let (source, path) = (start.source, opened.path.clone());
        let mut tail = match Tail::new(start, opened, now.steady) {
            Ok(tail) => tail,
            Err(error) => {
                self.read_errors.note(source, &path, &error, self.scans);
                return None;
            }
        };
        (tail.lifecycle, tail.last_scan) = (lifecycle, self.scans);
        if tail.lifecycle == Lifecycle::Live && self.open_files >= self.max_open_files {
            tail.file = None;
        } else {
            self.open_files += 1;
        }
        let stream = tail.stream;
        let message = self.open_message(&tail, tail.offset);
        self.messages.push_back(message);
        self.by_key.insert(tail.key, stream);
        self.by_path.insert(fs::canonicalize(&path).unwrap_or(path), stream);
        self.families.entry(family(&tail.path)).or_default().push(stream);
        self.tails.insert(stream, tail);
        self.enqueue(stream);
        Some(stream)
    }
}

/// The offset at which the last line starts. It may still be incomplete, so reading must not start in its middle.
fn last_line_start(file: &File, size: u64) -> io::Result<u64> {
    let len = usize::try_from(size).map_or(LINE_START_WITHIN, |size| size.min(LINE_START_WITHIN));
    let from = size - len as u64;
    let mut buffer = vec![0; len];
    let got = read_full_at(file, &mut buffer, from)?;
    let encoding = encoding_of(file)?;
    let start = encoding.behind_last_newline(&buffer[..got], from);
    // The end of a file in UTF-16 is not within a unit.
    let end = if encoding == Encoding::Utf8 { size } else { size & !1 };
    Ok(start.map_or(if from == 0 { 0 } else { end }, |start| from + start as u64))
}
