//! Files that grow, are rotated, cut, replaced and deleted while they are read.
//!
//! One thread follows all files of all sources. Twice in a round it finds out the truth: [`Tailer::scan`] compares the names
//! with the open files by `stat`, [`Tailer::turn`] reads one chunk of the next file that has more. Wake-ups from the
//! kernel only make the next round come sooner.

mod admit;
mod discover;
mod identity;
mod packed;
mod path_report;
mod place;
mod reload;
mod rotated;
mod tail;
mod watch;

pub use discover::{OwnFiles, PatternError};
pub use identity::{FileKey, HeadFingerprint, OffsetFingerprint};
pub use path_report::{PathReport, path_report, remote_file_system};
pub use place::{FilePosition, Position, Positions, REMEMBERED_FOR};
pub use watch::Hints;

use super::{ClockReading, Gauges, SourceMessage, StreamIds};
use crate::framing::{LossReason, StreamId};
use crate::observation::SourceId;
use crate::pipeline::{Event, StreamInfo};
use crate::source;
use crate::taxonomy::string_enum;
use crate::time::Timestamp;
use discover::Globs;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fs::{self, File, Metadata};
use std::io;
use std::mem;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tail::{Life, Read, SCRATCH, Tail};
use tokio::sync::mpsc;
use tracing::{debug, info, warn};
use watch::Watch;

string_enum! {
    /// Where to begin in a file that is there at the first start ever.
    StartAt {
        /// With its first line.
        Beginning = "beginning",
        /// With what is written from now on.
        End = "end",
    }
}

/// A source of files.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its index among all sources.
    pub source: SourceId,
    /// The metric label.
    pub name: String,
    /// Glob patterns.
    pub paths: Vec<String>,
    /// Patterns of files that are not meant.
    pub exclude: Vec<String>,
    /// Only for files that are there at the first start ever: what appears later is read from its first byte.
    pub start_at: StartAt,
    /// What it tells of itself.
    pub gauges: Arc<Gauges>,
}

/// Whether these are patterns.
///
/// # Errors
///
/// The first that is none.
pub fn check_patterns(paths: &[String], exclude: &[String]) -> Result<(), PatternError> {
    Globs::new(paths, exclude).map(drop)
}

/// What is known from before.
#[derive(Debug, Default)]
pub struct ResumeState {
    /// Where reading stood.
    pub positions: Vec<Position>,
    /// Names of the sources that were followed then; for any other this is the first start ever.
    pub sources: BTreeSet<String>,
    /// Go to the end of every known file and count what is skipped: its bytes ended the process three times.
    pub skip_backlog: bool,
}

/// How long a renamed or deleted file is kept open after its last byte: its writer may not have noticed yet.
const ROTATED_QUIET: Duration = Duration::from_mins(1);

/// The same for one that was renamed while nothing took its place: its writer goes on writing to it.
const ORPHANED_QUIET: Duration = Duration::from_hours(1);

/// Files beyond this number are closed while they rest. The usual limit is 1024 descriptors for the whole process.
const MAX_OPEN: usize = 512;

/// Unread bytes of deleted files that may be held: above it, the largest is let go and counted, lest the disk fills.
const MAX_DELETED_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// How long a backlog may hold back the evaluation of alerts.
const MAX_CATCH_UP: Duration = Duration::from_mins(10);

/// How many deleted files are known by their first bytes.
const MAX_ENDED: usize = 1_000;

/// A file that was not read to its end for this long is behind: its own time is its clock.
const BEHIND_AFTER: Duration = Duration::from_secs(30);

/// The time between two scans, if a scan takes less than a hundredth of it.
const SCAN_EVERY: Duration = Duration::from_secs(1);

/// The longest time between two scans, however many files there are.
const SCAN_AT_LEAST_EVERY: Duration = Duration::from_secs(10);

/// Names that come and go cause no more than one scan in this time, or in twenty times of what a scan takes.
const SCAN_AT_MOST_EVERY: Duration = Duration::from_millis(50);

/// Wake-ups for single lines are gathered for this long: far below what a person or a metric notices.
const GATHER: Duration = Duration::from_millis(5);

/// Follows all files of all file sources.
#[derive(Debug)]
pub struct Tailer {
    sources: Vec<Source>,
    /// Names of all sources that were ever followed.
    known: BTreeSet<String>,
    own: OwnFiles,
    ids: Arc<StreamIds>,
    tails: BTreeMap<StreamId, Tail>,
    by_key: HashMap<FileKey, StreamId>,
    /// By the name before rotation, in which files know their originals and successors.
    families: HashMap<PathBuf, Vec<StreamId>>,
    /// Whether some file waits for the end of another.
    any_waits: bool,
    /// By the path that hints use: symbolic links resolved.
    by_path: HashMap<PathBuf, StreamId>,
    /// Places in files that have not been found (again).
    remembered: BTreeMap<StreamId, Position>,
    /// Deleted files that were read to their end, by the names of their families: what is left of one is compressed.
    ended: VecDeque<(PathBuf, HeadFingerprint)>,
    /// Files that may have more, one turn each.
    ready: VecDeque<StreamId>,
    out: VecDeque<SourceMessage>,
    scratch: Vec<u8>,
    scans: u64,
    skip_backlog: bool,
    troubles: HashMap<PathBuf, Trouble>,
    /// New files in rotated names, with the size they had: copies in the making.
    suspects: HashMap<FileKey, u64>,
    catch_up: CatchUp,
    /// How many files are open, or a few more.
    open: usize,
    dirs: BTreeSet<PathBuf>,
}

#[derive(Debug)]
struct Source {
    options: Options,
    globs: Globs,
    name: Arc<str>,
    first_ever: bool,
    /// The number of its first scan.
    born: u64,
    said_too_many: bool,
}

/// A path that cannot be read; said once per kind of error.
#[derive(Debug)]
struct Trouble {
    source: usize,
    kind: io::ErrorKind,
    scan: u64,
    /// It was there at the first scan, so `start_at` will concern it.
    from_start: bool,
}

/// A file that matches, as a scan saw it.
#[derive(Debug)]
struct Seen {
    source: usize,
    path: PathBuf,
    key: FileKey,
    meta: Metadata,
}

#[derive(Debug, Default)]
enum CatchUp {
    #[default]
    Before,
    /// How far each file must be read.
    Reading(BTreeMap<StreamId, u64>, Instant),
    Done,
}

impl Tailer {
    /// A tailer that has looked at nothing yet.
    ///
    /// # Errors
    ///
    /// Where a pattern is none.
    pub fn new(options: Vec<Options>, memory: ResumeState, own: OwnFiles, ids: Arc<StreamIds>) -> Result<Self, PatternError> {
        let ResumeState { positions, sources: known, skip_backlog } = memory;
        let mut sources = Vec::new();
        for options in options {
            sources.push(Source {
                globs: Globs::new(&options.paths, &options.exclude)?,
                name: options.name.as_str().into(),
                first_ever: !known.contains(&options.name),
                born: 1,
                said_too_many: false,
                options,
            });
        }
        let names = sources.iter().map(|it| it.options.name.clone());
        let known = known.into_iter().chain(names).collect();
        Ok(Self {
            sources,
            known,
            own,
            ids,
            tails: BTreeMap::new(),
            by_key: HashMap::new(),
            families: HashMap::new(),
            any_waits: false,
            by_path: HashMap::new(),
            remembered: positions.into_iter().map(|it| (StreamId(it.stream), it)).collect(),
            ended: VecDeque::new(),
            ready: VecDeque::new(),
            out: VecDeque::new(),
            scratch: vec![0; SCRATCH],
            scans: 0,
            skip_backlog,
            troubles: HashMap::new(),
            suspects: HashMap::new(),
            catch_up: CatchUp::Before,
            open: 0,
            dirs: BTreeSet::new(),
        })
    }

    /// What the last calls came to, in order.
    pub fn take(&mut self) -> Option<SourceMessage> {
        self.out.pop_front()
    }

    /// Compares names with open files: finds new ones, notices what was rotated, cut or deleted.
    pub fn scan(&mut self, now: ClockReading) {
        self.scans += 1;
        let mut fresh = Vec::new();
        for seen in self.discover() {
            match self.by_key.get(&seen.key).and_then(|it| self.tails.get_mut(it)) {
                Some(tail) => {
                    tail.seen = self.scans;
                    tail.life = Life::Live;
                    let stream = tail.stream;
                    if tail.at != seen.path {
                        self.by_path.retain(|_, it| *it != stream);
                        self.by_path.insert(fs::canonicalize(&seen.path).unwrap_or_else(|_| seen.path.clone()), stream);
                        tail.at = seen.path;
                    }
                    tail.observe(&seen.meta);
                    if !tail.at_end {
                        self.enqueue(stream);
                    }
                }
                None => fresh.push(seen),
            }
        }
        self.retire(now);
        self.admit(fresh, now);
        self.look_at_rotated(now);
        self.evict_deleted();
        self.park();
        self.troubles.retain(|_, it| it.scan == self.scans);
        self.begin_catch_up(now);
        self.end_catch_up(now);
        self.note_behind(now);
        self.any_waits = self.tails.values().any(|it| it.after.is_some());
        self.publish(now);
    }

    /// Reads one chunk of the next file that has more. False when none has.
    pub fn turn(&mut self, now: ClockReading) -> bool {
        while let Some(stream) = self.ready.pop_front() {
            let Some(tail) = self.tails.get_mut(&stream) else { continue };
            tail.queued = false;
            if self.waits(stream) || !self.reopen(stream) {
                continue;
            }
            if self.look_back(stream, now) {
                continue;
            }
            let Some(tail) = self.tails.get_mut(&stream) else { continue };
            let read = tail.read(&mut self.scratch);
            if !matches!(read, Ok(Read::Rewritten)) {
                let (cut, nuls) = (mem::take(&mut tail.cut), mem::take(&mut tail.nuls));
                self.lose(stream, cut, LossReason::Truncated);
                self.lose(stream, nuls, LossReason::Binary);
            }
            let Some(tail) = self.tails.get_mut(&stream) else { continue };
            match read {
                Ok(Read::Bytes(offset, bytes)) => {
                    tail.active = now.steady;
                    let place = Some(tail.place());
                    let behind_hole = mem::take(&mut tail.behind_hole);
                    let heir_of = tail.heir_of.take();
                    self.sources[tail.source].options.gauges.read_at(now.wall);
                    if behind_hole && let Some(tail) = self.tails.get(&stream) {
                        let parcel = self.open_parcel(tail, offset);
                        self.out.push_back(parcel);
                    }
                    if let Some(before) = heir_of {
                        self.out.push_back(Event::Rotated { from: before, to: stream }.into());
                    }
                    self.out.push_back(SourceMessage {
                        event: source::chunk_event(stream, offset, bytes, now.wall),
                        position: place,
                        reservation: None,
                    });
                }
                Ok(Read::Hole | Read::End) => {}
                Ok(Read::Rewritten) => self.rewritten(stream, now),
                Err(error) => {
                    self.fail(stream, error);
                    continue;
                }
            }
            self.after_read(stream, now);
            if !self.out.is_empty() {
                return true;
            }
        }
        false
    }

    /// Tells that a stream begins at `offset`: a new one, or the bytes behind a hole.
    fn open_parcel(&self, tail: &Tail, offset: u64) -> SourceMessage {
        let info = StreamInfo {
            source: self.sources[tail.source].options.source,
            path: Some(tail.path.to_string_lossy().into_owned()),
            at_offset: offset,
            first_line: if offset == tail.offset { tail.line } else { 1 },
        };
        SourceMessage { event: Event::Open(tail.stream, info), position: Some(tail.place()), reservation: None }
    }

    /// Looks at one file that a hint named.
    pub fn look(&mut self, path: &Path) {
        let Some(stream) = self.by_path.get(path) else { return };
        let Some(tail) = self.tails.get_mut(stream) else { return };
        let (stream, meta) = (*stream, tail.file.as_ref().map_or_else(|| fs::metadata(path), File::metadata));
        if let Ok(meta) = meta
            && FileKey::of(&meta) == tail.key
        {
            tail.observe(&meta);
            if !tail.at_end {
                self.enqueue(stream);
            }
        }
    }

    /// Every file that matches, once, without our own.
    fn discover(&mut self) -> Vec<Seen> {
        let mut keys = HashSet::new();
        let mut all = Vec::new();
        self.dirs.clear();
        for index in 0..self.sources.len() {
            let mut found = self.sources[index].globs.walk();
            self.dirs.append(&mut found.dirs);
            if found.too_many && !self.sources[index].said_too_many {
                self.sources[index].said_too_many = true;
                warn!(source = %self.sources[index].name, "too many files match; the last of them are not read");
            }
            for (path, error) in found.troubles {
                self.trouble(index, &path, &error);
            }
            for (path, meta) in found.files {
                let key = FileKey::of(&meta);
                // A file with two names, or in two sources, is one file.
                if !self.own.holds(&path, key) && keys.insert(key) {
                    all.push(Seen { source: index, path, key, meta });
                }
            }
        }
        all
    }

    /// Files that stand under no matching name any more are read to their end before they are let go.
    fn retire(&mut self, now: ClockReading) {
        let gone: Vec<StreamId> =
            self.tails.values().filter(|it| it.life == Life::Live && it.seen < self.scans).map(|it| it.stream).collect();
        for stream in gone {
            let Some(tail) = self.tails.get_mut(&stream) else { continue };
            debug!(path = %tail.at.display(), "renamed or deleted; reading to its end");
            tail.life = Life::Rotated(now.steady);
            tail.at_end = false;
            if tail.file.is_none() && !self.find_parked(stream) {
                self.close(stream, now);
                continue;
            }
            self.enqueue(stream);
        }
    }

    /// A file that was closed while it rested, and has another name now.
    fn find_parked(&mut self, stream: StreamId) -> bool {
        let Some(tail) = self.tails.get_mut(&stream) else { return false };
        let real = fs::canonicalize(&tail.at).unwrap_or_else(|_| tail.at.clone());
        let Some(moved) = rotated::find(&position(tail), &real) else { return false };
        tail.move_to(moved);
        true
    }

    fn look_at_rotated(&mut self, now: ClockReading) {
        let rotated: Vec<StreamId> =
            self.tails.values().filter(|it| matches!(it.life, Life::Rotated(_))).map(|it| it.stream).collect();
        for stream in rotated {
            let Some(tail) = self.tails.get_mut(&stream) else { continue };
            let Some(Ok(meta)) = tail.file.as_ref().map(File::metadata) else {
                self.close(stream, now);
                continue;
            };
            let Life::Rotated(since) = tail.life else { continue };
            if tail.observe(&meta) {
                tail.life = Life::Rotated(now.steady);
            }
            let quiet = now.steady.duration_since(since);
            let (at_end, failed, lag) = (tail.at_end, tail.failed, tail.lag());
            if (at_end || failed) && quiet >= ROTATED_QUIET && (quiet >= ORPHANED_QUIET || self.is_replaced(stream)) {
                self.lose(stream, lag, LossReason::Rotated);
                self.close(stream, now);
            } else if !at_end {
                self.enqueue(stream);
            }
        }
    }

    /// Whether nobody can be meant to write to this file any more: it is deleted, or another stands in its place.
    fn is_replaced(&self, stream: StreamId) -> bool {
        let Some(tail) = self.tails.get(&stream) else { return true };
        tail.is_deleted() || self.tails.values().any(|it| it.life == Life::Live && it.path == tail.path)
    }

    /// Lets go of the largest deleted file when what they hold together would fill the disk.
    fn evict_deleted(&mut self) {
        loop {
            let held = |it: &&Tail| matches!(it.life, Life::Rotated(_)) && it.lag() > 0 && it.is_deleted();
            let (total, largest) =
                self.tails.values().filter(held).fold((0, None), |(total, largest), tail| {
                    (total + tail.lag(), largest.max(Some((tail.lag(), tail.stream))))
                });
            let Some((bytes, stream)) = largest.filter(|_| total > MAX_DELETED_BYTES) else { return };
            self.lose(stream, bytes, LossReason::Rotated);
            self.remove(stream);
        }
    }

    /// Closes files that rest, longest rest first, where too many are open.
    fn park(&mut self) {
        let open = self.tails.values().filter(|it| it.file.is_some()).count();
        let mut resting: Vec<(Instant, StreamId)> =
            self.tails.values().filter(|it| it.may_be_parked()).map(|it| (it.active, it.stream)).collect();
        resting.sort();
        for (_, stream) in resting.into_iter().take(open.saturating_sub(MAX_OPEN)) {
            if let Some(tail) = self.tails.get_mut(&stream) {
                tail.file = None;
            }
        }
        self.open = self.tails.values().filter(|it| it.file.is_some()).count();
    }

    /// Where more files wait to be read than may be open, each is open for its turn only.
    fn close_one_too_many(&mut self, stream: StreamId) {
        if self.open > MAX_OPEN
            && let Some(tail) = self.tails.get_mut(&stream).filter(|it| it.life == Life::Live && it.after.is_none())
        {
            tail.file = None;
            self.open -= 1;
        }
    }

    /// Whether the end of another file comes first.
    fn waits(&mut self, stream: StreamId) -> bool {
        let Some(first) = self.tails.get(&stream).and_then(|it| it.after) else { return false };
        let waits = self.tails.get(&first).is_some_and(|it| !it.at_end);
        if !waits && let Some(tail) = self.tails.get_mut(&stream) {
            tail.after = None;
        }
        waits
    }

    /// Opens a parked file again. The next read finds out whether it still holds what was read.
    fn reopen(&mut self, stream: StreamId) -> bool {
        let Some(tail) = self.tails.get_mut(&stream) else { return false };
        if tail.file.is_some() {
            return true;
        }
        match File::open(&tail.at).and_then(|file| Ok((FileKey::of(&file.metadata()?), file))) {
            Ok((key, file)) if key == tail.key => {
                tail.file = Some(file);
                self.open += 1;
                true
            }
            // Another file stands there by now; the next scan sorts it out.
            Ok(_) => false,
            Err(error) => {
                self.fail(stream, error);
                false
            }
        }
    }

    /// A file without what was read of it begins anew.
    fn rewritten(&mut self, stream: StreamId, now: ClockReading) {
        if self.follow_copy(stream, now) {
            return;
        }
        let Some(tail) = self.tails.get_mut(&stream) else { return };
        info!(path = %tail.at.display(), "truncated or rewritten; reading from its beginning");
        let lost = tail.rewind();
        let place = Some(tail.place());
        self.lose(stream, lost, LossReason::Truncated);
        self.out.push_back(SourceMessage { event: Event::Truncated { stream }, position: place, reservation: None });
    }

    /// A read that failed is tried again with every scan; one bad file never stops another.
    fn fail(&mut self, stream: StreamId, error: io::Error) {
        let Some(tail) = self.tails.get_mut(&stream) else { return };
        let (source, path) = (tail.source, tail.at.clone());
        if matches!(tail.life, Life::Live) {
            tail.file = None;
        }
        tail.at_end = false;
        tail.failed = true;
        self.trouble(source, &path, &error);
    }

    fn after_read(&mut self, stream: StreamId, now: ClockReading) {
        let Some(tail) = self.tails.get(&stream) else { return };
        let offset = tail.offset;
        self.close_one_too_many(stream);
        let Some(tail) = self.tails.get_mut(&stream) else { return };
        if tail.at_end {
            tail.current = now.steady;
            if self.any_waits {
                let heirs = self.tails.values().filter(|it| it.after == Some(stream)).map(|it| it.stream);
                heirs.collect::<Vec<_>>().into_iter().for_each(|it| self.enqueue(it));
            }
        } else {
            self.enqueue(stream);
        }
        self.caught_up(stream, offset);
    }

    fn enqueue(&mut self, stream: StreamId) {
        if let Some(tail) = self.tails.get_mut(&stream)
            && !tail.queued
        {
            tail.queued = true;
            self.ready.push_back(stream);
        }
    }

    /// Lets go of a file that was read to its end.
    fn close(&mut self, stream: StreamId, now: ClockReading) {
        let Some(tail) = self.tails.get(&stream) else { return };
        if tail.is_deleted() {
            self.ended.push_back((rotated::family(&tail.path), tail.head));
            self.ended.drain(..self.ended.len().saturating_sub(MAX_ENDED));
        } else {
            let position = Position { seen: now.wall, closed: true, ..position(tail) };
            self.remembered.insert(stream, position);
        }
        self.remembered.retain(|_, it| now.wall.since(it.seen) < REMEMBERED_FOR);
        self.remove(stream);
    }

    fn remove(&mut self, stream: StreamId) {
        if let Some(tail) = self.tails.remove(&stream) {
            self.note_seen(tail.source, tail.grown);
            let family = rotated::family(&tail.path);
            if let Some(streams) = self.families.get_mut(&family) {
                streams.retain(|it| *it != stream);
                if streams.is_empty() {
                    self.families.remove(&family);
                }
            }
            if self.by_key.get(&tail.key) == Some(&stream) {
                self.by_key.remove(&tail.key);
            }
            self.by_path.retain(|_, it| *it != stream);
            self.out.push_back(Event::Close(stream).into());
        }
    }

    fn lose(&mut self, stream: StreamId, bytes: u64, reason: LossReason) {
        if let Some(tail) = self.tails.get(&stream).filter(|_| bytes > 0) {
            let source = self.sources[tail.source].options.source;
            self.out.push_back(Event::Lost { source, bytes, reason }.into());
        }
    }

    /// Bytes that are there and are passed over on purpose.
    fn skip(&self, source: usize, bytes: u64) {
        let gauges = &self.sources[source].options.gauges;
        gauges.seen_bytes.fetch_add(bytes, Ordering::Relaxed);
        gauges.skipped_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes that are there, and will be counted as lost.
    fn note_seen(&self, source: usize, bytes: i64) {
        // It may be less than was thought; the sum is never below nothing.
        self.sources[source].options.gauges.seen_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn trouble(&mut self, source: usize, path: &Path, error: &io::Error) {
        let (scan, kind) = (self.scans, error.kind());
        // It went between the look and the read: no trouble, the next scan knows.
        if kind == io::ErrorKind::NotFound {
            return;
        }
        let known = self.troubles.get(path);
        if known.is_none_or(|it| it.kind != kind) {
            warn!(path = %path.display(), %error, "cannot read; trying again with every scan");
        }
        let from_start = known.is_some_and(|it| it.from_start) || scan == 1;
        self.troubles.insert(path.to_owned(), Trouble { source, kind, scan, from_start });
    }

    fn begin_catch_up(&mut self, now: ClockReading) {
        if !matches!(self.catch_up, CatchUp::Before) {
            return;
        }
        let behind: BTreeMap<StreamId, u64> =
            self.tails.values().filter(|it| it.lag() > 0).map(|it| (it.stream, it.size)).collect();
        self.catch_up = CatchUp::Done;
        if !behind.is_empty() {
            let streams = behind.keys().copied().collect();
            self.catch_up = CatchUp::Reading(behind, now.steady);
            self.out.push_back(Event::CatchingUp(streams).into());
        }
    }

    fn caught_up(&mut self, stream: StreamId, offset: u64) {
        let CatchUp::Reading(behind, _) = &mut self.catch_up else { return };
        if behind.get(&stream).is_some_and(|end| offset >= *end || offset == 0) {
            behind.remove(&stream);
            let last = behind.is_empty();
            self.out.push_back(Event::CaughtUp(stream).into());
            if last {
                self.catch_up = CatchUp::Done;
            }
        }
    }

    /// It ends with the last file that reaches its end of then, and after a while in any case.
    fn end_catch_up(&mut self, now: ClockReading) {
        let CatchUp::Reading(behind, since) = &mut self.catch_up else { return };
        let timed_out = now.steady.duration_since(*since) > MAX_CATCH_UP;
        let gone = |stream: &StreamId| self.tails.get(stream).is_none_or(|it| it.failed);
        let done: Vec<StreamId> = behind.keys().copied().filter(|it| timed_out || gone(it)).collect();
        for stream in done {
            behind.remove(&stream);
            self.out.push_back(Event::CaughtUp(stream).into());
        }
        if behind.is_empty() {
            self.catch_up = CatchUp::Done;
        }
    }

    /// Tells of files that have not been read to their end for too long.
    fn note_behind(&mut self, now: ClockReading) {
        let Self { tails, sources, out, .. } = self;
        for tail in tails.values_mut() {
            let unread = tail.lag() > 0 && !tail.failed;
            if !unread {
                tail.current = now.steady;
            }
            let behind = unread && now.steady.duration_since(tail.current) > BEHIND_AFTER;
            if behind != tail.behind {
                tail.behind = behind;
                let source = sources[tail.source].options.source;
                out.push_back(Event::Behind { stream: tail.stream, source, behind }.into());
            }
        }
    }

    fn publish(&mut self, now: ClockReading) {
        for tail in self.tails.values_mut() {
            let seen = mem::take(&mut tail.grown);
            self.sources[tail.source].options.gauges.seen_bytes.fetch_add(seen as u64, Ordering::Relaxed);
        }
        let mut sums = vec![(0, 0, 0, 0); self.sources.len()];
        for tail in self.tails.values() {
            let (lag, files, _, behind) = &mut sums[tail.source];
            *lag += tail.lag();
            *files += 1;
            *behind = now.steady.duration_since(tail.current).as_secs().max(*behind);
        }
        for trouble in self.troubles.values() {
            sums[trouble.source].2 += 1;
        }
        for (source, (lag, files, unreadable, behind)) in self.sources.iter().zip(sums) {
            let gauges = &source.options.gauges;
            gauges.lag_bytes.store(lag, Ordering::Relaxed);
            gauges.files.store(files, Ordering::Relaxed);
            gauges.unreadable.store(unreadable, Ordering::Relaxed);
            gauges.behind_seconds.store(behind, Ordering::Relaxed);
        }
    }

    /// Directories in which something may happen: those the patterns name, and those the files really lie in.
    fn watched_dirs(&self) -> BTreeSet<PathBuf> {
        let real = self.by_path.keys().filter_map(|it| it.parent());
        self.dirs.iter().map(PathBuf::as_path).chain(real).map(Path::to_owned).collect()
    }

    /// Follows the files until `hints` are stopped or nobody takes the parcels. Blocks; give it a thread.
    pub fn run(mut self, hints: &Arc<Hints>, to: &mpsc::Sender<SourceMessage>) {
        let mut watch = Watch::off();
        while !hints.stopped() {
            let began = Instant::now();
            if let Some(sources) = hints.take_sources()
                && let Err(error) = self.set_sources(sources, ClockReading::now())
            {
                warn!(%error, "the sources stay as they were");
            }
            if !self.sources.is_empty() {
                watch.begin(hints);
            }
            self.scan(ClockReading::now());
            watch.follow(self.watched_dirs());
            if self.scans == 1 {
                // That there is a backlog must be known before anyone says that the first look is over.
                while let Some(parcel) = self.take() {
                    if to.blocking_send(parcel).is_err() {
                        return;
                    }
                }
                hints.note_scan();
            }
            for source in &self.sources {
                source.options.gauges.polled.store(watch.polled() as u64, Ordering::Relaxed);
            }
            let pause = (began.elapsed() * 100).clamp(SCAN_EVERY, SCAN_AT_LEAST_EVERY);
            let rest = (began.elapsed() * 20).max(SCAN_AT_MOST_EVERY);
            if !self.read_until(began + rest, began + pause, hints, to) {
                return;
            }
        }
    }

    /// Reads what there is, until the next scan is due: at `due`, or at `earliest` when names change. False when nobody takes
    /// the parcels.
    fn read_until(
        &mut self,
        earliest: Instant,
        mut due: Instant,
        hints: &Arc<Hints>,
        to: &mpsc::Sender<SourceMessage>,
    ) -> bool {
        loop {
            loop {
                // Waits while the pipeline is busy; the files keep what is not read yet.
                while let Some(parcel) = self.take() {
                    if to.blocking_send(parcel).is_err() {
                        return false;
                    }
                }
                if Instant::now() >= due || hints.stopped() || !self.turn(ClockReading::now()) {
                    break;
                }
            }
            let now = Instant::now();
            if now >= due {
                return true;
            }
            std::thread::sleep(GATHER);
            let pending = hints.wait(due.saturating_duration_since(now));
            if pending.stop {
                return true;
            }
            if pending.rescan {
                due = due.min(earliest);
            }
            pending.paths.iter().for_each(|it| self.look(it));
        }
    }
}

impl Tail {
    fn is_deleted(&self) -> bool {
        self.file.as_ref().and_then(|it| it.metadata().ok()).is_some_and(|it| it.nlink() == 0)
    }

    fn may_be_parked(&self) -> bool {
        self.file.is_some() && self.life == Life::Live && self.at_end && self.after.is_none() && !self.queued
    }
}

/// Where a tail stands, in the form that finds it again.
fn position(tail: &Tail) -> Position {
    let FilePosition { source, path, key, head, mark, line, modified } = tail.place();
    Position {
        stream: tail.stream.0,
        source: source.to_string(),
        path: path.to_path_buf(),
        key,
        head,
        mark,
        offset: tail.offset,
        line,
        seen: Timestamp::default(),
        modified: Some(modified),
        closed: false,
    }
}
