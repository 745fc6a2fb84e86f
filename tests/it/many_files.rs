//! Thousands of files in one report: their lines are merged by time, with little memory and few descriptors.

use crate::running;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// The program under the limits of a shell, such as `ulimit -n 100`.
fn limited(limits: &str, args: &[&str], dir: &Path) -> Output {
    let program = running::program();
    let script = format!("{limits} && exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(program.get_program()).args(args).arg(dir);
    command.output().expect("a shell")
}

/// The numbers of the lines, in the order of their verdicts.
fn order(output: &Output) -> Vec<u64> {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let number = |line: &str| {
        let verdict: Value = serde_json::from_str(line).expect("a verdict");
        verdict["request_id"].as_str().and_then(|id| id.strip_prefix("req_")).and_then(|id| id.parse().ok())
    };
    text.lines().filter_map(number).collect()
}

/// A line at second `number`, at least this long.
fn line(number: usize, length: usize) -> String {
    let (hour, minute, second) = (number / 3_600, number / 60 % 60, number % 60);
    let prompt = "x".repeat(length);
    format!(
        r#"{{"timestamp":"2026-11-20T{hour:02}:{minute:02}:{second:02}Z","provider":"openai","status_code":200,"latency_ms":120,"request_id":"req_{number:08}","event":"llm_api_call","prompt":"{prompt}"}}"#
    )
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(text.as_bytes()).expect("compressed");
    gz.finish().expect("compressed")
}

/// Distributes `lines` over `files` files, each line to the next file, or each file with a run of lines of its own.
fn write(files: usize, lines: usize, in_turn: bool, length: fn(usize) -> usize, packed: fn(usize) -> bool) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for file in 0..files {
        let numbers: Vec<usize> = if in_turn {
            (file..lines).step_by(files).collect()
        } else {
            (file * lines / files..(file + 1) * lines / files).collect()
        };
        let text: Vec<String> = numbers.into_iter().map(|number| line(number, length(number))).collect();
        // The last line of a file has no newline.
        let text = text.join("\n");
        let (name, bytes) =
            if packed(file) { (format!("{file}.log.gz"), gzip(&text)) } else { (format!("{file}.log"), text.into_bytes()) };
        fs::write(dir.path().join(name), bytes).expect("written");
    }
    dir
}

#[test]
fn every_line_of_every_file_comes_in_its_turn() {
    const LINES: usize = 2_000;
    let lengths: [fn(usize) -> usize; 3] =
        [|_| 0, |number| if number % 97 == 0 { 40_000 } else { number % 700 }, |number| if number == 7 { 2 << 20 } else { 9 }];
    for (files, in_turn) in [(2, true), (100, true), (300, true), (1_000, true), (1_000, false)] {
        for length in lengths {
            let dir = write(files, LINES, in_turn, length, |file| file % 3 == 1);
            let numbers = order(&limited("ulimit -n 1024", &["classify", "--threads", "2"], dir.path()));
            let first = numbers.iter().zip(0..).find(|(number, expected)| *number != expected);
            assert!(first.is_none() && numbers.len() == LINES, "{files} files, {in_turn}: {first:?}, {}", numbers.len());
        }
    }
}

#[test]
fn files_that_wait_need_neither_descriptors_nor_much_memory() {
    // Data of a debug build: about 30 MiB for the patterns. Not compressed, 2,000 files of 30 KB each.
    let dir = write(2_000, 20_000, true, |_| 2_800, |_| false);
    let numbers = order(&limited("ulimit -n 300 && ulimit -d 80000", &["classify", "--threads", "1"], dir.path()));
    assert_eq!(numbers.len(), 20_000);
    // Compressed, one after the other: a decompressor takes 50 KB.
    let dir = write(2_000, 4_000, false, |_| 800, |_| true);
    let numbers = order(&limited("ulimit -n 300 && ulimit -d 80000", &["classify", "--threads", "1"], dir.path()));
    assert_eq!(numbers.len(), 4_000);
}

#[test]
fn files_without_times_are_read_one_after_the_other() {
    let dir = tempfile::tempdir().expect("a folder");
    // Neither lines without a time nor one endless line may be kept in memory until their turn comes.
    let line =
        r#"{"provider":"openai","status_code":200,"event":"llm_api_call","prompt":"WORD"}"#.replace("WORD", &"x".repeat(2_000));
    for file in 0..40 {
        fs::write(dir.path().join(format!("{file}.log")), format!("{line}\n").repeat(1_000)).expect("written");
    }
    fs::write(dir.path().join("endless.log"), "x".repeat(60 << 20)).expect("written");
    let ran = limited("ulimit -d 80000", &["report", "--threads", "1", "--format", "json"], dir.path());
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    assert_eq!(report["records"]["success"], 40_000);
    assert_eq!(report["input"]["lines"], 40_001);
}

#[test]
fn lines_before_an_error_are_read() {
    let dir = write(300, 3_000, true, |_| 0, |file| file == 5);
    let path = dir.path().join("5.log.gz");
    let bytes = fs::read(&path).expect("readable");
    fs::write(&path, &bytes[..bytes.len() - 9]).expect("written");
    let ran = limited("ulimit -n 1024", &["classify", "--threads", "1"], dir.path());
    let error = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.code() == Some(1) && error.contains("5.log.gz to its end: the gzip data is cut off"), "{error}");
    assert_eq!(ran.stdout.iter().filter(|byte| **byte == b'\n').count(), 3_000);
}
