//! The report for GitHub Actions: one annotation per error, which the runner shows at the job and in the pull request.
//!
//! An annotation is a line `::error file=…,line=…,title=…::message`. The runner shows ten errors, ten warnings and ten
//! notices of a step at most. Text of the log is escaped, so it can neither end the line nor start a command of its own.

use super::super::format;
use super::error_table::{name, others};
use super::overview::fix;
use super::ranking::{Ranking, severity};
use super::summary::{Group, Summary};
use crate::pipeline::Pipeline;
use crate::taxonomy::Severity;
use std::fmt::Write as _;

/// The most annotations of one kind that the runner shows.
const MAX_OF_A_KIND: usize = 10;

pub(super) fn render(summary: &Summary, pipeline: &Pipeline, ranking: &Ranking<'_>) -> String {
    let mut out = String::new();
    let mut written = [0_usize; 3];
    for group in ranking.top.iter().chain(&ranking.rest) {
        let severity = severity(group, pipeline);
        written[severity as usize] += 1;
        if written[severity as usize] <= MAX_OF_A_KIND {
            write_annotation(&mut out, severity, group, summary, pipeline);
        }
    }
    let hidden: usize = written.iter().map(|count| count.saturating_sub(MAX_OF_A_KIND)).sum();
    let (good, failed) = (summary.good_calls(), summary.failed_calls());
    let _infallible = write!(out, "{} of {} failed", format::count(failed), format::plural(good + failed, "LLM call"));
    if hidden > 0 {
        let _infallible = write!(out, "; {} have no annotation", format::plural(hidden as u64, "kind of error"));
    }
    if let Some(others) = others(summary, ranking) {
        let _infallible = write!(out, "; the summary of the job names the most frequent ones {others}");
    }
    out.push('\n');
    out
}

fn write_annotation(out: &mut String, severity: Severity, group: &Group, summary: &Summary, pipeline: &Pipeline) {
    let kind = match severity {
        Severity::Critical => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let count = format::plural(group.count, "failed call");
    let status = Some(group.status.to_string()).filter(|status| status != "none");
    let status = status.map(|status| format!(", status {status}")).unwrap_or_default();
    let row = group.row.and_then(|row| pipeline.row_name(row)).unwrap_or_default();
    let mut message =
        format!("{count}{status} (row {row}, owner {}, retry {}). {}", group.owner, group.retry, fix(group, pipeline));
    if let Some(example) = &group.example {
        let _infallible = write!(message, "\n{example}");
    }
    let title = property(&name(group, pipeline));
    let place = summary.file_and_line(group).map(|(file, line)| format!("file={},line={line},", property(in_workspace(file))));
    let _infallible = writeln!(out, "::{kind} {}title={title}::{}", place.unwrap_or_default(), data(&message));
}

/// The path as the runner expects it: from the root of the repository, if the file is in it.
fn in_workspace(path: &str) -> &str {
    let inside = || path.strip_prefix(std::env::var("GITHUB_WORKSPACE").ok()?.as_str())?.strip_prefix('/');
    inside().unwrap_or(path)
}

/// Escapes a message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
