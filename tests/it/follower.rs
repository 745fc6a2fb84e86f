//! A tailer on a directory of its own, the lines that it emits, and its restarts. The test advances the time.

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

pub(crate) struct Follower {
    dir: TempDir,
    pub(crate) options: Options,
    pub(crate) tailer: Tailer,
    positions: Positions,
    streams: BTreeMap<StreamId, Stream>,
    /// Complete lines in the order of arrival, without their newlines.
    pub(crate) lines: Vec<String>,
    /// All other events.
    pub(crate) events: Vec<String>,
    now: ClockReading,
    clock: Clock,
}

/// The clock of the file system. It is coarse, and under load it is behind the wall clock.
struct Clock(File);

impl Clock {
    fn now(&mut self) -> SystemTime {
        self.0.write_all(b".").expect("written");
        self.0.metadata().and_then(|meta| meta.modified()).expect("known")
    }
}

/// A checkpoint: the positions, and the lines up to these positions.
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
            paths: patterns.iter().map(|pattern| dir.path().join(pattern).to_string_lossy().into_owned()).collect(),
            exclude: vec!["*.new".into()],
            start_at: StartAt::Beginning,
            gauges: Arc::new(Gauges::default()),
        };
        let tailer = tailer(&options, ResumeState::default(), StreamIds::above([]));
        Self {
            dir,
            options,
            tailer,
            positions: Positions::default(),
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

    /// Reports that a file may have changed, like a change event of the kernel.
    pub(crate) fn hint(&mut self, name: &str) {
        let path = self.path(name);
        self.tailer.check_path(&path);
    }

    /// Scans and reads everything.
    pub(crate) fn poll(&mut self) {
        self.wait(1);
        self.scan();
        self.read_all();
    }

    /// Scans without reading.
    pub(crate) fn scan(&mut self) {
        self.tailer.scan(self.now);
        self.collect();
    }

    /// Reads until no file has data.
    pub(crate) fn read_all(&mut self) {
        while self.read_next() {}
    }

    /// Reads one chunk of one file.
    pub(crate) fn read_next(&mut self) -> bool {
        let more = self.tailer.read_next(self.now);
        self.collect();
        more
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        // The test cannot advance the clock of the file system, so only the steady clock is advanced.
        let wall = Timestamp::from_system(self.clock.now());
        self.now = ClockReading { steady: self.now.steady + Duration::from_secs(seconds), wall };
    }

    /// Waits until new files get a later timestamp than all existing ones.
    pub(crate) fn tick(&mut self) {
        let before = self.clock.now();
        while self.clock.now() <= before {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn collect(&mut self) {
        while let Some(message) = self.tailer.take() {
            self.positions.note(&message, self.now.wall);
            match message.event {
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
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
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

    /// The end of a stream also completes its last line.
    fn end(&mut self, stream: StreamId) {
        if let Some(state) = self.streams.get_mut(&stream)
            && !state.open_line.is_empty()
        {
            self.lines.push(String::from_utf8_lossy(&std::mem::take(&mut state.open_line)).into_owned());
        }
    }

    /// The checkpoint at this moment.
    pub(crate) fn save(&mut self) -> Saved {
        let safe: Vec<_> = self.streams.iter().map(|(id, stream)| (*id, stream.safe.0, stream.safe.1)).collect();
        Saved { positions: self.positions.positions(&safe, self.now.wall), lines: self.lines.clone() }
    }

    /// Starts the next process from a checkpoint.
    pub(crate) fn restart(&mut self, saved: Saved) {
        let Saved { positions, lines } = saved;
        let ids = StreamIds::above(positions.iter().map(|position| StreamId(position.stream)));
        let sources = BTreeSet::from(["app".into()]);
        self.tailer = tailer(&self.options, ResumeState { positions: positions.clone(), sources, skip_backlog: false }, ids);
        self.positions = Positions::new(positions);
        self.streams.clear();
        self.lines = lines;
        self.events.push("restart".to_owned());
    }
}

fn tailer(options: &Options, resume: ResumeState, ids: StreamIds) -> Tailer {
    Tailer::new(vec![options.clone()], resume, OwnFiles::default(), Arc::new(ids)).expect("a tailer")
}
