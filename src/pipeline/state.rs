//! The pipeline's part of a checkpoint. The field names are the format of the file.

use super::clock::StreamClock;
use crate::alert::AlertsState;
use crate::correlate::InstancesState;
use crate::detect::UnknownState;
use crate::framing::FramerState;
use crate::time::Timestamp;
use crate::window::RateTableState;
use serde::{Deserialize, Serialize};

/// Windows, storms, alerts, unknown groups and calls seen, as plain values. Providers and rows are saved by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub(super) now: Timestamp,
    #[serde(default)]
    pub(super) evaluated: Timestamp,
    pub(super) windows: RateTableState,
    pub(super) alerts: AlertsState,
    pub(super) unknown: UnknownState,
    pub(super) duplicates: Vec<(u64, i64)>,
    /// Row, provider, and the time of the latest failure.
    #[serde(default)]
    pub(super) last_failures: Vec<(String, String, Timestamp)>,
    #[serde(default)]
    pub(super) streams: Vec<StreamState>,
}

/// What the lines of one stream said so far. The position in its file is saved elsewhere, by `checkpoint`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StreamState {
    pub(super) stream: u32,
    /// When the stream was last open.
    pub(super) seen: Timestamp,
    pub(super) framer: FramerState,
    pub(super) calls: InstancesState,
    pub(super) clock: (StreamClock, Option<i32>),
}
