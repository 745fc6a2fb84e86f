//! Values that other modules keep up to date while they live: of sources, receivers, checkpoint and reload.
//!
//! Each source and receiver owns its cells; the page reads them through a weak reference, so that what was let go is gone
//! from the next page.

use super::family::{self, Family};
use super::text::Page;
use crate::time::Timestamp;
use prometheus::{IntCounter, IntCounterVec};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Values of one source that others keep. They are on the page for as long as somebody holds them.
#[derive(Debug, Default)]
pub struct SourceGauges(Mutex<SourceValues>);

/// What is known of a source beside what is counted of its lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceValues {
    /// Bytes that are there and not read yet.
    pub lag_bytes: u64,
    /// Files or connections that are followed.
    pub files: u64,
    /// Directories that are looked at by the clock alone.
    pub polled: u64,
    /// Bytes of peers that are on the way or kept as unfinished lines.
    pub buffered_bytes: u64,
    /// Times a peer had to wait for room.
    pub throttled: u64,
    /// Bytes that were seen to be there.
    pub seen_bytes: u64,
    /// Bytes that were passed over on purpose.
    pub skipped_bytes: u64,
}

impl SourceGauges {
    /// Says how it stands now.
    pub fn set(&self, values: SourceValues) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = values;
    }

    fn get(&self) -> SourceValues {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of them.
type Value = fn(&SourceValues) -> u64;

/// What the gauges of a source read now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReading {
    /// The source's name.
    pub name: String,
    /// How it stands.
    pub values: SourceValues,
}

/// What became of the messages to one receiver. The gauge is on the page for as long as somebody holds this.
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

    /// The receiver took a message.
    pub fn sent(&self) {
        self.sent.inc();
    }

    /// A message did not get through and will be tried again.
    pub fn failed(&self) {
        self.failed.inc();
    }

    /// The receiver refused a message for good.
    pub fn rejected(&self) {
        self.rejected.inc();
    }

    /// News was given up, as there was no room or it could not be told.
    pub fn dropped(&self) {
        self.dropped.inc();
    }

    /// Sets how many alerts have news that has not reached the receiver.
    pub fn set_queue(&self, alerts: usize) {
        self.queue.store(alerts as u64, Relaxed);
    }
}

/// A list of cells by name, each alive for as long as its owner is.
type Cells<T> = Mutex<Vec<(String, Weak<T>)>>;

/// All cells of one process.
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
        let families: [(&Family, Value); 7] = [
            (&family::SOURCE_SEEN, |it| it.seen_bytes),
            (&family::SOURCE_SKIPPED, |it| it.skipped_bytes),
            (&family::SOURCE_BUFFERED, |it| it.buffered_bytes),
            (&family::SOURCE_THROTTLED, |it| it.throttled),
            (&family::SOURCE_LAG, |it| it.lag_bytes),
            (&family::SOURCE_FILES, |it| it.files),
            (&family::SOURCE_POLLED, |it| it.polled),
        ];
        for (family, value) in families {
            for SourceReading { name, values } in &sources {
                page.sample(family, &[("source", name)], value(values) as f64);
            }
        }
        page.sample(&family::WATCH_OVERFLOWS, &[], self.watch_overflows.load(Relaxed) as f64);
        page.sample(&family::VERDICTS_LOST, &[], self.lost_verdicts.load(Relaxed) as f64);
        for (name, queue) in self.queues() {
            page.sample(&family::NOTIFICATION_QUEUE, &[("receiver", &name)], queue as f64);
        }
        let written = self.checkpoint_at.load(Relaxed);
        if written != i64::MIN {
            page.sample(&family::CHECKPOINT_AGE, &[], now.since(Timestamp::from_micros(written)).as_secs_f64());
        }
        page.sample(&family::RELOAD_SUCCESSFUL, &[], f64::from(u8::from(self.reload_ok.load(Relaxed))));
        let reloaded = Timestamp::from_micros(self.reload_at.load(Relaxed));
        page.sample(&family::RELOAD_TIME, &[], reloaded.as_secs_f64());
        page.sample(&family::BUILD_INFO, &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    }
}

fn lock<T>(cells: &Cells<T>) -> MutexGuard<'_, Vec<(String, Weak<T>)>> {
    cells.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts a cell on the list in the place of an older one of that name, and takes the dead ones off.
fn register<T>(cells: &Cells<T>, name: &str, cell: Arc<T>) -> Arc<T> {
    let mut cells = lock(cells);
    cells.retain(|(other, weak)| other != name && weak.strong_count() > 0);
    cells.push((name.to_owned(), Arc::downgrade(&cell)));
    cell
}

fn alive<T>(cells: &Cells<T>) -> Vec<(String, Arc<T>)> {
    lock(cells).iter().filter_map(|(name, weak)| Some((name.clone(), weak.upgrade()?))).collect()
}
