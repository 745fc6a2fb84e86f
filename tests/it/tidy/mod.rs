//! House rules that the compiler cannot check in a single package.

mod contributing;
mod imports;
mod sizes;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Core modules compute; edge modules talk to the world.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Core,
    Edge,
}
use Kind::{Core, Edge};

/// One row per top-level module, in the order a log line travels: what it may import from this crate.
///
/// A row may only name rows above it, so the table cannot hold a cycle.
const WALLS: &[(&str, Kind, &[&str])] = &[
    ("time", Core, &[]),
    ("taxonomy", Core, &[]),
    ("observation", Core, &["time", "taxonomy"]),
    ("line", Core, &["time", "taxonomy"]),
    ("framing", Core, &["time", "taxonomy", "line"]),
    ("record", Core, &["time", "taxonomy", "line"]),
    ("redact", Core, &[]),
    ("classify", Core, &["time", "taxonomy", "observation", "line", "record", "redact"]),
    ("correlate", Core, &["time", "taxonomy", "observation", "classify"]),
    ("window", Core, &["time", "taxonomy", "observation", "classify"]),
    ("detect", Core, &["time", "taxonomy", "observation", "classify"]),
    ("alert", Core, &["time", "taxonomy", "observation", "redact", "classify", "window", "detect"]),
    (
        "pipeline",
        Core,
        &[
            "time",
            "taxonomy",
            "observation",
            "framing",
            "record",
            "redact",
            "classify",
            "correlate",
            "window",
            "detect",
            "alert",
        ],
    ),
    ("metrics", Edge, &["time", "taxonomy", "observation", "framing", "classify", "window", "alert", "pipeline"]),
    ("source", Edge, &["time", "taxonomy", "observation", "framing", "classify", "pipeline", "metrics"]),
    ("checkpoint", Edge, &["time", "pipeline", "source"]),
    ("delivery", Edge, &["time", "taxonomy", "redact", "alert", "metrics"]),
    ("admin", Edge, &["time", "taxonomy", "observation", "classify", "alert", "pipeline", "metrics", "source"]),
    ("config", Edge, CONFIG),
    ("daemon", Edge, DAEMON),
    ("cli", Edge, CLI),
];

/// Every module owns its options, and `config` fills them.
const CONFIG: &[&str] = &[
    "time",
    "taxonomy",
    "observation",
    "framing",
    "record",
    "redact",
    "classify",
    "correlate",
    "window",
    "detect",
    "alert",
    "pipeline",
    "source",
    "checkpoint",
    "delivery",
    "admin",
];
/// The only place where everything meets.
const DAEMON: &[&str] = &[
    "time",
    "taxonomy",
    "observation",
    "framing",
    "record",
    "classify",
    "correlate",
    "window",
    "detect",
    "alert",
    "pipeline",
    "metrics",
    "source",
    "checkpoint",
    "delivery",
    "admin",
    "config",
];
const CLI: &[&str] = &[
    "time",
    "taxonomy",
    "observation",
    "framing",
    "record",
    "redact",
    "classify",
    "correlate",
    "window",
    "detect",
    "alert",
    "pipeline",
    "metrics",
    "source",
    "checkpoint",
    "delivery",
    "admin",
    "config",
    "daemon",
];

/// What a core module may not name.
const WORLD: &[&str] = &[
    "tokio",
    "hyper",
    "notify",
    "prometheus",
    "tracing",
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "std::process",
    "std::sync::Mutex",
    "std::sync::RwLock",
    "std::time::Instant",
    "Instant::now",
    "SystemTime::now",
];

#[test]
fn the_walls_hold_no_cycle() {
    for (row, (module, _, imports)) in WALLS.iter().enumerate() {
        for import in *imports {
            let above = WALLS[..row].iter().any(|(name, ..)| name == import);
            assert!(above, "`{module}` may import `{import}` only if it is above it in the table");
        }
    }
}

#[test]
fn modules_are_declared_in_the_order_of_the_walls() {
    let lib = read(&root().join("src/lib.rs"));
    let declared: Vec<_> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(declared, WALLS.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
}

#[test]
fn every_module_keeps_to_its_walls() {
    let faults: Vec<_> = sources().iter().flat_map(|(path, text)| faults(path, text)).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// The test above can fail: a source that breaks every rule has one error for each.
#[test]
fn every_broken_wall_is_reported_once() {
    let text = "use crate::alert::Alerts;\nuse crate::{time, pipeline};\nuse std::fs;\nfn f() { std::time::SystemTime::now() }\n\
                // crate::cli in a comment\n#[cfg(test)]\nmod tests {\n    use crate::cli::main;\n}\n";
    let found = faults("framing/line.rs", text);
    let expected = [
        "framing/line.rs:1: a file begins with a `//!` line that says what it is for",
        "framing/line.rs:1: `framing` may not import `alert`",
        "framing/line.rs:2: `framing` may not import `{..}` (one `use` per module)",
        "framing/line.rs:3: the core module `framing` names `std::fs`",
        "framing/line.rs:4: the core module `framing` names `SystemTime::now`",
    ];
    assert_eq!(found, expected);
    assert_eq!(
        faults("pipeline/mod.rs", "//! x\nuse prometheus::Counter;"),
        [
            "pipeline/mod.rs:2: the core module `pipeline` names `prometheus`",
            "pipeline/mod.rs:2: only `metrics` names `prometheus`",
        ]
    );
    assert_eq!(
        faults("admin/mod.rs", "//! x\nuse crate::config::Config;"),
        ["admin/mod.rs:2: `admin` may not import `config`"]
    );
    assert_eq!(faults("util.rs", "//! x"), ["util.rs: `util` has no row in WALLS"]);
}

#[test]
fn only_the_daemon_and_the_command_line_see_the_configuration() {
    let seers: Vec<_> = WALLS.iter().filter(|(.., imports)| imports.contains(&"config")).map(|(name, ..)| *name).collect();
    assert_eq!(seers, ["daemon", "cli"]);
}

#[test]
fn the_program_is_in_the_library() {
    let main = read(&root().join("src/main.rs"));
    let code: Vec<_> = main.lines().filter(|line| !line.starts_with("//") && !line.is_empty()).collect();
    assert_eq!(
        code,
        ["use std::process::ExitCode;", "fn main() -> ExitCode {", "    llm_triage::cli::main()", "}"],
        "main.rs only calls cli"
    );
}

#[test]
fn nothing_is_unsafe() {
    let word = concat!("un", "safe ");
    for (path, text) in sources() {
        let found = text.lines().find(|line| !line.trim_start().starts_with("//") && line.contains(word));
        assert_eq!(found, None, "src/{path}");
    }
    assert!(read(&root().join("Cargo.toml")).contains(&format!("{}code = \"forbid\"", word.trim_end().to_owned() + "_")));
}

/// A clone of the repository is complete: no path leads out of it.
#[test]
fn nothing_in_the_tree_points_out_of_it() {
    let words = [concat!("../sha", "red"), concat!("/wo", "rk/")];
    for path in tracked() {
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        for (number, line) in text.lines().enumerate() {
            let points_out = |word: &&&str| line.match_indices(**word).any(|(at, _)| begins_a_path(line, at));
            if let Some(word) = words.iter().find(points_out) {
                panic!("{path}:{}: `{word}` is not in this repository", number + 1);
            }
        }
    }
}

/// A path of its own, and not a part of `https://host/…`.
fn begins_a_path(line: &str, at: usize) -> bool {
    let before = line.as_bytes().get(at.wrapping_sub(1)).copied().unwrap_or(b' ');
    !(before.is_ascii_alphanumeric() || matches!(before, b'-' | b'_' | b'.' | b'}'))
}

/// What is wrong with one file of `src/`.
fn faults(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.starts_with("//!") {
        faults.push(format!("{path}:1: a file begins with a `//!` line that says what it is for"));
    }
    let module = path.split(['/', '.']).next().unwrap_or_default();
    if module == "lib" || module == "main" {
        return faults;
    }
    let Some((_, kind, allowed)) = WALLS.iter().find(|(name, ..)| *name == module) else {
        faults.push(format!("{path}: `{module}` has no row in WALLS"));
        return faults;
    };
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
        let mut fault = |what: String| faults.push(format!("{path}:{}: {what}", number + 1));
        for import in line.split("crate::").skip(1) {
            let name: String = import.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            match name.as_str() {
                "" => fault(format!("`{module}` may not import `{{..}}` (one `use` per module)")),
                name if name != module && !allowed.contains(&name) => {
                    fault(format!("`{module}` may not import `{name}`"));
                }
                _ => {}
            }
        }
        for name in WORLD.iter().filter(|path| *kind == Core && names(line, path)) {
            fault(format!("the core module `{module}` names `{name}`"));
        }
        if module != "metrics" && names(line, "prometheus") {
            fault("only `metrics` names `prometheus`".to_owned());
        }
    }
    faults
}

/// Whether a line of code uses a path: `std::fs`, `use tokio::…`, and not a word in a text.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back()).unwrap_or(' ');
        let after = line.get(at + path.len()..).unwrap_or_default();
        let begins = !(before.is_alphanumeric() || matches!(before, '_' | '"' | '-' | '`'));
        begins
            && (after.starts_with("::") || path.contains("::") && !after.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

/// The code of a file without its tests, comments and the texts of its strings.
fn code_only(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().map(|line| without_strings(line.split(" // ").next().unwrap_or_default()));
    lines.filter(|line| !line.trim_start().starts_with("//")).fold(String::new(), |all, line| all + &line + "\n")
}

fn without_strings(line: &str) -> String {
    line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

/// Every file of `src/`, with its path below it.
fn sources() -> Vec<(String, String)> {
    let src = root().join("src");
    let mut files = Vec::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src is readable") {
            let path = entry.expect("an entry of src").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(&src).expect("listed under src").display().to_string();
                files.push((below, read(&path)));
            }
        }
    }
    files.sort();
    files
}

/// Every file that git knows, or, outside a repository, all that is in the folders of the tree.
fn tracked() -> Vec<String> {
    let listed = Command::new("git").arg("ls-files").current_dir(root()).output();
    match listed {
        Ok(output) if output.status.success() && !output.stdout.is_empty() => {
            String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
        }
        _ => sources().into_iter().map(|(path, _)| format!("src/{path}")).collect(),
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
