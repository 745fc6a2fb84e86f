//! Files under every kind of rotation, restart and failure: every byte arrives exactly once and in order.

mod follow;
mod rename;
mod replace;
mod resume;
mod truncate;

use llm_triage::framing::StreamId;
use llm_triage::observation::SourceId;
use llm_triage::pipeline::Event;
use llm_triage::source::file::{Options, OwnFiles, Position, Positions, ResumeState, StartAt, Tailer};
use llm_triage::source::{ClockReading, Gauges, StreamIds};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A directory of logs, a tailer that follows it, and everything the tailer emitted. The test advances the time.
struct Bench {
    dir: TempDir,
    options: Options,
    ids: Arc<StreamIds>,
    pub(super) tailer: Tailer,
    positions: Positions,
    streams: BTreeMap<StreamId, Stream>,
    /// All bytes in the order of arrival.
    got: Vec<u8>,
    events: Vec<String>,
    now: ClockReading,
}

struct Stream {
    name: String,
    /// The offset of the next byte.
    next: u64,
    /// Offset and number of the line that is not complete yet.
    safe: (u64, u64),
}

impl Bench {
    fn new(patterns: &[&str], start_at: StartAt) -> Self {
        Self::in_dir(tempfile::tempdir().expect("a directory"), patterns, start_at)
    }

    /// A bench that reads existing files from their first byte.
    fn from_beginning(patterns: &[&str]) -> Self {
        Self::new(patterns, StartAt::Beginning)
    }

    fn in_dir(dir: TempDir, patterns: &[&str], start_at: StartAt) -> Self {
        let options = Options {
            source: SourceId(0),
            name: "app".into(),
            paths: patterns.iter().map(|pattern| dir.path().join(pattern).to_string_lossy().into_owned()).collect(),
            exclude: vec!["*.tmp".into()],
            start_at,
            gauges: Arc::new(Gauges::default()),
        };
        let ids = Arc::new(StreamIds::above([]));
        let tailer = Tailer::new(vec![options.clone()], ResumeState::default(), OwnFiles::default(), Arc::clone(&ids))
            .expect("a tailer");
        Self {
            dir,
            options,
            ids,
            tailer,
            positions: Positions::default(),
            streams: BTreeMap::new(),
            got: Vec::new(),
            events: Vec::new(),
            now: ClockReading::now(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        let mut file = OpenOptions::new().create(true).append(true).open(path).expect("opened");
        file.write_all(text.as_bytes()).expect("written");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    fn copy(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).expect("copied");
    }

    /// Compresses like `gzip`, which keeps the modification time.
    fn compress(&self, name: &str) {
        let path = self.path(name);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&fs::read(&path).expect("read")).expect("compressed");
        let written = fs::metadata(&path).and_then(|meta| meta.modified()).expect("known");
        let file = self.path(&format!("{name}.gz"));
        fs::write(&file, gzip.finish().expect("compressed")).expect("written");
        File::options().write(true).open(file).and_then(|file| file.set_modified(written)).expect("set");
        fs::remove_file(path).expect("removed");
    }

    fn truncate(&self, name: &str, len: u64) {
        OpenOptions::new().write(true).open(self.path(name)).expect("opened").set_len(len).expect("truncated");
    }

    /// Scans once and reads until no file has data. Returns the bytes that arrived.
    fn poll(&mut self) -> String {
        self.scan();
        let from = self.got.len();
        while self.read_next() {}
        String::from_utf8_lossy(&self.got[from..]).into_owned()
    }

    fn scan(&mut self) {
        self.now.steady += Duration::from_secs(1);
        self.now.wall = self.now.wall.plus(Duration::from_secs(1));
        self.tailer.scan(self.now);
        self.collect();
    }

    fn read_next(&mut self) -> bool {
        let more = self.tailer.read_next(self.now);
        self.collect();
        more
    }

    fn wait(&mut self, seconds: u64) {
        self.now.steady += Duration::from_secs(seconds);
        self.now.wall = self.now.wall.plus(Duration::from_secs(seconds));
    }

    fn collect(&mut self) {
        while let Some(message) = self.tailer.take() {
            self.positions.note(&message, self.now.wall);
            match message.event {
                Event::Open(stream, info) => {
                    let path = PathBuf::from(info.path.expect("a path"));
                    let name = path.strip_prefix(self.dir.path()).expect("inside").to_string_lossy().into_owned();
                    self.events.push(format!("open {name}@{}:{}", info.at_offset, info.first_line));
                    let stream = self.streams.entry(stream).insert_entry(Stream {
                        name,
                        next: info.at_offset,
                        safe: (info.at_offset, info.first_line),
                    });
                    assert_eq!(stream.get().next, info.at_offset);
                }
                Event::Chunk(chunk) => {
                    let stream = self.streams.get_mut(&chunk.stream).expect("opened before");
                    assert_eq!(chunk.offset, stream.next, "{}: a gap", stream.name);
                    for (at, byte) in chunk.bytes.iter().enumerate() {
                        if *byte == b'\n' {
                            stream.safe = (chunk.offset + at as u64 + 1, stream.safe.1 + 1);
                        }
                    }
                    stream.next = chunk.offset + chunk.bytes.len() as u64;
                    self.got.extend_from_slice(&chunk.bytes);
                }
                Event::Close(stream) => {
                    let stream = self.streams.remove(&stream).expect("opened before");
                    self.events.push(format!("close {}", stream.name));
                }
                Event::Truncated { stream } => {
                    let stream = self.streams.get_mut(&stream).expect("opened before");
                    (stream.next, stream.safe) = (0, (0, 1));
                    self.events.push(format!("truncated {}", stream.name));
                }
                Event::Lost { bytes, reason, .. } => self.events.push(format!("lost {bytes} {reason}")),
                Event::CatchingUp(streams) => self.events.push(format!("catching up: {}", streams.len())),
                Event::CaughtUp(_) => self.events.push("caught up".to_owned()),
                Event::Behind { .. } => {}
                // Only the pipeline uses this event. The order of the bytes is checked here.
                Event::Rotated { .. } => {}
                other => panic!("a file source does not send {other:?}"),
            }
        }
    }

    fn save(&mut self) -> Vec<Position> {
        let safe: Vec<_> = self.streams.iter().map(|(id, stream)| (*id, stream.safe.0, stream.safe.1)).collect();
        self.positions.positions(&safe, self.now.wall)
    }

    /// Starts the next process from the saved positions.
    fn restart(&mut self, positions: Vec<Position>) {
        self.restart_with(positions, false);
    }

    fn restart_with(&mut self, positions: Vec<Position>, skip_backlog: bool) {
        let resume = ResumeState { positions: positions.clone(), sources: BTreeSet::from(["app".into()]), skip_backlog };
        self.ids = Arc::new(StreamIds::above(positions.iter().map(|position| StreamId(position.stream))));
        self.tailer =
            Tailer::new(vec![self.options.clone()], resume, OwnFiles::default(), Arc::clone(&self.ids)).expect("a tailer");
        self.positions = Positions::new(positions);
        self.streams.clear();
        self.events.clear();
    }

    fn has_event(&self, event: &str) -> bool {
        self.events.iter().any(|other| other == event)
    }
}
