//! The accounting after failures: every byte and every line is in exactly one sum.

use super::{TRACEBACK, World};
use crate::running::{append, call};
use llm_triage::framing::LossReason;
use llm_triage::source::file::StartAt;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering;

#[test]
fn the_accounting_balances_after_a_start_at_the_end() {
    let mut world = World::starting("*.log", StartAt::End, |dir| append(&dir.path().join("old.log"), "past\npast, unfini"));
    world.poll();
    world.append("old.log", "shed\n");
    world.append("new.log", "new\n\n");
    world.balance();
    world.wait(2);
    let stats = world.balance();
    assert_eq!((stats.bytes, stats.lines, stats.blank_lines), (22, 3, 1));
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
    let stats = world.balance();
    assert!(stats.open_lines > 0 && stats.partial_lines == 1, "{stats:?}");
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
    let stats = world.balance();
    assert_eq!((stats.bytes, stats.partial_lines), (250_009, 1));
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
    let stats = world.balance();
    assert_eq!(stats.lines, 4, "only the lines after the checkpoint");
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
