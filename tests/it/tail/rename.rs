//! Files that are renamed or deleted while they are followed.

use super::Bench;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::Duration;

#[test]
fn a_renamed_file_is_read_to_its_end_before_its_successor() {
    for patterns in [["app.log"].as_slice(), &["app.log*"]] {
        let mut bench = Bench::from_beginning(patterns);
        bench.append("app.log", "1\n");
        assert_eq!(bench.poll(), "1\n");
        bench.append("app.log", "2\n");
        bench.rename("app.log", "app.log.1");
        bench.append("app.log", "4\n");
        bench.append("app.log.1", "3\n");
        assert_eq!(bench.poll(), "2\n3\n4\n", "{patterns:?}");
        // The writer has not switched to the new file yet.
        bench.append("app.log.1", "late\n");
        assert_eq!(bench.poll(), "late\n");
        bench.append("app.log", "5\n");
        assert_eq!(bench.poll(), "5\n");
    }
}

#[test]
fn a_file_that_is_far_behind_is_read_before_its_successor() {
    let mut bench = Bench::from_beginning(&["app.log"]);
    let block = "0123456789\n".repeat(50_000);
    bench.append("app.log", &block);
    bench.scan();
    bench.read_next();
    bench.rename("app.log", "app.log.1");
    bench.append("app.log", "next\n");
    bench.scan();
    bench.rename("app.log", "app.log.2");
    bench.append("app.log", "last\n");
    while bench.poll() != "" {}
    assert_eq!(String::from_utf8_lossy(&bench.got), block + "next\nlast\n");
}

#[test]
fn a_rotated_file_is_closed_when_it_is_quiet() {
    let mut bench = Bench::from_beginning(&["app.log"]);
    bench.append("app.log", "1\nhalf");
    bench.poll();
    bench.rename("app.log", "app.log.1");
    bench.append("app.log", "2\n");
    bench.poll();
    assert!(!bench.has_event("close app.log"));
    bench.wait(61);
    bench.poll();
    assert!(bench.has_event("close app.log"), "{:?}", bench.events);
}

#[test]
fn a_renamed_file_without_successor_is_still_followed() {
    let mut bench = Bench::from_beginning(&["app.log"]);
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
fn a_file_that_was_created_and_rotated_between_two_scans_is_read() {
    let mut bench = Bench::from_beginning(&["app.log"]);
    bench.append("app.log.2", "ancient\n");
    bench.append("app.log", "1\n");
    bench.poll();
    bench.append("app.log", "2\n");
    bench.rename("app.log", "app.log.4");
    for text in ["3\n", "4\n"] {
        std::thread::sleep(Duration::from_millis(20)); // creation times must differ and cannot be set
        bench.append("app.log", text);
        bench.rename("app.log", &format!("app.log.{}", text.trim()));
    }
    // The last rename replaced the first file, so that only the later texts are checked.
    bench.append("app.log", "5\n");
    let got = bench.poll();
    assert!(got.ends_with("3\n4\n5\n"), "{got:?}");
}

#[test]
fn a_deleted_file_is_read_to_its_end_while_a_new_file_has_its_name() {
    let mut bench = Bench::from_beginning(&["app.log"]);
    bench.append("app.log", "1\n");
    bench.poll();
    let mut writer = OpenOptions::new().append(true).open(bench.path("app.log")).expect("opened");
    fs::remove_file(bench.path("app.log")).expect("deleted");
    writer.write_all(b"2\n").expect("written");
    bench.append("app.log", "3\n");
    assert_eq!(bench.poll(), "2\n3\n");
    bench.wait(61);
    bench.poll();
    assert!(bench.has_event("close app.log"));
}

#[test]
fn a_replaced_symbolic_link_is_a_rotation() {
    let mut bench = Bench::from_beginning(&["containers/*.log"]);
    bench.append("pods/x/0.log", "a\n");
    fs::create_dir_all(bench.path("containers")).expect("created");
    std::os::unix::fs::symlink(bench.path("pods/x/0.log"), bench.path("containers/x.log")).expect("linked");
    assert_eq!(bench.poll(), "a\n");
    bench.append("pods/x/0.log", "b\n");
    bench.append("pods/x/1.log", "c\n");
    fs::remove_file(bench.path("containers/x.log")).expect("removed");
    std::os::unix::fs::symlink(bench.path("pods/x/1.log"), bench.path("containers/x.log")).expect("linked");
    assert_eq!(bench.poll(), "b\nc\n");
    // The kubelet renames the target and keeps the link.
    bench.append("pods/x/1.log", "d\n");
    bench.rename("pods/x/1.log", "pods/x/1.log.20261120-091651");
    bench.append("pods/x/1.log", "e\n");
    assert_eq!(bench.poll(), "d\ne\n");
}
