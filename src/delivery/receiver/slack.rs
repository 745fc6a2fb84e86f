//! Slack, by an incoming webhook: one message per incident, readable on a telephone; a digest when many providers fail.

use super::check::{Check, DEFAULT_REPEAT, DEFAULT_TIMEOUT};
use super::checked::Receiver;
use super::error::ReceiverError;
use super::kind::ReceiverKind;
use super::webhook;
use crate::delivery::filter::Filter;
use crate::delivery::message::{Batch, Notification, firing, pages};
use crate::delivery::span::PositiveSpan;
use crate::delivery::transport::Transport;
use crate::redact::{clean_lines, inert_char, unlinked};
use crate::taxonomy::Severity;
use crate::time::{Span, format_compact};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// How many alerts a message shows. People read no more; Slack accepts at most 50 blocks.
const MAX_ALERTS: usize = 10;
/// Slack accepts 3000 characters per section, counted after escaping. The limits below are counted in the same way.
const MAX_TEXT_CHARS: usize = 500;
const MAX_SHORT_CHARS: usize = 250;
const MAX_EVIDENCE_CHARS: usize = 900;

/// A Slack channel, by an incoming webhook.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SlackOptions {
    /// The label `receiver`.
    pub name: Option<String>,
    /// A file with the address of the webhook, which is a secret.
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
    /// A file with additional root certificates.
    pub ca_file: Option<PathBuf>,
}

impl SlackOptions {
    pub(super) fn check(&self, check: &Check<'_>) -> Result<Receiver, ReceiverError> {
        let Self { name: _, url_file, min_severity, rows, timeout, repeat, ca_file } = self;
        let Some(file) = url_file else {
            let hint = "the address of the webhook is a secret: write it to a file and set the path of the file here";
            return Err(check.missing("url_file", hint));
        };
        let url = check.secret("url_file", file)?;
        let endpoint = check.endpoint("url_file", url.reveal(), *timeout, ca_file.as_deref())?;
        Ok(check.single(Slack, Filter::new(*min_severity, rows), *repeat, Transport::Post(endpoint)))
    }
}

#[derive(Debug)]
struct Slack;

impl ReceiverKind for Slack {
    fn update_interval(&self) -> Duration {
        Duration::from_mins(5)
    }

    fn digest_threshold(&self) -> Option<usize> {
        Some(webhook::DIGEST_PROVIDERS)
    }

    fn max_per_minute(&self) -> usize {
        6
    }

    /// Slack accepts about one message per second and channel.
    fn gap(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn render(&self, batch: &Batch<'_>) -> Vec<u8> {
        message(batch).to_string().into_bytes()
    }
}

fn message(Batch { notifications, from, .. }: &Batch<'_>) -> Value {
    let providers: BTreeSet<&str> = notifications.iter().map(|notification| notification.alert.provider.as_str()).collect();
    let is_digest = providers.len() > 1;
    let headline = headline(notifications, &providers);
    let shown = in_order(notifications);
    let write = if is_digest { digest_line } else { details };
    let mut blocks = vec![section(&format!("*{headline}*"))];
    blocks.extend(shown.iter().take(MAX_ALERTS).map(|notification| section(&write(notification))));
    if shown.len() > MAX_ALERTS {
        blocks.push(section(&format!("… and {} more on <{}|the status page>", shown.len() - MAX_ALERTS, from.url)));
    }
    let origin = format!("<{}|llm-triage> on {}", from.url, escape(&from.instance, MAX_TEXT_CHARS));
    blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": origin }] }));
    let text = if is_digest { headline } else { preview(&headline, &shown) };
    json!({ "text": text, "blocks": blocks })
}

/// Firing alerts before resolved ones, the most severe first.
fn in_order<'a>(notifications: &[Notification<'a>]) -> Vec<Notification<'a>> {
    let mut shown = firing(notifications);
    let mut resolved: Vec<_> = notifications.iter().filter(|notification| notification.ended_at.is_some()).copied().collect();
    resolved.sort_by_key(|notification| Reverse(notification.alert.severity));
    shown.extend(resolved);
    shown
}

/// The text that a telephone shows in a notification: the headline and the summary of the first alert.
fn preview(headline: &str, shown: &[Notification<'_>]) -> String {
    let Some(Notification { alert, .. }) = shown.first() else { return headline.to_owned() };
    // The headline names the provider already.
    let summary = alert.summary.strip_prefix(&format!("{}: ", alert.provider)).unwrap_or(&alert.summary);
    format!("{headline}: {}", quote(summary, MAX_TEXT_CHARS))
}

fn headline(notifications: &[Notification<'_>], providers: &BTreeSet<&str>) -> String {
    let provider = match providers.first() {
        Some(one) if providers.len() == 1 => quote(one, MAX_TEXT_CHARS),
        _ => format!("{} providers", providers.len()),
    };
    let firing = firing(notifications);
    match firing.first().map(|notification| notification.alert.severity) {
        Some(severity) => format!("{} {provider}: {} firing ({severity})", emoji(Some(severity)), firing.len()),
        None => format!("{} {provider}: resolved", emoji(None)),
    }
}

/// A colour for the severity; `None` is resolved. The text next to it says the same.
fn emoji(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Critical) => ":red_circle:",
        Some(Severity::Warning) => ":large_orange_circle:",
        Some(Severity::Info) => ":large_blue_circle:",
        None => ":white_check_mark:",
    }
}

/// The entry of one alert in a digest.
fn digest_line(Notification { alert, ended_at, .. }: &Notification<'_>) -> String {
    let summary = quote(&alert.summary, MAX_TEXT_CHARS);
    match ended_at {
        Some(_) => format!("{} {summary}: resolved", emoji(None)),
        None => format!("{} {summary}\n*Next:* {}", emoji(Some(alert.severity)), escape(&alert.next_step, MAX_TEXT_CHARS)),
    }
}

/// All that a message about one provider says of one alert.
fn details(Notification { alert, starts_at, ended_at }: &Notification<'_>) -> String {
    let name = escape(&alert.name, MAX_SHORT_CHARS);
    let mut lines = vec![format!("*{name}* {}", quote(&alert.summary, MAX_SHORT_CHARS))];
    if let Some(end) = ended_at {
        let reason = alert.reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        lines.push(format!("Resolved{reason} after {}.", format_compact(end.since(*starts_at))));
    }
    if !alert.description.is_empty() {
        lines.push(quote(&alert.description, MAX_TEXT_CHARS));
    }
    if ended_at.is_none() {
        let advice = [
            ("Next", escape(&alert.next_step, MAX_SHORT_CHARS)),
            ("Fix", escape(&alert.fix, MAX_TEXT_CHARS)),
            ("Evidence", quote(&alert.evidence, MAX_EVIDENCE_CHARS)),
        ];
        let given = advice.iter().filter(|(_, text)| !text.is_empty());
        lines.extend(given.map(|(title, text)| format!("*{title}:* {text}")));
        let pages: Vec<_> = pages(alert).map(|(name, url)| format!("<{}|{name}>", escape(url, MAX_SHORT_CHARS))).collect();
        lines.extend(Some(pages.join(" · ")).filter(|line| !line.is_empty()));
    }
    lines.join("\n")
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

/// [`escape`] for a text that quotes a log: no address in it becomes a link.
fn quote(text: &str, max_chars: usize) -> String {
    escape(&unlinked(text), max_chars)
}

/// Escapes the three characters that Slack documents, replaces those that mention people or make text bold, and cuts the text to fewer
/// than `max_chars` characters, counted after escaping.
fn escape(text: &str, max_chars: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    for c in clean_lines(text).chars() {
        let escaped = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            _ => "",
        };
        length += escaped.len().max(1);
        if length >= max_chars {
            out.push('…');
            break;
        }
        if escaped.is_empty() { out.push(inert_char(c)) } else { out.push_str(escaped) }
    }
    out
}
