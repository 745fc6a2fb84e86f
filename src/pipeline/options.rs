//! What a pipeline is built from, apart from its rules.

use super::clock::Clock;
use crate::alert::AlertOptions;
use crate::classify::Traffic;
use crate::correlate::GrainRule;
use crate::time::Zone;

/// What the configuration of a source says about its records.
#[derive(Clone, Debug)]
pub struct SourceOptions {
    /// The configured name: the metric label `source`, and the service of records that name no service.
    pub name: String,
    /// Whether records count as calls or as attempts; [`GrainRule::Auto`] decides per record.
    pub grain: GrainRule,
    /// Whether only LLM clients write to this source.
    pub traffic: Traffic,
    /// For time stamps without a zone. `None`: inferred from arrival times.
    pub zone: Option<Zone>,
}

/// What a pipeline is built from, apart from its rules.
#[derive(Debug)]
pub struct Options {
    /// The sources; a [`SourceId`](crate::observation::SourceId) is an index into them.
    pub sources: Vec<SourceOptions>,
    /// Where the current time comes from.
    pub clock: Clock,
    /// How alerts are grouped and written.
    pub alerts: AlertOptions,
    /// Maximum number of (provider, status) series of windows, beyond those of the shipped providers.
    pub series: usize,
}
