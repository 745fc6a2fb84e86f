//! Build script: lists the files of this folder, so that a new file needs no change in Rust.

#![expect(clippy::print_stdout, reason = "cargo reads the output of build scripts")]

use std::{env, fs, path::Path};

fn main() {
    let folder = Path::new("patterns");
    println!("cargo::rerun-if-changed=patterns");
    let entries = fs::read_dir(folder).expect("patterns/ is beside Cargo.toml");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("patterns/ can be listed").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    // The path is resolved when the package is compiled, so that a target directory copied to another checkout stays correct.
    let rows: String = names
        .iter()
        .map(|name| format!("    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/patterns/{name}\"))),\n"))
        .collect();
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let text = format!("/// The files of `patterns/`, by name.\npub const SHIPPED: &[(&str, &str)] = &[\n{rows}];\n");
    fs::write(Path::new(&out).join("shipped.rs"), text).expect("cargo's output directory can be written to");
}
