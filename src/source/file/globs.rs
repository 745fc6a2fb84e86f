//! The files that match glob patterns. Walks each pattern component by component, so that it lists only directories that
//! can contain a match.

use globset::{GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

/// The deepest level to which `**` descends. It does not follow symbolic links to directories, so only a very deep tree
/// reaches this.
const MAX_DEPTH: usize = 32;

/// The most files that one source follows.
const MAX_FILES: usize = 50_000;

/// Compressed files are skipped: their content was read before the rotation compressed it.
const COMPRESSED: [&str; 6] = ["gz", "zst", "bz2", "xz", "lz4", "zip"];

/// Invalid glob pattern.
#[derive(Debug, thiserror::Error)]
#[error("invalid glob pattern `{pattern}`")]
pub struct PatternError {
    /// The pattern as configured.
    pub pattern: String,
    /// What is wrong with it.
    pub source: globset::Error,
}

/// The patterns of one source.
#[derive(Debug)]
pub(super) struct Globs {
    patterns: Vec<Pattern>,
    exclude: GlobSet,
}

/// The result of one walk.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Regular files by path. A file with several names is listed under each of them.
    pub(super) files: BTreeMap<PathBuf, Metadata>,
    /// Directories in which a matching file may appear.
    pub(super) dirs: BTreeSet<PathBuf>,
    /// Files and directories that cannot be accessed.
    pub(super) errors: Vec<(PathBuf, io::Error)>,
    /// FIFOs, sockets and devices.
    pub(super) special: BTreeSet<PathBuf>,
    /// The walk found more files than one source may follow.
    pub(super) too_many: bool,
}

impl Globs {
    /// Relative patterns are resolved against the working directory.
    pub(super) fn new(paths: &[String], exclude: &[String]) -> Result<Self, PatternError> {
        let mut set = GlobSetBuilder::new();
        for pattern in exclude {
            // A pattern without a slash matches the file name in any directory.
            let anywhere = if pattern.contains('/') { pattern.clone() } else { format!("**/{pattern}") };
            let glob = GlobBuilder::new(&anywhere).literal_separator(true).build();
            set.add(glob.map_err(|source| PatternError { pattern: pattern.clone(), source })?);
        }
        let exclude = set.build().map_err(|source| PatternError { pattern: exclude.join(" "), source })?;
        let patterns = paths.iter().map(|path| Pattern::new(path)).collect::<Result<_, _>>()?;
        Ok(Self { patterns, exclude })
    }

    /// Finds all files that match now.
    pub(super) fn walk(&self) -> Found {
        let mut found = Found::default();
        for Pattern { base, parts } in &self.patterns {
            self.descend(base.clone(), parts, 0, &mut found);
        }
        found
    }

    fn descend(&self, path: PathBuf, parts: &[Part], depth: usize, found: &mut Found) {
        let [part, rest @ ..] = parts else { return self.add_file(path, found) };
        match part {
            Part::Name(name) => {
                if rest.is_empty() {
                    found.dirs.insert(path.clone());
                }
                self.descend(path.join(name), rest, depth, found);
            }
            Part::Glob(glob) => {
                for (name, is_dir) in list(&path, found) {
                    let hidden = name.as_encoded_bytes().starts_with(b".") && !glob.glob().glob().starts_with('.');
                    if !hidden && (rest.is_empty() || is_dir != Some(false)) && glob.is_match(&name) {
                        self.descend(path.join(name), rest, depth, found);
                    }
                }
            }
            Part::AnyDepth => {
                self.descend(path.clone(), rest, depth, found);
                if depth < MAX_DEPTH {
                    for (name, _) in list(&path, found).into_iter().filter(|(_, is_dir)| *is_dir == Some(true)) {
                        self.descend(path.join(name), parts, depth + 1, found);
                    }
                }
            }
        }
    }

    fn add_file(&self, path: PathBuf, found: &mut Found) {
        let extension = path.extension().and_then(OsStr::to_str);
        let compressed = extension.is_some_and(|extension| COMPRESSED.contains(&extension));
        if compressed || self.exclude.is_match(&path) {
            return;
        }
        if found.files.len() >= MAX_FILES {
            found.too_many = true;
            return;
        }
        match fs::metadata(&path) {
            // Only regular files: opening a FIFO would block, and a directory has no lines.
            Ok(meta) if meta.is_file() => drop(found.files.insert(path, meta)),
            Ok(meta) if !meta.is_dir() => drop(found.special.insert(path)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => found.errors.push((path, error)),
        }
    }
}

/// The names in a directory, each with whether it is a directory (`None` for a symbolic link, which may lead to one).
fn list(dir: &Path, found: &mut Found) -> Vec<(OsString, Option<bool>)> {
    found.dirs.insert(dir.to_owned());
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
                found.errors.push((dir.to_owned(), error));
            }
            return Vec::new();
        }
    };
    let is_dir = |entry: &fs::DirEntry| entry.file_type().ok().filter(|kind| !kind.is_symlink()).map(|kind| kind.is_dir());
    entries.flatten().map(|entry| (entry.file_name(), is_dir(&entry))).collect()
}

/// One pattern: the literal directories before the first wildcard, and the components from there on.
#[derive(Debug)]
struct Pattern {
    base: PathBuf,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Name(OsString),
    Glob(GlobMatcher),
    AnyDepth,
}

impl Pattern {
    fn new(pattern: &str) -> Result<Self, PatternError> {
        let mut base = PathBuf::new();
        let mut parts = Vec::new();
        let absolute = std::path::absolute(pattern).unwrap_or_else(|_| PathBuf::from(pattern));
        for component in absolute.components() {
            match component {
                Component::Normal(name) => parts.push(parse_part(pattern, name)?),
                other => base.push(other),
            }
        }
        if matches!(parts.last(), Some(Part::AnyDepth)) {
            parts.push(parse_part(pattern, OsStr::new("*"))?);
        }
        // The walk starts below the literal directories and does not list them.
        let literal = parts.iter().take_while(|part| matches!(part, Part::Name(_))).count();
        for part in parts.drain(..literal.min(parts.len().saturating_sub(1))) {
            if let Part::Name(name) = part {
                base.push(name);
            }
        }
        Ok(Self { base, parts })
    }
}

fn parse_part(pattern: &str, name: &OsStr) -> Result<Part, PatternError> {
    let text = name.to_string_lossy();
    if text == "**" {
        return Ok(Part::AnyDepth);
    }
    if !text.contains(['*', '?', '[', '{']) {
        return Ok(Part::Name(name.to_owned()));
    }
    match GlobBuilder::new(&text).literal_separator(true).build() {
        Ok(glob) => Ok(Part::Glob(glob.compile_matcher())),
        Err(source) => Err(PatternError { pattern: pattern.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["a.log", "b.log", "c.tmp", "d.log.gz", ".e.log", "pods/x/0.log", "pods/y/z/1.log"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("created");
            fs::write(path, "line\n").expect("written");
        }
        std::os::unix::fs::symlink(dir.path().join("pods"), dir.path().join("pods/y/loop")).expect("linked");
        dir
    }

    fn check(patterns: &[&str], exclude: &[&str], expected: &[&str]) {
        let dir = tree();
        let absolute = |pattern: &&str| dir.path().join(pattern).to_string_lossy().into_owned();
        let paths: Vec<String> = patterns.iter().map(absolute).collect();
        let exclude: Vec<String> = exclude.iter().map(|pattern| (*pattern).to_owned()).collect();
        let found = Globs::new(&paths, &exclude).expect("globs").walk();
        let relative = |path: &PathBuf| path.strip_prefix(dir.path()).expect("inside").to_str().expect("ascii").to_owned();
        let names: Vec<String> = found.files.keys().map(relative).collect();
        assert_eq!(names, expected, "{patterns:?}");
    }

    #[test]
    fn globs_find_the_same_files_as_a_shell() {
        check(&["*.log"], &[], &["a.log", "b.log"]);
        check(&["*"], &["*.tmp"], &["a.log", "b.log"]);
        check(&["[ab].log", "a.*"], &[], &["a.log", "b.log"]);
        check(&["{a,b}.log"], &["b.*"], &["a.log"]);
        check(&["a.log", "missing.log"], &[], &["a.log"]);
        check(&["*/x/*.log"], &[], &["pods/x/0.log"]);
        check(&["**/*.log"], &[], &["a.log", "b.log", "pods/x/0.log", "pods/y/z/1.log"]);
        check(&["pods/**"], &[], &["pods/x/0.log", "pods/y/z/1.log"]);
        check(&["*.gz", ".e.log"], &[], &[".e.log"]);
    }
}
