//! Prometheus metrics: the table of all exported names, the counters behind them, and the page at `/metrics`.
//!
//! Only this module uses the `prometheus` crate, for counters and histograms. Gauges are read when the page is written, from
//! the latest snapshot and from cells that other modules set. The page is written here, because the crate supports neither
//! OpenMetrics nor exemplars.
//!
//! Invariant: the number of series is bounded for every input, and no increment is dropped: what exceeds a cap is counted
//! under the label value [`OVERFLOW`].
//!
//! A series is born with its first event, so that a scrape stays small; `requests_total`, `attempts_total` and
//! `unknown_errors_total` of a provider are born when it is first seen.
//!
//! Tests: `tests/it/metrics.rs`, `tests/it/series.rs`; the table against `docs/metrics.md` in `tests/it/readme.rs`, against the
//! dashboard in `tests/it/deploy/grafana.rs`.

mod admission;
mod definition;
pub mod family;
mod gauges;
mod instruments;
mod labels;
mod names;
mod process;
mod published;
mod recent;
mod recorder;
mod series;
mod shared;
mod tallied;
mod text;

pub use gauges::{ReceiverMetrics, SourceGauges, SourceReading, SourceValues};
pub use labels::OVERFLOW;
pub use names::Names;
pub use published::{PublishedSnapshot, WINDOWS};
pub use recorder::{Limits, Recorder};
pub use text::Format;

use crate::time::Timestamp;
use family::{FAMILIES, Kind};
use gauges::Gauges;
use labels::{Key, Spelling};
use rustc_hash::FxHashMap;
use shared::Shared;
use std::sync::Arc;
use text::{Exemplar, Page};

/// All metrics of a process: what the page shows, and the cells that other modules set.
#[derive(Debug)]
pub struct Metrics {
    shared: Arc<Shared>,
    gauges: Gauges,
}

impl Metrics {
    /// The metrics of a process that starts `now` with a valid configuration, and the recorder for the pipeline.
    #[must_use]
    pub fn new(names: Names, limits: Limits, now: Timestamp) -> (Arc<Self>, Recorder) {
        let shared = Arc::new(Shared::new());
        shared.instruments.counter(&family::CHECKPOINT_FAILURES).with_label_values::<&str>(&[]);
        let mut recorder = Recorder::new(Arc::clone(&shared), names, limits);
        recorder.publish(Arc::default());
        (Arc::new(Self { shared, gauges: Gauges::new(now) }), recorder)
    }

    /// The page in the requested format. It takes about a millisecond, too long for a thread of the async runtime.
    pub fn render(&self, format: Format, now: Timestamp) -> String {
        let mut page = Page::new(format);
        let exemplars = self.exemplars_by_labels(format);
        for family in FAMILIES {
            match family.kind {
                Kind::Counter => {
                    let exemplars = (family.name == family::ERRORS.name).then_some(&exemplars);
                    self.shared.instruments.write_counter(&mut page, family, exemplars);
                }
                Kind::Histogram(_) => self.shared.instruments.write_histogram(&mut page, family),
                // Written below, from the cells, the snapshot and the kernel.
                Kind::Gauge => {}
            }
        }
        self.gauges.write(&mut page, now);
        published::write(&mut page, &self.published());
        process::write(&mut page);
        page.finish()
    }

    /// The latest snapshot, with the names that its ids had.
    pub fn published(&self) -> PublishedSnapshot {
        self.shared.published()
    }

    /// The gauges of a source. They are on the page until the last holder drops them.
    pub fn source(&self, name: &str) -> Arc<SourceGauges> {
        self.gauges.source(name)
    }

    /// The counters and the gauge of a receiver.
    pub fn receiver(&self, name: &str) -> ReceiverMetrics {
        self.gauges.receiver(name, self.shared.instruments.counter(&family::NOTIFICATIONS))
    }

    /// The values of the gauges of all sources.
    pub fn sources(&self) -> Vec<SourceReading> {
        self.gauges.sources()
    }

    /// How many alerts each receiver has not been notified of yet.
    pub fn queues(&self) -> Vec<(String, u64)> {
        self.gauges.queues()
    }

    /// A checkpoint was written.
    pub fn checkpoint_written(&self, now: Timestamp) {
        self.gauges.set_checkpoint(now);
    }

    /// A checkpoint could not be written.
    pub fn checkpoint_failed(&self) {
        self.shared.instruments.counter(&family::CHECKPOINT_FAILURES).with_label_values::<&str>(&[]).inc();
    }

    /// Sets two totals since the start of the process: lost change events of the kernel, and verdicts that could not be
    /// written.
    pub fn set_totals(&self, watch_overflows: u64, lost_verdicts: u64) {
        self.gauges.set_totals(watch_overflows, lost_verdicts);
    }

    /// A reload was tried.
    pub fn reloaded(&self, is_success: bool, now: Timestamp) {
        self.gauges.set_reload(is_success, now);
    }

    /// Exemplars by the label values of their series. The classic format has none.
    fn exemplars_by_labels(&self, format: Format) -> FxHashMap<Vec<String>, Exemplar> {
        if format == Format::Classic {
            return FxHashMap::default();
        }
        // Copied first, so that the pipeline waits only for the copy and not for the texts.
        let exemplars = self.shared.exemplars().clone();
        let names = self.published().names;
        exemplars.into_iter().map(|(key, exemplar)| (key.labels(&names, Spelling::Own), exemplar)).collect()
    }
}
