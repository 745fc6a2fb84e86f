//! The limit of file descriptors of the process, and the part of it that followed files may use.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{debug, warn};

/// The most files that are kept open, however many descriptors there are.
pub(super) const MAX_OPEN_FILES: usize = 512;

/// Raises the soft limit of file descriptors to the hard one, and returns how many followed files may be open. The other half
/// of a small limit is kept back for HTTP, TCP peers, the checkpoint, receivers and directories.
pub(super) fn raise_limit() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(error) => {
            warn!(%error, "cannot raise the limit of open files");
            current
        }
    };
    let files = open_files(limit);
    debug!(limit, files, "limit of open files");
    if files < MAX_OPEN_FILES {
        warn!(limit, files, "limit of open files is low: reading more files than this in turns");
    }
    files
}

/// How many files may be open under this limit of descriptors; `None` is no limit.
fn open_files(limit: Option<u64>) -> usize {
    let half = limit.and_then(|limit| usize::try_from(limit / 2).ok()).unwrap_or(MAX_OPEN_FILES);
    half.clamp(1, MAX_OPEN_FILES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_low_limit_is_kept_back() {
        assert_eq!(open_files(Some(64)), 32);
        assert_eq!(open_files(Some(1_024)), MAX_OPEN_FILES);
        assert_eq!(open_files(None), MAX_OPEN_FILES);
        assert_eq!(open_files(Some(0)), 1);
    }
}
