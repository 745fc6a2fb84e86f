//! What a configured pattern comes to now: which files it matches, which of them can be read, and what stands in the way.
//! Opens files for reading and touches nothing.

use super::PatternError;
use super::discover::Globs;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// One pattern.
#[derive(Debug, Default)]
pub struct PathReport {
    /// Files that match and can be read, with their sizes.
    pub readable: Vec<(PathBuf, u64)>,
    /// Files and directories that cannot be read, and why.
    pub unreadable: Vec<(PathBuf, io::Error)>,
    /// Directories that would be watched.
    pub dirs: BTreeSet<PathBuf>,
    /// The first directory on the way to the files that is not there.
    pub missing: Option<PathBuf>,
    /// Whether there are more files than one source may follow.
    pub too_many: bool,
}

/// Looks at what one pattern matches.
///
/// # Errors
///
/// Where it is no pattern.
pub fn path_report(pattern: &str, exclude: &[String]) -> Result<PathReport, PatternError> {
    let found = Globs::new(&[pattern.to_owned()], exclude)?.walk();
    let mut survey =
        PathReport { unreadable: found.troubles, dirs: found.dirs, too_many: found.too_many, ..PathReport::default() };
    for (path, meta) in found.files {
        match File::open(&path) {
            Ok(_) => survey.readable.push((path, meta.len())),
            Err(error) => survey.unreadable.push((path, error)),
        }
    }
    survey.missing = survey.dirs.iter().find_map(|it| first_missing(it)).or_else(|| {
        let literal = Path::new(pattern).parent().filter(|it| survey.dirs.is_empty() && !it.as_os_str().is_empty())?;
        first_missing(literal)
    });
    Ok(survey)
}

fn first_missing(dir: &Path) -> Option<PathBuf> {
    let missing = |it: &&Path| fs::metadata(it).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    dir.ancestors().take_while(missing).last().map(Path::to_owned)
}

/// Kinds of file systems on which writes of other machines wake nobody up.
const REMOTE: [&str; 12] =
    ["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "lustre", "afs", "virtiofs", "fuse", "fuseblk"];

/// The kind of file system that a directory lies on, where the kernel sends no wake-ups for what others write to it.
#[must_use]
pub fn remote_file_system(dir: &Path) -> Option<String> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let dir = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    remote_in(&mounts, &dir)
}

fn remote_in(mounts: &str, dir: &Path) -> Option<String> {
    let parse = |line: &str| {
        let mut words = line.split(' ').skip(1);
        // Blanks and the like in a path are written as octal numbers; none of the usual places has any.
        Some((PathBuf::from(words.next()?), words.next()?.to_owned()))
    };
    let over = mounts.lines().filter_map(parse).filter(|(at, _)| dir.starts_with(at));
    let (_, kind) = over.max_by_key(|(at, _)| at.components().count())?;
    (REMOTE.contains(&kind.as_str()) || kind.starts_with("fuse.")).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_counts() {
        let mounts = "/dev/sda1 / ext4 rw 0 0\nserver:/logs /var/log nfs4 rw 0 0\ntmpfs /var/log/local tmpfs rw 0 0\n\
                      me /home/me/remote fuse.sshfs rw 0 0\n";
        let check = |dir: &str, expected: Option<&str>| {
            assert_eq!(remote_in(mounts, Path::new(dir)).as_deref(), expected, "{dir}");
        };
        check("/srv", None);
        check("/var/log/app", Some("nfs4"));
        check("/var/log/local/app", None);
        check("/home/me/remote/x", Some("fuse.sshfs"));
    }
}
