//! Alertmanager, by its API v2 (`POST /api/v2/alerts`): every member of the cluster gets the state of every alert, again and
//! again.

use super::check::{Check, DEFAULT_REPEAT, DEFAULT_TIMEOUT};
use super::checked::Receiver;
use super::error::ReceiverError;
use super::kind::{Grouping, ReceiverKind};
use crate::delivery::filter::Filter;
use crate::delivery::message::{Batch, annotations, labels};
use crate::delivery::span::PositiveSpan;
use crate::delivery::transport::Transport;
use crate::taxonomy::Severity;
use crate::time::Span;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// An Alertmanager cluster. Every member is notified on its own.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AlertmanagerOptions {
    /// The label `receiver`; by default the kind, with a number from the second receiver on.
    pub name: Option<String>,
    /// The address of every member, as one would open it in a browser.
    pub urls: Vec<String>,
    /// Alerts of a lower severity are not sent.
    #[schemars(extend("default" = Severity::Info))]
    pub min_severity: Option<Severity>,
    /// Only alerts of these rows; of all rows when empty.
    pub rows: Vec<String>,
    /// How long one request may take.
    #[schemars(extend("default" = Span(DEFAULT_TIMEOUT).to_string()))]
    pub timeout: Option<PositiveSpan>,
    /// The user name of basic authentication.
    pub username: Option<String>,
    /// A file with the password of basic authentication.
    pub password_file: Option<PathBuf>,
    /// A file with a bearer token.
    pub bearer_token_file: Option<PathBuf>,
    /// A file with additional root certificates.
    pub ca_file: Option<PathBuf>,
}

impl AlertmanagerOptions {
    pub(super) fn check(&self, check: &Check<'_>) -> Result<Receiver, ReceiverError> {
        let Self { name: _, urls, min_severity, rows, timeout, username, password_file, bearer_token_file, ca_file } = self;
        if urls.is_empty() {
            return Err(check.missing("urls", "list the address of every member: [\"http://am-0:9093\", …]"));
        }
        let credentials = check.credentials(username.as_deref(), password_file.as_deref(), bearer_token_file.as_deref())?;
        let mut members = Vec::new();
        for url in urls {
            let mut endpoint = check.endpoint("urls", url, *timeout, ca_file.as_deref())?;
            endpoint.append_path("/api/v2/alerts");
            endpoint.credentials.clone_from(&credentials);
            let label = if urls.len() == 1 { check.name.clone() } else { format!("{}/{}", check.name, endpoint.authority()) };
            members.push((label, Transport::Post(endpoint)));
        }
        let filter = Filter::new(*min_severity, rows);
        Ok(Receiver { name: check.name.clone(), kind: Arc::new(Alertmanager), filter, repeat: DEFAULT_REPEAT, members })
    }
}

#[derive(Debug)]
struct Alertmanager;

impl ReceiverKind for Alertmanager {
    fn grouping(&self) -> Grouping {
        Grouping::Any
    }

    fn render(&self, batch: &Batch<'_>) -> Vec<u8> {
        let alerts: Value = batch
            .notifications
            .iter()
            .map(|notification| {
                // An end in the past resolves the alert. Alertmanager rejects an end before the start.
                let ends_at = notification.ended_at.unwrap_or(batch.expires_at).max(notification.starts_at);
                json!({
                    "labels": labels(notification.alert, batch.from),
                    "annotations": annotations(notification.alert),
                    "startsAt": notification.starts_at.to_string(),
                    "endsAt": ends_at.to_string(),
                    "generatorURL": batch.from.url,
                })
            })
            .collect();
        alerts.to_string().into_bytes()
    }
}
