//! What a pipeline leaves behind for the process after it.

use super::clock::StreamClock;
use crate::alert::AlertsState;
use crate::correlate::CorrelateState;
use crate::detect::UnknownState;
use crate::framing::FramerState;
use crate::time::Timestamp;
use crate::window::RateTableState;
use serde::{Deserialize, Serialize};

/// Windows, storms, alerts, unknown groups and calls seen, as plain values. Providers and rows are in it by their names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub(super) now: Timestamp,
    #[serde(default)]
    pub(super) evaluated: Timestamp,
    pub(super) windows: RateTableState,
    pub(super) alerts: AlertsState,
    pub(super) unknown: UnknownState,
    pub(super) duplicates: Vec<(u64, i64)>,
    #[serde(default)]
    pub(super) streams: Vec<StreamState>,
}

/// What the lines of one stream have told. Its place is kept elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StreamState {
    pub(super) stream: u32,
    /// When it was last there.
    pub(super) seen: Timestamp,
    pub(super) framer: FramerState,
    pub(super) calls: CorrelateState,
    pub(super) clock: (StreamClock, Option<i32>),
}
