//! The files that the daemon writes itself. Reading them would make a feedback loop.

use super::identity::FileKey;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

/// Files that are never read, whatever the globs match.
#[derive(Clone, Debug, Default)]
pub struct OwnFiles {
    /// Files that the process writes: `--output`, and the targets of stdout and stderr.
    pub files: BTreeSet<FileKey>,
    /// Directories that the process writes to: the state directory.
    pub dirs: Vec<PathBuf>,
    /// The pod of the process, as `namespace_pod` and as `pod_namespace`. The names of its log directories begin with these.
    pub pod: Option<[String; 2]>,
}

impl OwnFiles {
    /// The targets of stdout and stderr, where they are files.
    pub fn streams() -> BTreeSet<FileKey> {
        let open = ["/proc/self/fd/1", "/proc/self/fd/2"];
        let metas = open.iter().filter_map(|link| fs::metadata(link).ok());
        metas.filter(Metadata::is_file).map(|meta| FileKey::of(&meta)).collect()
    }

    pub(super) fn contains(&self, path: &Path, key: FileKey) -> bool {
        self.files.contains(&key) || self.dirs.iter().any(|dir| path.starts_with(dir)) || self.is_own_pod(path)
    }

    fn is_own_pod(&self, path: &Path) -> bool {
        let Some(pod) = &self.pod else { return false };
        path.iter()
            .filter_map(OsStr::to_str)
            .any(|part| pod.iter().any(|own| part.strip_prefix(own.as_str()).is_some_and(|rest| rest.starts_with('_'))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_the_own_pod_is_never_read() {
        let own = OwnFiles { pod: Some(["ops_triage-x7".into(), "triage-x7_ops".into()]), ..OwnFiles::default() };
        let contains = |path: &str| own.contains(Path::new(path), FileKey::default());
        assert!(contains("/var/log/pods/ops_triage-x7_0b1c/triage/0.log"));
        assert!(contains("/var/log/containers/triage-x7_ops_triage-9f.log"));
        assert!(!contains("/var/log/pods/ops_triage-x70_0b1c/triage/0.log"));
        assert!(!contains("/var/log/pods/ops_app-x7_0b1c/app/0.log"));
    }
}
