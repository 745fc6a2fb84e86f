//! Files under every kind of rotation, restart and mishap: which bytes arrive, each exactly once and in order.

use llm_triage::framing::StreamId;
use llm_triage::observation::SourceId;
use llm_triage::pipeline::Event;
use llm_triage::source::file::{FileKey, Options, OwnFiles, Position, Positions, ResumeState, StartAt, Tailer};
use llm_triage::source::{ClockReading, Gauges, StreamIds};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tempfile::TempDir;

/// A directory of logs, a tailer on it, and all it ever handed over. Time is advanced by hand.
struct Bench {
    dir: TempDir,
    options: Options,
    ids: Arc<StreamIds>,
    tailer: Tailer,
    ledger: Positions,
    /// Per stream: its path, where the next byte is expected, and the start and number of the line in the making.
    streams: BTreeMap<StreamId, Stream>,
    /// All bytes in the order of arrival.
    got: Vec<u8>,
    events: Vec<String>,
    now: ClockReading,
}

struct Stream {
    name: String,
    next: u64,
    safe: (u64, u64),
}

impl Bench {
    fn new(patterns: &[&str], start_at: StartAt) -> Self {
        Self::in_dir(tempfile::tempdir().expect("a directory"), patterns, start_at)
    }

    /// A bench on which everything that is there counts as new.
    fn seasoned(patterns: &[&str]) -> Self {
        Self::new(patterns, StartAt::Beginning)
    }

    fn in_dir(dir: TempDir, patterns: &[&str], start_at: StartAt) -> Self {
        let options = Options {
            source: SourceId(0),
            name: "app".into(),
            paths: patterns.iter().map(|it| dir.path().join(it).to_string_lossy().into_owned()).collect(),
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
            ledger: Positions::default(),
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
        fs::create_dir_all(path.parent().expect("has one")).expect("created");
        let mut file = OpenOptions::new().create(true).append(true).open(path).expect("opened");
        file.write_all(text.as_bytes()).expect("written");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    fn copy(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).expect("copied");
    }

    /// What `gzip` does: the time of the last write stays.
    fn compress(&self, name: &str) {
        let path = self.path(name);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&fs::read(&path).expect("read")).expect("packed");
        let written = fs::metadata(&path).and_then(|it| it.modified()).expect("known");
        let file = self.path(&format!("{name}.gz"));
        fs::write(&file, packed.finish().expect("packed")).expect("written");
        File::options().write(true).open(file).and_then(|it| it.set_modified(written)).expect("set");
        fs::remove_file(path).expect("removed");
    }

    fn truncate(&self, name: &str, len: u64) {
        OpenOptions::new().write(true).open(self.path(name)).expect("opened").set_len(len).expect("cut");
    }

    /// One scan, and turns until nothing is left. Returns what came, with `|` where another stream goes on.
    fn poll(&mut self) -> String {
        self.scan();
        let from = self.got.len();
        while self.turn() {}
        String::from_utf8_lossy(&self.got[from..]).into_owned()
    }

    fn scan(&mut self) {
        self.now.steady += Duration::from_secs(1);
        self.now.wall = self.now.wall.plus(Duration::from_secs(1));
        self.tailer.scan(self.now);
        self.collect();
    }

    fn turn(&mut self) -> bool {
        let more = self.tailer.turn(self.now);
        self.collect();
        more
    }

    fn wait(&mut self, seconds: u64) {
        self.now.steady += Duration::from_secs(seconds);
        self.now.wall = self.now.wall.plus(Duration::from_secs(seconds));
    }

    fn collect(&mut self) {
        while let Some(parcel) = self.tailer.take() {
            self.ledger.note(&parcel, self.now.wall);
            match parcel.event {
                Event::Open(stream, info) => {
                    let path = PathBuf::from(info.path.expect("a file has one"));
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
                // What goes on in the next file is for the pipeline; the order of the bytes is here.
                Event::Rotated { .. } => {}
                other => panic!("a file source has no say in {other:?}"),
            }
        }
    }

    fn save(&mut self) -> Vec<Position> {
        let safe: Vec<_> = self.streams.iter().map(|(stream, it)| (*stream, it.safe.0, it.safe.1)).collect();
        self.ledger.positions(&safe, self.now.wall)
    }

    /// The next process, which knows what was saved.
    fn restart(&mut self, positions: Vec<Position>) {
        self.restart_with(positions, false);
    }

    fn restart_with(&mut self, positions: Vec<Position>, skip_backlog: bool) {
        let memory = ResumeState { positions: positions.clone(), sources: BTreeSet::from(["app".into()]), skip_backlog };
        self.ids = Arc::new(StreamIds::above(positions.iter().map(|it| StreamId(it.stream))));
        self.tailer =
            Tailer::new(vec![self.options.clone()], memory, OwnFiles::default(), Arc::clone(&self.ids)).expect("a tailer");
        self.ledger = Positions::new(positions);
        self.streams.clear();
        self.events.clear();
    }

    fn said(&self, event: &str) -> bool {
        self.events.iter().any(|it| it == event)
    }
}

#[test]
fn appends_arrive_once_whole_lines_or_not() {
    let mut bench = Bench::seasoned(&["*.log"]);
    bench.append("app.log", "one\ntw");
    assert_eq!(bench.poll(), "one\ntw");
    assert_eq!(bench.poll(), "");
    bench.append("app.log", "o\n");
    assert_eq!(bench.poll(), "o\n");
    assert_eq!(bench.events, ["open app.log@0:1", "catching up: 1", "caught up"]);
}

#[test]
fn large_files_come_in_fair_turns() {
    let mut bench = Bench::seasoned(&["*.log"]);
    let big = "x".repeat(99).to_owned() + "\n";
    bench.append("a.log", &big.repeat(10_000));
    bench.append("b.log", "small\n");
    bench.scan();
    assert!(bench.turn() && bench.turn());
    assert!(bench.got.ends_with(b"small\n"), "the small file waits for one chunk of the big one at most");
    while bench.turn() {}
    assert_eq!(bench.got.len(), 1_000_000 + 6);
}

#[test]
fn start_at_end_concerns_only_files_that_are_there_at_the_first_start() {
    let mut bench = Bench::new(&["*.log"], StartAt::End);
    bench.append("old.log", "past\npast, unfini");
    assert_eq!(bench.poll(), "past, unfini", "a line that still grows is read as a whole");
    bench.append("old.log", "shed\n");
    bench.append("new.log", "new\n");
    assert_eq!(bench.poll(), "shed\nnew\n");
    let saved = bench.save();
    bench.append("while-away.log", "away\n");
    bench.restart(saved);
    assert_eq!(bench.poll(), "away\n");
}

#[test]
fn new_directories_are_found() {
    let mut bench = Bench::seasoned(&["pods/*/*.log"]);
    assert_eq!(bench.poll(), "");
    bench.append("pods/a/0.log", "a\n");
    assert_eq!(bench.poll(), "a\n");
    bench.append("pods/b/0.log", "b\n");
    bench.append("pods/b/x.tmp", "no\n");
    assert_eq!(bench.poll(), "b\n");
}

#[test]
fn a_renamed_file_is_read_to_its_end_before_its_successor() {
    for patterns in [["app.log"].as_slice(), &["app.log*"]] {
        let mut bench = Bench::seasoned(patterns);
        bench.append("app.log", "1\n");
        assert_eq!(bench.poll(), "1\n");
        bench.append("app.log", "2\n");
        bench.rename("app.log", "app.log.1");
        bench.append("app.log", "4\n");
        bench.append("app.log.1", "3\n");
        assert_eq!(bench.poll(), "2\n3\n4\n", "{patterns:?}");
        // The writer has not noticed yet.
        bench.append("app.log.1", "late\n");
        assert_eq!(bench.poll(), "late\n");
        bench.append("app.log", "5\n");
        assert_eq!(bench.poll(), "5\n");
    }
}

#[test]
fn a_far_behind_file_keeps_its_turn_before_its_successor() {
    let mut bench = Bench::seasoned(&["app.log"]);
    let block = "0123456789\n".repeat(50_000);
    bench.append("app.log", &block);
    bench.scan();
    bench.turn();
    bench.rename("app.log", "app.log.1");
    bench.append("app.log", "next\n");
    bench.scan();
    bench.rename("app.log", "app.log.2");
    bench.append("app.log", "last\n");
    while bench.poll() != "" {}
    assert_eq!(String::from_utf8_lossy(&bench.got), block + "next\nlast\n");
}

#[test]
fn a_rotated_file_is_let_go_when_it_is_quiet() {
    let mut bench = Bench::seasoned(&["app.log"]);
    bench.append("app.log", "1\nhalf");
    bench.poll();
    bench.rename("app.log", "app.log.1");
    bench.append("app.log", "2\n");
    bench.poll();
    assert!(!bench.said("close app.log"));
    bench.wait(61);
    bench.poll();
    assert!(bench.said("close app.log"), "{:?}", bench.events);
}

#[test]
fn a_renamed_file_without_successor_is_followed_while_its_writer_goes_on() {
    let mut bench = Bench::seasoned(&["app.log"]);
    bench.append("app.log", "1\n");
    bench.poll();
    bench.rename("app.log", "app.log.1");
    bench.poll();
    bench.wait(600);
    bench.poll();
    bench.append("app.log.1", "2\n");
    assert_eq!(bench.poll(), "2\n");
}

#[test]
fn a_file_that_was_begun_and_rotated_between_two_looks_is_read() {
    let mut bench = Bench::seasoned(&["app.log"]);
    bench.append("app.log.2", "ancient\n");
    bench.append("app.log", "1\n");
    bench.poll();
    bench.append("app.log", "2\n");
    bench.rename("app.log", "app.log.4");
    for text in ["3\n", "4\n"] {
        std::thread::sleep(Duration::from_millis(20)); // births must differ, and no one can set them
        bench.append("app.log", text);
        bench.rename("app.log", &format!("app.log.{}", text.trim()));
    }
    // By chance the last rename put `4` where the first file went; keep both.
    bench.append("app.log", "5\n");
    let got = bench.poll();
    assert!(got.ends_with("3\n4\n5\n"), "{got:?}");
}

#[test]
fn a_deleted_file_is_read_to_its_end_and_its_name_used_again() {
    let mut bench = Bench::seasoned(&["app.log"]);
    bench.append("app.log", "1\n");
    bench.poll();
    let mut writer = OpenOptions::new().append(true).open(bench.path("app.log")).expect("opened");
    fs::remove_file(bench.path("app.log")).expect("deleted");
    writer.write_all(b"2\n").expect("written");
    bench.append("app.log", "3\n");
    assert_eq!(bench.poll(), "2\n3\n");
    bench.wait(61);
    bench.poll();
    assert!(bench.said("close app.log"));
}

#[test]
fn a_truncated_file_begins_anew() {
    let mut bench = Bench::seasoned(&["app.log"]);
    bench.append("app.log", "one\ntwo\n");
    bench.poll();
    bench.truncate("app.log", 0);
    bench.append("app.log", "3\n");
    assert_eq!(bench.poll(), "3\n");
    assert!(bench.said("truncated app.log"));
    assert!(!bench.events.iter().any(|it| it.starts_with("lost")));
}

#[test]
fn regrowth_is_noticed_by_its_bytes() {
    for text in ["four and five\n", "one\ntwa\n", "one\ntwa\nthree\n"] {
        let mut bench = Bench::seasoned(&["app.log"]);
        bench.append("app.log", "one\ntwo\n");
        bench.poll();
        std::thread::sleep(Duration::from_millis(10)); // the clock of the file system is coarse
        bench.truncate("app.log", 0);
        bench.append("app.log", text);
        assert_eq!(bench.poll(), text);
    }
}

#[test]
fn unread_bytes_of_a_truncated_file_are_counted() {
    let mut bench = Bench::seasoned(&["app.log"]);
    bench.append("app.log", &"0123456789\n".repeat(20_000));
    bench.scan();
    bench.turn();
    let read = bench.got.len();
    bench.truncate("app.log", 0);
    bench.append("app.log", "new\n");
    assert_eq!(bench.poll(), "new\n");
    assert!(bench.said(&format!("lost {} truncated", 220_000 - read)), "{:?}", bench.events);
}

#[test]
fn copytruncate_loses_nothing_that_reached_the_copy() {
    for patterns in [["app.log"].as_slice(), &["app.log*"]] {
        let mut bench = Bench::seasoned(patterns);
        bench.append("app.log", "first line of the log, long enough to be told apart from others\n");
        bench.poll();
        bench.append("app.log", "unread\n");
        bench.copy("app.log", "app.log.1");
        bench.truncate("app.log", 0);
        bench.append("app.log", "anew\n");
        assert_eq!(bench.poll() + &bench.poll() + &bench.poll(), "unread\nanew\n", "{patterns:?}");
        bench.append("app.log", "more\n");
        assert_eq!(bench.poll(), "more\n");
    }
}

#[test]
fn what_was_copied_and_truncated_twice_between_two_looks_is_read() {
    for patterns in [["app.log"].as_slice(), &["app.log*"]] {
        for compress in [false, true] {
            let mut bench = Bench::seasoned(patterns);
            bench.append("app.log", "first line of the log, long enough to be told apart from others\n");
            bench.poll();
            bench.append("app.log", "unread\n");
            bench.copy("app.log", "app.log.2");
            bench.truncate("app.log", 0);
            std::thread::sleep(Duration::from_millis(20)); // births must differ, and no one can set them
            bench.append("app.log", "between the two\n");
            bench.copy("app.log", "app.log.1");
            bench.truncate("app.log", 0);
            bench.append("app.log", "anew\n");
            if compress {
                bench.compress("app.log.2");
                bench.compress("app.log.1");
            }
            let got = bench.poll() + &bench.poll() + &bench.poll();
            let mut lines: Vec<&str> = got.lines().collect();
            // A pattern that names the copies too takes them up as they come.
            let mut expected = vec!["unread", "between the two", "anew"];
            if patterns[0] == "app.log*" {
                expected.sort_unstable();
                lines.sort_unstable();
            }
            assert_eq!(lines, expected, "{patterns:?} {compress}");
            // A copy of what stands there now, before the cut.
            bench.append("app.log", "and more of it\n");
            bench.copy("app.log", "app.log.0");
            assert_eq!(bench.poll() + &bench.poll() + &bench.poll(), "and more of it\n", "{patterns:?} {compress}");
        }
    }
}

#[test]
fn what_was_truncated_and_then_renamed_while_nobody_looked_is_read() {
    let mut bench = Bench::seasoned(&["app.log"]);
    bench.append("app.log", "first line of the log, long enough to be told apart from others\n");
    bench.poll();
    let saved = bench.save();
    bench.append("app.log", "in the copy\n");
    bench.copy("app.log", "app.log.2");
    bench.truncate("app.log", 0);
    bench.append("app.log", "in the original\n");
    bench.rename("app.log", "app.log.1");
    bench.append("app.log", "in the new one\n");
    bench.restart(saved);
    assert_eq!(bench.poll() + &bench.poll(), "in the copy\nin the original\nin the new one\n");
}

#[test]
fn what_has_the_inode_of_a_file_that_was_compressed_while_nobody_looked_hides_nothing() {
    let mut bench = Bench::seasoned(&["app.log"]);
    bench.append("app.log", "first line of the log, long enough to be told apart from others\n");
    bench.poll();
    let mut saved = bench.save();
    bench.append("app.log", "in the compressed one\n");
    for (name, text) in [("app.log.3", "in the second\n"), ("app.log.2", "in the third\n"), ("app.log.1", "in the new one\n")] {
        bench.rename("app.log", name);
        std::thread::sleep(Duration::from_millis(20)); // births must differ, and no one can set them
        bench.append("app.log", text);
    }
    bench.compress("app.log.3");
    // Its number is free then, and file systems use such a number again at once.
    saved[0].key = FileKey::of(&fs::metadata(bench.path("app.log.1")).expect("known"));
    bench.restart(saved);
    assert_eq!(bench.poll() + &bench.poll(), "in the compressed one\nin the second\nin the third\nin the new one\n");
}

#[test]
fn what_was_written_copied_and_truncated_before_its_first_byte_was_read_is_read() {
    let mut bench = Bench::seasoned(&["app.log"]);
    bench.append("app.log", "first line of the log, long enough to be told apart from others\n");
    bench.poll();
    bench.copy("app.log", "app.log.1");
    bench.truncate("app.log", 0);
    assert_eq!(bench.poll(), "");
    std::thread::sleep(Duration::from_millis(20)); // births must differ, and no one can set them
    bench.append("app.log", "between\n");
    bench.rename("app.log.1", "app.log.2");
    bench.copy("app.log", "app.log.1");
    bench.truncate("app.log", 0);
    bench.append("app.log", "longer than what was there between\n");
    assert_eq!(bench.poll() + &bench.poll(), "between\nlonger than what was there between\n");
}

#[test]
fn a_copy_under_a_rotated_name_is_not_read_again() {
    let mut bench = Bench::seasoned(&["app.log*"]);
    bench.append("app.log", "one line that is long enough to tell this file from any other file\n");
    bench.poll();
    bench.copy("app.log", "app.log.1");
    assert_eq!(bench.poll(), "");
    assert_eq!(bench.poll(), "");
    bench.append("app.log.1", "only here\n");
    assert_eq!(bench.poll(), "only here\n");
    let saved = bench.save();
    bench.restart(saved);
    assert_eq!(bench.poll(), "");
}

#[test]
fn the_hole_of_a_writer_that_keeps_its_place_is_skipped() {
    let mut bench = Bench::seasoned(&["app.log"]);
    let mut writer = File::create(bench.path("app.log")).expect("created");
    writer.write_all("x".repeat(200_000).as_bytes()).expect("written");
    bench.poll();
    bench.truncate("app.log", 0);
    writer.write_all(b"\nafter the hole\n").expect("written");
    assert_eq!(bench.poll(), "\nafter the hole\n");
    let lost: u64 =
        bench.events.iter().filter_map(|it| it.strip_prefix("lost ")?.strip_suffix(" binary")?.parse::<u64>().ok()).sum();
    assert!(lost > 0 && lost <= 200_000, "{:?}", bench.events);
}

#[test]
fn a_swapped_symbolic_link_is_a_rotation() {
    let mut bench = Bench::seasoned(&["containers/*.log"]);
    bench.append("pods/x/0.log", "a\n");
    fs::create_dir_all(bench.path("containers")).expect("created");
    std::os::unix::fs::symlink(bench.path("pods/x/0.log"), bench.path("containers/x.log")).expect("linked");
    assert_eq!(bench.poll(), "a\n");
    bench.append("pods/x/0.log", "b\n");
    bench.append("pods/x/1.log", "c\n");
    fs::remove_file(bench.path("containers/x.log")).expect("removed");
    std::os::unix::fs::symlink(bench.path("pods/x/1.log"), bench.path("containers/x.log")).expect("linked");
    assert_eq!(bench.poll(), "b\nc\n");
    // Kubelet's own rotation: the target is renamed, the link stays.
    bench.append("pods/x/1.log", "d\n");
    bench.rename("pods/x/1.log", "pods/x/1.log.20261120-091651");
    bench.append("pods/x/1.log", "e\n");
    assert_eq!(bench.poll(), "d\ne\n");
}

#[test]
fn a_restart_goes_on_at_the_start_of_the_open_line() {
    let mut bench = Bench::seasoned(&["app.log"]);
    bench.append("app.log", "one\ntwo\nthr");
    bench.poll();
    let saved = bench.save();
    bench.append("app.log", "ee\nfour\n");
    bench.restart(saved);
    assert_eq!(bench.poll(), "three\nfour\n");
    assert!(bench.said("open app.log@8:3"), "{:?}", bench.events);
    assert!(bench.said("catching up: 1") && bench.said("caught up"));
}

#[test]
fn a_crash_repeats_what_the_checkpoint_did_not_cover_and_no_more() {
    let mut bench = Bench::seasoned(&["app.log"]);
    bench.append("app.log", "one\n");
    bench.poll();
    let saved = bench.save();
    bench.append("app.log", "two\n");
    assert_eq!(bench.poll(), "two\n");
    bench.restart(saved);
    assert_eq!(bench.poll(), "two\n");
}

#[test]
fn what_was_rotated_while_nobody_looked_is_read_in_order() {
    for patterns in [["app.log"].as_slice(), &["app.log*"]] {
        let mut bench = Bench::seasoned(patterns);
        bench.append("app.log.3", "ancient\n");
        bench.poll();
        bench.append("app.log", "1\n");
        bench.poll();
        let saved = bench.save();
        bench.append("app.log", "2\n");
        bench.rename("app.log", "app.log.2");
        std::thread::sleep(Duration::from_millis(20)); // births must differ, and no one can set them
        bench.append("app.log", "3\n");
        bench.rename("app.log", "app.log.1");
        std::thread::sleep(Duration::from_millis(20));
        bench.append("app.log", "4\n");
        bench.restart(saved);
        assert_eq!(bench.poll(), "2\n3\n4\n", "{patterns:?}");
        let saved = bench.save();
        bench.restart(saved);
        assert_eq!(bench.poll(), "");
    }
}

#[test]
fn what_was_copied_and_truncated_while_nobody_looked_is_read_in_order() {
    let mut bench = Bench::seasoned(&["app.log"]);
    bench.append("app.log", "one\n");
    bench.poll();
    let saved = bench.save();
    bench.append("app.log", "two\n");
    bench.copy("app.log", "app.log.1");
    bench.truncate("app.log", 0);
    bench.append("app.log", "three\n");
    bench.restart(saved);
    assert_eq!(bench.poll(), "two\nthree\n");
}

#[test]
fn another_file_in_the_place_and_with_the_inode_of_a_known_one_is_new() {
    let mut bench = Bench::seasoned(&["app.log"]);
    bench.append("app.log", "one\ntwo\n");
    bench.poll();
    let saved = bench.save();
    bench.truncate("app.log", 0);
    bench.append("app.log", "another, longer one\n");
    bench.restart(saved);
    assert_eq!(bench.poll(), "another, longer one\n");
}

#[test]
fn a_volume_that_comes_back_is_read_on() {
    let mut bench = Bench::seasoned(&["volume/*.log"]);
    bench.append("volume/app.log", "one\n");
    bench.poll();
    bench.rename("volume", "unmounted");
    bench.poll();
    bench.wait(4_000);
    bench.poll();
    assert!(bench.said("close volume/app.log"), "{:?}", bench.events);
    let saved = bench.save();
    assert_eq!(saved.len(), 1);
    bench.append("unmounted/app.log", "two\n");
    bench.rename("unmounted", "volume");
    assert_eq!(bench.poll(), "two\n");
    bench.restart(saved);
    assert_eq!(bench.poll(), "two\n", "the checkpoint remembers it too");
}

#[test]
fn a_backlog_that_ends_the_process_is_skipped_and_counted() {
    let mut bench = Bench::seasoned(&["app.log"]);
    bench.append("app.log", "one\n");
    bench.poll();
    let saved = bench.save();
    bench.append("app.log", "poison\n");
    bench.restart_with(saved, true);
    assert_eq!(bench.poll(), "");
    assert!(bench.said("lost 7 crash_loop"), "{:?}", bench.events);
    bench.append("app.log", "two\n");
    assert_eq!(bench.poll(), "two\n");
}

#[test]
fn a_file_with_two_names_is_read_once() {
    let mut bench = Bench::seasoned(&["*.log", "links/*"]);
    bench.append("app.log", "one\n");
    fs::create_dir_all(bench.path("links")).expect("created");
    std::os::unix::fs::symlink(bench.path("app.log"), bench.path("links/app.log")).expect("linked");
    fs::hard_link(bench.path("app.log"), bench.path("hard.log")).expect("linked");
    assert_eq!(bench.poll(), "one\n");
}

#[test]
fn replicas_with_the_same_first_lines_are_two_files() {
    let mut bench = Bench::seasoned(&["*.log"]);
    let banner = "the same banner, written by every replica of this service at its start\n";
    bench.append("a.log", banner);
    bench.append("b.log", banner);
    assert_eq!(bench.poll(), banner.repeat(2));
    bench.append("b.log", "b\n");
    let saved = bench.save();
    bench.append("a.log", "a\n");
    bench.restart(saved);
    let got = bench.poll();
    assert!(got == "a\nb\n" || got == "b\na\n", "{got:?}");
}

#[test]
fn resting_files_are_closed_beyond_a_limit_and_read_on_all_the_same() {
    let mut bench = Bench::seasoned(&["*.log"]);
    for index in 0..1_000 {
        bench.append(&format!("{index:04}.log"), "one\n");
    }
    assert_eq!(bench.poll().len(), 4_000);
    bench.poll();
    assert!(fs::read_dir("/proc/self/fd").expect("listed").count() < 900);
    bench.append("0007.log", "two\n");
    assert_eq!(bench.poll(), "two\n");
    // One that is parked is rotated.
    bench.poll();
    bench.append("0008.log", "three\n");
    bench.rename("0008.log", "0008.log.1");
    bench.append("0008.log", "four\n");
    assert_eq!(bench.poll(), "three\nfour\n");
    assert_eq!(bench.options.gauges.files.load(Ordering::Relaxed), 1_001);
}

#[test]
fn what_cannot_be_read_is_said_and_read_once_it_can() {
    let mut bench = Bench::seasoned(&["*.log"]);
    // A file that nobody may read has no test as root; a loop of links has.
    std::os::unix::fs::symlink(bench.path("loop.log"), bench.path("loop.log")).expect("linked");
    bench.append("app.log", "one\n");
    assert_eq!(bench.poll(), "one\n");
    assert_eq!(bench.options.gauges.unreadable.load(Ordering::Relaxed), 1);
    fs::remove_file(bench.path("loop.log")).expect("removed");
    bench.append("loop.log", "two\n");
    assert_eq!(bench.poll(), "two\n");
    assert_eq!(bench.options.gauges.unreadable.load(Ordering::Relaxed), 0);
}

#[test]
fn the_lag_is_what_is_written_and_not_read() {
    let mut bench = Bench::seasoned(&["*.log"]);
    bench.append("app.log", &"0123456789\n".repeat(10_000));
    bench.scan();
    assert_eq!(bench.options.gauges.lag_bytes.load(Ordering::Relaxed), 110_000);
    bench.poll();
    bench.poll();
    assert_eq!(bench.options.gauges.lag_bytes.load(Ordering::Relaxed), 0);
}
