//! Programs that some tests ask for a second opinion: used where they are installed, demanded under `CI=true`.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where `program` is; `None` (said on stderr) where it is not installed.
///
/// # Panics
/// Under `CI=true`, as a check that silently does not run is no check.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(program)).find(|it| it.is_file());
    if found.is_none() {
        missing(program);
    }
    found
}

/// The same for a program that Debian calls by one name and its makers by another.
///
/// # Panics
/// As [`find`] does.
pub(crate) fn either(name: &str, other: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|it| it.join(name).is_file()) { find(name) } else { find(other) }
}

/// A Python that has these modules; `None` (said on stderr) where there is none.
///
/// # Panics
/// As [`find`] does.
pub(crate) fn python(modules: &str) -> Option<PathBuf> {
    let python = find("python3")?;
    let has = Command::new(&python).args(["-c", &format!("import {modules}")]).stderr(Stdio::null()).status();
    if has.is_ok_and(|it| it.success()) {
        return Some(python);
    }
    missing(&format!("one of Python's {modules}"));
    None
}

/// Says that something is not installed.
#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
pub(crate) fn missing(what: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} is not installed, and CI=true demands it");
    eprintln!("SKIPPED: {what} is not installed");
}

/// Runs a program with `input` on its stdin; its exit and all it printed.
pub(crate) fn run(command: &mut Command, input: &str) -> (bool, String) {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program was found");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("the writer does not panic").expect("the program reads its input");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}
