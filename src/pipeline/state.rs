//! What a pipeline leaves behind for the process after it.

use crate::alert::AlertsState;
use crate::detect::UnknownState;
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
}
