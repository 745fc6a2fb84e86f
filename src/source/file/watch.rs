//! Wake-ups from the kernel. They are hints: each says only "look again", and losing one costs time, not lines.
//!
//! Directories are watched, not files: a rename or a swapped symbolic link shows only there.

use super::Options;
use super::identity::FileKey;
use super::path_report::remote_file_system;
use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, mem};
use tokio::sync::Notify;
use tracing::warn;

/// Beyond this many changed files it is cheaper to look at all of them.
const MAX_PATHS: usize = 1024;

/// What is to be looked at; filled by the watcher's thread, emptied by the tailer's.
#[derive(Debug, Default)]
pub struct Hints {
    pending: Mutex<Pending>,
    wake: Condvar,
    scanned: Notify,
    overflows: AtomicU64,
}

/// See [`Hints`].
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Files that changed.
    pub(super) paths: HashSet<PathBuf>,
    /// Names came or went, or hints were lost: look at everything.
    pub(super) rescan: bool,
    /// The sources to follow from now on.
    sources: Option<Vec<Options>>,
    /// The end.
    pub(super) stop: bool,
}

impl Pending {
    fn is_quiet(&self) -> bool {
        self.paths.is_empty() && !self.rescan && !self.stop && self.sources.is_none()
    }
}

impl Hints {
    /// Resolves, for the one who waits, once the files have been looked for a first time: what appears later is read from
    /// its first byte.
    pub async fn first_scan(&self) {
        self.scanned.notified().await;
    }

    pub(super) fn note_scan(&self) {
        self.scanned.notify_one();
    }

    /// How often the kernel has lost wake-ups.
    pub fn overflows(&self) -> u64 {
        self.overflows.load(Ordering::Relaxed)
    }

    /// Makes the tailer that waits on these hints follow other sources.
    pub fn set_sources(&self, sources: Vec<Options>) {
        self.lock().sources = Some(sources);
        self.wake.notify_all();
    }

    pub(super) fn take_sources(&self) -> Option<Vec<Options>> {
        self.lock().sources.take()
    }

    /// Ends the tailer that waits on these hints.
    pub fn stop(&self) {
        self.lock().stop = true;
        self.wake.notify_all();
    }

    pub(super) fn stopped(&self) -> bool {
        self.lock().stop
    }

    /// Takes what has come, waiting at most `limit` for the first of it.
    pub(super) fn wait(&self, limit: Duration) -> Pending {
        let quiet = |pending: &mut Pending| pending.is_quiet();
        let (mut pending, _) = self.wake.wait_timeout_while(self.lock(), limit, quiet).unwrap_or_else(PoisonError::into_inner);
        let (stop, sources) = (pending.stop, pending.sources.take());
        let mut taken = mem::take(&mut *pending);
        taken.rescan |= sources.is_some();
        (pending.stop, pending.sources) = (stop, sources);
        taken
    }

    fn take_in(&self, result: notify::Result<notify::Event>) {
        let mut pending = self.lock();
        match result {
            Ok(event) if event.need_rescan() => {
                pending.rescan = true;
                // Said once; after that the metric tells.
                if self.overflows.fetch_add(1, Ordering::Relaxed) == 0 {
                    warn!(
                        "the kernel lost wake-ups about files; looking at all of them (is fs.inotify.max_queued_events too small?)"
                    );
                }
            }
            Ok(event) => match event.kind {
                // Our own `open` and `read` come back as these.
                EventKind::Access(_) => {}
                EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => pending.paths.extend(event.paths),
                _ => pending.rescan = true,
            },
            Err(_) => pending.rescan = true,
        }
        if pending.paths.len() > MAX_PATHS {
            pending.paths.clear();
            pending.rescan = true;
        }
        if !pending.is_quiet() {
            self.wake.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        // The sections are short and hold no invariant that a panic could break.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The watched directories.
#[derive(Debug)]
pub(super) struct Watch {
    begun: bool,
    watcher: Option<RecommendedWatcher>,
    /// With the inode that is watched: a directory that went and came back under its name needs a new watch.
    dirs: BTreeMap<PathBuf, FileKey>,
    refused: BTreeSet<PathBuf>,
    /// On a file system that tells nothing of what other machines write.
    remote: BTreeSet<PathBuf>,
}

impl Watch {
    /// Nothing is watched; the stat loop sees everything all the same, only later.
    pub(super) fn off() -> Self {
        Self { begun: false, watcher: None, dirs: BTreeMap::new(), refused: BTreeSet::new(), remote: BTreeSet::new() }
    }

    /// Asks the kernel for wake-ups, once.
    pub(super) fn begin(&mut self, hints: &Arc<Hints>) {
        if !self.begun {
            *self = Self { begun: true, ..Self::new(hints) };
        }
    }

    fn new(hints: &Arc<Hints>) -> Self {
        let hints = Arc::clone(hints);
        let watcher = notify::recommended_watcher(move |event| hints.take_in(event));
        if let Err(error) = &watcher {
            warn!(%error, "the kernel gives no file watch; polling instead (is fs.inotify.max_user_instances too small?)");
        }
        Self { watcher: watcher.ok(), ..Self::off() }
    }

    /// Watches these directories and no others.
    pub(super) fn follow(&mut self, wanted: BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else {
            self.refused = wanted;
            return;
        };
        self.dirs.retain(|dir, key| {
            let same = wanted.contains(dir) && fs::metadata(dir).is_ok_and(|it| FileKey::of(&it) == *key);
            if !same {
                // A directory that was deleted has lost its watch already.
                drop(watcher.unwatch(dir));
            }
            same
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
                            warn!(dir = %dir.display(), %kind, "nobody tells of changes on this file system; polling");
                        }
                        self.remote.insert(dir.clone());
                    }
                    self.dirs.insert(dir, FileKey::of(&meta));
                }
                Err(error) => {
                    if self.refused.is_empty() && refused.is_empty() {
                        let dir = dir.display();
                        warn!(%dir, %error, "the kernel refuses a watch; polling (is fs.inotify.max_user_watches too small?)");
                    }
                    refused.insert(dir);
                }
            }
        }
        self.refused = refused;
    }

    /// How many directories are looked at by the clock alone.
    pub(super) fn polled(&self) -> usize {
        self.refused.union(&self.remote).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, Flag};

    #[test]
    fn lost_hints_and_too_many_of_them_mean_a_look_at_everything() {
        let hints = Hints::default();
        let wait = || hints.wait(Duration::ZERO);
        let changed = |name: usize| {
            let event = notify::Event::new(EventKind::Modify(ModifyKind::Data(DataChange::Content)));
            Ok(event.add_path(format!("/{name}.log").into()))
        };
        hints.take_in(changed(1));
        let pending = wait();
        assert!(pending.paths.len() == 1 && !pending.rescan);
        // The kernel's queue has overflowed: no paths, only a flag.
        hints.take_in(Ok(notify::Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert!(wait().rescan);
        hints.take_in(Err(notify::Error::generic("broken")));
        assert!(wait().rescan);
        hints.take_in(Ok(notify::Event::new(EventKind::Create(CreateKind::File)).add_path("/new.log".into())));
        assert!(wait().rescan);
        (0..=MAX_PATHS).for_each(|it| hints.take_in(changed(it)));
        let pending = wait();
        assert!(pending.rescan && pending.paths.is_empty());
        assert!(wait().is_quiet());
    }
}
