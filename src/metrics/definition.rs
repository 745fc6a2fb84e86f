//! What the definition of a metric consists of.

use std::fmt;

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows while the process runs.
    Counter,
    /// Can rise and fall.
    Gauge,
    /// Counts values by size, in buckets with these upper bounds.
    Histogram(&'static [f64]),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        })
    }
}

/// The definition of one metric family.
#[derive(Debug, PartialEq)]
pub struct Family {
    /// The whole name, with prefix and unit.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
    /// The labels, in the order in which their values are given.
    pub labels: &'static [&'static str],
    /// One sentence for people.
    pub help: &'static str,
}
