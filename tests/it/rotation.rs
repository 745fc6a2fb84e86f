//! All combinations of how a file is rotated, how the next file is created and when the writer switches to it, with and
//! without a restart in the middle. Every line must arrive exactly once.

use crate::follower::{Follower, Saved};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;

/// How the tailer learns that something changed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Watch {
    /// Hints name the files that changed, like inotify. Scans happen only when names change.
    Hints,
    /// Only scans.
    Polling,
}

/// How the next file is created.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Create {
    /// Empty, by the rotation.
    Empty,
    /// By the writer, with its next line.
    ByWriter,
    /// Written under another name and renamed.
    FromTemporary,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rotate {
    Rename,
    CopyTruncate,
    /// A backup; the writer continues in the original.
    Copy,
    Delete,
    /// Renamed and compressed before the next scan.
    Compress,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Writer {
    /// Continues to write to its file and opens the new one later.
    Keeps,
    Reopens,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Restart {
    None,
    /// The rotation happens while the process is down.
    Clean,
    /// The same, and the last checkpoint is older than the last read.
    Kill,
}

/// Whether the tailer scans between all steps, or only after the last one.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scans {
    Often,
    Once,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    watch: Watch,
    create: Create,
    rotate: Rotate,
    writer: Writer,
    restart: Restart,
    scans: Scans,
    pattern: &'static str,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for watch in [Watch::Hints, Watch::Polling] {
        for create in [Create::Empty, Create::ByWriter, Create::FromTemporary] {
            for rotate in [Rotate::Rename, Rotate::CopyTruncate, Rotate::Copy, Rotate::Delete, Rotate::Compress] {
                for writer in [Writer::Keeps, Writer::Reopens] {
                    for restart in [Restart::None, Restart::Clean, Restart::Kill] {
                        for scans in [Scans::Often, Scans::Once] {
                            for pattern in ["app.log", "app.log*"] {
                                cases.push(Case { watch, create, rotate, writer, restart, scans, pattern });
                            }
                        }
                    }
                }
            }
        }
    }
    cases
}

/// A writer with numbered lines, and the tailer that follows it.
struct Scene {
    case: Case,
    follower: Follower,
    file: File,
    /// Lines written so far.
    written: u32,
    /// Lines that could not be read: they were in a file that was deleted while the process was down.
    lost: Vec<u32>,
    up: bool,
    rotations: u32,
}

impl Scene {
    fn new(case: Case) -> Self {
        let follower = Follower::new(&[case.pattern]);
        let file = append(&follower, "app.log");
        Self { case, follower, file, written: 0, lost: Vec::new(), up: true, rotations: 0 }
    }

    fn write(&mut self, lines: u32) {
        for number in self.written..self.written + lines {
            self.file.write_all(line(number).as_bytes()).expect("written");
        }
        self.written += lines;
        let file = self.file.try_clone().expect("cloned");
        // The kernel reports changes only for a file that has a name.
        if self.case.watch == Watch::Hints && std::os::unix::fs::MetadataExt::nlink(&file.metadata().expect("known")) > 0 {
            self.follower.hint("app.log");
            self.follower.hint("app.log.1");
        }
        self.step();
    }

    fn step(&mut self) {
        if self.up && self.case.scans == Scans::Often {
            self.read();
        }
    }

    fn read(&mut self) {
        match self.case.watch {
            Watch::Polling => self.follower.poll(),
            Watch::Hints => self.follower.read_all(),
        }
    }

    /// Scans after files were renamed or deleted.
    fn changed(&mut self) {
        if self.up && (self.case.scans == Scans::Often) {
            self.follower.poll();
        }
    }

    fn settle(&mut self) {
        for _ in 0..4 {
            self.follower.poll();
        }
    }

    /// Notes the unread lines of a file that is about to be deleted.
    fn note_lost(&mut self, from: u32) {
        if !self.up {
            self.lost.extend(from..self.written);
        }
    }

    fn rotate(&mut self) {
        let Case { create, rotate, writer, .. } = self.case;
        self.rotations += 1;
        let followed = self.follower.path("app.log");
        let old = self.follower.path("app.log.1");
        let replaced = match rotate {
            Rotate::Rename | Rotate::Compress => {
                fs::rename(&followed, &old).expect("renamed");
                true
            }
            Rotate::CopyTruncate => {
                fs::copy(&followed, &old).expect("copied");
                OpenOptions::new().write(true).open(&followed).expect("opened").set_len(0).expect("truncated");
                false
            }
            Rotate::Copy => {
                fs::copy(&followed, &old).expect("copied");
                false
            }
            Rotate::Delete => {
                fs::remove_file(&followed).expect("deleted");
                true
            }
        };
        if replaced {
            match create {
                Create::Empty => drop(File::create(&followed).expect("created")),
                Create::ByWriter => {}
                Create::FromTemporary => {
                    let temporary = self.follower.path("app.log.new");
                    File::create(&temporary).expect("created");
                    fs::rename(&temporary, &followed).expect("renamed");
                }
            }
        }
        self.changed();
        if writer == Writer::Keeps {
            if rotate == Rotate::Delete {
                let from = self.written;
                self.write(2);
                if !self.up {
                    self.lost.extend(from..self.written);
                }
            } else {
                self.write(2);
            }
        }
        if rotate == Rotate::Compress {
            compress(&old);
            self.changed();
        }
        self.file = append(&self.follower, "app.log");
        self.changed();
        self.write(2);
        self.changed();
    }
}

fn line(number: u32) -> String {
    format!("{{\"number\":{number},\"text\":\"a line that is as long as the shortest lines of real logs are, or nearly\"}}\n")
}

fn append(follower: &Follower, name: &str) -> File {
    OpenOptions::new().create(true).append(true).open(follower.path(name)).expect("opened")
}

/// Like `gzip`, completes the compressed file before it removes the plain one.
fn compress(path: &std::path::Path) {
    let plain = fs::read(path).expect("read");
    let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    to.write_all(&plain).expect("compressed");
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    fs::write(name, to.finish().expect("compressed")).expect("written");
    fs::remove_file(path).expect("removed");
}

/// Runs one case and returns what is wrong.
fn run(case: Case) -> Result<(), String> {
    let mut scene = Scene::new(case);
    scene.follower.poll();
    scene.write(3);
    scene.follower.poll();
    let early: Saved = scene.follower.save();
    scene.write(2);
    scene.follower.poll();
    let late = scene.follower.save();
    if case.restart != Restart::None {
        scene.up = false;
    }
    let unread_from = if case.restart == Restart::Kill { 3 } else { 5 };
    scene.write(2);
    if case.rotate == Rotate::Delete {
        scene.note_lost(unread_from);
    }
    scene.rotate();
    match case.restart {
        Restart::None => {}
        Restart::Clean => scene.follower.restart(late),
        Restart::Kill => scene.follower.restart(early),
    }
    scene.up = true;
    scene.settle();
    scene.write(2);
    scene.settle();
    // A minute later the rotated file is closed, and a restart must not read it again.
    scene.follower.wait(70);
    scene.settle();
    let saved = scene.follower.save();
    scene.follower.restart(saved);
    scene.settle();
    scene.write(2);
    scene.settle();

    let mut times: BTreeMap<u32, u32> = (0..scene.written).map(|number| (number, 0)).collect();
    for text in &scene.follower.lines {
        let number = (0..scene.written).find(|number| line(*number).trim_end() == *text);
        let Some(number) = number else { return Err(format!("{case:?}: a line that was never written: {text:?}")) };
        *times.entry(number).or_default() += 1;
    }
    let expected = |number: &u32| u32::from(!scene.lost.contains(number));
    let wrong: Vec<_> = times.iter().filter(|(number, times)| **times != expected(number)).collect();
    if wrong.is_empty() { Ok(()) } else { Err(format!("{case:?}: (line, times) {wrong:?}; {:?}", scene.follower.events)) }
}

#[test]
fn every_combination_of_rotation_reads_every_line_once() {
    let all = cases();
    assert_eq!(all.len(), 2 * 3 * 5 * 2 * 3 * 2 * 2);
    let faults: Vec<String> = all.iter().filter_map(|case| run(*case).err()).collect();
    assert!(faults.is_empty(), "{} of {} cases:\n{}", faults.len(), all.len(), faults.join("\n"));
}
