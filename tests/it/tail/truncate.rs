//! Files that are truncated, with and without a copy of their old bytes.

use super::Bench;
use std::fs::File;
use std::io::Write;
use std::time::Duration;

#[test]
fn a_truncated_file_is_read_from_its_start() {
    let mut bench = Bench::from_beginning(&["app.log"]);
    bench.append("app.log", "one\ntwo\n");
    bench.poll();
    bench.truncate("app.log", 0);
    bench.append("app.log", "3\n");
    assert_eq!(bench.poll(), "3\n");
    assert!(bench.has_event("truncated app.log"));
    assert!(!bench.events.iter().any(|event| event.starts_with("lost")));
}

#[test]
fn a_rewritten_file_is_detected_by_its_bytes() {
    for text in ["four and five\n", "one\ntwa\n", "one\ntwa\nthree\n"] {
        let mut bench = Bench::from_beginning(&["app.log"]);
        bench.append("app.log", "one\ntwo\n");
        bench.poll();
        std::thread::sleep(Duration::from_millis(10)); // the file system has coarse timestamps
        bench.truncate("app.log", 0);
        bench.append("app.log", text);
        assert_eq!(bench.poll(), text);
    }
}

#[test]
fn unread_bytes_of_a_truncated_file_are_counted() {
    let mut bench = Bench::from_beginning(&["app.log"]);
    bench.append("app.log", &"0123456789\n".repeat(20_000));
    bench.scan();
    bench.read_next();
    let read = bench.got.len();
    bench.truncate("app.log", 0);
    bench.append("app.log", "new\n");
    assert_eq!(bench.poll(), "new\n");
    assert!(bench.has_event(&format!("lost {} truncated", 220_000 - read)), "{:?}", bench.events);
}

#[test]
fn copytruncate_loses_no_byte_that_is_in_the_copy() {
    for patterns in [["app.log"].as_slice(), &["app.log*"]] {
        let mut bench = Bench::from_beginning(patterns);
        bench.append("app.log", "first line of the log, long enough to be told apart from others\n");
        bench.poll();
        bench.append("app.log", "unread\n");
        bench.copy("app.log", "app.log.1");
        bench.truncate("app.log", 0);
        bench.append("app.log", "new\n");
        assert_eq!(bench.poll() + &bench.poll() + &bench.poll(), "unread\nnew\n", "{patterns:?}");
        bench.append("app.log", "more\n");
        assert_eq!(bench.poll(), "more\n");
    }
}

#[test]
fn copies_of_two_copytruncate_rotations_between_two_scans_are_read() {
    for patterns in [["app.log"].as_slice(), &["app.log*"]] {
        for compress in [false, true] {
            let mut bench = Bench::from_beginning(patterns);
            bench.append("app.log", "first line of the log, long enough to be told apart from others\n");
            bench.poll();
            bench.append("app.log", "unread\n");
            bench.copy("app.log", "app.log.2");
            bench.truncate("app.log", 0);
            std::thread::sleep(Duration::from_millis(20)); // creation times must differ and cannot be set
            bench.append("app.log", "between the two\n");
            bench.copy("app.log", "app.log.1");
            bench.truncate("app.log", 0);
            bench.append("app.log", "new\n");
            if compress {
                bench.compress("app.log.2");
                bench.compress("app.log.1");
            }
            let got = bench.poll() + &bench.poll() + &bench.poll();
            let mut lines: Vec<&str> = got.lines().collect();
            // A pattern that matches the copies reads them in any order.
            let mut expected = vec!["unread", "between the two", "new"];
            if patterns[0] == "app.log*" {
                expected.sort_unstable();
                lines.sort_unstable();
            }
            assert_eq!(lines, expected, "{patterns:?} {compress}");
            // A copy of the current content, before the truncation.
            bench.append("app.log", "and more of it\n");
            bench.copy("app.log", "app.log.0");
            assert_eq!(bench.poll() + &bench.poll() + &bench.poll(), "and more of it\n", "{patterns:?} {compress}");
        }
    }
}

#[test]
fn a_file_that_was_truncated_and_then_renamed_while_down_is_read() {
    let mut bench = Bench::from_beginning(&["app.log"]);
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
fn a_copy_made_before_the_first_byte_was_read_is_read() {
    let mut bench = Bench::from_beginning(&["app.log"]);
    bench.append("app.log", "first line of the log, long enough to be told apart from others\n");
    bench.poll();
    bench.copy("app.log", "app.log.1");
    bench.truncate("app.log", 0);
    assert_eq!(bench.poll(), "");
    std::thread::sleep(Duration::from_millis(20)); // creation times must differ and cannot be set
    bench.append("app.log", "between\n");
    bench.rename("app.log.1", "app.log.2");
    bench.copy("app.log", "app.log.1");
    bench.truncate("app.log", 0);
    bench.append("app.log", "longer than what was there between\n");
    assert_eq!(bench.poll() + &bench.poll(), "between\nlonger than what was there between\n");
}

#[test]
fn a_copy_under_a_rotated_name_is_not_read_again() {
    let mut bench = Bench::from_beginning(&["app.log*"]);
    bench.append("app.log", "one line that is long enough to distinguish this file from others\n");
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
fn the_hole_of_a_writer_that_keeps_its_offset_is_skipped() {
    let mut bench = Bench::from_beginning(&["app.log"]);
    let mut writer = File::create(bench.path("app.log")).expect("created");
    writer.write_all("x".repeat(200_000).as_bytes()).expect("written");
    bench.poll();
    bench.truncate("app.log", 0);
    writer.write_all(b"\nafter the hole\n").expect("written");
    assert_eq!(bench.poll(), "\nafter the hole\n");
    let lost: u64 =
        bench.events.iter().filter_map(|event| event.strip_prefix("lost ")?.strip_suffix(" binary")?.parse::<u64>().ok()).sum();
    assert!(lost > 0 && lost <= 200_000, "{:?}", bench.events);
}
