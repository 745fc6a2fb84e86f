//! The report as Markdown, for an issue or a chat.

use super::super::format;
use super::overview::fix;
use super::ranking::{Ranking, severity};
use super::summary::{Group, Summary, known, top};
use super::view::Depth;
use super::{error_table, notes};
use crate::pipeline::Pipeline;
use crate::redact::unlinked;
use std::fmt::Write as _;

pub(super) fn render(summary: &Summary, pipeline: &Pipeline, ranking: &Ranking<'_>, depth: Depth) -> String {
    let (good, failed) = (summary.good_calls(), summary.failed_calls());
    let mut out = format!("# LLM calls: {} of {} failed\n\n", format::count(failed), format::count(good + failed));
    if let Some((from, to)) = summary.span {
        let _infallible = writeln!(out, "{} to {} UTC.\n", format::clock(from, true), format::clock(to, true));
    }
    for note in notes::interruption(summary).into_iter().chain(notes::all(summary)) {
        let _infallible = writeln!(out, "{note}.\n");
    }
    let rest = if depth == Depth::All { ranking.rest.as_slice() } else { &[] };
    let groups: Vec<_> = ranking.top.iter().chain(rest).copied().collect();
    write_groups(&mut out, &groups, summary, pipeline);
    if let Some(others) = error_table::others(summary, ranking).filter(|_| rest.is_empty()) {
        let _infallible = writeln!(out, "\n{others}.");
    }
    write_fixes(&mut out, &groups, pipeline);
    if depth != Depth::Overview {
        write_findings(&mut out, summary, pipeline);
        write_answers(&mut out, summary, pipeline);
    }
    write_alerts(&mut out, summary, pipeline);
    out
}

fn write_groups(out: &mut String, groups: &[&Group], summary: &Summary, pipeline: &Pipeline) {
    if groups.is_empty() {
        return;
    }
    let catalog = pipeline.catalog();
    out.push_str(
        "| severity | count | share | provider | error | status | owner | retry | first | last | models | first at |\n\
         | --- | ---: | ---: | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let clock = |at| known(at).map_or_else(String::new, |at| format::clock(at, true));
    for group in groups {
        let title = group.pattern.and_then(|id| catalog.pattern(id)).map_or("unknown error", |pattern| pattern.title.as_str());
        let models: Vec<_> = top(&group.models, 3).into_iter().map(|(name, _)| name).collect();
        let _infallible = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            severity(group, pipeline),
            format::count(group.count),
            format::percent(format::share(group.count, summary.selected_failures())),
            catalog.providers().id(group.provider),
            cell(title),
            group.status,
            group.owner,
            group.retry,
            clock(group.first),
            clock(group.last),
            cell(&models.join(", ")),
            cell(&summary.place(group).unwrap_or_default()),
        );
    }
}

fn write_fixes(out: &mut String, groups: &[&Group], pipeline: &Pipeline) {
    if !groups.is_empty() {
        out.push_str("\n## What to do\n\n");
    }
    for group in groups {
        let _infallible = writeln!(out, "- **{}**: {}", cell(&error_table::name(group, pipeline)), fix(group, pipeline));
    }
}

fn write_findings(out: &mut String, summary: &Summary, pipeline: &Pipeline) {
    let findings = summary.findings();
    if !findings.is_empty() {
        out.push_str("\n## Findings across calls\n\n");
    }
    for finding in findings {
        let provider = Some(pipeline.catalog().providers().id(finding.provider)).filter(|id| *id != "unknown");
        let provider = provider.map_or_else(String::new, |id| format!("{id}: "));
        let since = known(finding.since).map_or_else(String::new, |at| format!("{}, ", format::clock(at, true)));
        let _infallible = writeln!(
            out,
            "- **{}** ({since}owner: {}) {provider}{}. {}",
            finding.kind,
            finding.blame.owner(),
            cell(&finding.text),
            cell(&finding.advice)
        );
    }
}

fn write_answers(out: &mut String, summary: &Summary, pipeline: &Pipeline) {
    let lines = summary.answers.lines(pipeline.catalog().providers());
    if !lines.is_empty() {
        out.push_str("\n## How answers ended\n\n");
    }
    for line in lines {
        let _infallible = writeln!(out, "- {}", cell(&line));
    }
}

fn write_alerts(out: &mut String, summary: &Summary, pipeline: &Pipeline) {
    if summary.alerts(pipeline).next().is_some() {
        out.push_str(
            "\n## Alerts\n\n| from | to | severity | row | provider | reason |\n| --- | --- | --- | --- | --- | --- |\n",
        );
    }
    for span in summary.alerts(pipeline) {
        let from = format::clock(span.from, true);
        let to = span.to.map_or_else(|| "still firing".to_owned(), |to| format::clock(to, true));
        let alert = &span.alert;
        let again =
            if span.reopened == 0 { String::new() } else { format!(" (again {})", format::plural(span.reopened, "time")) };
        let reason = alert.reason.map_or("", |reason| reason.as_str()).to_owned() + &again;
        let _infallible =
            writeln!(out, "| {from} | {to} | {} | {} | {} | {reason} |", alert.severity, alert.row, alert.provider);
    }
}

/// Escapes a text: it does not end its cell, is not read as markup, mentions no user, and no address in it becomes a link.
fn cell(text: &str) -> String {
    let text = &*unlinked(text);
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            // GitHub reads a mention also after a backslash. Inside a name, as in `claude@2025`, it is none.
            '@' if !before.is_alphanumeric() => out.push('＠'),
            // An underscore inside a word is no markup.
            '_' if before.is_alphanumeric() => out.push(c),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '!' | '&' => out.extend(['\\', c]),
            c => out.push(c),
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_log_are_no_markup() {
        for (text, shown) in [
            ("gpt-5-mini", "gpt-5-mini"),
            ("claude-opus@20250805", "claude-opus@20250805"),
            ("my_model", "my_model"),
            ("@acme/oncall", "＠acme/oncall"),
            ("[x](http://evil.example)", r"\[x\](http\[:\]//evil.example)"),
            ("see https://evil.example", r"see https\[:\]//evil.example"),
            ("<img src=x> | **b** `c`", r"\<img src=x\> \| \*\*b\*\* \`c\`"),
            ("![a]\n# b \\", r"\!\[a\] # b \\"),
        ] {
            assert_eq!(cell(text), shown);
        }
    }
}
