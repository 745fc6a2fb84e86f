//! The counters and histograms of the `prometheus` crate, and how they are written to the page.

use super::definition::{Family, Kind};
use super::text::{Exemplar, Page};
use prometheus::core::Collector;
use prometheus::proto::Metric;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts};
use rustc_hash::FxHashMap;

/// The crate's families by name.
#[derive(Debug)]
pub(super) struct Instruments {
    counters: FxHashMap<&'static str, IntCounterVec>,
    histograms: FxHashMap<&'static str, HistogramVec>,
}

impl Instruments {
    pub(super) fn new(families: &[&'static Family]) -> Self {
        let mut this = Self { counters: FxHashMap::default(), histograms: FxHashMap::default() };
        for family in families {
            match family.kind {
                Kind::Counter => {
                    let counter = IntCounterVec::new(Opts::new(family.name, family.help), family.labels)
                        .expect("the table contains valid names, and a test creates each of them");
                    this.counters.insert(family.name, counter);
                }
                Kind::Histogram(bounds) => {
                    let options = HistogramOpts::new(family.name, family.help).buckets(bounds.to_vec());
                    let histogram =
                        HistogramVec::new(options, family.labels).expect("the table contains valid names and rising bounds");
                    this.histograms.insert(family.name, histogram);
                }
                // Gauges are read when the page is written.
                Kind::Gauge => {}
            }
        }
        this
    }

    /// The counter of a family of that kind.
    pub(super) fn counter(&self, family: &Family) -> &IntCounterVec {
        &self.counters[family.name]
    }

    /// The histogram of a family of that kind.
    pub(super) fn histogram(&self, family: &Family) -> &HistogramVec {
        &self.histograms[family.name]
    }

    /// Writes all series of a counter. `exemplars` are by label values.
    pub(super) fn write_counter(
        &self,
        page: &mut Page,
        family: &'static Family,
        exemplars: Option<&FxHashMap<Vec<String>, Exemplar>>,
    ) {
        for metric in collect(family, self.counter(family)) {
            let labels = labels_of(family, &metric);
            let exemplar = exemplars.and_then(|exemplars| {
                let values: Vec<String> = labels.iter().map(|(_, value)| (*value).to_owned()).collect();
                exemplars.get(&values)
            });
            page.exemplified(family, &labels, metric.get_counter().get_value(), exemplar);
        }
    }

    /// Writes all series of a histogram.
    pub(super) fn write_histogram(&self, page: &mut Page, family: &'static Family) {
        for metric in collect(family, self.histogram(family)) {
            let histogram = metric.get_histogram();
            let buckets = histogram.get_bucket().iter().map(|bucket| (bucket.upper_bound(), bucket.cumulative_count()));
            let (count, sum) = (histogram.get_sample_count(), histogram.get_sample_sum());
            page.histogram(family, &labels_of(family, &metric), buckets, count, sum);
        }
    }
}

/// All series of a family, in the order of their labels.
fn collect(family: &Family, collector: &impl Collector) -> Vec<Metric> {
    let mut metrics: Vec<Metric> = collector.collect().into_iter().flat_map(|mut metric| metric.take_metric()).collect();
    metrics.sort_by(|a, b| labels_of(family, a).cmp(&labels_of(family, b)));
    metrics
}

/// Labels in the order of the table.
fn labels_of<'a>(family: &Family, metric: &'a Metric) -> Vec<(&'static str, &'a str)> {
    let value = |name: &str| metric.get_label().iter().find(|label| label.name() == name).map_or("", |label| label.value());
    family.labels.iter().map(|name| (*name, value(name))).collect()
}
