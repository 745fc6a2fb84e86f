//! Files that only grow: which are read, from where, and what is reported about them.

use super::Bench;
use llm_triage::source::file::StartAt;
use std::fs;
use std::sync::atomic::Ordering;

#[test]
fn appended_bytes_arrive_once_with_or_without_a_line_end() {
    let mut bench = Bench::from_beginning(&["*.log"]);
    bench.append("app.log", "one\ntw");
    assert_eq!(bench.poll(), "one\ntw");
    assert_eq!(bench.poll(), "");
    bench.append("app.log", "o\n");
    assert_eq!(bench.poll(), "o\n");
    assert_eq!(bench.events, ["open app.log@0:1", "catching up: 1", "caught up"]);
}

#[test]
fn large_files_do_not_delay_small_ones() {
    let mut bench = Bench::from_beginning(&["*.log"]);
    let big = "x".repeat(99).to_owned() + "\n";
    bench.append("a.log", &big.repeat(10_000));
    bench.append("b.log", "small\n");
    bench.scan();
    assert!(bench.read_next() && bench.read_next());
    assert!(bench.got.ends_with(b"small\n"), "the small file waits for at most one chunk of the big one");
    while bench.read_next() {}
    assert_eq!(bench.got.len(), 1_000_000 + 6);
}

#[test]
fn start_at_end_applies_only_to_files_that_exist_at_the_first_start() {
    let mut bench = Bench::new(&["*.log"], StartAt::End);
    bench.append("old.log", "past\npast, unfini");
    assert_eq!(bench.poll(), "past, unfini", "an incomplete last line is read from its start");
    bench.append("old.log", "shed\n");
    bench.append("new.log", "new\n");
    assert_eq!(bench.poll(), "shed\nnew\n");
    let saved = bench.save();
    bench.append("while-down.log", "down\n");
    bench.restart(saved);
    assert_eq!(bench.poll(), "down\n");
}

#[test]
fn new_directories_are_found() {
    let mut bench = Bench::from_beginning(&["pods/*/*.log"]);
    assert_eq!(bench.poll(), "");
    bench.append("pods/a/0.log", "a\n");
    assert_eq!(bench.poll(), "a\n");
    bench.append("pods/b/0.log", "b\n");
    bench.append("pods/b/x.tmp", "no\n");
    assert_eq!(bench.poll(), "b\n");
}

#[test]
fn a_file_with_two_names_is_read_once() {
    let mut bench = Bench::from_beginning(&["*.log", "links/*"]);
    bench.append("app.log", "one\n");
    fs::create_dir_all(bench.path("links")).expect("created");
    std::os::unix::fs::symlink(bench.path("app.log"), bench.path("links/app.log")).expect("linked");
    fs::hard_link(bench.path("app.log"), bench.path("hard.log")).expect("linked");
    assert_eq!(bench.poll(), "one\n");
}

#[test]
fn replicas_with_the_same_first_lines_are_two_files() {
    let mut bench = Bench::from_beginning(&["*.log"]);
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
fn idle_files_beyond_a_limit_are_closed_and_still_followed() {
    let mut bench = Bench::from_beginning(&["*.log"]);
    for index in 0..1_000 {
        bench.append(&format!("{index:04}.log"), "one\n");
    }
    assert_eq!(bench.poll().len(), 4_000);
    bench.poll();
    assert!(fs::read_dir("/proc/self/fd").expect("listed").count() < 900);
    bench.append("0007.log", "two\n");
    assert_eq!(bench.poll(), "two\n");
    // Rotate a file without an open descriptor.
    bench.poll();
    bench.append("0008.log", "three\n");
    bench.rename("0008.log", "0008.log.1");
    bench.append("0008.log", "four\n");
    assert_eq!(bench.poll(), "three\nfour\n");
    assert_eq!(bench.options.gauges.files.load(Ordering::Relaxed), 1_001);
}

#[test]
fn files_beyond_a_low_limit_are_read_in_turns() {
    let mut bench = Bench::from_beginning(&["*.log"]);
    let open = || fs::read_dir("/proc/self/fd").expect("listed").count();
    let before = open();
    bench.tailer.set_max_open_files(4);
    for index in 0..100 {
        bench.append(&format!("{index:03}.log"), "one\n");
    }
    assert_eq!(bench.poll().len(), 400);
    for round in 0..3 {
        for index in 0..100 {
            bench.append(&format!("{index:03}.log"), "more\n");
        }
        bench.scan();
        while bench.read_next() {
            assert!(open() <= before + 5, "{} descriptors more in round {round}", open() - before);
        }
        assert_eq!(bench.got.len(), 400 + (round + 1) * 500);
    }
    assert_eq!(bench.options.gauges.files.load(Ordering::Relaxed), 100);
    assert_eq!(bench.options.gauges.unreadable.load(Ordering::Relaxed), 0);
}

#[test]
fn an_unreadable_file_is_reported_and_read_later() {
    let mut bench = Bench::from_beginning(&["*.log"]);
    // Root can read every file, so that the test uses a loop of links.
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
fn the_lag_is_the_number_of_unread_bytes() {
    let mut bench = Bench::from_beginning(&["*.log"]);
    bench.append("app.log", &"0123456789\n".repeat(10_000));
    bench.scan();
    assert_eq!(bench.options.gauges.lag_bytes.load(Ordering::Relaxed), 110_000);
    bench.poll();
    bench.poll();
    assert_eq!(bench.options.gauges.lag_bytes.load(Ordering::Relaxed), 0);
}
