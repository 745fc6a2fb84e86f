//! Files that grow, and are rotated, truncated, replaced and deleted while they are read.
//!
//! One thread follows all files of all sources. Each round has two steps: [`Tailer::scan`] compares path names with open
//! files (`stat`), and [`Tailer::read_next`] reads one chunk of the next file that has data. Change events of the kernel
//! only make the next round come sooner.
//!
//! Every byte of a file is read once, in the order in which it was written, also across rotations and restarts; or it is
//! reported as lost or skipped. Cutting lines and keeping positions in step with the pipeline is left to `framing` and to
//! [`Positions`], which belongs to the pipeline thread.
//!
//! Tests: `tests/it/tail/` and `rotation.rs` (single cases), `logrotate.rs` (the real program), `model.rs` (random
//! operations), `accounting/`, `catchup.rs`, `faults.rs` and `restart.rs`.

mod accounting;
mod admit;
mod backlog;
mod catch_up;
mod copies;
mod descriptors;
mod discover;
mod file_position;
mod globs;
mod gzip;
mod hints;
mod identity;
mod lifetime;
mod old_inode;
mod opened;
mod options;
mod own_files;
mod path_report;
mod positions;
mod predecessor;
mod read_errors;
mod read_next;
mod reload;
mod remote;
mod replaced;
mod resume;
mod rotated;
mod rotated_names;
mod tail;
mod thread;
mod watch;

pub use file_position::{FilePosition, Position, REMEMBERED_FOR};
pub use globs::PatternError;
pub use hints::Hints;
pub use identity::{FileKey, HeadFingerprint, OffsetFingerprint};
pub use options::{Options, ResumeState, StartAt, check_patterns};
pub use own_files::OwnFiles;
pub use path_report::{PathReport, path_report};
pub use positions::Positions;
pub use remote::remote_file_system;

use super::{ClockReading, SourceMessage, StreamIds};
use crate::framing::StreamId;
use catch_up::CatchUp;
use globs::Globs;
use old_inode::OldInode;
use read_errors::ReadErrors;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use tail::{SCRATCH_BYTES, Tail};

/// Follows all files of all file sources.
#[derive(Debug)]
pub struct Tailer {
    sources: Vec<Source>,
    /// The names of all sources that were ever followed.
    known_sources: BTreeSet<String>,
    own_files: OwnFiles,
    ids: Arc<StreamIds>,
    tails: BTreeMap<StreamId, Tail>,
    by_key: HashMap<FileKey, StreamId>,
    /// By the name before rotation: finds the predecessors, successors and copies of a file.
    families: HashMap<PathBuf, Vec<StreamId>>,
    /// At least one file waits for the end of another.
    any_waits: bool,
    /// By the path in change events: symbolic links resolved.
    by_path: HashMap<PathBuf, StreamId>,
    /// The positions in files that have not been found (again).
    remembered: BTreeMap<StreamId, Position>,
    /// Deleted files that were read to their end, by the names of their families. Recognises their compressed copies.
    finished: VecDeque<(PathBuf, HeadFingerprint)>,
    /// Files that may have unread bytes, in the order of reading.
    ready: VecDeque<StreamId>,
    /// For [`Tailer::take`].
    messages: VecDeque<SourceMessage>,
    scratch: Vec<u8>,
    /// The number of scans so far.
    scans: u64,
    skip_backlog: bool,
    read_errors: ReadErrors,
    /// New files under rotated names, with their sizes at the last scan: copies that may still be written.
    unfinished_copies: HashMap<FileKey, u64>,
    catch_up: CatchUp,
    /// The inodes that replaced files had before.
    old_inodes: Vec<OldInode>,
    /// The number of open files, or slightly more.
    open_files: usize,
    /// How many files may be open. Beyond it, idle ones are closed, and the others are read in turns.
    max_open_files: usize,
    /// Directories that the globs name: files may appear there.
    glob_dirs: BTreeSet<PathBuf>,
}

#[derive(Debug)]
struct Source {
    options: Options,
    globs: Globs,
    name: Arc<str>,
    /// The source was never followed before, by any process.
    first_ever: bool,
    /// The number of the first scan that includes it.
    first_scan: u64,
    warned_too_many: bool,
    /// FIFOs and sockets that were warned about.
    warned_special: BTreeSet<PathBuf>,
}

impl Tailer {
    /// Creates a tailer. It accesses no file before the first scan.
    ///
    /// # Errors
    ///
    /// Invalid glob pattern.
    pub fn new(
        options: Vec<Options>,
        resume: ResumeState,
        own_files: OwnFiles,
        ids: Arc<StreamIds>,
    ) -> Result<Self, PatternError> {
        let ResumeState { positions, sources: mut known_sources, skip_backlog } = resume;
        let mut sources = Vec::new();
        for options in options {
            sources.push(Source {
                globs: Globs::new(&options.paths, &options.exclude)?,
                name: options.name.as_str().into(),
                first_ever: !known_sources.contains(&options.name),
                first_scan: 1,
                warned_too_many: false,
                warned_special: BTreeSet::new(),
                options,
            });
        }
        known_sources.extend(sources.iter().map(|source| source.options.name.clone()));
        Ok(Self {
            sources,
            known_sources,
            own_files,
            ids,
            tails: BTreeMap::new(),
            by_key: HashMap::new(),
            families: HashMap::new(),
            any_waits: false,
            by_path: HashMap::new(),
            remembered: positions.into_iter().map(|position| (StreamId(position.stream), position)).collect(),
            finished: VecDeque::new(),
            ready: VecDeque::new(),
            messages: VecDeque::new(),
            scratch: vec![0; SCRATCH_BYTES],
            scans: 0,
            skip_backlog,
            read_errors: ReadErrors::default(),
            unfinished_copies: HashMap::new(),
            catch_up: CatchUp::default(),
            old_inodes: Vec::new(),
            open_files: 0,
            max_open_files: descriptors::MAX_OPEN_FILES,
            glob_dirs: BTreeSet::new(),
        })
    }

    /// Changes how many files may be open. Beyond it, files are read in turns.
    pub fn set_max_open_files(&mut self, files: usize) {
        self.max_open_files = files.max(1);
    }

    /// Takes the next message that [`Tailer::scan`] and [`Tailer::read_next`] produced.
    pub fn take(&mut self) -> Option<SourceMessage> {
        self.messages.pop_front()
    }

    /// Compares path names with open files: finds new files and detects rotated, truncated and deleted ones.
    pub fn scan(&mut self, now: ClockReading) {
        self.scans += 1;
        let new = self.update_known();
        let new = self.continue_in_replacements(new, now);
        self.check_old_inodes(now);
        self.retire(now);
        self.admit(new, now);
        self.check_rotated(now);
        self.evict_deleted();
        self.close_idle_descriptors();
        self.read_errors.keep_only(self.scans);
        self.begin_catch_up(now);
        self.end_catch_up(now);
        self.note_behind(now);
        self.any_waits = self.tails.values().any(|tail| tail.waits_for.is_some());
        self.publish(now);
    }
}
