//! External programs that some tests compare with: used if they are installed, required with `CI=true`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The path of `program`. If it is not installed, prints so on stderr and returns `None`.
///
/// # Panics
/// With `CI=true`, so that a check cannot be skipped silently.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(program)).find(|path| path.is_file());
    if found.is_none() {
        missing(program);
    }
    found
}

/// Like [`find`], for a program that has one name in Debian and another one upstream.
///
/// # Panics
/// As [`find`] does.
pub(crate) fn either(name: &str, other: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|dir| dir.join(name).is_file()) { find(name) } else { find(other) }
}

/// A Python with these modules. If there is none, prints so on stderr and returns `None`.
///
/// # Panics
/// As [`find`] does.
pub(crate) fn python(modules: &str) -> Option<PathBuf> {
    let python = find("python3")?;
    let has = Command::new(&python).args(["-c", &format!("import {modules}")]).stderr(Stdio::null()).status();
    if has.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    missing(&format!("one of Python's {modules}"));
    None
}

/// A Node, and the directory of its installed packages, where this file of a package is. If there is none, prints so on stderr and
/// returns `None`.
///
/// # Panics
/// As [`find`] does.
pub(crate) fn node(file: &str) -> Option<(PathBuf, PathBuf)> {
    let node = find("node")?;
    let modules = PathBuf::from(std::env::var_os("NODE_PATH").unwrap_or_default());
    if modules.join(file).is_file() {
        return Some((node, modules));
    }
    missing(&format!("Node's {file}"));
    None
}

/// Prints that something is not installed.
#[expect(clippy::print_stderr, reason = "a test that did not run must print so")]
pub(crate) fn missing(what: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} is not installed, and CI=true requires it");
    eprintln!("SKIPPED: {what} is not installed");
}

/// Runs a program with `input` on its stdin. Returns whether it succeeded, and its output.
pub(crate) fn run(command: &mut Command, input: &str) -> (bool, String) {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program was found");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("the writer does not panic").expect("the program reads its input");
    let printed = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&printed).into_owned())
}

/// Lets a program that was unpacked and not installed find the libraries that were unpacked with it.
pub(crate) fn use_own_libraries(command: &mut Command, program: &Path) {
    let Some(usr) = program.parent().and_then(Path::parent).filter(|usr| *usr != Path::new("/usr")) else { return };
    let folders = [usr.join("lib"), usr.with_file_name("lib")];
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
    let libraries =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.to_string_lossy().ends_with("linux-gnu"));
    command.env("LD_LIBRARY_PATH", std::env::join_paths(libraries).expect("paths without a colon"));
}
