//! Files that are seen for the first time: known from an earlier run, the successor of a rotated one, or new.

use super::identity::{FileKey, Head, Trail, read_full_at};
use super::place::Position;
use super::rotated::{self, Moved, open_same};
use super::tail::{Life, Start, Tail};
use super::{Seen, StartAt, Tailer, position};
use crate::framing::{LossReason, StreamId};
use crate::source::Moment;
use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{io, mem};
use tracing::{debug, info};

/// How far back from the end the beginning of a line is looked for.
const LINE_START_WITHIN: u64 = 64 * 1024;

impl Tailer {
    /// Takes in files that no tail stands for, oldest first.
    pub(super) fn admit(&mut self, mut fresh: Vec<Seen>, now: Moment) {
        fresh.sort_by(|a, b| (a.meta.modified().ok(), &a.path).cmp(&(b.meta.modified().ok(), &b.path)));
        // An inode is a better witness than a path, and a path than equal bytes.
        let first_scan = self.scans == 1;
        let fresh = self.resume(fresh, now, |position, seen| position.key == seen.key);
        let fresh = self.resume(fresh, now, |position, seen| position.path == seen.path);
        // A volume that is mounted again may have another device number; replicas may write equal bytes at any time.
        let fresh = self.resume(fresh, now, |position, seen| {
            (first_scan || position.key.ino == seen.key.ino) && position.mark.len as usize >= Trail::MAX.min(64)
        });
        let suspects = mem::take(&mut self.suspects);
        for seen in fresh {
            let (path, source) = (seen.path.clone(), seen.source);
            if !self.may_be_copy(&seen, &suspects, now)
                && let Err(error) = self.begin(seen, now)
            {
                self.trouble(source, &path, &error);
            }
        }
    }

    /// Goes on where a remembered file was left; returns the files that are none.
    fn resume(&mut self, fresh: Vec<Seen>, now: Moment, likely: impl Fn(&Position, &Seen) -> bool) -> Vec<Seen> {
        if self.remembered.is_empty() {
            return fresh;
        }
        let mut others = Vec::new();
        for seen in fresh {
            match self.recognise(&seen, &likely) {
                Some((file, meta, position)) => self.go_on(&seen, file, &meta, position, now),
                None => others.push(seen),
            }
        }
        others
    }

    fn recognise(&mut self, seen: &Seen, likely: impl Fn(&Position, &Seen) -> bool) -> Option<(File, Metadata, Position)> {
        let name = &self.sources[seen.source].name;
        let mut candidates = self.remembered.values().filter(|it| it.source == **name && likely(it, seen)).peekable();
        candidates.peek()?;
        let (file, meta) = open_same(&seen.path, seen.key).ok()?;
        let stream = candidates.find(|it| it.fits(&file, meta.len()).unwrap_or(false))?.stream;
        let position = self.remembered.remove(&StreamId(stream))?;
        Some((file, meta, position))
    }

    fn go_on(&mut self, seen: &Seen, file: File, meta: &Metadata, position: Position, now: Moment) {
        let Position { stream, path, offset, line, .. } = position;
        let skipped = self.skipped(meta.len(), offset);
        let offset = offset + skipped;
        debug!(path = %seen.path.display(), offset, "going on where it was left");
        let start = self.start(seen.source, path.into(), seen.path.clone(), offset);
        let start = Start { stream: StreamId(stream), line, ..start };
        if let Some(stream) = self.open(start, file, meta, Life::Live, now) {
            self.lose(stream, skipped, LossReason::CrashLoop);
        }
    }

    /// How many bytes behind `offset` are skipped, for they have ended the process again and again.
    fn skipped(&self, size: u64, offset: u64) -> u64 {
        if self.skip_backlog && self.scans == 1 { size.saturating_sub(offset) } else { 0 }
    }

    /// Begins a file that nothing is known of.
    fn begin(&mut self, seen: Seen, now: Moment) -> io::Result<()> {
        let (file, meta) = open_same(&seen.path, seen.key)?;
        let after = self.predecessor(&seen, now);
        let source = &self.sources[seen.source];
        let from_start = self.scans == 1 || self.troubles.get(&seen.path).is_some_and(|it| it.from_start);
        let at_end = from_start && source.first_ever && source.options.start_at == StartAt::End;
        let offset = if at_end { last_line_start(&file, meta.len())? } else { 0 };
        let start = self.start(seen.source, seen.path.as_path().into(), seen.path.clone(), offset);
        let stream = self.open(start, file, &meta, Life::Live, now);
        if let Some(tail) = stream.and_then(|it| self.tails.get_mut(&it)) {
            tail.after = after;
        }
        Ok(())
    }

    /// The file that stood under this path before, with all that was rotated between it and this one.
    fn predecessor(&mut self, seen: &Seen, now: Moment) -> Option<StreamId> {
        let real = fs::canonicalize(&seen.path).unwrap_or_else(|_| seen.path.clone());
        let before = self.tails.values().filter(|it| *it.path == *seen.path && it.at != seen.path || self.is_rotated(it, seen));
        let stream = match before.map(|it| it.stream).max() {
            Some(stream) => stream,
            None => self.rotated_while_away(seen, &real, now)?,
        };
        let older = self.tails.get(&stream)?;
        let between = older.file.as_ref().map(|it| rotated::newer(&real, it, older.head)).unwrap_or_default();
        Some(
            between
                .into_iter()
                .fold(stream, |after, (at, meta)| self.begin_between(seen, at, &meta, after, now).unwrap_or(after)),
        )
    }

    fn is_rotated(&self, tail: &Tail, by: &Seen) -> bool {
        matches!(tail.life, Life::Rotated(_)) && *tail.path == *by.path
    }

    /// A file that was under this path when we stopped, and has another name now.
    fn rotated_while_away(&mut self, seen: &Seen, real: &Path, now: Moment) -> Option<StreamId> {
        let name = Arc::clone(&self.sources[seen.source].name);
        let known = self.remembered.values().find(|it| it.source == *name && it.path == seen.path)?.clone();
        let Moved { at, file, meta } = rotated::find(&known, real)?;
        if self.by_key.contains_key(&FileKey::of(&meta)) {
            return None;
        }
        info!(path = %at.display(), unread = meta.len() - known.offset, "rotated while nobody looked; reading its rest");
        self.remembered.remove(&StreamId(known.stream));
        let skipped = self.skipped(meta.len(), known.offset);
        let start = self.start(seen.source, known.path.into(), at, known.offset + skipped);
        let start = Start { stream: StreamId(known.stream), line: known.line, ..start };
        let stream = self.open(start, file, &meta, Life::Rotated(now.steady), now)?;
        self.lose(stream, skipped, LossReason::CrashLoop);
        Some(stream)
    }

    /// A file that was begun and rotated before anyone saw it.
    fn begin_between(&mut self, seen: &Seen, at: PathBuf, meta: &Metadata, after: StreamId, now: Moment) -> Option<StreamId> {
        let key = FileKey::of(meta);
        if self.by_key.contains_key(&key) || key == seen.key || self.remembered.values().any(|it| it.key == key) {
            return None;
        }
        let (file, meta) = open_same(&at, key).ok()?;
        info!(path = %at.display(), "rotated before anyone saw it; reading it");
        let start = self.start(seen.source, seen.path.as_path().into(), at, 0);
        let stream = self.open(start, file, &meta, Life::Rotated(now.steady), now)?;
        self.tails.get_mut(&stream)?.after = Some(after);
        Some(stream)
    }

    /// After a truncation: the old bytes may live on in a copy, with lines that nobody has read yet. The stream then goes on
    /// there, and the truncated file begins a new one behind it. So too when the copy holds nothing more: if a pattern
    /// matches it, it must not be taken for a new file.
    pub(super) fn follow_copy(&mut self, stream: StreamId, now: Moment) -> bool {
        let Some(tail) = self.tails.get_mut(&stream) else { return false };
        let real = fs::canonicalize(&tail.at).unwrap_or_else(|_| tail.at.clone());
        let Some(copy) = rotated::find(&position(tail), &real) else { return false };
        info!(path = %copy.at.display(), "truncated after it was copied; reading the rest of the copy");
        let Some(file) = tail.file.replace(copy.file) else { return false };
        let Ok(meta) = file.metadata() else { return false };
        let (source, path, at, key) = (tail.source, Arc::clone(&tail.path), tail.at.clone(), tail.key);
        tail.key = FileKey::of(&copy.meta);
        tail.at = copy.at;
        tail.life = Life::Rotated(now.steady);
        tail.observe(&copy.meta);
        self.by_key.entry(tail.key).or_insert(stream);
        self.by_key.remove(&key);
        self.by_path.retain(|_, it| *it != stream);
        let start = self.start(source, path, at, 0);
        if let Some(next) = self.open(start, file, &meta, Life::Live, now).and_then(|it| self.tails.get_mut(&it)) {
            next.after = Some(stream);
        }
        true
    }

    /// Whether a new file under a rotated name is, or is about to become, a copy of one that is followed (`cp app.log
    /// app.log.1`): its bytes were read already. What it turns out to hold beyond them is read.
    fn may_be_copy(&mut self, seen: &Seen, suspects: &HashMap<FileKey, u64>, now: Moment) -> bool {
        let size = seen.meta.len();
        let is_original = |it: &&Tail| it.life == Life::Live && rotated::is_sibling(&it.at, &seen.path);
        let Some(original) = self.tails.values().find(is_original) else { return false };
        let Ok((copy, _)) = open_same(&seen.path, seen.key) else { return false };
        // The original may be truncated already, though nobody has noticed yet.
        let holds_read = original.offset > 0 && position(original).fits(&copy, size).unwrap_or(false);
        if !holds_read && !common_bytes(&copy, original, size).unwrap_or(false) {
            return false;
        }
        if size == 0 || suspects.get(&seen.key) != Some(&size) {
            self.suspects.insert(seen.key, size);
            return true;
        }
        info!(path = %seen.path.display(), bytes = size, "a copy of a file that is followed; skipping what was read");
        let start = self.start(seen.source, seen.path.as_path().into(), seen.path.clone(), size);
        self.open(start, copy, &seen.meta, Life::Live, now);
        true
    }

    fn start(&self, source: usize, path: Arc<Path>, at: PathBuf, offset: u64) -> Start {
        let name = Arc::clone(&self.sources[source].name);
        Start { stream: self.ids.next(), source, name, path, at, offset, line: 1 }
    }

    fn open(&mut self, start: Start, file: File, meta: &Metadata, life: Life, now: Moment) -> Option<StreamId> {
        let (source, at) = (start.source, start.at.clone());
        let mut tail = match Tail::new(start, file, meta, now.steady) {
            Ok(tail) => tail,
            Err(error) => {
                self.trouble(source, &at, &error);
                return None;
            }
        };
        (tail.life, tail.seen) = (life, self.scans);
        let stream = tail.stream;
        let parcel = self.open_parcel(&tail, tail.offset);
        self.out.push_back(parcel);
        self.by_key.insert(tail.key, stream);
        self.by_path.insert(fs::canonicalize(&at).unwrap_or(at), stream);
        self.tails.insert(stream, tail);
        self.enqueue(stream);
        Some(stream)
    }
}

/// Fewer equal bytes prove nothing, unless they are all there are.
const PROOF: u64 = 64;

/// Whether `copy` and `original` begin alike and are alike where the shorter of them ends.
fn common_bytes(copy: &File, original: &Tail, size: u64) -> io::Result<bool> {
    let Some(file) = &original.file else { return Ok(false) };
    let end = size.min(original.size);
    if end < PROOF && end < size {
        return Ok(false);
    }
    let covered = end.min(u64::from(Head::MAX)) as u16;
    let mark = Trail::read(file, end)?.mark();
    Ok(Head::read(copy, covered)? == Head::read(file, covered)? && mark.matches(copy)?)
}

/// Where the last line begins that may still grow: a reader that starts in its middle would see a torso.
fn last_line_start(file: &File, size: u64) -> io::Result<u64> {
    let from = size.saturating_sub(LINE_START_WITHIN);
    let mut buffer = vec![0; (size - from) as usize];
    let got = read_full_at(file, &mut buffer, from)?;
    let newline = memchr::memrchr(b'\n', &buffer[..got]);
    Ok(newline.map_or(if from == 0 { 0 } else { size }, |it| from + it as u64 + 1))
}
