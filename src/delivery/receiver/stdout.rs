//! Standard output: one line per alert and change, for people and for `grep`.

use super::check::{Check, DEFAULT_REPEAT};
use super::checked::Receiver;
use super::error::ReceiverError;
use super::kind::ReceiverKind;
use crate::delivery::filter::Filter;
use crate::delivery::message::{Batch, Notification, clip};
use crate::delivery::span::PositiveSpan;
use crate::delivery::transport::Transport;
use crate::redact::clean;
use crate::taxonomy::Severity;
use crate::time::Span;
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt::Write as _;

const MAX_TEXT_CHARS: usize = 300;

/// One line per alert and change on the standard output of this process.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StdoutOptions {
    /// The label `receiver`.
    pub name: Option<String>,
    /// Alerts of a lower severity are not written.
    #[schemars(extend("default" = Severity::Info))]
    pub min_severity: Option<Severity>,
    /// Only alerts of these rows; of all rows when empty.
    pub rows: Vec<String>,
    /// After this time a firing alert is written again.
    #[schemars(extend("default" = Span(DEFAULT_REPEAT).to_string()))]
    pub repeat: Option<PositiveSpan>,
}

impl StdoutOptions {
    #[expect(clippy::unnecessary_wraps, reason = "the check of every kind has the same signature")]
    pub(super) fn check(&self, check: &Check<'_>) -> Result<Receiver, ReceiverError> {
        let Self { name: _, min_severity, rows, repeat } = self;
        Ok(check.single(Stdout, Filter::new(*min_severity, rows), *repeat, Transport::Stdout))
    }
}

#[derive(Debug)]
struct Stdout;

impl ReceiverKind for Stdout {
    fn render(&self, batch: &Batch<'_>) -> Vec<u8> {
        let mut out = String::new();
        for notification in batch.notifications {
            write_line(&mut out, notification).expect("writing to a String cannot fail");
        }
        out.into_bytes()
    }
}

fn write_line(out: &mut String, Notification { alert, starts_at, ended_at }: &Notification<'_>) -> std::fmt::Result {
    let summary = one_line(&alert.summary);
    match ended_at {
        None => {
            let next_step = one_line(&alert.next_step);
            writeln!(out, "{starts_at} firing {} {} {summary} next: {next_step}", alert.severity, alert.name)
        }
        Some(at) => {
            let reason = alert.reason.map_or("", |reason| reason.as_str());
            writeln!(out, "{at} resolved {} {} {summary} {reason}", alert.severity, alert.name)
        }
    }
}

fn one_line(text: &str) -> String {
    clip(&clean(&text.replace(['\n', '\r'], " ")), MAX_TEXT_CHARS)
}
