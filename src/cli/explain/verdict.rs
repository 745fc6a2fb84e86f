//! The verdict on the text of an error, with what decided it and what comes next.

use super::super::{format, layout, patterns, terminal};
use crate::alert::Table;
use crate::classify::{Attribution, Classifier, Verdict};
use crate::observation::{Observation, PatternId};
use crate::record::{Reader, Record};
use crate::taxonomy::{Confidence, Outcome, Provider, Status};
use crate::time::Timestamp;
use std::fmt::Write as _;

/// The verdicts on all records of a text.
#[derive(Default)]
pub(super) struct Explained {
    pub(super) text: String,
    /// Whether a pattern matches, or the status means success.
    pub(super) is_known: bool,
}

pub(super) fn explain(classifier: &Classifier, table: &Table, text: &str) -> Explained {
    let mut explained = Explained::default();
    Reader::default().read(text.as_bytes(), &[], None, |record| {
        let verdict = classifier.explain(record);
        let is_success = verdict.judgement.status.and_then(Status::http).is_some_and(|status| status < 400);
        explained.is_known |= verdict.judgement.pattern.is_some() || is_success;
        explained.text.push_str(&two_columns(rows(classifier, table, record, &verdict, is_success)));
    });
    explained
}

/// The verdict as a table of two columns.
fn rows(
    classifier: &Classifier,
    table: &Table,
    record: &Record<'_>,
    verdict: &Verdict<'_>,
    is_success: bool,
) -> Vec<(&'static str, String)> {
    let catalog = classifier.catalog();
    let judgement = &verdict.judgement;
    let mut rows: Vec<(&str, String)> = Vec::new();
    let pattern = judgement.pattern.and_then(|id| catalog.pattern(id));
    rows.push(match pattern {
        Some(pattern) => ("error", format!("{} ({})", pattern.title, pattern.id)),
        None if is_success => ("error", "none: this status means success".to_owned()),
        None => ("error", "unknown: no pattern matches".to_owned()),
    });
    if judgement.provider != Provider::UNKNOWN {
        let by = judgement.provider_by.map(|by| format!(", by {}", named_by(by))).unwrap_or_default();
        rows.push(("provider", format!("{}{by}", catalog.providers().id(judgement.provider))));
    }
    if let Some(status) = judgement.upstream_status.or(judgement.status) {
        rows.push(("status", status.label().to_string()));
    }
    if let Some(pattern) = pattern {
        rows.push(("category", judgement.category.to_string()));
        rows.push(("owner", format::owner(judgement.owner).to_owned()));
        rows.push(("retry", judgement.retry.to_string()));
        rows.push(("decided by", decided_by(judgement.confidence).to_owned()));
        let others = also_match(classifier, record, judgement.pattern);
        rows.extend(Some(("also matches", others)).filter(|(_, others)| !others.is_empty()));
        rows.push(("meaning", pattern.meaning.clone()));
    }
    if let Some(wait) = judgement.retry_after_s {
        rows.push(("wait", format!("{wait} s")));
    }
    if let Some(pattern) = pattern {
        rows.push(("fix", pattern.fix.clone()));
        if let Some(row) = table.row(table.row_of(&observe(verdict))) {
            rows.push(("row", format!("{} ({})", row.id, row.severity)));
            rows.extend(Some(("next", row.next_step())).filter(|(_, text)| !text.is_empty()));
        }
        rows.extend(pattern.docs.clone().map(|docs| ("docs", docs)));
        rows.extend(patterns::page_of(pattern).map(|page| ("page", page)));
    }
    let spec = catalog.providers().spec(judgement.provider).filter(|provider| !provider.status_page.is_empty());
    rows.extend(spec.map(|provider| ("status page", provider.status_page.clone())));
    rows
}

fn named_by(by: Attribution) -> String {
    format!("its {}", by.as_str())
}

fn decided_by(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Typed => "a type, code or class of the error",
        Confidence::Message => "its wording",
        Confidence::Status => "its status alone: the text of the error may say more",
        Confidence::None => "nothing in it",
    }
}

/// The other patterns that match the record, which lost to the one that won.
fn also_match(classifier: &Classifier, record: &Record<'_>, won: Option<PatternId>) -> String {
    const MAX_SHOWN: usize = 3;
    let catalog = classifier.catalog();
    let ids = (0..catalog.patterns().len()).map(PatternId::from_index).filter(|id| Some(*id) != won);
    let mut others = ids.filter(|id| classifier.pattern_matches(*id, record)).filter_map(|id| catalog.pattern(id));
    let shown: Vec<_> = others.by_ref().take(MAX_SHOWN).map(|pattern| pattern.id.as_str()).collect();
    match others.count() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What the escalation table asks of a failure.
fn observe(verdict: &Verdict<'_>) -> Observation {
    let judgement = &verdict.judgement;
    Observation {
        outcome: Outcome::Error,
        provider: judgement.provider,
        gateway: judgement.gateway,
        status: judgement.status,
        upstream_status: judgement.upstream_status,
        pattern: judgement.pattern,
        category: judgement.category,
        owner: judgement.owner,
        retry: judgement.retry,
        ..Observation::new(Timestamp::default())
    }
}

/// Names and texts in two columns that fit the terminal.
pub(super) fn two_columns(rows: impl IntoIterator<Item = (&'static str, String)>) -> String {
    const NAME: usize = 12;
    let mut out = String::new();
    for (name, text) in rows {
        let text = layout::wrap(&text, terminal::width().saturating_sub(NAME + 1), NAME + 1);
        let _infallible = writeln!(out, "{name:<NAME$} {text}");
    }
    out
}
