//! The report as text for a terminal: the overview on the first screen, then the details.

use super::super::terminal::{self, Styles};
use super::super::{format, layout};
use super::ranking::Ranking;
use super::summary::{AlertSpan, Summary, known};
use super::view::Depth;
use super::{details, notes, overview};
use crate::pipeline::Pipeline;
use crate::taxonomy::{Provider, Severity};
use std::fmt::Write as _;

pub(super) fn render(summary: &Summary, pipeline: &Pipeline, ranking: &Ranking<'_>, depth: Depth) -> String {
    let styles = Styles::for_stdout();
    let mut out = overview::render(summary, pipeline, ranking, styles);
    if depth == Depth::Overview {
        return out;
    }
    let days = summary.span.is_some_and(|(from, to)| !format::is_same_day(from, to));
    let rest = if depth == Depth::All { ranking.rest.as_slice() } else { &[] };
    if !ranking.top.is_empty() {
        out.push_str(&styles.bold("\nDetails\n"));
    }
    for group in ranking.top.iter().chain(rest) {
        details::write(&mut out, group, summary, pipeline, days, styles);
    }
    if rest.len() < ranking.rest.len() {
        let others = format::plural(ranking.rest.len() as u64, "other error");
        let _infallible = writeln!(
            out,
            "\n{}",
            styles.dim(&layout::cut(&format!("… and {others}; --all shows the details"), terminal::width()))
        );
    }
    write_findings(&mut out, summary, pipeline, depth, days, styles);
    write_answers(&mut out, summary, pipeline, styles);
    let mut alerts = summary.alerts(pipeline).peekable();
    if alerts.peek().is_some() {
        out.push_str(&styles.bold("\nAlerts that the daemon would have raised\n"));
    }
    alerts.for_each(|span| write_alert(&mut out, span, days, styles));
    write_unknown(&mut out, summary, styles);
    write_notes(&mut out, summary, styles);
    out
}

/// The notes that the overview has room for only in part.
fn write_notes(out: &mut String, summary: &Summary, styles: Styles) {
    let notes = notes::all(summary);
    if notes.is_empty() {
        return;
    }
    out.push_str(&styles.bold("\nNot read, or not understood\n"));
    for note in notes {
        let _infallible = writeln!(out, "  {}", layout::wrap(&note, terminal::width() - 2, 2));
    }
}

/// More findings would hide the alerts below; the other formats have all findings.
const MAX_FINDINGS: usize = 12;

fn write_findings(out: &mut String, summary: &Summary, pipeline: &Pipeline, depth: Depth, days: bool, styles: Styles) {
    let findings = summary.findings();
    if findings.is_empty() {
        return;
    }
    out.push_str(&styles.bold("\nFindings across calls\n"));
    let limit = if depth == Depth::All { usize::MAX } else { MAX_FINDINGS };
    for finding in findings.iter().take(limit) {
        let provider = pipeline.catalog().providers().id(finding.provider);
        let provider = if finding.provider == Provider::UNKNOWN { String::new() } else { format!("{provider}: ") };
        let since = known(finding.since).map_or_else(|| " ".repeat(8), |at| format::clock(at, days));
        let text = format!("{provider}{}. Owner: {}. {}", finding.text, finding.blame.owner(), finding.advice);
        let indent = since.len() + 4;
        let _infallible = writeln!(out, "  {since}  {}", layout::wrap(&text, terminal::width().saturating_sub(indent), indent));
    }
    if findings.len() > limit {
        let _infallible = writeln!(out, "            … and {} more; --all shows them", findings.len() - limit);
    }
}

/// Answers that did not end as they should; failed ones are among the errors above, too.
fn write_answers(out: &mut String, summary: &Summary, pipeline: &Pipeline, styles: Styles) {
    let lines = summary.answers.lines(pipeline.catalog().providers());
    if !lines.is_empty() {
        out.push_str(&styles.bold("\nHow answers ended\n"));
    }
    for line in lines {
        let _infallible = writeln!(out, "  {}", layout::wrap(&line, terminal::width() - 2, 2));
    }
}

fn write_alert(out: &mut String, span: &AlertSpan, days: bool, styles: Styles) {
    let severity = span.alert.severity.to_string();
    let painted = match span.alert.severity {
        Severity::Critical => styles.red(&format!("{severity:<8}")),
        Severity::Warning => styles.yellow(&format!("{severity:<8}")),
        Severity::Info => format!("{severity:<8}"),
    };
    let clock = |at| known(at).map_or_else(|| "--:--:--".to_owned(), |at| format::clock(at, days));
    let end = match span.to {
        Some(to) => format!("to {}, {}", clock(to), span.alert.reason.map_or("resolved", |reason| reason.as_str())),
        None => "still firing at the end".to_owned(),
    };
    let again = if span.reopened == 0 { String::new() } else { format!(", again {}", format::plural(span.reopened, "time")) };
    let end = end + &again;
    let from = clock(span.from);
    let what = format!("{:<14} {:<12}", span.alert.row, span.alert.provider);
    let indent = 2 + from.len() + 2 + 8 + 2;
    if indent + what.len() + 1 + end.len() <= terminal::width() {
        let _infallible = writeln!(out, "  {from}  {painted}  {what} {end}");
        return;
    }
    let text = format!("{} {}; {end}", span.alert.row, span.alert.provider);
    let _infallible =
        writeln!(out, "  {from}  {painted}  {}", layout::wrap(&text, terminal::width().saturating_sub(indent), indent));
}

/// The most groups of unknown errors that are shown.
const MAX_UNKNOWN: usize = 10;

fn write_unknown(out: &mut String, summary: &Summary, styles: Styles) {
    let groups = &summary.snapshot.unknown;
    if groups.is_empty() {
        return;
    }
    out.push_str(&styles.bold("\nUnknown errors\n"));
    for group in groups.iter().take(MAX_UNKNOWN) {
        let _infallible =
            writeln!(out, "{:>7}  {}", format::count(group.count), layout::cut(&group.template, terminal::width() - 9));
    }
}
