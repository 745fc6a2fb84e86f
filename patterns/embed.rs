//! Build script: turns the files of this folder into tables, so that a start parses no TOML and no regex.
//!
//! A new file needs no change in Rust. `src/classify/shipped.rs` reads the tables, and its tests compare them with these files.

#![expect(clippy::print_stdout, reason = "cargo reads the output of build scripts")]

#[path = "../src/classify/automaton.rs"]
#[allow(dead_code, reason = "the program searches with the tables that this script builds")]
mod automaton;
#[path = "../src/classify/literals.rs"]
#[allow(dead_code, reason = "the program reports the faults of a user's regex")]
mod literals;

use automaton::Tables;
use literals::Literals;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::error::Error;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Files that hold no patterns.
const OTHERS: [&str; 6] = ["providers.toml", "signals.toml", "escalation.toml", "fields.toml", "endings.toml", "names.toml"];

#[derive(Deserialize)]
struct PatternFile {
    #[serde(default)]
    pattern: Vec<toml::Spanned<toml::Table>>,
}

/// The tables of all pattern files.
#[derive(Default)]
struct Shipped {
    /// The files by name, each with `[line, literals of each message, table without its examples]` per pattern.
    files: Vec<(String, Value)>,
    /// Examples and near misses of each pattern, as JSON.
    lines: Vec<(String, String)>,
    /// The distinct literals, in order of appearance.
    literals: Vec<String>,
    known: BTreeSet<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["patterns", "src/classify/automaton.rs", "src/classify/literals.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for name in OTHERS {
        let table: toml::Table = toml::from_str(&fs::read_to_string(Path::new("patterns").join(name))?)?;
        fs::write(out.join(name.replace(".toml", ".json")), serde_json::to_string(&table)?)?;
    }
    fs::write(out.join("events.json"), serde_json::to_string(&events()?)?)?;
    let mut shipped = Shipped::default();
    for name in toml_files("patterns")?.into_iter().filter(|name| !OTHERS.contains(&name.as_str())) {
        shipped.add(name)?;
    }
    fs::write(out.join("shipped.rs"), shipped.write(&out)?)?;
    Ok(())
}

fn toml_files(folder: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("toml")) {
            names.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// `[file, line, table]` of each event.
fn events() -> Result<Vec<Value>, Box<dyn Error>> {
    #[derive(Deserialize)]
    struct EventFile {
        #[serde(default)]
        event: Vec<toml::Spanned<toml::Table>>,
    }
    let mut events = Vec::new();
    for name in toml_files("patterns/events")? {
        let name = format!("events/{name}");
        let text = fs::read_to_string(Path::new("patterns").join(&name))?;
        let file: EventFile = toml::from_str(&text).map_err(|error| format!("patterns/{name}: {error}"))?;
        events
            .extend(file.event.into_iter().map(|event| json!([name, line_of(&text, event.span().start), event.into_inner()])));
    }
    Ok(events)
}

/// The line of an offset, from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

impl Shipped {
    fn add(&mut self, name: String) -> Result<(), Box<dyn Error>> {
        let text = fs::read_to_string(Path::new("patterns").join(&name))?;
        let file: PatternFile = toml::from_str(&text).map_err(|error| format!("patterns/{name}: {error}"))?;
        let mut rows = Vec::new();
        for pattern in file.pattern {
            let line = line_of(&text, pattern.span().start);
            let mut table = pattern.into_inner();
            let mut lines =
                |key: &str| serde_json::to_string(&table.remove(key).unwrap_or_else(|| toml::Value::Array(Vec::new())));
            self.lines.push((lines("examples")?, lines("near")?));
            let literals = literals_of(&table).map_err(|error| format!("patterns/{name}:{line}: {error}"))?;
            for text in literals.iter().flat_map(|found| &found.texts) {
                if self.known.insert(text.clone()) {
                    self.literals.push(text.clone());
                }
            }
            rows.push(json!([line, literals, table]));
        }
        self.files.push((name, Value::Array(rows)));
        Ok(())
    }

    /// Writes the JSON of each file beside it, and returns the Rust code that includes everything.
    fn write(&self, out: &Path) -> Result<String, Box<dyn Error>> {
        let mut code = String::from("pub(in crate::classify) static FILES: &[(&str, &str)] = &[\n");
        for (name, rows) in &self.files {
            let json = name.replace(".toml", ".json");
            fs::write(out.join(&json), serde_json::to_string(rows)?)?;
            writeln!(code, "({name:?}, include_str!(concat!(env!(\"OUT_DIR\"), \"/{json}\"))),")?;
        }
        writeln!(code, "];\npub(in crate::classify) static LINES: &[(&str, &str)] = &{:?};", self.lines)?;
        writeln!(code, "pub(in crate::classify) static LITERALS: &[&str] = &{:?};", self.literals)?;
        let Tables { label, first_child, fail, shorter, word } = Tables::build(self.literals.iter().map(String::as_bytes));
        writeln!(code, "pub(in crate::classify) static LABEL: &[u8] = &{label:?};")?;
        for (name, numbers) in [("FIRST_CHILD", first_child), ("FAIL", fail), ("SHORTER", shorter), ("WORD", word)] {
            writeln!(code, "pub(in crate::classify) static {name}: &[u32] = &{numbers:?};")?;
        }
        Ok(code)
    }
}

fn literals_of(pattern: &toml::Table) -> Result<Vec<Literals>, Box<dyn Error>> {
    let sources = pattern.get("message").and_then(toml::Value::as_array).map_or(&[][..], Vec::as_slice);
    let without_literal = pattern.contains_key("no_literal");
    sources.iter().map(|source| Ok(Literals::of(source.as_str().unwrap_or_default(), without_literal)?)).collect()
}
