//! The directories that the kernel watches for changes.
//!
//! Directories are watched, not files: a rename or a replaced symbolic link is reported only for its directory.

use super::hints::Hints;
use super::identity::FileKey;
use super::remote::remote_file_system;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use tracing::warn;

/// The watched directories. Where the kernel reports no changes, the periodic scan finds them, only later.
#[derive(Debug)]
pub(super) struct DirWatcher {
    started: bool,
    watcher: Option<RecommendedWatcher>,
    /// With the watched inode: a directory that was deleted and created again needs a new watch.
    dirs: BTreeMap<PathBuf, FileKey>,
    /// Directories that the kernel refused to watch.
    refused: BTreeSet<PathBuf>,
    /// Directories on a file system that reports no changes of other machines.
    remote: BTreeSet<PathBuf>,
}

impl DirWatcher {
    /// Watches nothing until [`DirWatcher::start`].
    pub(super) fn off() -> Self {
        Self { started: false, watcher: None, dirs: BTreeMap::new(), refused: BTreeSet::new(), remote: BTreeSet::new() }
    }

    /// Asks the kernel for change events, on the first call only.
    pub(super) fn start(&mut self, hints: &Arc<Hints>) {
        if !self.started {
            *self = Self { started: true, ..Self::new(hints) };
        }
    }

    fn new(hints: &Arc<Hints>) -> Self {
        let hints = Arc::clone(hints);
        let watcher = notify::recommended_watcher(move |event| hints.add(event));
        if let Err(error) = &watcher {
            warn!(%error, "cannot watch files for changes, polling instead (is fs.inotify.max_user_instances too small?)");
        }
        Self { watcher: watcher.ok(), ..Self::off() }
    }

    /// Watches exactly the directories in `wanted`.
    pub(super) fn set_dirs(&mut self, wanted: BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else {
            self.refused = wanted;
            return;
        };
        self.dirs.retain(|dir, key| {
            let keep = wanted.contains(dir) && fs::metadata(dir).is_ok_and(|meta| FileKey::of(&meta) == *key);
            if !keep {
                // An error means that the directory was deleted, and its watch with it.
                drop(watcher.unwatch(dir));
            }
            keep
        });
        let mut refused = BTreeSet::new();
        for dir in wanted {
            if self.dirs.contains_key(&dir) {
                continue;
            }
            let Ok(meta) = fs::metadata(&dir) else { continue };
            match watcher.watch(&dir, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    if let Some(kind) = remote_file_system(&dir) {
                        if self.remote.is_empty() {
                            warn!(dir = %dir.display(), %kind, "remote file system sends no change events, polling");
                        }
                        self.remote.insert(dir.clone());
                    }
                    self.dirs.insert(dir, FileKey::of(&meta));
                }
                Err(error) => {
                    if self.refused.is_empty() && refused.is_empty() {
                        let dir = dir.display();
                        warn!(%dir, %error, "cannot watch directory, polling instead (is fs.inotify.max_user_watches too small?)");
                    }
                    refused.insert(dir);
                }
            }
        }
        self.refused = refused;
    }

    /// The number of directories without change events.
    pub(super) fn polled(&self) -> usize {
        self.refused.union(&self.remote).count()
    }
}
