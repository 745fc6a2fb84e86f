//! A webhook that gets version 4 of Alertmanager's webhook payload, so that every program written for it works.

use super::check::{Check, DEFAULT_REPEAT, DEFAULT_TIMEOUT};
use super::checked::Receiver;
use super::error::ReceiverError;
use super::kind::ReceiverKind;
use crate::delivery::filter::Filter;
use crate::delivery::message::{Batch, annotations, labels};
use crate::delivery::span::PositiveSpan;
use crate::delivery::transport::Transport;
use crate::taxonomy::Severity;
use crate::time::Span;
use fnv::FnvHasher;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::path::PathBuf;

/// How Alertmanager writes "has not ended": Go's zero time.
const NOT_ENDED: &str = "0001-01-01T00:00:00Z";
/// From this many providers on, one message reports all of them.
pub(super) const DIGEST_PROVIDERS: usize = 5;

/// A webhook, in version 4 of Alertmanager's payload.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookOptions {
    /// The label `receiver`.
    pub name: Option<String>,
    /// The address.
    pub url: Option<String>,
    /// A file with the address, if the address is a secret.
    pub url_file: Option<PathBuf>,
    /// Alerts of a lower severity are not sent.
    #[schemars(extend("default" = Severity::Info))]
    pub min_severity: Option<Severity>,
    /// Only alerts of these rows; of all rows when empty.
    pub rows: Vec<String>,
    /// How long one request may take.
    #[schemars(extend("default" = Span(DEFAULT_TIMEOUT).to_string()))]
    pub timeout: Option<PositiveSpan>,
    /// After this time a firing alert is sent again.
    #[schemars(extend("default" = Span(DEFAULT_REPEAT).to_string()))]
    pub repeat: Option<PositiveSpan>,
    /// The user name of basic authentication.
    pub username: Option<String>,
    /// A file with the password of basic authentication.
    pub password_file: Option<PathBuf>,
    /// A file with a bearer token.
    pub bearer_token_file: Option<PathBuf>,
    /// A file with additional root certificates.
    pub ca_file: Option<PathBuf>,
}

impl WebhookOptions {
    pub(super) fn check(&self, check: &Check<'_>) -> Result<Receiver, ReceiverError> {
        let Self {
            name: _,
            url,
            url_file,
            min_severity,
            rows,
            timeout,
            repeat,
            username,
            password_file,
            bearer_token_file,
            ca_file,
        } = self;
        let (key, url) = check.address(url.as_deref(), url_file.as_deref())?;
        let mut endpoint = check.endpoint(key, url.reveal(), *timeout, ca_file.as_deref())?;
        endpoint.credentials =
            check.credentials(username.as_deref(), password_file.as_deref(), bearer_token_file.as_deref())?;
        Ok(check.single(Webhook, Filter::new(*min_severity, rows), *repeat, Transport::Post(endpoint)))
    }
}

#[derive(Debug)]
struct Webhook;

impl ReceiverKind for Webhook {
    fn digest_threshold(&self) -> Option<usize> {
        Some(DIGEST_PROVIDERS)
    }

    fn render(&self, batch: &Batch<'_>) -> Vec<u8> {
        payload(batch).to_string().into_bytes()
    }
}

/// The payload, as Alertmanager would send it.
pub(super) fn payload(batch: &Batch<'_>) -> Value {
    let Batch { receiver, notifications, from, expires_at: _ } = *batch;
    let provider = notifications.first().map_or("", |notification| notification.alert.provider.as_str());
    let is_digest = notifications.iter().any(|notification| notification.alert.provider != provider);
    let (group_key, group_labels) = if is_digest {
        (format!("{{}}:{{instance={:?}}}", from.instance), json!({ "instance": from.instance }))
    } else {
        let key = format!("{{}}:{{instance={:?}, provider={provider:?}}}", from.instance);
        (key, json!({ "instance": from.instance, "provider": provider }))
    };
    let is_firing = notifications.iter().any(|notification| notification.ended_at.is_none());
    let all_labels: Vec<_> = notifications.iter().map(|notification| labels(notification.alert, from)).collect();
    let all_annotations: Vec<_> = notifications.iter().map(|notification| annotations(notification.alert)).collect();
    let alerts: Value = notifications
        .iter()
        .zip(all_labels.iter().zip(&all_annotations))
        .map(|(notification, (labels, annotations))| {
            json!({
                "status": notification.status(),
                "labels": labels,
                "annotations": annotations,
                "startsAt": notification.starts_at.to_string(),
                "endsAt": notification.ended_at.map_or(NOT_ENDED.to_owned(), |at| at.to_string()),
                "generatorURL": from.url,
                "fingerprint": fingerprint(labels),
            })
        })
        .collect();
    json!({
        "version": "4",
        "groupKey": group_key,
        "truncatedAlerts": 0,
        "status": if is_firing { "firing" } else { "resolved" },
        "receiver": receiver,
        "groupLabels": group_labels,
        "commonLabels": common(&all_labels),
        "commonAnnotations": common(&all_annotations),
        "externalURL": from.url,
        "alerts": alerts,
    })
}

/// The entries that are the same in all maps.
fn common<'a>(maps: &'a [BTreeMap<&'static str, String>]) -> BTreeMap<&'a str, &'a str> {
    let Some((first, rest)) = maps.split_first() else { return BTreeMap::new() };
    let common = first.iter().filter(|(name, value)| rest.iter().all(|other| other.get(*name) == Some(value)));
    common.map(|(name, value)| (*name, value.as_str())).collect()
}

/// The hash that Prometheus computes: FNV-1a over the sorted labels.
fn fingerprint(labels: &BTreeMap<&'static str, String>) -> String {
    const SEPARATOR: &[u8] = &[0xff];
    let mut hasher = FnvHasher::default();
    for (name, value) in labels {
        for part in [name.as_bytes(), SEPARATOR, value.as_bytes(), SEPARATOR] {
            hasher.write(part);
        }
    }
    format!("{:016x}", hasher.finish())
}
