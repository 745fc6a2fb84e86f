//! Values that other modules set: of sources, receivers, the checkpoint and the reload.
//!
//! Each source and receiver owns its cells. The page reads them through weak references, so a source or receiver that was
//! removed is not on the next page.

use super::definition::Family;
use super::family;
use super::text::Page;
use crate::time::Timestamp;
use prometheus::{IntCounter, IntCounterVec};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The gauges of one source. They are on the page until the last holder drops them.
#[derive(Debug, Default)]
pub struct SourceGauges(Mutex<SourceValues>);

/// Values of a source, in addition to the counters of its lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceValues {
    /// Bytes that exist in the source and are not read yet.
    pub lag_bytes: u64,
    /// Files or connections that are followed.
    pub files: u64,
    /// Directories that are scanned at an interval, because the kernel sends no change events for them.
    pub polled: u64,
    /// Bytes of TCP connections in transit or buffered as unfinished lines.
    pub buffered_bytes: u64,
    /// How often a TCP connection had to wait for buffer space.
    pub throttled: u64,
    /// Bytes known to exist in the source: read, skipped, lost or not read yet.
    pub seen_bytes: u64,
    /// Bytes that were skipped on purpose.
    pub skipped_bytes: u64,
}

impl SourceGauges {
    /// Sets the current values.
    pub fn set(&self, values: SourceValues) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = values;
    }

    fn get(&self) -> SourceValues {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Selects one of the values.
type Select = fn(&SourceValues) -> u64;

/// The current values of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReading {
    /// The source's name.
    pub name: String,
    /// The values.
    pub values: SourceValues,
}

/// Counters of the messages to one receiver, and the gauge of its queue. The gauge is on the page until this is dropped.
#[derive(Debug)]
pub struct ReceiverMetrics {
    sent: IntCounter,
    failed: IntCounter,
    rejected: IntCounter,
    dropped: IntCounter,
    queue: Arc<AtomicU64>,
}

impl ReceiverMetrics {
    fn new(vec: &IntCounterVec, receiver: &str, queue: Arc<AtomicU64>) -> Self {
        let result = |result: &str| vec.with_label_values(&[receiver, result]);
        Self { sent: result("sent"), failed: result("failed"), rejected: result("rejected"), dropped: result("dropped"), queue }
    }

    /// The receiver accepted a message.
    pub fn sent(&self) {
        self.sent.inc();
    }

    /// A message was not delivered and will be sent again.
    pub fn failed(&self) {
        self.failed.inc();
    }

    /// The receiver rejected a message for good.
    pub fn rejected(&self) {
        self.rejected.inc();
    }

    /// A notification was dropped: the outbox was full, the alert was incomplete, or the receiver was removed.
    pub fn dropped(&self) {
        self.dropped.inc();
    }

    /// Sets how many alerts have a change that the receiver has not been notified of.
    pub fn set_queue(&self, alerts: usize) {
        self.queue.store(alerts as u64, Relaxed);
    }
}

/// Cells by name. Each exists as long as its owner does.
type Cells<T> = Mutex<Vec<(String, Weak<T>)>>;

/// The cells of the process.
#[derive(Debug)]
pub(super) struct Gauges {
    sources: Cells<SourceGauges>,
    queues: Cells<AtomicU64>,
    /// Microseconds since the epoch; `i64::MIN` before the first one.
    checkpoint_at: AtomicI64,
    reload_ok: AtomicBool,
    reload_at: AtomicI64,
    watch_overflows: AtomicU64,
    lost_verdicts: AtomicU64,
}

impl Gauges {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            sources: Mutex::default(),
            queues: Mutex::default(),
            checkpoint_at: AtomicI64::new(i64::MIN),
            reload_ok: AtomicBool::new(true),
            reload_at: AtomicI64::new(now.as_micros()),
            watch_overflows: AtomicU64::new(0),
            lost_verdicts: AtomicU64::new(0),
        }
    }

    pub(super) fn source(&self, name: &str) -> Arc<SourceGauges> {
        register(&self.sources, name, Arc::default())
    }

    pub(super) fn receiver(&self, name: &str, notifications: &IntCounterVec) -> ReceiverMetrics {
        ReceiverMetrics::new(notifications, name, register(&self.queues, name, Arc::default()))
    }

    pub(super) fn set_checkpoint(&self, now: Timestamp) {
        self.checkpoint_at.store(now.as_micros(), Relaxed);
    }

    pub(super) fn set_totals(&self, watch_overflows: u64, lost_verdicts: u64) {
        self.watch_overflows.store(watch_overflows, Relaxed);
        self.lost_verdicts.store(lost_verdicts, Relaxed);
    }

    pub(super) fn set_reload(&self, ok: bool, now: Timestamp) {
        self.reload_ok.store(ok, Relaxed);
        if ok {
            self.reload_at.store(now.as_micros(), Relaxed);
        }
    }

    pub(super) fn sources(&self) -> Vec<SourceReading> {
        let read = |(name, cells): (String, Arc<SourceGauges>)| SourceReading { name, values: cells.get() };
        alive(&self.sources).into_iter().map(read).collect()
    }

    pub(super) fn queues(&self) -> Vec<(String, u64)> {
        alive(&self.queues).into_iter().map(|(name, queue)| (name, queue.load(Relaxed))).collect()
    }

    pub(super) fn write(&self, page: &mut Page, now: Timestamp) {
        let sources = self.sources();
        let families: [(&Family, Select); 7] = [
            (&family::SOURCE_SEEN, |values| values.seen_bytes),
            (&family::SOURCE_SKIPPED, |values| values.skipped_bytes),
            (&family::SOURCE_BUFFERED, |values| values.buffered_bytes),
            (&family::SOURCE_THROTTLED, |values| values.throttled),
            (&family::SOURCE_LAG, |values| values.lag_bytes),
            (&family::SOURCE_FILES, |values| values.files),
            (&family::SOURCE_POLLED, |values| values.polled),
        ];
        for (family, select) in families {
            for SourceReading { name, values } in &sources {
                page.integer(family, &[("source", name)], select(values));
            }
        }
        page.integer(&family::WATCH_OVERFLOWS, &[], self.watch_overflows.load(Relaxed));
        page.integer(&family::VERDICTS_LOST, &[], self.lost_verdicts.load(Relaxed));
        for (name, queue) in self.queues() {
            page.integer(&family::NOTIFICATION_QUEUE, &[("receiver", &name)], queue);
        }
        let written = self.checkpoint_at.load(Relaxed);
        if written != i64::MIN {
            page.sample(&family::CHECKPOINT_AGE, &[], now.since(Timestamp::from_micros(written)).as_secs_f64());
        }
        page.integer(&family::RELOAD_SUCCESSFUL, &[], u64::from(self.reload_ok.load(Relaxed)));
        let reloaded = Timestamp::from_micros(self.reload_at.load(Relaxed));
        page.sample(&family::RELOAD_TIME, &[], reloaded.as_secs_f64());
        page.integer(&family::BUILD_INFO, &[("version", env!("CARGO_PKG_VERSION"))], 1);
    }
}

fn lock<T>(cells: &Cells<T>) -> MutexGuard<'_, Vec<(String, Weak<T>)>> {
    cells.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds a cell. It replaces an older one of the same name; cells without an owner are removed.
fn register<T>(cells: &Cells<T>, name: &str, cell: Arc<T>) -> Arc<T> {
    let mut cells = lock(cells);
    cells.retain(|(other, weak)| other != name && weak.strong_count() > 0);
    cells.push((name.to_owned(), Arc::downgrade(&cell)));
    cell
}

fn alive<T>(cells: &Cells<T>) -> Vec<(String, Arc<T>)> {
    lock(cells).iter().filter_map(|(name, weak)| Some((name.clone(), weak.upgrade()?))).collect()
}
