//! A Slack message: one provider's incident, readable on a telephone; in a storm a digest of several.

use super::{Identity, News, firing};
use crate::taxonomy::Severity;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// More would not be read, and Slack takes at most 50 blocks.
const MOST_ALERTS: usize = 10;
/// Slack takes 3000 characters per section, as they are sent: what has to be escaped counts as that.
const LONGEST_TEXT: usize = 500;
const SHORT: usize = 250;
const LONGEST_EVIDENCE: usize = 900;

pub(super) fn body(news: &[News<'_>], from: &Identity) -> Value {
    let providers: BTreeSet<&str> = news.iter().map(|it| it.alert.provider.as_str()).collect();
    let is_digest = providers.len() > 1;
    let headline = headline(news, &providers);
    let mut blocks = vec![section(&format!("*{headline}*"))];
    let mut shown = firing(news);
    let mut ended: Vec<_> = news.iter().filter(|it| it.ended_at.is_some()).copied().collect();
    ended.sort_by_key(|it| Reverse(it.alert.severity));
    shown.extend(ended);
    let write = if is_digest { brief } else { alert };
    blocks.extend(shown.iter().take(MOST_ALERTS).map(|it| section(&write(it))));
    if news.len() > MOST_ALERTS {
        blocks.push(section(&format!("… and {} more on <{}|the status page>", news.len() - MOST_ALERTS, from.url)));
    }
    let origin = format!("<{}|llm-triage> on {}", from.url, escape(&from.instance, LONGEST_TEXT));
    blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": origin }] }));
    let text = if is_digest { headline } else { preview(&headline, &shown) };
    json!({ "text": text, "blocks": blocks })
}

/// What a telephone shows before anything is opened: the headline, and of what fires or ended the worst in words.
fn preview(headline: &str, shown: &[News<'_>]) -> String {
    let worst = shown.first().map(|it| {
        let said = it.alert.summary.strip_prefix(&format!("{}: ", it.alert.provider));
        escape(said.unwrap_or(&it.alert.summary), LONGEST_TEXT)
    });
    worst.map_or_else(|| headline.to_owned(), |it| format!("{headline}: {it}"))
}

fn headline(news: &[News<'_>], providers: &BTreeSet<&str>) -> String {
    let provider = match providers.first() {
        Some(one) if providers.len() == 1 => escape(one, LONGEST_TEXT),
        _ => format!("{} providers", providers.len()),
    };
    let firing = firing(news);
    match firing.first().map(|it| it.alert.severity) {
        Some(severity) => format!("{} {provider}: {} firing ({severity})", sign(Some(severity)), firing.len()),
        None => format!("{} {provider}: resolved", sign(None)),
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

/// One line of a digest.
fn brief(News { alert, ended_at, .. }: &News<'_>) -> String {
    let summary = escape(&alert.summary, LONGEST_TEXT);
    match ended_at {
        Some(_) => format!("{} {summary}: resolved", sign(None)),
        None => format!("{} {summary}\n*Next:* {}", sign(Some(alert.severity)), escape(&alert.next_step, LONGEST_TEXT)),
    }
}

fn alert(News { alert, starts_at, ended_at }: &News<'_>) -> String {
    let text = |it: &str| escape(it, LONGEST_TEXT);
    let mut lines = vec![format!("*{}* {}", escape(&alert.name, SHORT), escape(&alert.summary, SHORT))];
    match ended_at {
        Some(end) => {
            let reason = alert.reason.map_or_else(String::new, |it| format!(" ({it})"));
            lines.push(format!("Resolved{reason} after {}.", span(end.second() - starts_at.second())));
            lines.extend(Some(&alert.description).filter(|it| !it.is_empty()).map(|it| text(it)));
        }
        None => {
            lines.extend(Some(&alert.description).filter(|it| !it.is_empty()).map(|it| text(it)));
            let advice = [
                ("Next", &alert.next_step, SHORT),
                ("Fix", &alert.fix, LONGEST_TEXT),
                ("Evidence", &alert.evidence, LONGEST_EVIDENCE),
            ];
            let told = advice.iter().filter(|(_, it, _)| !it.is_empty());
            lines.extend(told.map(|(what, it, most)| format!("*{what}:* {}", escape(it, *most))));
            if !alert.runbook_url.is_empty() {
                lines.push(format!("<{}|Runbook>", escape(&alert.runbook_url, SHORT)));
            }
        }
    }
    lines.join("\n")
}

/// `45 s`, `7 min`, `2 h 5 min`.
fn span(seconds: i64) -> String {
    match seconds.max(0) {
        s if s < 90 => format!("{s} s"),
        s if s < 5_400 => format!("{} min", (s + 30) / 60),
        s => format!("{} h {} min", s / 3_600, s / 60 % 60),
    }
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

/// The text with the three characters escaped that Slack gives a meaning, cut to so many characters as they are sent.
fn escape(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    for c in text.chars() {
        let escaped = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            _ => "",
        };
        length += escaped.len().max(1);
        if length >= most {
            out.push('…');
            break;
        }
        if escaped.is_empty() { out.push(c) } else { out.push_str(escaped) }
    }
    out
}
