//! Files that are replaced as a whole: a temporary file is renamed over the old one, as `rsync` and editors do.

use super::Bench;
use std::fs::{self, OpenOptions};
use std::io::Write;

/// Long enough to distinguish a file from others.
const LINE: &str = "one line that is long enough to distinguish this file from all of the others\n";

impl Bench {
    /// Replaces a file by one with `content`.
    fn replace(&self, name: &str, content: &str) {
        let temporary = self.path("new.tmp");
        fs::write(&temporary, content).expect("written");
        fs::rename(temporary, self.path(name)).expect("renamed");
    }
}

#[test]
fn a_file_that_is_replaced_by_a_longer_version_of_itself_is_continued() {
    for patterns in [["app.log"], ["app.log*"], ["*"]] {
        let mut bench = Bench::from_beginning(&patterns);
        let mut all = LINE.to_owned();
        bench.append("app.log", &all);
        assert_eq!(bench.poll(), all);
        for number in 0..5 {
            let added = format!("{number}\n");
            all += &added;
            bench.replace("app.log", &all);
            assert_eq!(bench.poll(), added, "{patterns:?}");
        }
        // With the same content, nothing is new.
        bench.replace("app.log", &all);
        assert_eq!(bench.poll(), "");
        bench.append("app.log", "appended\n");
        assert_eq!(bench.poll(), "appended\n");
        let saved = bench.save();
        all += "appended\n";
        bench.replace("app.log", &(all + "while down\n"));
        bench.restart(saved);
        assert_eq!(bench.poll(), "while down\n");
        assert!(!bench.events.iter().any(|event| event.starts_with("lost")), "{:?}", bench.events);
    }
}

#[test]
fn unread_bytes_of_a_replaced_file_are_read_from_its_replacement() {
    let mut bench = Bench::from_beginning(&["app.log"]);
    bench.append("app.log", LINE);
    bench.poll();
    bench.append("app.log", "unread");
    bench.replace("app.log", &format!("{LINE}unread, and then completed\n"));
    assert_eq!(bench.poll(), "unread, and then completed\n");
}

#[test]
fn a_writer_that_still_uses_the_replaced_file_is_read_too() {
    let mut bench = Bench::from_beginning(&["app.log"]);
    bench.append("app.log", LINE);
    bench.poll();
    let mut writer = OpenOptions::new().append(true).open(bench.path("app.log")).expect("opened");
    bench.replace("app.log", &format!("{LINE}new\n"));
    assert_eq!(bench.poll(), "new\n");
    writer.write_all(b"old\n").expect("written");
    assert_eq!(bench.poll(), "old\n");
    bench.append("app.log", "newer\n");
    assert_eq!(bench.poll(), "newer\n");
}

#[test]
fn a_replacement_with_other_content_is_a_new_file() {
    for content in [
        // Other first bytes, other bytes before the offset, fewer bytes, nothing.
        format!("another start of the same length as before, and then some more text as well\n{LINE}"),
        format!("{LINE}{}", LINE.to_uppercase()),
        LINE.to_owned(),
        String::new(),
    ] {
        let mut bench = Bench::from_beginning(&["app.log"]);
        bench.append("app.log", &LINE.repeat(2));
        bench.poll();
        bench.replace("app.log", &content);
        assert_eq!(bench.poll(), content);
    }
}

/// A program may write the same lines at the start of each of its log files.
#[test]
fn a_rotation_to_a_file_with_the_same_first_lines_is_a_new_file() {
    let mut bench = Bench::from_beginning(&["app.log"]);
    bench.append("app.log", LINE);
    bench.poll();
    bench.rename("app.log", "app.log.1");
    bench.append("app.log", &format!("{LINE}new\n"));
    assert_eq!(bench.poll(), format!("{LINE}new\n"));
}
