//! A dead man's switch: an address that is requested while this process is healthy. A service at the other end alerts
//! people when the requests stop.

use super::check::{Check, DEFAULT_TIMEOUT};
use super::checked::Receiver;
use super::error::ReceiverError;
use super::kind::ReceiverKind;
use crate::delivery::filter::Filter;
use crate::delivery::heartbeat::Heartbeat;
use crate::delivery::message::Batch;
use crate::delivery::span::PositiveSpan;
use crate::delivery::transport::Transport;
use crate::time::Span;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// Dead man's switches tolerate a few missing pings of this interval.
const DEFAULT_INTERVAL: Duration = Duration::from_mins(1);

/// A dead man's switch: an address that is requested while this process is healthy.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeartbeatOptions {
    /// The label `receiver`.
    pub name: Option<String>,
    /// The address.
    pub url: Option<String>,
    /// A file with the address, if the address is a secret.
    pub url_file: Option<PathBuf>,
    /// The time between two requests.
    #[schemars(extend("default" = Span(DEFAULT_INTERVAL).to_string()))]
    pub interval: Option<PositiveSpan>,
    /// How long one request may take.
    #[schemars(extend("default" = Span(DEFAULT_TIMEOUT).to_string()))]
    pub timeout: Option<PositiveSpan>,
    /// A file with additional root certificates.
    pub ca_file: Option<PathBuf>,
}

impl HeartbeatOptions {
    pub(super) fn check(&self, check: &Check<'_>) -> Result<Receiver, ReceiverError> {
        let Self { name: _, url, url_file, interval, timeout, ca_file } = self;
        let (key, url) = check.address(url.as_deref(), url_file.as_deref())?;
        let endpoint = check.endpoint(key, url.reveal(), *timeout, ca_file.as_deref())?;
        let switch = DeadMansSwitch { interval: interval.map_or(DEFAULT_INTERVAL, |span| span.0) };
        Ok(check.single(switch, Filter::ALL, None, Transport::Ping(endpoint)))
    }
}

#[derive(Debug)]
struct DeadMansSwitch {
    interval: Duration,
}

impl ReceiverKind for DeadMansSwitch {
    fn heartbeat(&self) -> Option<Heartbeat> {
        Some(Heartbeat::new(self.interval))
    }

    /// Nothing: the request itself is the message.
    fn render(&self, _batch: &Batch<'_>) -> Vec<u8> {
        Vec::new()
    }
}
