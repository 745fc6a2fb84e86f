//! A receiver that has passed the check.

use super::kind::ReceiverKind;
use crate::delivery::filter::Filter;
use crate::delivery::transport::Transport;
use std::sync::Arc;
use std::time::Duration;

/// A receiver that has passed the check.
#[derive(Clone, Debug)]
pub struct Receiver {
    pub(in crate::delivery) name: String,
    pub(in crate::delivery) kind: Arc<dyn ReceiverKind>,
    pub(in crate::delivery) filter: Filter,
    /// After this time a firing alert is sent again. An Alertmanager has an interval of its own.
    pub(in crate::delivery) repeat: Duration,
    /// One per member of a cluster, with the value of the label `receiver`.
    pub(in crate::delivery) members: Vec<(String, Transport)>,
}

impl Receiver {
    /// The name in the configuration and for `notify-test`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The values of the label `receiver`: one per member.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(label, _)| label.as_str())
    }
}
