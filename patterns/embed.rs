//! Build script: lists the files of this folder, so that adding one needs no line of Rust elsewhere.

#![expect(clippy::print_stdout, reason = "cargo listens there")]

use std::{env, fs, path::Path};

fn main() {
    let folder = Path::new("patterns");
    println!("cargo::rerun-if-changed=patterns");
    let entries = fs::read_dir(folder).expect("patterns/ stands beside Cargo.toml");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("patterns/ can be listed").file_name().to_string_lossy().into_owned())
        // `fields.toml` is not of the catalog: `record` reads it.
        .filter(|name| name.ends_with(".toml") && name != "fields.toml")
        .collect();
    names.sort();
    // The path is told when the package is compiled: a target directory that was copied to another checkout stays right.
    let rows: String = names
        .iter()
        .map(|name| format!("    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/patterns/{name}\"))),\n"))
        .collect();
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let text = format!("/// The files of `patterns/`, by name.\npub const SHIPPED: &[(&str, &str)] = &[\n{rows}];\n");
    fs::write(Path::new(&out).join("shipped.rs"), text).expect("cargo's output directory can be written to");
}
