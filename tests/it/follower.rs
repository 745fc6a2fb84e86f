//! A tailer on a directory of its own, the lines that came out of it, and its restarts. Time is advanced by hand.

use llm_triage::framing::StreamId;
use llm_triage::observation::SourceId;
use llm_triage::pipeline::Event;
use llm_triage::source::file::{Options, OwnFiles, Position, Positions, ResumeState, StartAt, Tailer};
use llm_triage::source::{ClockReading, Gauges, StreamIds};
use llm_triage::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// See the module.
pub(crate) struct Follower {
    dir: TempDir,
    pub(crate) options: Options,
    pub(crate) tailer: Tailer,
    ledger: Positions,
    streams: BTreeMap<StreamId, Stream>,
    /// Whole lines, as they were completed, without their newlines.
    pub(crate) lines: Vec<String>,
    /// What else was told.
    pub(crate) events: Vec<String>,
    now: ClockReading,
    clock: Clock,
}

/// The clock of the file system, by which files are dated: it is coarse, and under load it lags behind the one on the wall.
struct Clock(File);

impl Clock {
    fn now(&mut self) -> SystemTime {
        self.0.write_all(b".").expect("written");
        self.0.metadata().and_then(|it| it.modified()).expect("known")
    }
}

/// What a checkpoint keeps: places, and the lines that were counted by then.
#[derive(Clone)]
pub(crate) struct Saved {
    pub(crate) positions: Vec<Position>,
    lines: Vec<String>,
}

#[derive(Default)]
struct Stream {
    next: u64,
    open_line: Vec<u8>,
    safe: (u64, u64),
}

impl Follower {
    pub(crate) fn new(patterns: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let options = Options {
            source: SourceId(0),
            name: "app".into(),
            paths: patterns.iter().map(|it| dir.path().join(it).to_string_lossy().into_owned()).collect(),
            exclude: vec!["*.new".into()],
            start_at: StartAt::Beginning,
            gauges: Arc::new(Gauges::default()),
        };
        let tailer = tailer(&options, ResumeState::default(), StreamIds::above([]));
        Self {
            dir,
            options,
            tailer,
            ledger: Positions::default(),
            streams: BTreeMap::new(),
            lines: Vec::new(),
            events: Vec::new(),
            now: ClockReading::now(),
            clock: Clock(tempfile::tempfile().expect("a file")),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Says that a file may have changed, as a watch does.
    pub(crate) fn hint(&mut self, name: &str) {
        let path = self.path(name);
        self.tailer.check_path(&path);
    }

    /// Looks at everything and reads all there is.
    pub(crate) fn poll(&mut self) {
        self.wait(1);
        self.scan();
        self.turns();
    }

    /// Looks at everything and reads nothing yet.
    pub(crate) fn scan(&mut self) {
        self.tailer.scan(self.now);
        self.collect();
    }

    /// Reads what is known to be there.
    pub(crate) fn turns(&mut self) {
        while self.turn() {}
    }

    /// Reads one chunk of one file.
    pub(crate) fn turn(&mut self) -> bool {
        let more = self.tailer.read_next(self.now);
        self.collect();
        more
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        // The files' own times cannot be advanced by hand, so that clock is left as it is.
        let wall = Timestamp::from_system(self.clock.now());
        self.now = ClockReading { steady: self.now.steady + Duration::from_secs(seconds), wall };
    }

    /// What comes to be from now on has a later date than all that is there.
    pub(crate) fn tick(&mut self) {
        let before = self.clock.now();
        while self.clock.now() <= before {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn collect(&mut self) {
        while let Some(parcel) = self.tailer.take() {
            self.ledger.note(&parcel, self.now.wall);
            match parcel.event {
                Event::Open(stream, info) => {
                    self.events.push(format!(
                        "open {} {}@{}:{}",
                        info.path.unwrap_or_default().rsplit('/').next().unwrap_or_default(),
                        stream.0,
                        info.at_offset,
                        info.first_line
                    ));
                    let safe = (info.at_offset, info.first_line);
                    self.streams.insert(stream, Stream { next: info.at_offset, open_line: Vec::new(), safe });
                }
                Event::Chunk(chunk) => self.chunk(chunk.stream, chunk.offset, &chunk.bytes),
                Event::Close(stream) => {
                    self.events.push(format!("close {}", stream.0));
                    self.end(stream);
                    self.streams.remove(&stream);
                }
                Event::Truncated { stream } => {
                    self.events.push(format!("truncated {}", stream.0));
                    self.end(stream);
                    self.streams.insert(stream, Stream { safe: (0, 1), ..Stream::default() });
                }
                other => self.events.push(format!("{other:?}")),
            }
        }
    }

    fn chunk(&mut self, stream: StreamId, offset: u64, bytes: &[u8]) {
        let state = self.streams.get_mut(&stream).expect("opened before");
        assert_eq!(offset, state.next, "stream {}: a gap", stream.0);
        for piece in bytes.split_inclusive(|it| *it == b'\n') {
            state.next += piece.len() as u64;
            state.open_line.extend_from_slice(piece);
            if state.open_line.ends_with(b"\n") {
                state.open_line.pop();
                self.lines.push(String::from_utf8_lossy(&state.open_line).into_owned());
                state.open_line.clear();
                state.safe = (state.next, state.safe.1 + 1);
            }
        }
    }

    /// A line that its stream ends in the middle of counts.
    fn end(&mut self, stream: StreamId) {
        if let Some(state) = self.streams.get_mut(&stream)
            && !state.open_line.is_empty()
        {
            self.lines.push(String::from_utf8_lossy(&std::mem::take(&mut state.open_line)).into_owned());
        }
    }

    /// The checkpoint that would be written now.
    pub(crate) fn save(&mut self) -> Saved {
        let safe: Vec<_> = self.streams.iter().map(|(stream, it)| (*stream, it.safe.0, it.safe.1)).collect();
        Saved { positions: self.ledger.positions(&safe, self.now.wall), lines: self.lines.clone() }
    }

    /// The next process, which knows what was saved.
    pub(crate) fn restart(&mut self, saved: Saved) {
        let Saved { positions, lines } = saved;
        let ids = StreamIds::above(positions.iter().map(|it| StreamId(it.stream)));
        let sources = BTreeSet::from(["app".into()]);
        self.tailer = tailer(&self.options, ResumeState { positions: positions.clone(), sources, skip_backlog: false }, ids);
        self.ledger = Positions::new(positions);
        self.streams.clear();
        self.lines = lines;
        self.events.push("restart".to_owned());
    }
}

fn tailer(options: &Options, memory: ResumeState, ids: StreamIds) -> Tailer {
    Tailer::new(vec![options.clone()], memory, OwnFiles::default(), Arc::new(ids)).expect("a tailer")
}
