//! Restarts, and files that changed while no process followed them.

use super::Bench;
use llm_triage::source::file::FileKey;
use std::fs;
use std::time::Duration;

#[test]
fn a_file_that_reuses_the_inode_of_a_compressed_one_is_read() {
    let mut bench = Bench::from_beginning(&["app.log"]);
    bench.append("app.log", "first line of the log, long enough to be told apart from others\n");
    bench.poll();
    let mut saved = bench.save();
    bench.append("app.log", "in the compressed one\n");
    for (name, text) in [("app.log.3", "in the second\n"), ("app.log.2", "in the third\n"), ("app.log.1", "in the new one\n")] {
        bench.rename("app.log", name);
        std::thread::sleep(Duration::from_millis(20)); // creation times must differ and cannot be set
        bench.append("app.log", text);
    }
    bench.compress("app.log.3");
    // Its inode number is free then, and file systems reuse such a number at once.
    saved[0].key = FileKey::of(&fs::metadata(bench.path("app.log.1")).expect("known"));
    bench.restart(saved);
    assert_eq!(bench.poll() + &bench.poll(), "in the compressed one\nin the second\nin the third\nin the new one\n");
}

#[test]
fn a_restart_resumes_at_the_start_of_the_open_line() {
    let mut bench = Bench::from_beginning(&["app.log"]);
    bench.append("app.log", "one\ntwo\nthr");
    bench.poll();
    let saved = bench.save();
    bench.append("app.log", "ee\nfour\n");
    bench.restart(saved);
    assert_eq!(bench.poll(), "three\nfour\n");
    assert!(bench.has_event("open app.log@8:3"), "{:?}", bench.events);
    assert!(bench.has_event("catching up: 1") && bench.has_event("caught up"));
}

#[test]
fn a_crash_repeats_only_lines_after_the_checkpoint() {
    let mut bench = Bench::from_beginning(&["app.log"]);
    bench.append("app.log", "one\n");
    bench.poll();
    let saved = bench.save();
    bench.append("app.log", "two\n");
    assert_eq!(bench.poll(), "two\n");
    bench.restart(saved);
    assert_eq!(bench.poll(), "two\n");
}

#[test]
fn files_rotated_while_down_are_read_in_order() {
    for patterns in [["app.log"].as_slice(), &["app.log*"]] {
        let mut bench = Bench::from_beginning(patterns);
        bench.append("app.log.3", "ancient\n");
        bench.poll();
        bench.append("app.log", "1\n");
        bench.poll();
        let saved = bench.save();
        bench.append("app.log", "2\n");
        bench.rename("app.log", "app.log.2");
        std::thread::sleep(Duration::from_millis(20)); // creation times must differ and cannot be set
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
fn a_copy_made_while_down_is_read_before_the_truncated_file() {
    let mut bench = Bench::from_beginning(&["app.log"]);
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
fn other_content_under_a_known_path_and_inode_is_new() {
    let mut bench = Bench::from_beginning(&["app.log"]);
    bench.append("app.log", "one\ntwo\n");
    bench.poll();
    let saved = bench.save();
    bench.truncate("app.log", 0);
    bench.append("app.log", "another, longer one\n");
    bench.restart(saved);
    assert_eq!(bench.poll(), "another, longer one\n");
}

#[test]
fn a_volume_that_is_mounted_again_is_resumed() {
    let mut bench = Bench::from_beginning(&["volume/*.log"]);
    bench.append("volume/app.log", "one\n");
    bench.poll();
    bench.rename("volume", "unmounted");
    bench.poll();
    bench.wait(4_000);
    bench.poll();
    assert!(bench.has_event("close volume/app.log"), "{:?}", bench.events);
    let saved = bench.save();
    assert_eq!(saved.len(), 1);
    bench.append("unmounted/app.log", "two\n");
    bench.rename("unmounted", "volume");
    assert_eq!(bench.poll(), "two\n");
    bench.restart(saved);
    assert_eq!(bench.poll(), "two\n", "the checkpoint remembers the volume too");
}

#[test]
fn a_backlog_that_ends_the_process_is_skipped_and_counted() {
    let mut bench = Bench::from_beginning(&["app.log"]);
    bench.append("app.log", "one\n");
    bench.poll();
    let saved = bench.save();
    bench.append("app.log", "poison\n");
    bench.restart_with(saved, true);
    assert_eq!(bench.poll(), "");
    assert!(bench.has_event("lost 7 crash_loop"), "{:?}", bench.events);
    bench.append("app.log", "two\n");
    assert_eq!(bench.poll(), "two\n");
}
