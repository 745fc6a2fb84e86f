//! What Prometheus sees: every exported name, the counters behind them, and the page.
//!
//! Only this module names the `prometheus` crate. It keeps the counters and histograms; gauges are read off the latest
//! snapshot, and the page is written here, as the crate knows neither OpenMetrics nor exemplars.

pub mod family;
mod gauges;
mod names;
mod published;
mod process;
mod recorder;
mod series;
mod text;

pub use gauges::{ReceiverMetrics, SourceGauges, SourceReading, SourceValues};
pub use names::Names;
pub use published::{PublishedSnapshot, WINDOWS};
pub use recorder::Recorder;
pub use series::OVERFLOW;
pub use text::Format;

use crate::pipeline::ErrorKey;
use crate::time::Timestamp;
use family::{FAMILIES, Family, Kind};
use gauges::Gauges;
use prometheus::core::Collector;
use prometheus::proto::Metric;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec};
use rustc_hash::FxHashMap;
use series::{Key, Spelling};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use text::{Exemplar, Page};

/// How much the metrics may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Series per family, beyond those of known providers × usual statuses.
    pub series: usize,
}

impl Default for Limits {
    /// A family of this size is about 1 MB here, and no trouble to any Prometheus.
    fn default() -> Self {
        Self { series: 2_000 }
    }
}

/// All metrics of a process: the side that is read, and the cells that edge modules set.
#[derive(Debug)]
pub struct Metrics {
    instruments: Instruments,
    gauges: Gauges,
    published: Mutex<PublishedSnapshot>,
    exemplars: Mutex<FxHashMap<ErrorKey, Exemplar>>,
}

/// The crate's families by name.
#[derive(Debug)]
struct Instruments {
    counters: FxHashMap<&'static str, IntCounterVec>,
    histograms: FxHashMap<&'static str, HistogramVec>,
}

impl Metrics {
    /// The metrics of a process that starts `now` with a good configuration, and the end at which the pipeline adds.
    #[must_use]
    pub fn new(names: Names, limits: Limits, now: Timestamp) -> (Arc<Self>, Recorder) {
        let this = Arc::new(Self {
            instruments: Instruments::new(),
            gauges: Gauges::new(now),
            published: Mutex::default(),
            exemplars: Mutex::default(),
        });
        this.instruments.counters[family::CHECKPOINT_FAILURES.name].with_label_values::<&str>(&[]);
        let mut recorder = Recorder::new(Arc::clone(&this), names, limits);
        recorder.publish(Arc::default());
        (this, recorder)
    }

    /// The page, in the format that was asked for. Takes about a millisecond: not for a reactor thread.
    pub fn render(&self, format: Format, now: Timestamp) -> String {
        let mut page = Page::new(format);
        let exemplars = self.exemplars_by_labels(format);
        for family in FAMILIES {
            match family.kind {
                Kind::Counter => self.write_counters(&mut page, family, &exemplars),
                Kind::Histogram(_) => self.write_histograms(&mut page, family),
                // Read off the cells, the snapshot and the kernel below.
                Kind::Gauge => {}
            }
        }
        self.gauges.write(&mut page, now);
        published::write(&mut page, &self.published());
        process::write(&mut page);
        page.finish()
    }

    /// The latest snapshot, with the names its ids had.
    pub fn published(&self) -> PublishedSnapshot {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gauges of a source; on the page until the last holder lets go.
    pub fn source(&self, name: &str) -> Arc<SourceGauges> {
        self.gauges.source(name)
    }

    /// Counters and gauge of a receiver.
    pub fn receiver(&self, name: &str) -> ReceiverMetrics {
        self.gauges.receiver(name, &self.instruments.counters[family::NOTIFICATIONS.name])
    }

    /// What the gauges of all sources read.
    pub fn sources(&self) -> Vec<SourceReading> {
        self.gauges.sources()
    }

    /// How many alerts wait for each receiver.
    pub fn queues(&self) -> Vec<(String, u64)> {
        self.gauges.queues()
    }

    /// A checkpoint was written.
    pub fn checkpoint_written(&self, now: Timestamp) {
        self.gauges.set_checkpoint(now);
    }

    /// A checkpoint could not be written.
    pub fn checkpoint_failed(&self) {
        self.instruments.counters[family::CHECKPOINT_FAILURES.name].with_label_values::<&str>(&[]).inc();
    }

    /// How often the kernel lost wake-ups, and how many verdicts could not be written, since the process began.
    pub fn set_totals(&self, watch_overflows: u64, lost_verdicts: u64) {
        self.gauges.set_totals(watch_overflows, lost_verdicts);
    }

    /// A reload was tried.
    pub fn reloaded(&self, ok: bool, now: Timestamp) {
        self.gauges.set_reload(ok, now);
    }

    fn publish(&self, published: PublishedSnapshot) {
        *self.published.lock().unwrap_or_else(PoisonError::into_inner) = published;
    }

    fn exemplars(&self) -> MutexGuard<'_, FxHashMap<ErrorKey, Exemplar>> {
        self.exemplars.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Exemplars by what their series looks like on the page.
    fn exemplars_by_labels(&self, format: Format) -> FxHashMap<Vec<String>, Exemplar> {
        if format == Format::Classic {
            return FxHashMap::default();
        }
        // Copied first: the pipeline waits for the copy, not for the texts.
        let kept = self.exemplars().clone();
        let names = self.published().names;
        kept.into_iter().map(|(key, exemplar)| (key.labels(&names, Spelling::Own), exemplar)).collect()
    }

    fn write_counters(&self, page: &mut Page, family: &'static Family, exemplars: &FxHashMap<Vec<String>, Exemplar>) {
        let has_exemplars = family.name == family::ERRORS.name && !exemplars.is_empty();
        for metric in collect(family, self.instruments.counters.get(family.name)) {
            let labels = labels_of(family, &metric);
            let values = has_exemplars.then(|| labels.iter().map(|(_, value)| (*value).to_owned()).collect::<Vec<_>>());
            let exemplar = values.and_then(|it| exemplars.get(&it));
            page.exemplified(family, &labels, metric.get_counter().get_value(), exemplar);
        }
    }

    fn write_histograms(&self, page: &mut Page, family: &'static Family) {
        for metric in collect(family, self.instruments.histograms.get(family.name)) {
            let histogram = metric.get_histogram();
            let buckets = histogram.get_bucket().iter().map(|it| (it.upper_bound(), it.cumulative_count()));
            let (count, sum) = (histogram.get_sample_count(), histogram.get_sample_sum());
            page.histogram(family, &labels_of(family, &metric), buckets, count, sum);
        }
    }
}

impl Instruments {
    fn new() -> Self {
        let mut this = Self { counters: FxHashMap::default(), histograms: FxHashMap::default() };
        for family in FAMILIES {
            match family.kind {
                Kind::Counter => {
                    this.counters.insert(family.name, series::counter_vec(family));
                }
                Kind::Histogram(bounds) => {
                    let options = HistogramOpts::new(family.name, family.help).buckets(bounds.to_vec());
                    let vec = HistogramVec::new(options, family.labels).expect("the table holds valid names and rising bounds");
                    this.histograms.insert(family.name, vec);
                }
                Kind::Gauge => {}
            }
        }
        this
    }
}

/// All series of a family, in the order of their labels.
fn collect(family: &Family, vec: Option<&impl Collector>) -> Vec<Metric> {
    let mut metrics: Vec<Metric> = vec.into_iter().flat_map(Collector::collect).flat_map(|mut it| it.take_metric()).collect();
    metrics.sort_by(|a, b| labels_of(family, a).cmp(&labels_of(family, b)));
    metrics
}

/// Labels in the order of the table.
fn labels_of<'a>(family: &Family, metric: &'a Metric) -> Vec<(&'static str, &'a str)> {
    let value = |name: &str| metric.get_label().iter().find(|it| it.name() == name).map_or("", |it| it.value());
    family.labels.iter().map(|name| (*name, value(name))).collect()
}
