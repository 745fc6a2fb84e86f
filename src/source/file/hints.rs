//! What wakes the tailer: change events of the kernel, new options, and the request to stop.
//!
//! A change event is a hint, not data: it only means "check this file again". A lost event costs time, not lines.

use super::options::Options;
use notify::event::{EventKind, ModifyKind};
use std::collections::HashSet;
use std::mem;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tracing::warn;

/// If more files than this changed, a scan of all files is cheaper.
const MAX_PATHS: usize = 1024;

/// What is to be checked. The watcher's thread fills it, the tailer's thread empties it.
#[derive(Debug, Default)]
pub struct Hints {
    pending: Mutex<Pending>,
    wake: Condvar,
    scanned: Notify,
    overflows: AtomicU64,
}

#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Files that changed.
    pub(super) paths: HashSet<PathBuf>,
    /// Files were created, renamed or deleted, or events were lost: scan everything.
    pub(super) rescan: bool,
    /// New options of the sources.
    sources: Option<Vec<Options>>,
    pub(super) stop: bool,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.rescan && !self.stop && self.sources.is_none()
    }
}

impl Hints {
    /// Resolves after the first scan, for one caller. A file that appears later is read from its first byte.
    pub async fn first_scan(&self) {
        self.scanned.notified().await;
    }

    pub(super) fn note_scan(&self) {
        self.scanned.notify_one();
    }

    /// How often the kernel lost change events.
    pub fn overflows(&self) -> u64 {
        self.overflows.load(Ordering::Relaxed)
    }

    /// Replaces the sources that the tailer follows.
    pub fn set_sources(&self, sources: Vec<Options>) {
        self.lock().sources = Some(sources);
        self.wake.notify_all();
    }

    pub(super) fn take_sources(&self) -> Option<Vec<Options>> {
        self.lock().sources.take()
    }

    /// Stops the tailer.
    pub fn stop(&self) {
        self.lock().stop = true;
        self.wake.notify_all();
    }

    pub(super) fn stopped(&self) -> bool {
        self.lock().stop
    }

    /// Takes the pending hints, or waits at most `limit` for the first one.
    pub(super) fn wait(&self, limit: Duration) -> Pending {
        let nothing_pending = |pending: &mut Pending| pending.is_empty();
        let waited = self.wake.wait_timeout_while(self.lock(), limit, nothing_pending);
        let (mut pending, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let (stop, sources) = (pending.stop, pending.sources.take());
        let mut taken = mem::take(&mut *pending);
        taken.rescan |= sources.is_some();
        (pending.stop, pending.sources) = (stop, sources);
        taken
    }

    /// Adds an event of the kernel, on the watcher's thread.
    pub(super) fn add(&self, result: notify::Result<notify::Event>) {
        let mut pending = self.lock();
        match result {
            Ok(event) if event.need_rescan() => {
                pending.rescan = true;
                // Logged once; the metric counts the rest.
                if self.overflows.fetch_add(1, Ordering::Relaxed) == 0 {
                    warn!("kernel lost file change events, scanning all files (is fs.inotify.max_queued_events too small?)");
                }
            }
            Ok(event) => match event.kind {
                // The tailer's own `open` and `read` cause these.
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
        if !pending.is_empty() {
            self.wake.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        // The sections are short, and a panic in one cannot break an invariant.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, Flag};

    #[test]
    fn lost_or_too_many_hints_cause_a_full_scan() {
        let hints = Hints::default();
        let wait = || hints.wait(Duration::ZERO);
        let changed = |name: usize| {
            let event = notify::Event::new(EventKind::Modify(ModifyKind::Data(DataChange::Content)));
            Ok(event.add_path(format!("/{name}.log").into()))
        };
        hints.add(changed(1));
        let pending = wait();
        assert!(pending.paths.len() == 1 && !pending.rescan);
        // An overflow of the kernel's queue has a flag and no paths.
        hints.add(Ok(notify::Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert!(wait().rescan);
        hints.add(Err(notify::Error::generic("broken")));
        assert!(wait().rescan);
        hints.add(Ok(notify::Event::new(EventKind::Create(CreateKind::File)).add_path("/new.log".into())));
        assert!(wait().rescan);
        (0..=MAX_PATHS).for_each(|name| hints.add(changed(name)));
        let pending = wait();
        assert!(pending.rescan && pending.paths.is_empty());
        assert!(wait().is_empty());
    }
}
