//! Which files are there: glob patterns walked component by component, so that only directories that can match are read.

use super::identity::FileKey;
use globset::{GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

/// How deep `**` descends; symbolic links to directories are not followed there, so this only stops a runaway tree.
const MAX_DEPTH: usize = 32;

/// The most files one source follows.
const MAX_FILES: usize = 50_000;

/// Compressed files hold what was read already, before it was rotated.
const COMPRESSED: [&str; 6] = ["gz", "zst", "bz2", "xz", "lz4", "zip"];

/// A pattern that is none.
#[derive(Debug, thiserror::Error)]
#[error("`{pattern}` is no glob pattern")]
pub struct PatternError {
    /// As it was written.
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

/// What a walk came upon.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Regular files, by path; a file with several names stands under each of them.
    pub(super) files: BTreeMap<PathBuf, Metadata>,
    /// Directories in which a matching file may appear.
    pub(super) dirs: BTreeSet<PathBuf>,
    /// What could not be looked at.
    pub(super) troubles: Vec<(PathBuf, io::Error)>,
    /// Whether there are more files than one source may follow.
    pub(super) too_many: bool,
}

impl Globs {
    /// Patterns that are relative count from the working directory.
    pub(super) fn new(paths: &[String], exclude: &[String]) -> Result<Self, PatternError> {
        let mut set = GlobSetBuilder::new();
        for pattern in exclude {
            // A pattern without a slash speaks of the file's name, wherever it lies.
            let anywhere = if pattern.contains('/') { pattern.clone() } else { format!("**/{pattern}") };
            let glob = GlobBuilder::new(&anywhere).literal_separator(true).build();
            set.add(glob.map_err(|source| PatternError { pattern: pattern.clone(), source })?);
        }
        let exclude = set.build().map_err(|source| PatternError { pattern: exclude.join(" "), source })?;
        let patterns = paths.iter().map(|it| Pattern::new(it)).collect::<Result<_, _>>()?;
        Ok(Self { patterns, exclude })
    }

    /// Every file that matches now.
    pub(super) fn walk(&self) -> Found {
        let mut found = Found::default();
        for Pattern { base, parts } in &self.patterns {
            self.descend(base.clone(), parts, 0, &mut found);
        }
        found
    }

    fn descend(&self, path: PathBuf, parts: &[Part], depth: usize, found: &mut Found) {
        let [part, rest @ ..] = parts else { return self.leaf(path, found) };
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

    fn leaf(&self, path: PathBuf, found: &mut Found) {
        let compressed = path.extension().and_then(OsStr::to_str).is_some_and(|it| COMPRESSED.contains(&it));
        if compressed || self.exclude.is_match(&path) {
            return;
        }
        if found.files.len() >= MAX_FILES {
            found.too_many = true;
            return;
        }
        match fs::metadata(&path) {
            // A FIFO would block whoever opens it; a directory has no lines.
            Ok(meta) if meta.is_file() => drop(found.files.insert(path, meta)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => found.troubles.push((path, error)),
        }
    }
}

/// Names in a directory, and whether each is one itself (`None` for a symbolic link, which may lead to one).
fn list(dir: &Path, found: &mut Found) -> Vec<(std::ffi::OsString, Option<bool>)> {
    found.dirs.insert(dir.to_owned());
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
                found.troubles.push((dir.to_owned(), error));
            }
            return Vec::new();
        }
    };
    let kind = |entry: &fs::DirEntry| entry.file_type().ok().filter(|it| !it.is_symlink()).map(|it| it.is_dir());
    entries.flatten().map(|entry| (entry.file_name(), kind(&entry))).collect()
}

#[derive(Debug)]
struct Pattern {
    base: PathBuf,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Name(std::ffi::OsString),
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
                Component::Normal(name) => parts.push(part(pattern, name)?),
                other => base.push(other),
            }
        }
        if matches!(parts.last(), Some(Part::AnyDepth)) {
            parts.push(part(pattern, OsStr::new("*"))?);
        }
        // The literal directories in front need no look of their own.
        let literal = parts.iter().take_while(|it| matches!(it, Part::Name(_))).count();
        for part in parts.drain(..literal.min(parts.len().saturating_sub(1))) {
            if let Part::Name(name) = part {
                base.push(name);
            }
        }
        Ok(Self { base, parts })
    }
}

fn part(pattern: &str, name: &OsStr) -> Result<Part, PatternError> {
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

/// What is never read: it would feed on itself.
#[derive(Clone, Debug, Default)]
pub struct OwnFiles {
    /// Files we write: `--output`, and what stdout and stderr lead to.
    pub files: BTreeSet<FileKey>,
    /// Directories we write to: the state directory.
    pub dirs: Vec<PathBuf>,
    /// The pod we run in, as `namespace_pod` and as `pod_namespace`: the first parts of its log directories' names.
    pub pod: Option<[String; 2]>,
}

impl OwnFiles {
    /// Our own standard streams, where they lead to files.
    pub fn streams() -> BTreeSet<FileKey> {
        let open = ["/proc/self/fd/1", "/proc/self/fd/2"];
        open.iter().filter_map(|it| fs::metadata(it).ok()).filter(Metadata::is_file).map(|it| FileKey::of(&it)).collect()
    }

    /// Whether the file is one of ours.
    pub(super) fn holds(&self, path: &Path, key: FileKey) -> bool {
        self.files.contains(&key) || self.dirs.iter().any(|dir| path.starts_with(dir)) || self.is_pod(path)
    }

    fn is_pod(&self, path: &Path) -> bool {
        let Some(pod) = &self.pod else { return false };
        path.iter()
            .filter_map(OsStr::to_str)
            .any(|part| pod.iter().any(|own| part.strip_prefix(own.as_str()).is_some_and(|rest| rest.starts_with('_'))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["a.log", "b.log", "c.tmp", "d.log.gz", ".e.log", "pods/x/0.log", "pods/y/z/1.log"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("has one")).expect("created");
            fs::write(path, "line\n").expect("written");
        }
        std::os::unix::fs::symlink(dir.path().join("pods"), dir.path().join("pods/y/loop")).expect("linked");
        dir
    }

    fn check(patterns: &[&str], exclude: &[&str], expected: &[&str]) {
        let dir = tree();
        let paths: Vec<String> = patterns.iter().map(|it| dir.path().join(it).to_string_lossy().into_owned()).collect();
        let exclude: Vec<String> = exclude.iter().map(|it| (*it).to_owned()).collect();
        let found = Globs::new(&paths, &exclude).expect("globs").walk();
        let names: Vec<&str> =
            found.files.keys().map(|it| it.strip_prefix(dir.path()).expect("inside").to_str().expect("ascii")).collect();
        assert_eq!(names, expected, "{patterns:?}");
    }

    #[test]
    fn globs_find_what_a_shell_would() {
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

    #[test]
    fn our_own_pod_is_never_read() {
        let own = OwnFiles { pod: Some(["ops_triage-x7".into(), "triage-x7_ops".into()]), ..OwnFiles::default() };
        let holds = |path: &str| own.holds(Path::new(path), FileKey::default());
        assert!(holds("/var/log/pods/ops_triage-x7_0b1c/triage/0.log"));
        assert!(holds("/var/log/containers/triage-x7_ops_triage-9f.log"));
        assert!(!holds("/var/log/pods/ops_triage-x70_0b1c/triage/0.log"));
        assert!(!holds("/var/log/pods/ops_app-x7_0b1c/app/0.log"));
    }
}
