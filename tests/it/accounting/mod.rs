//! Files through the tailer and the pipeline: events continue across rotations and restarts, and the accounting balances
//! after every failure. Bytes: seen = read + skipped + lost + unread. Lines: all = in events + blank + discarded + open.

mod balance;
mod events;
mod interruptions;

use crate::replay::Setup;
use crate::running::append;
use llm_triage::alert::AlertOptions;
use llm_triage::framing::{LossReason, StreamId};
use llm_triage::observation::{Observation, SourceId};
use llm_triage::pipeline::{Clock, Event, Output, Pipeline, SourceStats, State, Wanted};
use llm_triage::source::file::{Options, OwnFiles, Position, Positions, ResumeState, StartAt, Tailer};
use llm_triage::source::{ClockReading, Gauges, StreamIds};
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tempfile::TempDir;

/// Does what the threads of the daemon do, step by step.
struct World {
    dir: TempDir,
    options: Options,
    tailer: Tailer,
    positions: Positions,
    pipeline: Pipeline,
    out: Output,
    now: ClockReading,
}

/// A checkpoint: the positions and the serialised state.
type Saved = (Vec<Position>, String);

impl World {
    fn new(pattern: &str) -> Self {
        Self::starting(pattern, StartAt::Beginning, |_| ())
    }

    fn starting(pattern: &str, start_at: StartAt, prepare: impl FnOnce(&TempDir)) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        prepare(&dir);
        let options = Options {
            source: SourceId(0),
            name: "app".into(),
            paths: vec![dir.path().join(pattern).to_string_lossy().into_owned()],
            exclude: Vec::new(),
            start_at,
            gauges: Arc::default(),
        };
        let tailer = tailer(&options, ResumeState::default(), StreamIds::above([]));
        Self {
            dir,
            options,
            tailer,
            positions: Positions::default(),
            pipeline: pipeline(),
            out: output(),
            now: ClockReading::now(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        append(&self.path(name), text);
    }

    fn rotate(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    fn truncate(&self, name: &str) {
        OpenOptions::new().write(true).open(self.path(name)).expect("opened").set_len(0).expect("truncated");
    }

    fn poll(&mut self) {
        self.tailer.scan(self.now);
        self.feed();
        while self.tailer.read_next(self.now) {
            self.feed();
        }
    }

    /// Lets seconds pass in which nothing is written.
    fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds {
            let second = Duration::from_secs(1);
            self.now = ClockReading { wall: self.now.wall.plus(second), steady: self.now.steady + second };
            self.pipeline.handle(Event::Tick(self.now.wall), &mut self.out);
            self.poll();
        }
    }

    fn feed(&mut self) {
        while let Some(message) = self.tailer.take() {
            self.positions.note(&message, self.now.wall);
            self.pipeline.handle(message.event, &mut self.out);
        }
    }

    fn save(&mut self) -> Saved {
        let positions = self.positions.positions(&self.pipeline.safe_offsets(), self.now.wall);
        (positions, serde_json::to_string(&self.pipeline.state()).expect("JSON"))
    }

    /// Starts the next process from a checkpoint. The output of the old one is kept.
    fn restart(&mut self, (positions, state): Saved) {
        self.options.gauges = Arc::default();
        let ids = StreamIds::above(positions.iter().map(|position| StreamId(position.stream)));
        let sources = BTreeSet::from(["app".to_owned()]);
        self.tailer = tailer(&self.options, ResumeState { positions: positions.clone(), sources, skip_backlog: false }, ids);
        self.positions = Positions::new(positions);
        self.pipeline = pipeline();
        let state: State = serde_json::from_str(&state).expect("a state");
        self.pipeline.restore(state, AlertOptions::default(), &mut self.out);
    }

    /// One word per call: the pattern of a failed call, or the status.
    fn calls(&self) -> Vec<String> {
        let word = |call: &Observation| {
            let pattern = call.pattern.and_then(|id| self.pipeline.catalog().pattern(id));
            pattern.map_or_else(|| call.status_label().to_string(), |pattern| pattern.id.clone())
        };
        self.out.calls.iter().map(|(call, _)| word(call)).collect()
    }

    /// Verdicts as `line+lines outcome`.
    fn events(&self) -> Vec<String> {
        let lines = self.out.verdicts.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let verdicts = lines.map(|line| serde_json::from_slice::<serde_json::Value>(line).expect("JSON"));
        let word = |verdict: serde_json::Value| {
            format!("{}+{} {}", verdict["line"], verdict["lines"], verdict["outcome"].as_str().unwrap_or_default())
        };
        verdicts.map(word).collect()
    }

    /// Asserts that the accounting balances, and returns it.
    fn balance(&mut self) -> SourceStats {
        self.poll();
        self.tailer.scan(self.now);
        self.feed();
        let stats = self.pipeline.snapshot().sources[0].stats.clone();
        let gauges: &Gauges = &self.options.gauges;
        let seen = gauges.seen_bytes.load(Ordering::Relaxed);
        let skipped = gauges.skipped_bytes.load(Ordering::Relaxed);
        let unread = gauges.lag_bytes.load(Ordering::Relaxed);
        let lost: u64 = stats.lost_bytes.values().sum();
        assert_eq!(seen, stats.bytes + skipped + lost + unread, "{stats:?}, skipped {skipped}, unread {unread}");
        let SourceStats { lines, event_lines, blank_lines, discarded_lines, open_lines, .. } = stats;
        assert_eq!(lines, event_lines + blank_lines + discarded_lines + open_lines, "{stats:?}");
        stats
    }

    fn lost(&mut self, reason: LossReason) -> u64 {
        self.balance().lost_bytes.get(&reason).copied().unwrap_or(0)
    }
}

fn tailer(options: &Options, resume: ResumeState, ids: StreamIds) -> Tailer {
    Tailer::new(vec![options.clone()], resume, OwnFiles::default(), Arc::new(ids)).expect("a tailer")
}

fn pipeline() -> Pipeline {
    Setup { clock: Clock::Live, streams: 0, ..Setup::default() }.pipeline()
}

fn output() -> Output {
    Output { wanted: Wanted::All, keep_calls: true, ..Output::default() }
}

const TRACEBACK: &str =
    "2026-11-20 09:16:51,123 ERROR app call failed\nTraceback (most recent call last):\n  File \"app.py\", line 3, in call\n";
const RAISE: &str = "    raise error\nopenai.RateLimitError: Error code: 429 - {'error': {'message': 'Rate limit reached for gpt-5', 'code': 'rate_limit_exceeded'}}\n";

fn cri(output: &str, tag: &str, text: &str) -> String {
    format!("2026-11-20T09:16:51.123456789Z {output} {tag} {text}\n")
}

/// A record of a container in two parts.
fn parts() -> (String, String) {
    let record = r#"{"level":"error","event":"llm_api_error","provider":"anthropic","status_code":529,"error":"Overloaded"}"#;
    let (head, tail) = record.split_at(40);
    (cri("stdout", "P", head), cri("stdout", "F", tail))
}
