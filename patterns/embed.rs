//! Build script: lists the files of this folder, so that a new file needs no change in Rust.

#![expect(clippy::print_stdout, reason = "cargo reads the output of build scripts")]

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=patterns");
    let mut names: Vec<String> = fs::read_dir("patterns")
        .expect("patterns/ is beside Cargo.toml")
        .map(|entry| entry.expect("patterns/ can be listed").path())
        .filter(|path| path.extension() == Some(OsStr::new("toml")))
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        // `fields.toml` is not of the catalog: `record` reads it.
        .filter(|name| name != "fields.toml")
        .collect();
    names.sort();
    let mut text = String::from("/// The files of `patterns/`, by name.\npub const SHIPPED: &[(&str, &str)] = &[\n");
    for name in &names {
        // The path is resolved when the package is compiled, so that a target directory copied to another checkout stays correct.
        writeln!(text, "    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/patterns/{name}\"))),")
            .expect("writing to a string cannot fail");
    }
    text.push_str("];\n");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("shipped.rs"), text).expect("OUT_DIR can be written to");
}
