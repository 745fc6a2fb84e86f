//! A program that the user provides. It gets each message, in the format of the webhook, on its standard input.

use super::check::{Check, DEFAULT_REPEAT, DEFAULT_TIMEOUT};
use super::checked::Receiver;
use super::error::ReceiverError;
use super::kind::ReceiverKind;
use super::webhook;
use crate::delivery::filter::Filter;
use crate::delivery::message::Batch;
use crate::delivery::program::Program;
use crate::delivery::span::PositiveSpan;
use crate::delivery::transport::Transport;
use crate::taxonomy::Severity;
use crate::time::Span;
use schemars::JsonSchema;
use serde::Deserialize;

/// A program that gets each message on its standard input.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CommandOptions {
    /// The label `receiver`.
    pub name: Option<String>,
    /// The program and its arguments, run without a shell. Do not put secrets here: other users can see them.
    pub command: Vec<String>,
    /// Alerts of a lower severity are not sent.
    #[schemars(extend("default" = Severity::Info))]
    pub min_severity: Option<Severity>,
    /// Only alerts of these rows; of all rows when empty.
    pub rows: Vec<String>,
    /// How long the program may run.
    #[schemars(extend("default" = Span(DEFAULT_TIMEOUT).to_string()))]
    pub timeout: Option<PositiveSpan>,
    /// After this time a firing alert is sent again.
    #[schemars(extend("default" = Span(DEFAULT_REPEAT).to_string()))]
    pub repeat: Option<PositiveSpan>,
}

impl CommandOptions {
    pub(super) fn check(&self, check: &Check<'_>) -> Result<Receiver, ReceiverError> {
        let Self { name: _, command, min_severity, rows, timeout, repeat } = self;
        if command.is_empty() {
            let hint = "list the program and its arguments: [\"/usr/local/bin/notify\", \"--team\", \"llm\"]";
            return Err(check.missing("command", hint));
        }
        let program = Program::new(command, timeout.map_or(DEFAULT_TIMEOUT, |span| span.0))
            .map_err(|why| ReceiverError::Command { receiver: check.name.clone(), why })?;
        Ok(check.single(Command, Filter::new(*min_severity, rows), *repeat, Transport::Program(program)))
    }
}

#[derive(Debug)]
struct Command;

impl ReceiverKind for Command {
    fn digest_threshold(&self) -> Option<usize> {
        Some(webhook::DIGEST_PROVIDERS)
    }

    /// The payload on one line, with a line break at the end.
    fn render(&self, batch: &Batch<'_>) -> Vec<u8> {
        format!("{}\n", webhook::payload(batch)).into_bytes()
    }
}
