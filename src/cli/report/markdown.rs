//! The report for an issue or a chat.

use super::super::style;
use super::summary::{Summary, known, top};
use crate::pipeline::{NO_PATTERN, Pipeline};
use std::fmt::Write as _;

pub(super) fn render(summary: &Summary, pipeline: &Pipeline) -> String {
    let catalog = pipeline.catalog();
    let (good, failed) = (summary.good_calls(), summary.failed_calls());
    let mut out = format!("# LLM calls: {} of {} failed\n\n", style::count(failed), style::count(good + failed));
    if let Some((from, to)) = summary.span {
        let _infallible = writeln!(out, "{} to {} UTC.\n", style::clock(from, true), style::clock(to, true));
    }
    out.push_str("| count | provider | error | status | owner | retry | first | last | models |\n| ---: | --- | --- | --- | --- | --- | --- | --- | --- |\n");
    let groups = summary.groups();
    for it in &groups {
        let title = it.pattern.and_then(|id| catalog.pattern(id)).map_or("unknown error", |it| it.title.as_str());
        let models: Vec<_> = top(&it.models, 3).into_iter().map(|(name, _)| name).collect();
        let _infallible = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            style::count(it.count),
            catalog.providers().id(it.provider),
            cell(title),
            it.status,
            it.owner,
            it.retry,
            known(it.first).map_or_else(String::new, |at| style::clock(at, true)),
            known(it.last).map_or_else(String::new, |at| style::clock(at, true)),
            cell(&models.join(", ")),
        );
    }
    if !groups.is_empty() {
        out.push_str("\n## What to do\n\n");
    }
    for it in &groups {
        let pattern = it.pattern.and_then(|id| catalog.pattern(id));
        let title = pattern.map_or("unknown error", |it| it.title.as_str());
        let _infallible = writeln!(
            out,
            "- **{}: {}**: {}",
            catalog.providers().id(it.provider),
            cell(title),
            pattern.map_or(NO_PATTERN, |it| &it.fix)
        );
    }
    let findings = summary.findings();
    if !findings.is_empty() {
        out.push_str("\n## What the calls show together\n\n");
    }
    for it in findings {
        let provider = Some(catalog.providers().id(it.provider)).filter(|id| *id != "unknown");
        let provider = provider.map_or_else(String::new, |id| format!("{id}: "));
        let since = known(it.since).map_or_else(String::new, |at| format!("{}, ", style::clock(at, true)));
        let _infallible =
            writeln!(out, "- **{}** ({since}blame: {}) {provider}{}. {}", it.kind, it.blame, cell(&it.text), cell(&it.advice));
    }
    if !summary.alerts().is_empty() {
        out.push_str(
            "\n## Alerts\n\n| from | to | severity | row | provider | reason |\n| --- | --- | --- | --- | --- | --- |\n",
        );
    }
    for it in summary.alerts() {
        let to = it.to.map_or_else(|| "still firing".to_owned(), |to| style::clock(to, true));
        let reason = it.alert.reason.map_or("", |it| it.as_str());
        let _infallible = writeln!(
            out,
            "| {} | {to} | {} | {} | {} | {reason} |",
            style::clock(it.from, true),
            it.alert.severity,
            it.alert.row,
            it.alert.provider
        );
    }
    out
}

/// Text that does not break out of its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
