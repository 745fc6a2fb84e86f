//! The thread of the tailer: repeats scan and reads, and sends the messages to the pipeline.

use super::Tailer;
use super::descriptors::raise_limit;
use super::hints::Hints;
use super::watch::DirWatcher;
use crate::source::{ClockReading, SourceMessage};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tracing::warn;

/// The usual time from the start of one scan to the start of the next.
const SCAN_PERIOD: Duration = Duration::from_secs(1);

/// With many files the period is this multiple of the duration of a scan, so that scans take at most 1 % of the time.
const SCAN_PERIOD_FACTOR: u32 = 100;

/// The longest period, however many files there are.
const MAX_SCAN_PERIOD: Duration = Duration::from_secs(10);

/// The shortest period. It applies when files are created, renamed or deleted.
const MIN_SCAN_PERIOD: Duration = Duration::from_millis(50);

/// The shortest period as a multiple of the duration of a scan.
const MIN_SCAN_PERIOD_FACTOR: u32 = 20;

/// Change events are collected for this long before the files are checked: far below what a person or a metric notices.
const COLLECT_HINTS: Duration = Duration::from_millis(5);

impl Tailer {
    /// Follows the files until `hints` are stopped or the pipeline closes its queue. Blocks the thread.
    pub fn run(mut self, hints: &Arc<Hints>, to: &mpsc::Sender<SourceMessage>) {
        self.set_max_open_files(raise_limit());
        let mut watcher = DirWatcher::off();
        while !hints.stopped() {
            let began = Instant::now();
            if let Some(sources) = hints.take_sources()
                && let Err(error) = self.set_sources(sources, ClockReading::now())
            {
                warn!(%error, "cannot change the file sources, keeping the old ones");
            }
            if !self.sources.is_empty() {
                watcher.start(hints);
            }
            self.scan(ClockReading::now());
            watcher.set_dirs(self.watched_dirs());
            if self.scans == 1 {
                // The pipeline must learn of the backlog before the first scan is reported as done.
                if !self.send_all(to) {
                    return;
                }
                hints.note_scan();
            }
            for source in &self.sources {
                source.options.gauges.polled.store(watcher.polled() as u64, Ordering::Relaxed);
            }
            let period = (began.elapsed() * SCAN_PERIOD_FACTOR).clamp(SCAN_PERIOD, MAX_SCAN_PERIOD);
            let min_period = (began.elapsed() * MIN_SCAN_PERIOD_FACTOR).max(MIN_SCAN_PERIOD);
            if !self.read_until(began + min_period, began + period, hints, to) {
                return;
            }
        }
    }

    /// Reads until the next scan is due: at `due`, or from `earliest` on when files were created, renamed or deleted. Returns
    /// false when the pipeline has closed its queue.
    fn read_until(
        &mut self,
        earliest: Instant,
        mut due: Instant,
        hints: &Arc<Hints>,
        to: &mpsc::Sender<SourceMessage>,
    ) -> bool {
        loop {
            loop {
                if !self.send_all(to) {
                    return false;
                }
                if Instant::now() >= due || hints.stopped() || !self.read_next(ClockReading::now()) {
                    break;
                }
            }
            let now = Instant::now();
            if now >= due {
                return true;
            }
            thread::sleep(COLLECT_HINTS);
            let pending = hints.wait(due.saturating_duration_since(now));
            if pending.stop {
                return true;
            }
            if pending.rescan {
                due = due.min(earliest);
            }
            pending.paths.iter().for_each(|path| self.check_path(path));
        }
    }

    /// Sends all messages. Blocks while the queue is full; unread bytes stay in the files meanwhile. Returns false when the
    /// pipeline has closed its queue.
    fn send_all(&mut self, to: &mpsc::Sender<SourceMessage>) -> bool {
        while let Some(message) = self.take() {
            if to.blocking_send(message).is_err() {
                return false;
            }
        }
        true
    }

    /// Directories in which files may change: those that the globs name, and those where symbolic links lead.
    fn watched_dirs(&self) -> BTreeSet<PathBuf> {
        let real = self.by_path.keys().filter_map(|path| path.parent());
        self.glob_dirs.iter().map(PathBuf::as_path).chain(real).map(Path::to_owned).collect()
    }
}
