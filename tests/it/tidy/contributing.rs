//! The table "what to touch for each kind of change" of CONTRIBUTING.md is true.

use std::path::Path;

/// The most files that one change may touch, by the first words of its row.
const MOST_FILES: [(&str, usize); 10] = [
    ("an error pattern", 1),
    ("a provider", 1),
    ("a row of the escalation table", 1),
    ("a field name", 1),
    ("a line prefix", 2),
    ("a log format", 2),
    ("a metric", 3),
    ("a receiver", 4),
    ("a configuration key", 5),
    ("a key of the verdict", 4),
];

#[test]
fn every_kind_of_change_touches_few_files_and_all_of_them_exist() {
    let page = super::read(&super::root().join("CONTRIBUTING.md"));
    let rows: Vec<_> = page
        .lines()
        .skip_while(|line| !line.starts_with("| to add |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    for (kind, most) in MOST_FILES {
        let row = rows.iter().find(|row| row.starts_with(&format!("| {kind}"))).unwrap_or_else(|| panic!("no row for {kind}"));
        let paths: Vec<_> = row.split('`').skip(1).step_by(2).collect();
        let missing: Vec<_> = paths.iter().filter(|path| !super::root().join(path).exists()).collect();
        assert!(missing.is_empty(), "CONTRIBUTING.md names files that do not exist, {missing:?}, in the row of {kind}");
        assert!(!paths.is_empty() && paths.len() <= most, "{kind} touches {} files, more than {most}: {paths:?}", paths.len());
    }
}

/// A new prefix, format or receiver touches its own file and the list of its folder, as no other file names one of them.
#[test]
fn only_the_list_of_a_folder_names_its_files() {
    let sources = super::sources();
    for folder in ["framing/prefix", "record/format", "delivery/receiver"] {
        let parent = Path::new(folder).file_name().unwrap_or_default().to_string_lossy();
        let inside = |path: &str| path.starts_with(folder);
        let files = sources.iter().filter(|(path, _)| inside(path) && !path.ends_with("mod.rs"));
        for name in files.filter_map(|(path, _)| Path::new(path).file_stem()?.to_str()) {
            let use_of = format!("{parent}::{name}");
            let found = sources.iter().find(|(path, text)| !inside(path) && super::code_only(text).contains(&use_of));
            assert_eq!(found.map(|(path, _)| path), None, "src/{folder}/mod.rs has to hand out what `{use_of}` offers");
        }
    }
}
