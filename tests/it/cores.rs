//! One log on several cores: the output is the same to the byte, however the work is divided.

use crate::running;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use tempfile::TempDir;

/// The output of the program with these arguments and this input, on this number of threads.
fn print(args: &[&str], files: &[PathBuf], stdin: Option<&Path>, threads: usize) -> String {
    let mut command = running::program();
    command.args(args).args(files).args(["--threads", &threads.to_string()]).env("COLUMNS", "100").env("NO_COLOR", "1");
    match stdin {
        Some(path) => command.stdin(File::open(path).expect("there")),
        None => command.stdin(Stdio::null()),
    };
    let ran = command.output().expect("it runs");
    assert_eq!((ran.status.code(), String::from_utf8_lossy(&ran.stderr).as_ref()), (Some(0), ""), "{args:?}");
    String::from_utf8(ran.stdout).expect("UTF-8")
}

/// Compares every kind of output between one thread and several.
fn check(files: &[PathBuf], stdin: Option<&Path>, several: &[usize]) {
    let outputs: [&[&str]; 3] =
        [&["classify", "--traffic", "mixed"], &["report", "--format", "json"], &["report", "--since", "2026-11-12T00:00:00Z"]];
    thread::scope(|scope| {
        for args in outputs {
            scope.spawn(move || {
                let one = print(args, files, stdin, 1);
                assert!(one.len() > 4_000, "{args:?}: {one}");
                for threads in several {
                    let many = print(args, files, stdin, *threads);
                    let differs = one.lines().zip(many.lines()).find(|(one, many)| one != many);
                    assert!(one == many, "{args:?} with {threads} threads: {differs:#?}");
                }
            });
        }
    });
}

/// The logs in `tests/data`, except for the longest.
fn logs() -> Vec<PathBuf> {
    let folder = |name: &str| fs::read_dir(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).expect("there");
    let all = ["samples", "sdk-logs", "timeline"].into_iter().flat_map(folder).map(|entry| entry.expect("readable").path());
    let is_log = |path: &PathBuf| {
        let name = path.to_string_lossy();
        (name.ends_with(".log") || name.ends_with(".jsonl")) && !name.contains(".truth.")
    };
    let is_short = |path: &PathBuf| fs::metadata(path).is_ok_and(|metadata| metadata.len() < 60_000);
    let mut logs: Vec<_> = all.filter(is_log).filter(is_short).collect();
    logs.sort();
    logs
}

/// All of these logs in one file, with text that no client writes between them.
fn everything(dir: &TempDir) -> PathBuf {
    let path = dir.path().join("everything.log");
    let mut bytes = Vec::new();
    for (at, log) in logs().iter().enumerate() {
        bytes.extend(fs::read(log).expect("readable"));
        match at {
            0 => bytes.extend(b"{}\n\n[]\n".repeat(2_000)),
            1 => bytes.extend([vec![0; 70_000], b"\n".to_vec()].concat()),
            3 => {
                // A line that is longer than the limit, and longer than many chunks.
                let (head, tail) = ("{\"level\":\"error\",\"provider\":\"openai\",\"prompt\":\"", "\",\"status_code\":429}\n");
                bytes.extend([head.as_bytes(), &vec![b'a'; 1_300_000], tail.as_bytes()].concat());
            }
            _ => bytes.extend(
                b"2026-11-20T09:17:00.1Z stderr F Traceback (most recent call last):\n\
                  2026-11-20T09:17:00.1Z stdout P {\"level\":\"info\",\n\
                  2026-11-20T09:17:00.1Z stderr F openai.RateLimitError: Error code: 429\n\
                  2026-11-20T09:17:00.2Z stdout F \"provider\":\"openai\",\"model\":\"gpt-5\",\"status_code\":200}\n",
            ),
        }
    }
    bytes.extend(b"Traceback (most recent call last):\n  File \"a.py\", line 1\nopenai.RateLimitError: Error code: 429");
    fs::write(&path, bytes).expect("written");
    path
}

#[test]
fn the_output_for_one_file_is_the_same_on_any_number_of_cores() {
    let dir = tempfile::tempdir().expect("a folder");
    check(&[everything(&dir)], None, &[2, 4, 7]);
}

#[test]
fn the_output_for_standard_input_is_the_same_on_several_cores() {
    let dir = tempfile::tempdir().expect("a folder");
    check(&[], Some(&everything(&dir)), &[2]);
}

#[test]
fn the_output_for_several_files_is_the_same_on_any_number_of_cores() {
    check(&logs(), None, &[2, 4, 7]);
}

#[test]
fn verdicts_are_written_while_the_pipe_is_still_open() {
    let mut command: Command = running::program();
    command.args(["classify", "--threads", "3"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    for status in [429, 529, 200] {
        writeln!(stdin, "{{\"level\":\"error\",\"provider\":\"anthropic\",\"status_code\":{status}}}").expect("it reads");
        let mut verdict = String::new();
        out.read_line(&mut verdict).expect("a verdict, while the pipe is open");
        assert!(verdict.contains(&format!("\"status\":{status},")), "{verdict}");
    }
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
}
