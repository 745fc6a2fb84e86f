//! A Slack message: one provider's incident, readable on a telephone.

use super::{Identity, News, clip};
use crate::taxonomy::Severity;
use serde_json::{Value, json};

/// More would not be read, and Slack takes at most 50 blocks.
const MOST_ALERTS: usize = 10;
/// Slack takes 3000 characters per section; escaping can lengthen what is cut here.
const LONGEST_TEXT: usize = 600;

pub(super) fn body(news: &[News<'_>], from: &Identity) -> Value {
    let headline = headline(news);
    let mut blocks = vec![section(&format!("*{headline}*"))];
    blocks.extend(news.iter().take(MOST_ALERTS).map(|it| section(&alert(it))));
    if news.len() > MOST_ALERTS {
        blocks.push(section(&format!("… and {} more", news.len() - MOST_ALERTS)));
    }
    let origin = format!("<{}|llm-triage> on {}", from.url, escape(&from.instance));
    blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": origin }] }));
    json!({ "text": headline, "blocks": blocks })
}

fn headline(news: &[News<'_>]) -> String {
    let provider = news.first().map_or("", |it| it.alert.provider.as_str());
    let firing = news.iter().filter(|it| it.ended_at.is_none());
    let count = firing.clone().count();
    match firing.map(|it| it.alert.severity).max() {
        Some(severity) => format!("{} {}: {count} firing ({severity})", sign(Some(severity)), escape(provider)),
        None => format!("{} {}: resolved", sign(None), escape(provider)),
    }
}

/// A sign that is seen before anything is read; the words say the same.
fn sign(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Critical) => ":red_circle:",
        Some(Severity::Warning) => ":large_orange_circle:",
        Some(Severity::Info) => ":large_blue_circle:",
        None => ":white_check_mark:",
    }
}

fn alert(News { alert, ended_at, .. }: &News<'_>) -> String {
    let text = |it: &str| escape(&clip(it, LONGEST_TEXT));
    let mut lines = vec![format!("*{}* {}", text(&alert.name), text(&alert.summary))];
    match ended_at {
        Some(_) => {
            let reason = alert.reason.map_or("", |it| it.as_str());
            lines.push(format!("resolved {reason}").trim_end().to_owned());
        }
        None => {
            let advice = [("Next", &alert.next_step), ("Fix", &alert.fix), ("Evidence", &alert.evidence)];
            lines.extend(advice.iter().filter(|(_, it)| !it.is_empty()).map(|(what, it)| format!("*{what}:* {}", text(it))));
            if !alert.runbook_url.is_empty() {
                lines.push(format!("<{}|Runbook>", escape(&alert.runbook_url)));
            }
        }
    }
    lines.join("\n")
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

/// The three characters that Slack gives a meaning.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
