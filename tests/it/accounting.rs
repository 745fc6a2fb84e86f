//! Files through the tailer and the pipeline: events continue across rotations and restarts, and the accounting balances
//! after every failure. Bytes: seen = read + skipped + lost + unread. Lines: all = in events + blank + discarded + open.

use crate::replay::Setup;
use crate::running::{append, call};
use llm_triage::alert::AlertOptions;
use llm_triage::framing::{LossReason, StreamId};
use llm_triage::observation::{Observation, SourceId};
use llm_triage::pipeline::{Clock, Event, Output, Pipeline, SourceStats, State, Wanted};
use llm_triage::source::file::{Options, OwnFiles, Position, Positions, ResumeState, StartAt, Tailer};
use llm_triage::source::{ClockReading, Gauges, StreamIds};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
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
        let books = self.pipeline.snapshot().sources[0].stats.clone();
        let gauges: &Gauges = &self.options.gauges;
        let seen = gauges.seen_bytes.load(Ordering::Relaxed);
        let skipped = gauges.skipped_bytes.load(Ordering::Relaxed);
        let unread = gauges.lag_bytes.load(Ordering::Relaxed);
        let lost: u64 = books.lost_bytes.values().sum();
        assert_eq!(seen, books.bytes + skipped + lost + unread, "{books:?}, skipped {skipped}, unread {unread}");
        let SourceStats { lines, event_lines, blank_lines, discarded_lines, open_lines, .. } = books;
        assert_eq!(lines, event_lines + blank_lines + discarded_lines + open_lines, "{books:?}");
        books
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

#[test]
fn a_traceback_continues_in_the_next_file() {
    for restarts in [0, 1, 2] {
        let mut world = World::new("app.log");
        world.append("app.log", TRACEBACK);
        world.poll();
        let saved = world.save();
        if restarts == 1 {
            world.rotate("app.log", "app.log.1");
            world.append("app.log", RAISE);
            world.restart(saved);
        } else {
            world.rotate("app.log", "app.log.1");
            world.append("app.log", RAISE.split_inclusive('\n').next().expect("a line"));
            world.poll();
            if restarts == 2 {
                // The process is killed while the event is in two files.
                let saved = world.save();
                world.restart(saved);
            }
            world.append("app.log", RAISE.split_inclusive('\n').next_back().expect("a line"));
        }
        world.poll();
        world.wait(2);
        assert_eq!(world.calls().len(), 1, "{restarts}: {:?}", world.events());
        assert_eq!(world.events(), ["1+5 error"], "{restarts}");
        world.append("app.log", &call(1, 200));
        world.wait(2);
        assert_eq!(world.calls().len(), 2, "{restarts}: {:?}", world.events());
        world.balance();
    }
}

#[test]
fn a_record_in_parts_continues_in_the_next_file() {
    let (head, tail) = parts();
    for saved_at in 0..4 {
        let mut world = World::new("0.log");
        world.append("0.log", &(cri("stderr", "F", "INFO starting") + &head));
        world.poll();
        let mut saved = world.save();
        world.rotate("0.log", "0.log.20261120-091651");
        world.append("0.log", &cri("stderr", "F", "INFO going on"));
        world.poll();
        if saved_at >= 1 {
            saved = world.save();
        }
        if saved_at >= 2 {
            // No part arrives for a while, but the time limit for parts is longer.
            world.wait(10);
            saved = world.save();
        }
        if saved_at < 3 {
            let known = world.out.calls.len();
            assert_eq!(known, 0);
            world.restart(saved);
        }
        world.append("0.log", &tail);
        world.poll();
        world.wait(2);
        assert_eq!(world.calls(), ["anthropic-overloaded"], "saved at {saved_at}: {:?}", world.events());
        world.balance();
    }
}

#[test]
fn an_open_event_continues_after_a_copytruncate_and_after_a_truncation() {
    for copies in [true, false] {
        let mut world = World::new("app.log");
        world.append("app.log", &(call(0, 200) + TRACEBACK));
        world.poll();
        if copies {
            fs::copy(world.path("app.log"), world.path("app.log.1")).expect("copied");
        }
        world.truncate("app.log");
        world.append("app.log", RAISE);
        world.poll();
        world.wait(3);
        assert_eq!(world.calls().len(), 2, "{copies}: {:?}", world.events());
        assert_eq!(world.events()[1], "2+5 error");
        world.balance();
    }
}

#[test]
fn the_context_of_a_stream_continues_in_the_next_file() {
    // An earlier attempt of the same call is in the previous file.
    let mut world = World::new("app.log");
    let asked = "2026-11-20 09:16:51,100 INFO httpx HTTP Request: POST https://api.openai.com/v1/chat/completions \"HTTP/1.1 429 Too Many Requests\"\n";
    let again = "2026-11-20 09:16:53,100 INFO httpx HTTP Request: POST https://api.openai.com/v1/chat/completions \"HTTP/1.1 200 OK\"\n";
    let retry = "2026-11-20 09:16:51,101 INFO openai._base_client Retrying request to /chat/completions in 0.9 seconds\n";
    world.append("app.log", &(asked.to_owned() + retry));
    world.poll();
    world.rotate("app.log", "app.log.1");
    world.append("app.log", again);
    world.poll();
    world.wait(200);
    assert_eq!(world.calls().len(), 1, "one call with a retry: {:?}", world.calls());
}

#[test]
fn the_wait_for_the_rest_of_a_line_has_a_limit() {
    let (head, tail) = parts();
    let mut world = World::new("0.log");
    world.append("0.log", &head);
    world.poll();
    world.wait(29);
    assert!(world.events().is_empty(), "{:?}", world.events());
    world.wait(2);
    assert_eq!(world.events().len(), 1, "the partial line is emitted");
    assert_eq!(world.balance().partial_lines, 1, "and counted as partial");
    // The rest arrives late, after a restart: it must not become an event of its own.
    let saved = world.save();
    world.restart(saved);
    let before = world.calls().len();
    world.append("0.log", &(tail + &cri("stdout", "F", call(1, 200).trim_end())));
    world.poll();
    world.wait(2);
    assert_eq!(world.calls().len(), before + 1, "{:?}", world.calls());
    world.balance();
}

#[test]
fn the_parts_of_one_line_are_bounded() {
    let mut world = World::new("0.log");
    // Five megabytes of one line, in parts of 16 KiB, with the error at the end.
    let part = cri("stdout", "P", &"x".repeat(16 << 10));
    world.append(
        "0.log",
        &cri("stdout", "P", r#"{"level":"error","event":"llm_api_error","provider":"openai","status_code":429,"prompt":""#),
    );
    for _ in 0..320 {
        world.append("0.log", &part);
    }
    world.append("0.log", &cri("stdout", "F", r#"","error_code":"rate_limit_exceeded","error":"Rate limit reached"}"#));
    world.poll();
    let books = world.balance();
    assert_eq!((books.lines, books.event_lines, books.partial_lines), (322, 322, 1));
    assert_eq!(world.calls().len(), 1, "{:?}", world.events());
    // Parts of one byte each.
    for _ in 0..5 {
        world.append("0.log", &cri("stdout", "P", "y").repeat(1_000));
    }
    world.poll();
    let books = world.balance();
    assert_eq!(books.lines, 5_322);
    assert!(books.open_lines <= 2_000, "{books:?}");
}

#[test]
fn the_accounting_balances_after_a_start_at_the_end() {
    let mut world = World::starting("*.log", StartAt::End, |dir| append(&dir.path().join("old.log"), "past\npast, unfini"));
    world.poll();
    world.append("old.log", "shed\n");
    world.append("new.log", "new\n\n");
    world.balance();
    world.wait(2);
    let books = world.balance();
    assert_eq!((books.bytes, books.lines, books.blank_lines), (22, 3, 1));
    assert_eq!(world.options.gauges.skipped_bytes.load(Ordering::Relaxed), 5);
}

#[test]
fn the_accounting_balances_after_truncations() {
    let mut world = World::new("app.log");
    world.append("app.log", &"0123456789\n".repeat(20_000));
    world.tailer.scan(world.now);
    world.tailer.read_next(world.now);
    world.feed();
    let read = world.pipeline.snapshot().sources[0].stats.bytes;
    world.truncate("app.log");
    world.append("app.log", "new\n");
    assert_eq!(world.lost(LossReason::Truncated), 220_000 - read);
    world.truncate("app.log");
    world.balance();
    world.append("app.log", "again\nand more than there was\n");
    world.balance();
    fs::write(world.path("app.log"), "other\nbytes of some other length, but more\n").expect("rewritten");
    world.balance();
}

#[test]
fn the_accounting_balances_behind_a_hole() {
    let mut world = World::new("app.log");
    let mut writer = File::create(world.path("app.log")).expect("created");
    writer.write_all("x".repeat(200_000).as_bytes()).expect("written");
    world.poll();
    world.truncate("app.log");
    writer.write_all(b"\nafter the hole\n").expect("written");
    assert_eq!(world.lost(LossReason::Binary), 200_000);
    // A line with a NUL in the middle is not text.
    writer.write_all(b"a\0b\n").expect("written");
    assert_eq!(world.balance().discarded_lines, 1);
}

#[test]
fn the_accounting_balances_with_lines_of_all_kinds() {
    let mut world = World::new("app.log");
    let long = "z".repeat(3 << 20);
    world.append("app.log", &format!("{long}\n\n\n{{\"half\": \u{e9}\n"));
    let half = &"\u{e9}\u{1F600}".as_bytes()[..4];
    OpenOptions::new().append(true).open(world.path("app.log")).and_then(|mut file| file.write_all(half)).expect("written");
    world.balance();
    OpenOptions::new()
        .append(true)
        .open(world.path("app.log"))
        .and_then(|mut file| file.write_all(b"\xff\xfe\n\xf0\x9f"))
        .expect("written");
    world.append("app.log", TRACEBACK);
    let books = world.balance();
    assert!(books.open_lines > 0 && books.partial_lines == 1, "{books:?}");
    world.wait(3);
    assert_eq!(world.balance().open_lines, 0);
}

#[test]
fn the_accounting_balances_when_files_are_deleted_and_closed() {
    let mut world = World::new("*.log");
    world.append("a.log", &"line\n".repeat(50_000));
    world.append("b.log", "half a li");
    world.tailer.scan(world.now);
    world.feed();
    fs::remove_file(world.path("a.log")).expect("deleted");
    world.rotate("b.log", "b.log.1");
    world.poll();
    world.balance();
    world.wait(4_000);
    let books = world.balance();
    assert_eq!((books.bytes, books.partial_lines), (250_009, 1));
    assert_eq!(world.options.gauges.files.load(Ordering::Relaxed), 0);
    // A directory takes the name of a file, and then a file again.
    fs::create_dir(world.path("a.log")).expect("created");
    world.balance();
    fs::remove_dir(world.path("a.log")).expect("removed");
    world.append("a.log", "back\n");
    assert_eq!(world.balance().bytes, 250_014);
}

#[test]
fn the_accounting_balances_after_a_kill_and_with_a_copy() {
    let mut world = World::new("app.log*");
    world.append("app.log", &(call(0, 200) + &call(1, 200)));
    world.poll();
    let saved = world.save();
    world.append("app.log", &(call(2, 200) + TRACEBACK));
    world.poll();
    world.balance();
    world.restart(saved);
    let books = world.balance();
    assert_eq!(books.lines, 4, "only the lines after the checkpoint");
    fs::copy(world.path("app.log"), world.path("app.log.1")).expect("copied");
    world.wait(3);
    world.balance();
    let copied = fs::metadata(world.path("app.log.1")).expect("exists").len();
    assert_eq!(world.options.gauges.skipped_bytes.load(Ordering::Relaxed), copied);
    // A writer overwrites bytes that were read already.
    let file = OpenOptions::new().write(true).open(world.path("app.log")).expect("opened");
    file.write_at(b"#", copied - 3).expect("written");
    world.append("app.log", &call(3, 200));
    world.wait(3);
    world.balance();
    let mut file = OpenOptions::new().write(true).open(world.path("app.log")).expect("opened");
    file.seek(SeekFrom::End(0)).expect("sought");
    file.write_all(b"torso").expect("written");
    world.balance();
}

/// A small random number generator: the same cases in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// The two outputs of a container, line by line, with interleaved tracebacks, parts and records.
fn mixed_log(dice: &mut Dice, length: usize) -> Vec<String> {
    let mut log: Vec<String> = Vec::new();
    for number in 0..length {
        let (output, other) = if dice.below(2) == 0 { ("stdout", "stderr") } else { ("stderr", "stdout") };
        let good = call(number, 200);
        let bad = call(number, 500);
        let (head, tail) = good.trim_end().split_at(60);
        match dice.below(4) {
            0 => log.push(cri(output, "F", good.trim_end())),
            1 => log.extend([cri(output, "P", head), cri(other, "F", bad.trim_end()), cri(output, "F", tail)]),
            2 => {
                for line in TRACEBACK.lines().chain(RAISE.lines()) {
                    log.push(cri(output, "F", line));
                    if dice.below(3) == 0 {
                        log.push(cri(other, "F", call(1_000 + log.len(), 200).trim_end()));
                    }
                }
            }
            _ => log.push(cri(other, "F", bad.trim_end())),
        }
    }
    log
}

/// Writes a log line by line, and after each line rotates it, reads it, or restarts the process.
fn read_with_interruptions(log: &[String], dice: &mut Dice, actions: &[&'static str]) -> (Vec<String>, Vec<&'static str>) {
    let mut world = World::new("0.log");
    world.append("0.log", "INFO begins\n");
    world.poll();
    let mut saved = (world.save(), 0);
    let (mut done, mut rotations, mut lines) = (Vec::new(), 0, 0);
    for line in log {
        world.append("0.log", line);
        lines += 1;
        let index = usize::try_from(dice.below(actions.len() as u64)).expect("few");
        let action = actions[index];
        // An event may span at most two files.
        if matches!(action, "rename" | "copytruncate") && lines < 15 {
            continue;
        }
        done.push(action);
        let rotated = format!("0.log.20261120-09{rotations:04}");
        match action {
            "rename" => {
                world.rotate("0.log", &rotated);
                (rotations, lines) = (rotations + 1, 0);
                std::thread::sleep(Duration::from_millis(5)); // creation times must differ and cannot be set
            }
            "copytruncate" => {
                world.poll();
                fs::copy(world.path("0.log"), world.path(&rotated)).expect("copied");
                world.truncate("0.log");
                (rotations, lines) = (rotations + 1, 0);
                std::thread::sleep(Duration::from_millis(5)); // creation times must differ and cannot be set
            }
            "save" => saved = (world.save(), world.out.calls.len()),
            "kill" => {
                // The process loses what it counted after the checkpoint.
                world.restart(saved.0.clone());
                world.out.calls.truncate(saved.1);
                world.poll();
                saved = (world.save(), world.out.calls.len());
            }
            _ => world.poll(),
        }
    }
    world.poll();
    world.wait(2);
    world.balance();
    let mut calls = world.calls();
    calls.sort();
    (calls, done)
}

#[test]
fn rotations_and_restarts_anywhere_change_no_count() {
    let modes: [&[&str]; 6] = [
        &["poll", "rename", "rename"],
        &["poll", "copytruncate", "copytruncate"],
        &["poll", "rename", "save", "kill"],
        &["poll", "copytruncate", "save", "kill"],
        &["poll", "copytruncate", "rename"],
        &["poll", "poll", "copytruncate", "rename", "save", "kill"],
    ];
    for (case, mode) in (1..=48_u64).zip(modes.into_iter().cycle()) {
        let mut dice = Dice(case.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let log = mixed_log(&mut dice, 30);
        let mut whole = World::new("0.log");
        whole.append("0.log", &log.concat());
        whole.poll();
        whole.wait(2);
        let mut expected = whole.calls();
        expected.sort();
        let (calls, done) = read_with_interruptions(&log, &mut dice, mode);
        assert_eq!(calls, expected, "case {case}: {done:?}");
    }
}
