//! Files that are seen for the first time: known from an earlier run, the successor of a rotated one, or new.

use super::identity::{FileKey, HeadFingerprint, TailFingerprint, read_full_at};
use super::packed::Packed;
use super::place::{PROOF, Position};
use super::rotated::{self, Moved, open_same};
use super::tail::{Life, Start, Tail};
use super::{MAX_OPEN, Seen, StartAt, Tailer, position};
use crate::framing::{LossReason, StreamId};
use crate::pipeline::Event;
use crate::source::ClockReading;
use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{io, mem};
use tracing::{debug, info};

/// How far back from the end the beginning of a line is looked for.
const LINE_START_WITHIN: u64 = 64 * 1024;

impl Tailer {
    /// Takes in files that no tail stands for, oldest first.
    pub(super) fn admit(&mut self, mut fresh: Vec<Seen>, now: ClockReading) {
        fresh.sort_by(|a, b| (a.meta.modified().ok(), &a.path).cmp(&(b.meta.modified().ok(), &b.path)));
        // An inode is a better witness than a path, and a path than equal bytes.
        let first_scan = self.scans == 1;
        let known = if first_scan { self.remembered.values().cloned().collect() } else { Vec::new() };
        let fresh = self.resume(fresh, now, |it| it.key, |it| it.key, |position, seen| position.has_inode(&seen.meta));
        let path = |it: &Position| it.path.clone();
        let fresh = self.resume(fresh, now, path, |it| it.path.clone(), |position, _| position.has_proof());
        // A volume that is mounted again may have another device number; replicas may write equal bytes at any time.
        let fresh = self.resume(
            fresh,
            now,
            |_| (),
            |_| (),
            |position, seen| {
                (first_scan || position.key.ino == seen.key.ino) && position.mark.len as usize >= TailFingerprint::MAX.min(64)
            },
        );
        self.sweep(known, now);
        let suspects = mem::take(&mut self.suspects);
        for seen in fresh {
            let (path, source) = (seen.path.clone(), seen.source);
            // Its successor has opened it already, to be read before itself.
            if let Some(tail) = self.by_key.get(&seen.key).and_then(|it| self.tails.get_mut(it)) {
                (tail.seen, tail.life) = (self.scans, Life::Live);
                continue;
            }
            if !self.may_be_copy(&seen, &suspects, now)
                && let Err(error) = self.begin(seen, now)
            {
                self.trouble(source, &path, &error);
            }
        }
    }

    /// Goes on where a remembered file was left; returns the files that are none.
    ///
    /// Only places with the same key as the file are asked about: there may be ten thousands of both.
    fn resume<K: Eq + Hash>(
        &mut self,
        fresh: Vec<Seen>,
        now: ClockReading,
        key_of: impl Fn(&Position) -> K,
        key: impl Fn(&Seen) -> K,
        likely: impl Fn(&Position, &Seen) -> bool,
    ) -> Vec<Seen> {
        if self.remembered.is_empty() || fresh.is_empty() {
            return fresh;
        }
        let mut by_key: HashMap<K, Vec<StreamId>> = HashMap::new();
        for position in self.remembered.values() {
            by_key.entry(key_of(position)).or_default().push(StreamId(position.stream));
        }
        let mut others = Vec::new();
        for seen in fresh {
            let candidates = by_key.get(&key(&seen)).map_or(&[][..], Vec::as_slice);
            match self.recognise(&seen, candidates, &likely) {
                Ok(Some((file, meta, position))) => self.go_on(&seen, file, &meta, position, now),
                Ok(None) => others.push(seen),
                // Nobody knows yet what it is; taken for a new file it would be read again.
                Err(error) => self.trouble(seen.source, &seen.path, &error),
            }
        }
        others
    }

    fn recognise(
        &mut self,
        seen: &Seen,
        candidates: &[StreamId],
        likely: impl Fn(&Position, &Seen) -> bool,
    ) -> io::Result<Option<(File, Metadata, Position)>> {
        let name = &self.sources[seen.source].name;
        let candidates = candidates.iter().filter_map(|it| self.remembered.get(it));
        let mut candidates = candidates.filter(|it| it.source == **name && likely(it, seen)).peekable();
        if candidates.peek().is_none() {
            return Ok(None);
        }
        let (file, meta) = open_same(&seen.path, seen.key)?;
        for it in candidates {
            if it.fits(&file, meta.len())? {
                let stream = StreamId(it.stream);
                return Ok(self.remembered.remove(&stream).map(|position| (file, meta, position)));
            }
        }
        Ok(None)
    }

    /// What was rotated while nobody looked, or was not read to its end before: it is read first.
    fn sweep(&mut self, mut known: Vec<Position>, now: ClockReading) {
        // What can be told from others first: all else is what is left.
        known.sort_by_key(|it| (!it.has_proof(), it.seen, it.stream));
        let mut listed = HashMap::new();
        for position in known {
            let Some(source) = self.sources.iter().position(|it| *it.name == *position.source) else { continue };
            let is_lost = self.remembered.contains_key(&StreamId(position.stream));
            let found = if is_lost { self.take_up(source, &position, &mut listed, now) } else { None };
            let Some(stream) = found.or_else(|| self.begin_unseen(source, &position, &mut listed, now)) else { continue };
            let of_same_name = self.tails.values_mut().filter(|it| *it.path == *position.path && it.stream != stream);
            for other in of_same_name {
                match other.life {
                    Life::Live => other.read_after(Some(stream)),
                    Life::Rotated(_) => {}
                }
            }
            let before = self
                .tails
                .values()
                .filter(|it| *it.path == *position.path && it.stream != stream && matches!(it.life, Life::Rotated(_)));
            let before = before.map(|it| it.stream).max();
            if let Some(tail) = self.tails.get_mut(&stream) {
                tail.read_after(before);
            }
        }
    }

    /// Where nothing was read of a file, nothing tells it from others: all that was rotated since it was last seen is read.
    fn begin_unseen(&mut self, source: usize, position: &Position, listed: &mut Listed, now: ClockReading) -> Option<StreamId> {
        if position.has_proof() || position.closed {
            return None;
        }
        self.remembered.remove(&StreamId(position.stream));
        let real = fs::canonicalize(&position.path).unwrap_or_else(|_| position.path.clone());
        let entries = listed.entry(real.parent()?.to_owned()).or_insert_with(|| rotated::beside(&real));
        if !entries.iter().any(|(at, _)| rotated::is_rotated_name(&real, at)) {
            return None;
        }
        let known = self.known_heads(&position.path);
        // It may have been filled long before the checkpoint, behind a backlog.
        let since = position.modified.map_or(position.seen, |it| it.min(position.seen));
        let since = rotated::written_since(entries, &real, since, &known);
        since
            .into_iter()
            .fold(None, |after, (at, meta)| self.begin_between(source, &position.path, at, &meta, after, now).or(after))
    }

    /// Fingerprints of what was found under this path, or under names that a rotation makes of it.
    fn known_heads(&self, path: &Path) -> Vec<HeadFingerprint> {
        let family = rotated::family(path);
        let remembered = self.remembered.values().filter(|it| rotated::family(&it.path) == family).map(|it| it.head);
        let followed = self.tails.values().filter(|it| rotated::family(&it.path) == family).map(Tail::present_head);
        let ended = self.ended.iter().filter(|it| it.0 == family).map(|it| it.1);
        remembered.chain(followed).chain(ended).collect()
    }

    /// Opens a file that is remembered and has another name now, if it has bytes that were not read.
    fn take_up(&mut self, source: usize, position: &Position, listed: &mut Listed, now: ClockReading) -> Option<StreamId> {
        let real = fs::canonicalize(&position.path).unwrap_or_else(|_| position.path.clone());
        let entries = listed.entry(real.parent()?.to_owned()).or_insert_with(|| rotated::beside(&real));
        // Copies of what was read to its end hold nothing new.
        if position.closed && !entries.iter().any(|it| FileKey::of(&it.1) == position.key) {
            return None;
        }
        let moved = rotated::find_among(entries, position, &real)?;
        let unread = moved.size().saturating_sub(position.offset);
        if self.by_key.contains_key(&FileKey::of(&moved.meta)) || unread == 0 {
            return None;
        }
        info!(path = %moved.at.display(), unread, "rotated while nobody looked; reading its rest");
        let is_copy = FileKey::of(&moved.meta) != position.key;
        let stream = self.open_moved(source, position, moved, now)?;
        // The original was cut after the copy was made, filled again, and then renamed as well; or its number was used again
        // by one of those that were begun since. Either comes next, among all of them. What is compressed is neither.
        let family = rotated::family(&real);
        let is_original = |at: &Path, meta| at != real && rotated::is_sibling(&family, at) && FileKey::of(meta) == position.key;
        let original = entries.iter().find(|(at, meta)| is_copy && is_original(at, meta));
        let (Some(original), Some(tail)) = (original, self.tails.get(&stream)) else { return Some(stream) };
        let mut next = rotated::newer(&real, tail, &self.known_heads(&position.path));
        if !next.iter().any(|(at, _)| *at == original.0) {
            next.push(original.clone());
        }
        next.sort_by_key(|(_, meta)| meta.modified().ok());
        let begin = |after, (at, meta)| self.begin_between(source, &position.path, at, &meta, after, now).or(after);
        next.into_iter().fold(Some(stream), begin)
    }

    fn open_moved(&mut self, source: usize, position: &Position, moved: Moved, now: ClockReading) -> Option<StreamId> {
        self.remembered.remove(&StreamId(position.stream));
        let skipped = self.skipped(moved.size(), position.offset);
        let Moved { at, file, meta, packed } = moved;
        self.note_seen(source, skipped as i64);
        // Of what is compressed nothing is skipped unread: it is let go.
        if packed.is_some() && skipped > 0 {
            self.out.push_back(
                Event::Lost { source: self.sources[source].options.source, bytes: skipped, reason: LossReason::CrashLoop }
                    .into(),
            );
            return None;
        }
        let start = self.start(source, position.path.as_path().into(), at, position.offset + skipped);
        let start = Start { stream: StreamId(position.stream), line: position.line, ..start };
        let stream = self.open(start, Content { file, packed }, &meta, Life::Rotated(now.steady), now)?;
        self.lose(stream, skipped, LossReason::CrashLoop);
        Some(stream)
    }

    fn go_on(&mut self, seen: &Seen, file: File, meta: &Metadata, position: Position, now: ClockReading) {
        let Position { stream, path, offset, line, .. } = position;
        let skipped = self.skipped(meta.len(), offset);
        self.note_seen(seen.source, skipped as i64);
        let offset = offset + skipped;
        debug!(path = %seen.path.display(), offset, "going on where it was left");
        let start = self.start(seen.source, path.into(), seen.path.clone(), offset);
        let start = Start { stream: StreamId(stream), line, ..start };
        if let Some(stream) = self.open(start, file.into(), meta, Life::Live, now) {
            self.lose(stream, skipped, LossReason::CrashLoop);
        }
    }

    /// How many bytes behind `offset` are skipped, for they have ended the process again and again.
    fn skipped(&self, size: u64, offset: u64) -> u64 {
        if self.skip_backlog && self.scans == 1 { size.saturating_sub(offset) } else { 0 }
    }

    /// Begins a file that nothing is known of.
    fn begin(&mut self, seen: Seen, now: ClockReading) -> io::Result<()> {
        let (file, meta) = open_same(&seen.path, seen.key)?;
        let after = self.predecessor(&seen, now);
        let source = &self.sources[seen.source];
        let from_start = self.scans == source.born || self.troubles.get(&seen.path).is_some_and(|it| it.from_start);
        let at_end = from_start && source.first_ever && source.options.start_at == StartAt::End;
        let offset = if at_end { last_line_start(&file, meta.len())? } else { 0 };
        let start = self.start(seen.source, seen.path.as_path().into(), seen.path.clone(), offset);
        let stream = self.open(start, file.into(), &meta, Life::Live, now);
        if let Some(tail) = stream.and_then(|it| self.tails.get_mut(&it)) {
            tail.read_after(after);
            self.skip(seen.source, offset);
        }
        Ok(())
    }

    /// The file that stood under this path before, with all that was rotated between it and this one.
    fn predecessor(&mut self, seen: &Seen, now: ClockReading) -> Option<StreamId> {
        let real = fs::canonicalize(&seen.path).unwrap_or_else(|_| seen.path.clone());
        let of_family = self.families.get(&rotated::family(&seen.path)).into_iter().flatten();
        let of_family = of_family.filter_map(|it| self.tails.get(it));
        let before = of_family.filter(|it| *it.path == *seen.path && it.at != seen.path || self.is_rotated(it, seen));
        let stream = match before.map(|it| it.stream).max() {
            Some(stream) => stream,
            None => self.rotated_while_away(seen, &real, now)?,
        };
        let older = self.tails.get(&stream)?;
        let between = rotated::newer(&real, older, &self.known_heads(&seen.path));
        Some(between.into_iter().filter(|(_, meta)| FileKey::of(meta) != seen.key).fold(stream, |after, (at, meta)| {
            self.begin_between(seen.source, &seen.path, at, &meta, Some(after), now).unwrap_or(after)
        }))
    }

    fn is_rotated(&self, tail: &Tail, by: &Seen) -> bool {
        matches!(tail.life, Life::Rotated(_)) && *tail.path == *by.path
    }

    /// A file that was under this path when we stopped, and has another name now.
    fn rotated_while_away(&mut self, seen: &Seen, real: &Path, now: ClockReading) -> Option<StreamId> {
        let name = Arc::clone(&self.sources[seen.source].name);
        let of_name = self.remembered.values().filter(|it| it.source == *name && it.path == seen.path);
        let known = of_name.max_by_key(|it| (it.seen, it.stream))?.clone();
        let moved = rotated::find(&known, real)?;
        if self.by_key.contains_key(&FileKey::of(&moved.meta)) {
            return None;
        }
        info!(path = %moved.at.display(), "rotated while nobody looked; reading its rest");
        self.open_moved(seen.source, &known, moved, now)
    }

    /// A file that was begun and rotated before anyone saw it.
    fn begin_between(
        &mut self,
        source: usize,
        path: &Path,
        at: PathBuf,
        meta: &Metadata,
        after: Option<StreamId>,
        now: ClockReading,
    ) -> Option<StreamId> {
        let key = FileKey::of(meta);
        let (file, meta) = open_same(&at, key).ok()?;
        // The number of an inode alone says little: it is used again.
        let is_known = |it: &Position| it.has_inode(&meta) && it.fits(&file, meta.len()).unwrap_or(true);
        if self.by_key.contains_key(&key) || self.remembered.values().any(is_known) {
            return None;
        }
        info!(path = %at.display(), "rotated before anyone saw it; reading it");
        let packed = rotated::unpacked_name(&at).and_then(|_| Packed::whole(&file).ok());
        let start = self.start(source, path.into(), at, 0);
        let stream = self.open(start, Content { file, packed }, &meta, Life::Rotated(now.steady), now)?;
        self.tails.get_mut(&stream)?.read_after(after);
        Some(stream)
    }

    /// After a truncation: the old bytes may live on in a copy, with lines that nobody has read yet. The stream then goes on
    /// there, and the truncated file begins a new one behind it. So too when the copy holds nothing more: if a pattern
    /// matches it, it must not be taken for a new file.
    pub(super) fn follow_copy(&mut self, stream: StreamId, now: ClockReading) -> bool {
        let Some(tail) = self.tails.get_mut(&stream) else { return false };
        let real = fs::canonicalize(&tail.at).unwrap_or_else(|_| tail.at.clone());
        let by_name = || rotated::find(&position(tail), &fs::canonicalize(&tail.path).ok()?);
        let Some(copy) = rotated::find(&position(tail), &real).or_else(by_name) else { return false };
        info!(path = %copy.at.display(), "truncated after it was copied; reading the rest of the copy");
        let (source, path, at, key) = (tail.source, Arc::clone(&tail.path), tail.at.clone(), tail.key);
        let Some(file) = tail.move_to(copy) else { return false };
        let Ok(meta) = file.metadata() else { return false };
        tail.life = Life::Rotated(now.steady);
        self.by_key.entry(tail.key).or_insert(stream);
        self.by_key.remove(&key);
        self.by_path.retain(|_, it| *it != stream);
        let last = self.copied_between(stream, &real, &file, now);
        let start = self.start(source, path, at, 0);
        if let Some(next) = self.open(start, file.into(), &meta, Life::Live, now).and_then(|it| self.tails.get_mut(&it)) {
            next.read_after(Some(last));
            self.any_waits = true;
        }
        true
    }

    /// Before the first byte of a successor: it may have been copied and truncated already, and this be the next text in it.
    /// True where something else comes first.
    pub(super) fn look_back(&mut self, stream: StreamId, now: ClockReading) -> bool {
        let Some(tail) = self.tails.get(&stream) else { return false };
        let (Some(before), 0, Some(file)) = (tail.heir_of, tail.offset, &tail.file) else { return false };
        let real = fs::canonicalize(&tail.at).unwrap_or_else(|_| tail.at.clone());
        let Ok(file) = file.try_clone() else { return false };
        let last = self.copied_between(before, &real, &file, now);
        if last == before {
            return false;
        }
        if let Some(tail) = self.tails.get_mut(&stream) {
            tail.read_after(Some(last));
        }
        self.any_waits = true;
        true
    }

    /// Opens what was copied and truncated more than once before anyone looked; says what comes last of it. A copy of what
    /// stands in the file now is none of that: it is read there.
    fn copied_between(&mut self, stream: StreamId, real: &Path, file: &File, now: ClockReading) -> StreamId {
        let Some(older) = self.tails.get(&stream) else { return stream };
        let (source, path) = (older.source, Arc::clone(&older.path));
        let present = HeadFingerprint::read(file, HeadFingerprint::MAX).unwrap_or_default();
        let between = rotated::newer(real, older, &self.known_heads(&path));
        // Where the file was renamed itself since, what is younger than it comes behind it.
        let Ok(meta) = file.metadata() else { return stream };
        let stands = fs::metadata(real).is_ok_and(|it| FileKey::of(&it) == FileKey::of(&meta));
        let comes_before = |it: &Metadata| stands || it.modified().ok() < meta.modified().ok();
        between
            .into_iter()
            .filter(|(at, it)| comes_before(it) && !rotated::begins_with(at, present))
            .fold(stream, |after, (at, meta)| self.begin_between(source, &path, at, &meta, Some(after), now).unwrap_or(after))
    }

    /// Whether a new file under a rotated name is, or is about to become, a copy of one that is followed (`cp app.log
    /// app.log.1`): its bytes were read already. What it turns out to hold beyond them is read.
    fn may_be_copy(&mut self, seen: &Seen, suspects: &HashMap<FileKey, u64>, now: ClockReading) -> bool {
        let size = seen.meta.len();
        let is_original = |it: &&Tail| rotated::is_sibling(&it.path, &seen.path) || rotated::is_sibling(&it.at, &seen.path);
        let of_family = self.families.get(&rotated::family(&seen.path)).into_iter().flatten();
        let mut originals = of_family.filter_map(|it| self.tails.get(it)).filter(is_original).peekable();
        if originals.peek().is_none() {
            return false;
        }
        let Ok((copy, _)) = open_same(&seen.path, seen.key) else { return false };
        // The original may be truncated already, though nobody has noticed yet.
        let holds_read = |it: &Tail| it.offset > 0 && position(it).fits(&copy, size).unwrap_or(false);
        if !originals.any(|it| holds_read(it) || common_bytes(&copy, it, size).unwrap_or(false)) {
            return false;
        }
        if size == 0 || suspects.get(&seen.key) != Some(&size) {
            self.suspects.insert(seen.key, size);
            return true;
        }
        info!(path = %seen.path.display(), bytes = size, "a copy of a file that is followed; skipping what was read");
        let start = self.start(seen.source, seen.path.as_path().into(), seen.path.clone(), size);
        if self.open(start, copy.into(), &seen.meta, Life::Live, now).is_some() {
            self.skip(seen.source, size);
        }
        true
    }

    fn start(&self, source: usize, path: Arc<Path>, at: PathBuf, offset: u64) -> Start {
        let name = Arc::clone(&self.sources[source].name);
        Start { stream: self.ids.next(), source, name, path, at, offset, line: 1 }
    }

    fn open(&mut self, start: Start, content: Content, meta: &Metadata, life: Life, now: ClockReading) -> Option<StreamId> {
        let (source, at) = (start.source, start.at.clone());
        let Content { file, packed } = content;
        let opened = match packed {
            None => Tail::new(start, file, meta, now.steady),
            Some(packed) => Tail::packed(start, file, meta, packed, now.steady),
        };
        let mut tail = match opened {
            Ok(tail) => tail,
            Err(error) => {
                self.trouble(source, &at, &error);
                return None;
            }
        };
        (tail.life, tail.seen) = (life, self.scans);
        if tail.life == Life::Live && self.open >= MAX_OPEN {
            tail.file = None;
        } else {
            self.open += 1;
        }
        let stream = tail.stream;
        let parcel = self.open_parcel(&tail, tail.offset);
        self.out.push_back(parcel);
        self.by_key.insert(tail.key, stream);
        self.by_path.insert(fs::canonicalize(&at).unwrap_or(at), stream);
        self.families.entry(rotated::family(&tail.path)).or_default().push(stream);
        self.tails.insert(stream, tail);
        self.enqueue(stream);
        Some(stream)
    }
}

/// Directories that were read.
type Listed = HashMap<PathBuf, Vec<(PathBuf, Metadata)>>;

/// A file, and its content where it is compressed.
struct Content {
    file: File,
    packed: Option<Packed>,
}

impl From<File> for Content {
    fn from(file: File) -> Self {
        Self { file, packed: None }
    }
}

/// Whether `copy` and `original` begin alike and are alike where the shorter of them ends.
fn common_bytes(copy: &File, original: &Tail, size: u64) -> io::Result<bool> {
    let Some(file) = &original.file else { return Ok(false) };
    let end = size.min(original.size);
    if end < PROOF && end < size {
        return Ok(false);
    }
    let covered = end.min(u64::from(HeadFingerprint::MAX)) as u16;
    let mark = TailFingerprint::read(file, end)?.mark();
    Ok(HeadFingerprint::read(copy, covered)? == HeadFingerprint::read(file, covered)? && mark.matches(copy)?)
}

/// Where the last line begins that may still grow: a reader that starts in its middle would see a torso.
fn last_line_start(file: &File, size: u64) -> io::Result<u64> {
    let from = size.saturating_sub(LINE_START_WITHIN);
    let mut buffer = vec![0; (size - from) as usize];
    let got = read_full_at(file, &mut buffer, from)?;
    let newline = memchr::memrchr(b'\n', &buffer[..got]);
    Ok(newline.map_or(if from == 0 { 0 } else { size }, |it| from + it as u64 + 1))
}
