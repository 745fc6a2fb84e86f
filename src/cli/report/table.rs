//! The report as text for a terminal.

use super::super::terminal::{self, Styles};
use super::super::{format, layout};
use super::summary::{AlertSpan, Group, Summary, known, top};
use crate::framing::LossReason;
use crate::pipeline::{NO_PATTERN, Pipeline};
use crate::taxonomy::{Outcome, Provider, Retry, Severity};
use crate::time::format_compact;
use std::fmt::Write as _;

pub(super) fn render(summary: &Summary, pipeline: &Pipeline) -> String {
    let styles = Styles::for_stdout();
    let mut out = head(summary, styles);
    let groups = summary.groups();
    if groups.is_empty() {
        out.push_str(nothing_failed(summary));
    }
    let days = summary.span.is_some_and(|(from, to)| from.second().div_euclid(86_400) != to.second().div_euclid(86_400));
    for group in &groups {
        write_group(&mut out, group, summary, pipeline, days, styles);
    }
    write_findings(&mut out, summary, pipeline, days, styles);
    if !summary.alerts().is_empty() {
        out.push_str(&styles.bold("\nAlerts that the daemon would have raised\n"));
        for span in summary.alerts() {
            write_alert(&mut out, span, days, styles);
        }
    }
    write_unknown(&mut out, summary, styles);
    out
}

fn head(summary: &Summary, styles: Styles) -> String {
    let names = match summary.inputs.as_slice() {
        [one] => one.clone(),
        many => format!("{} files", many.len()),
    };
    let (good, failed) = (summary.good_calls(), summary.failed_calls());
    let mut line = format!("{names}: {}, ", format::plural(summary.lines, "line"));
    let _infallible = write!(line, "{}, {} failed", format::plural(good + failed, "call"), format::count(failed));
    if good > 0 && failed > 0 {
        let _infallible = write!(line, " ({})", format::percent(format::share(failed, good + failed)));
    }
    let mut span = String::new();
    if let Some((from, to)) = summary.span {
        let end = if from.to_string().get(..10) == to.to_string().get(..10) {
            format::clock(to, false)
        } else {
            format::clock(to, true)
        };
        span = format!("{} to {end} UTC ({})", format::clock(from, true), format_compact(to.since(from)));
    }
    if layout::columns(&line) + 2 + span.len() > terminal::width() {
        // Two short lines; the terminal would break one long line anywhere.
        line.push_str(if span.is_empty() { "" } else { "\n" });
    } else if !span.is_empty() {
        line.push_str("; ");
    }
    let mut out = format!("{}\n", styles.bold(&(line + &span)));
    if summary.unrecognised > 0 {
        let note =
            format!("{} of level error, not recognised as failed calls\n", format::plural(summary.unrecognised, "record"));
        out.push_str(&styles.dim(&note));
    }
    for (reason, count) in &summary.skipped {
        out.push_str(&styles.dim(&format!("{} {}\n", format::plural(*count, "line"), describe_loss(*reason))));
    }
    out
}

/// What happened to lines that were not read whole.
fn describe_loss(reason: LossReason) -> &'static str {
    match reason {
        LossReason::TooLong => "longer than the limit: only the head and the tail were read",
        LossReason::Incomplete => "without a newline, at the end of a file: read, but perhaps cut off",
        LossReason::Binary => "skipped: not text (a binary or compressed file?)",
        LossReason::Malformed => "with JSON that stops in the middle",
        LossReason::TooComplex => "skipped: nested too deep",
        LossReason::Truncated | LossReason::Rotated | LossReason::CrashLoop | LossReason::Disconnected => reason.as_str(),
    }
}

fn nothing_failed(summary: &Summary) -> &'static str {
    match (summary.good_calls(), summary.records[Outcome::Other as usize]) {
        (1.., _) => "\nNo call failed.\n",
        (0, 1..) => {
            "\nNo LLM call was recognised in these lines. If they contain calls, llm-triage does not know the format: please report it.\n"
        }
        _ if summary.lines > 0 => "\nNo record lies between --since and --until.\n",
        _ => "\nThere was nothing to read.\n",
    }
}

fn write_group(out: &mut String, group: &Group, summary: &Summary, pipeline: &Pipeline, days: bool, styles: Styles) {
    let catalog = pipeline.catalog();
    let pattern = group.pattern.and_then(|id| catalog.pattern(id));
    let title = pattern.map_or("Unknown error", |pattern| pattern.title.as_str());
    let provider = catalog.providers().id(group.provider);
    let retry = match group.retry {
        Retry::Yes => "retry",
        Retry::No => "do not retry",
        Retry::Depends => "retry depends",
    };
    let status = group.status.to_string();
    let status = if status == "none" { String::new() } else { format!("  [{status}]") };
    let name = format!("{provider}: {title}");
    let name = layout::cut(&name, terminal::width() - "1234567  ".len() - status.len());
    let _infallible = writeln!(out, "\n{:>7}  {}{}", format::count(group.count), styles.bold(&name), styles.dim(&status));
    let share = summary.share(group).map(|share| format!("{} of its calls", format::percent(share)));
    let when = share.into_iter().chain(times(group, days)).collect::<Vec<_>>().join(", ");
    if !when.is_empty() {
        field(out, "when", &when);
    }
    field(out, "owner", &format!("{}; {retry}", format::owner(group.owner)));
    let mut who =
        top(&group.models, 3).into_iter().map(|(name, count)| format!("{name} ({count})")).collect::<Vec<_>>().join(", ");
    let services = top(&group.services, 3);
    if services.len() > 1 || services.iter().any(|(name, _)| !summary.inputs.iter().any(|input| input.contains(name.as_str())))
    {
        let names = services.iter().map(|(name, count)| format!("{name} ({count})")).collect::<Vec<_>>().join(", ");
        let _infallible = write!(who, "{}{names}", if who.is_empty() { "" } else { "; from " });
    }
    if !who.is_empty() {
        field(out, "where", &who);
    }
    field(out, "fix", pattern.map_or(NO_PATTERN, |pattern| &pattern.fix));
    if let Some(next) = group.row.and_then(|row| pipeline.next_step(row)) {
        field(out, "next", &next);
    }
    if let Some(example) = &group.example {
        field(out, "message", &layout::cut(example, (terminal::width() - 16) * 2));
    }
    if !group.request_ids.is_empty() {
        field(out, "requests", &first_that_fit(&group.request_ids, terminal::width() - INDENT));
    }
}

/// The time of the first and the last failure, and the peak; `None` if the log has no times.
fn times(group: &Group, days: bool) -> Option<String> {
    let (first, last) = (format::clock(known(group.first)?, days), format::clock(group.last, days));
    Some(match group.count {
        1 => format!("at {first}"),
        _ => format!("{first} to {last}, at most {} a minute", format::count(group.peak_per_minute)),
    })
}

/// The ids that fit on one line; at least one.
fn first_that_fit(ids: &[String], width: usize) -> String {
    let mut line = String::new();
    for id in ids {
        if !line.is_empty() && layout::columns(&line) + 1 + layout::columns(id) > width {
            break;
        }
        let _infallible = write!(line, "{}{id}", if line.is_empty() { "" } else { " " });
    }
    line
}

/// The column at which the text of a field starts.
const INDENT: usize = 19;

fn field(out: &mut String, name: &str, text: &str) {
    let _infallible = writeln!(out, "         {name:<9} {}", layout::wrap(text, terminal::width() - INDENT, INDENT));
}

/// More findings would hide the alerts below; the other formats have all findings.
const MAX_FINDINGS: usize = 12;

fn write_findings(out: &mut String, summary: &Summary, pipeline: &Pipeline, days: bool, styles: Styles) {
    let findings = summary.findings();
    if findings.is_empty() {
        return;
    }
    out.push_str(&styles.bold("\nFindings across calls\n"));
    for finding in findings.iter().take(MAX_FINDINGS) {
        let provider = pipeline.catalog().providers().id(finding.provider);
        let provider = if finding.provider == Provider::UNKNOWN { String::new() } else { format!("{provider}: ") };
        let since = known(finding.since).map_or_else(|| " ".repeat(8), |at| format::clock(at, days));
        let text = format!("{provider}{}. Owner: {}. {}", finding.text, finding.blame, finding.advice);
        let indent = since.len() + 4;
        let _infallible = writeln!(out, "  {since}  {}", layout::wrap(&text, terminal::width() - indent, indent));
    }
    if findings.len() > MAX_FINDINGS {
        let _infallible = writeln!(out, "            … and {} more", findings.len() - MAX_FINDINGS);
    }
}

fn write_alert(out: &mut String, span: &AlertSpan, days: bool, styles: Styles) {
    let severity = span.alert.severity.to_string();
    let painted = match span.alert.severity {
        Severity::Critical => styles.red(&format!("{severity:<8}")),
        Severity::Warning => styles.yellow(&format!("{severity:<8}")),
        Severity::Info => format!("{severity:<8}"),
    };
    let end = match span.to {
        Some(to) => {
            format!("to {}, {}", format::clock(to, days), span.alert.reason.map_or("resolved", |reason| reason.as_str()))
        }
        None => "still firing at the end".to_owned(),
    };
    let again = if span.reopened == 0 { String::new() } else { format!(", again {}", format::plural(span.reopened, "time")) };
    let end = end + &again;
    let from = format::clock(span.from, days);
    let what = format!("{:<14} {:<12}", span.alert.row, span.alert.provider);
    let indent = 2 + from.len() + 2 + 8 + 2;
    let fits = indent + what.len() + 1 + end.len() <= terminal::width();
    let gap = if fits { " ".to_owned() } else { format!("\n{:indent$}", "") };
    let _infallible = writeln!(out, "  {from}  {painted}  {}{gap}{end}", if fits { what.as_str() } else { what.trim_end() });
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
