//! Random histories of a log and its reader, checked against a reference that knows only what was written.

use crate::follower::{Follower, Saved};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A small random number generator. The seed determines the whole history.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

struct World {
    follower: Follower,
    saved: Saved,
    up: bool,
    writer: File,
    written: Vec<String>,
    /// The written part of an unfinished line.
    half: String,
    /// Whether a scan has seen the file that has the name now.
    seen: bool,
    /// Rotates by copytruncate, not by renaming.
    copies: bool,
    history: Vec<String>,
}

impl World {
    fn new(pattern: &str, copies: bool) -> Self {
        let mut follower = Follower::new(&[pattern]);
        let writer = append(&follower.path("app.log"));
        follower.poll();
        let saved = follower.save();
        Self {
            follower,
            saved,
            up: true,
            writer,
            written: Vec::new(),
            half: String::new(),
            seen: true,
            copies,
            history: Vec::new(),
        }
    }

    fn act(&mut self, dice: &mut Dice) {
        match dice.roll(24) {
            0..=5 => self.write(1 + dice.roll(4)),
            6 => self.write_half(),
            7 => self.write(3_000 + dice.roll(3_000)),
            8..=10 if self.copies => self.copy_truncate(),
            8..=10 => self.rename(dice.roll(2) == 0),
            11 => self.compress(1 + dice.roll(3)),
            12..=14 => self.scan(),
            15..=17 => self.read_next(),
            18 => self.wait(1 + dice.roll(100)),
            19 | 20 => self.save(),
            21 => self.kill(),
            22 => self.stop(),
            _ => self.start(),
        }
    }

    fn write(&mut self, lines: u64) {
        self.note(format!("write {lines}"));
        let mut text = String::new();
        for _ in 0..lines {
            let mut line = std::mem::take(&mut self.half);
            let already = line.len();
            if line.is_empty() {
                line = format!("line {} of a log in which no two lines are the same", self.written.len());
            } else {
                line.push_str(" and here its end");
            }
            text.push_str(line.get(already..).expect("it grew"));
            text.push('\n');
            self.written.push(line);
        }
        self.writer.write_all(text.as_bytes()).expect("written");
    }

    fn write_half(&mut self) {
        self.note("half".to_owned());
        self.end_half();
        self.half = format!("line {} comes in two parts, here its beginning,", self.written.len());
        self.writer.write_all(self.half.as_bytes()).expect("written");
    }

    fn end_half(&mut self) {
        if !self.half.is_empty() {
            self.write(1);
        }
    }

    /// Like logrotate, increments the number of every rotated file.
    fn shift(&mut self) {
        if !self.seen {
            // The times of creation show which of two files is older.
            self.follower.tick();
        }
        self.seen = false;
        for number in (1..40).rev() {
            for end in ["", ".gz"] {
                let from = self.follower.path(&format!("app.log.{number}{end}"));
                if from.exists() {
                    fs::rename(from, self.follower.path(&format!("app.log.{}{end}", number + 1))).expect("renamed");
                }
            }
        }
    }

    fn rename(&mut self, late_lines: bool) {
        self.note(format!("rename, late lines: {late_lines}"));
        self.end_half();
        self.shift();
        fs::rename(self.follower.path("app.log"), self.follower.path("app.log.1")).expect("renamed");
        if late_lines {
            self.write(2);
        }
        self.writer = append(&self.follower.path("app.log"));
    }

    fn copy_truncate(&mut self) {
        // A copy of a file without read bytes is not recognised; the truncated bytes are then counted as lost.
        if !self.up {
            return;
        }
        self.note("copytruncate".to_owned());
        self.write(1);
        self.scan();
        self.follower.read_all();
        self.write(2);
        self.shift();
        fs::copy(self.follower.path("app.log"), self.follower.path("app.log.1")).expect("copied");
        self.writer.set_len(0).expect("truncated");
        if self.up {
            self.scan();
        }
    }

    fn compress(&mut self, number: u64) {
        let path = self.follower.path(&format!("app.log.{number}"));
        if !path.exists() {
            return;
        }
        self.note(format!("compress {number}"));
        compress(&path);
    }

    fn scan(&mut self) {
        if self.up {
            self.note("scan".to_owned());
            self.follower.wait(1);
            self.follower.scan();
            self.seen = true;
        }
    }

    fn read_next(&mut self) {
        if self.up {
            self.note("read".to_owned());
            self.follower.read_next();
        }
    }

    fn wait(&mut self, seconds: u64) {
        self.note(format!("{seconds} s"));
        self.follower.wait(seconds);
    }

    fn save(&mut self) {
        if self.up {
            // There is a scan every second, and a checkpoint every few seconds.
            self.scan();
            (0..4).for_each(|_| self.read_next());
            self.note("save".to_owned());
            self.saved = self.follower.save();
        }
    }

    /// The next process starts from the last checkpoint.
    fn kill(&mut self) {
        self.note("kill".to_owned());
        // A free inode number is reused at once. The file must be newer than the checkpoint to be told apart.
        self.follower.tick();
        self.up = true;
        self.follower.restart(self.saved.clone());
        self.seen = false;
    }

    fn stop(&mut self) {
        self.save();
        self.up = false;
    }

    fn start(&mut self) {
        if !self.up {
            self.kill();
        }
    }

    fn note(&mut self, what: String) {
        self.history.push(what);
    }

    /// Asserts that every written line arrived once.
    fn check(mut self, seed: u64) {
        self.start();
        self.end_half();
        for _ in 0..6 {
            self.follower.poll();
        }
        let mut times: BTreeMap<&str, i32> = self.written.iter().map(|line| (line.as_str(), -1)).collect();
        for line in &self.follower.lines {
            *times.entry(line).or_default() += 1;
        }
        let wrong: Vec<_> = times.iter().filter(|(_, times)| **times != 0).take(5).collect();
        let tail = self.history.len().saturating_sub(60);
        assert!(
            wrong.is_empty(),
            "seed {seed}: (line, too many) {wrong:?}\n{:?}\n{:?}",
            &self.history[tail..],
            self.follower.events
        );
    }
}

fn append(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).expect("opened")
}

/// Like `gzip`, keeps the modification time.
fn compress(path: &Path) {
    let modified = fs::metadata(path).expect("known").modified().expect("known");
    let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    to.write_all(&fs::read(path).expect("read")).expect("compressed");
    let compressed = path.with_added_extension("gz");
    fs::write(&compressed, to.finish().expect("compressed")).expect("written");
    File::options().write(true).open(&compressed).expect("opened").set_modified(modified).expect("set");
    fs::remove_file(path).expect("removed");
}

/// `SEEDS=600..5000` runs these seeds instead.
fn histories(seeds: std::ops::Range<u64>) {
    let wanted = std::env::var("SEEDS").ok();
    let wanted = wanted.as_deref().and_then(|seeds| seeds.split_once("..")).map(|(from, to)| (from.parse(), to.parse()));
    let seeds = wanted.map_or(seeds, |(from, to)| from.expect("a number")..to.expect("a number"));
    for seed in seeds {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let pattern = if dice.roll(2) == 0 { "app.log" } else { "app.log*" };
        let mut world = World::new(pattern, dice.roll(3) == 0);
        for _ in 0..10 + dice.roll(50) {
            world.act(&mut dice);
        }
        world.check(seed);
    }
}

#[test]
fn random_histories_lose_and_repeat_no_line() {
    histories(0..150);
}

#[test]
fn more_random_histories_lose_and_repeat_no_line() {
    histories(300..450);
}

#[test]
fn a_file_with_a_fingerprint_is_not_read_again_as_one_without() {
    let mut follower = Follower::new(&["app.log"]);
    let rename = |follower: &Follower, to: &str| fs::rename(follower.path("app.log"), follower.path(to)).expect("renamed");
    let write = |follower: &Follower, text: &[u8]| append(&follower.path("app.log")).write_all(text).expect("written");
    // A file that was rotated while empty, and one with too few bytes for a proof.
    write(&follower, b"");
    follower.poll();
    rename(&follower, "app.log.1");
    follower.tick();
    write(&follower, b"read\n");
    follower.poll();
    let saved = follower.save();
    write(&follower, b"unread\n");
    rename(&follower, "app.log.2");
    follower.tick();
    write(&follower, b"new\n");
    compress(&follower.path("app.log.2"));
    follower.restart(saved);
    follower.poll();
    assert_eq!(follower.lines, ["read", "unread", "new"], "{:?}", follower.events);
}

/// An inode number is reused soon after its file is deleted: the position of an empty file that was closed fits every file.
#[test]
fn a_closed_empty_file_does_not_claim_the_file_that_reuses_its_inode() {
    for rotated in [false, true] {
        let mut follower = Follower::new(&["app.log"]);
        let mut writer = append(&follower.path("app.log"));
        follower.poll();
        let mut empty = follower.save().positions.remove(0);
        (empty.stream, empty.closed) = (0, true);
        writeln!(writer, "a line that is long enough to tell its file from any other file there is").expect("written");
        follower.poll();
        let mut saved = follower.save();
        saved.positions.insert(0, empty);
        if rotated {
            fs::rename(follower.path("app.log"), follower.path("app.log.1")).expect("renamed");
        }
        follower.tick();
        follower.restart(saved);
        follower.poll();
        assert_eq!(follower.lines.len(), 1, "rotated: {rotated}, {:?}", follower.events);
    }
}

#[test]
fn a_compressed_copy_of_a_finished_file_is_not_read_again() {
    let mut follower = Follower::new(&["app.log"]);
    let rename = |follower: &Follower, to: &str| fs::rename(follower.path("app.log"), follower.path(to)).expect("renamed");
    let text = "a line that is long enough to tell its file from any other file there is";
    let mut writer = append(&follower.path("app.log"));
    writeln!(writer, "{text}").expect("written");
    follower.poll();
    rename(&follower, "app.log.2");
    append(&follower.path("app.log"));
    follower.tick();
    // Its last write comes after the next file was created, which has none.
    writeln!(writer, "late line").expect("written");
    compress(&follower.path("app.log.2"));
    follower.poll();
    follower.wait(100);
    follower.poll();
    follower.poll();
    rename(&follower, "app.log.1");
    append(&follower.path("app.log"));
    follower.poll();
    assert_eq!(follower.lines, [text, "late line"], "{:?}", follower.events);
}

#[test]
fn a_file_written_behind_a_backlog_and_compressed_while_down_is_read() {
    let mut follower = Follower::new(&["app.log"]);
    let mut writer = append(&follower.path("app.log"));
    let ago = |seconds| SystemTime::now() - Duration::from_secs(seconds);
    // The file is empty when it is opened, and is not read before the checkpoint, which is much later than its lines.
    writer.set_modified(ago(120)).expect("dated back");
    follower.poll();
    writeln!(writer, "an unread line of a file of which no byte was read").expect("written");
    writer.set_modified(ago(60)).expect("dated back");
    let saved = follower.save();
    fs::rename(follower.path("app.log"), follower.path("app.log.1")).expect("renamed");
    compress(&follower.path("app.log.1"));
    append(&follower.path("app.log"));
    follower.restart(saved);
    follower.poll();
    assert_eq!(follower.lines, ["an unread line of a file of which no byte was read"], "{:?}", follower.events);
}
