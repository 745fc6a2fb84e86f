//! The report for a person at a terminal.

use super::super::style::{self, Paint};
use super::summary::{Group, Span, Summary, known, top};
use crate::pipeline::{NO_PATTERN, Pipeline};
use crate::taxonomy::{Outcome, Provider, Retry, Severity};
use std::fmt::Write as _;

pub(super) fn render(summary: &Summary, pipeline: &Pipeline) -> String {
    let paint = Paint::for_stdout();
    let mut out = head(summary, paint);
    let groups = summary.groups();
    if groups.is_empty() {
        out.push_str(nothing_failed(summary));
    }
    let days = summary.span.is_some_and(|(from, to)| from.second().div_euclid(86_400) != to.second().div_euclid(86_400));
    for group in &groups {
        write_group(&mut out, group, summary, pipeline, days, paint);
    }
    write_findings(&mut out, summary, pipeline, days, paint);
    if !summary.alerts().is_empty() {
        out.push_str(&paint.bold("\nAlerts that the daemon would have raised\n"));
        for span in summary.alerts() {
            write_alert(&mut out, span, days, paint);
        }
    }
    write_unknown(&mut out, summary, paint);
    out
}

fn head(summary: &Summary, paint: Paint) -> String {
    let names = match summary.inputs.as_slice() {
        [one] => one.clone(),
        many => format!("{} files", many.len()),
    };
    let (good, failed) = (summary.good_calls(), summary.failed_calls());
    let mut line = format!("{names}: {}, ", style::of(summary.lines, "line"));
    let _infallible = write!(line, "{}, {} failed", style::of(good + failed, "call"), style::count(failed));
    if good > 0 && failed > 0 {
        let _infallible = write!(line, " ({})", style::percent(failed as f64 / (good + failed) as f64));
    }
    let mut span = String::new();
    if let Some((from, to)) = summary.span {
        let end = if from.to_string().get(..10) == to.to_string().get(..10) {
            style::clock(to, false)
        } else {
            style::clock(to, true)
        };
        span = format!("{} to {end} UTC ({})", style::clock(from, true), style::span(to.since(from)));
    }
    if line.chars().count() + 2 + span.len() > style::width() {
        // Two short lines, instead of one that is broken anywhere.
        line.push_str(if span.is_empty() { "" } else { "\n" });
    } else if !span.is_empty() {
        line.push_str("; ");
    }
    let mut out = format!("{}\n", paint.bold(&(line + &span)));
    if summary.unrecognised > 0 {
        let note = format!("{} of level error, not recognised as failed calls\n", style::of(summary.unrecognised, "record"));
        out.push_str(&paint.dim(&note));
    }
    for (reason, count) in &summary.skipped {
        out.push_str(&paint.dim(&format!("{} {}\n", style::of(*count, "line"), skipped(reason))));
    }
    out
}

/// What became of lines that could not be read whole.
fn skipped(reason: &str) -> &str {
    match reason {
        "too_long" => "too long to keep whole: head and tail were read",
        "incomplete" => "without an end, at the end of a file: read, but perhaps cut off",
        "binary" => "skipped: no text (a binary or packed file?)",
        "malformed" => "with JSON that stops in the middle",
        "too_complex" => "nested too deep to be read",
        other => other,
    }
}

fn nothing_failed(summary: &Summary) -> &'static str {
    match (summary.good_calls(), summary.records[Outcome::Other as usize]) {
        (1.., _) => "\nNo call failed.\n",
        (0, 1..) => {
            "\nNo LLM call was recognised in these lines. If there are some, the format is new to llm-triage: please report it.\n"
        }
        _ if summary.lines > 0 => "\nNo record lies in the time that was asked for.\n",
        _ => "\nThere was nothing to read.\n",
    }
}

fn write_group(out: &mut String, it: &Group, summary: &Summary, pipeline: &Pipeline, days: bool, paint: Paint) {
    let catalog = pipeline.catalog();
    let pattern = it.pattern.and_then(|id| catalog.pattern(id));
    let title = pattern.map_or("Unknown error", |it| it.title.as_str());
    let provider = catalog.providers().id(it.provider);
    let retry = match it.retry {
        Retry::Yes => "retry",
        Retry::No => "do not retry",
        Retry::Depends => "retry depends",
    };
    let status = it.status.to_string();
    let status = if status == "none" { String::new() } else { format!("  [{status}]") };
    let name = style::cut(&format!("{provider}: {title}"), style::width() - "1234567  ".len() - status.len());
    let _infallible = writeln!(out, "\n{:>7}  {}{}", style::count(it.count), paint.bold(&name), paint.dim(&status));
    let share = summary.share(it).map(|it| format!("{} of its calls", style::percent(it)));
    let when = share.into_iter().chain(times(it, days)).collect::<Vec<_>>().join(", ");
    if !when.is_empty() {
        field(out, "when", &when);
    }
    field(out, "whose", &format!("{}; {retry}", style::owner(it.owner)));
    let mut who =
        top(&it.models, 3).into_iter().map(|(name, count)| format!("{name} ({count})")).collect::<Vec<_>>().join(", ");
    let services = top(&it.services, 3);
    if services.len() > 1 || services.iter().any(|(name, _)| !summary.inputs.iter().any(|input| input.contains(name.as_str())))
    {
        let names = services.iter().map(|(name, count)| format!("{name} ({count})")).collect::<Vec<_>>().join(", ");
        let _infallible = write!(who, "{}{names}", if who.is_empty() { "" } else { "; from " });
    }
    if !who.is_empty() {
        field(out, "where", &who);
    }
    field(out, "fix", pattern.map_or(NO_PATTERN, |it| &it.fix));
    if let Some(next) = it.row.and_then(|row| pipeline.next_step(row)) {
        field(out, "next", &next);
    }
    if let Some(example) = &it.example {
        field(out, "said", &style::cut(example, (style::width() - 16) * 2));
    }
    if !it.request_ids.is_empty() {
        field(out, "requests", &first_that_fit(&it.request_ids, style::width() - INDENT));
    }
}

/// From when to when, and how densely, where the log tells times.
fn times(it: &Group, days: bool) -> Option<String> {
    let (first, last) = (style::clock(known(it.first)?, days), style::clock(it.last, days));
    Some(match it.count {
        1 => format!("at {first}"),
        _ => format!("{first} to {last}, at most {} a minute", style::count(it.peak_per_minute)),
    })
}

/// As many as one line takes, and one at least.
fn first_that_fit(ids: &[String], width: usize) -> String {
    let mut line = String::new();
    for id in ids {
        if !line.is_empty() && line.len() + 1 + id.len() > width {
            break;
        }
        let _infallible = write!(line, "{}{id}", if line.is_empty() { "" } else { " " });
    }
    line
}

/// Where the text of a field begins.
const INDENT: usize = 19;

fn field(out: &mut String, name: &str, text: &str) {
    let _infallible = writeln!(out, "         {name:<9} {}", style::wrap(text, style::width() - INDENT, INDENT));
}

/// More would hide what matters; the other formats have all of them.
const MOST_FINDINGS: usize = 12;

fn write_findings(out: &mut String, summary: &Summary, pipeline: &Pipeline, days: bool, paint: Paint) {
    let findings = summary.findings();
    if findings.is_empty() {
        return;
    }
    out.push_str(&paint.bold("\nWhat the calls show together\n"));
    for it in findings.iter().take(MOST_FINDINGS) {
        let provider = pipeline.catalog().providers().id(it.provider);
        let who = if it.provider == Provider::UNKNOWN { String::new() } else { format!("{provider}: ") };
        let since = known(it.since).map_or_else(|| " ".repeat(8), |at| style::clock(at, days));
        let text = format!("{who}{}. Blame: {}. {}", it.text, it.blame, it.advice);
        let indent = since.len() + 4;
        let _infallible = writeln!(out, "  {since}  {}", style::wrap(&text, style::width() - indent, indent));
    }
    if findings.len() > MOST_FINDINGS {
        let _infallible = writeln!(out, "            … and {} more", findings.len() - MOST_FINDINGS);
    }
}

fn write_alert(out: &mut String, it: &Span, days: bool, paint: Paint) {
    let severity = it.alert.severity.to_string();
    let painted = match it.alert.severity {
        Severity::Critical => paint.red(&format!("{severity:<8}")),
        Severity::Warning => paint.yellow(&format!("{severity:<8}")),
        Severity::Info => format!("{severity:<8}"),
    };
    let end = match it.to {
        Some(to) => format!("to {}, {}", style::clock(to, days), it.alert.reason.map_or("resolved", |it| it.as_str())),
        None => "still firing at the end".to_owned(),
    };
    let from = style::clock(it.from, days);
    let what = format!("{:<14} {:<12}", it.alert.row, it.alert.provider);
    let indent = 2 + from.len() + 2 + 8 + 2;
    let fits = indent + what.len() + 1 + end.len() <= style::width();
    let gap = if fits { " ".to_owned() } else { format!("\n{:indent$}", "") };
    let _infallible = writeln!(out, "  {from}  {painted}  {}{gap}{end}", if fits { what.as_str() } else { what.trim_end() });
}

fn write_unknown(out: &mut String, summary: &Summary, paint: Paint) {
    let groups = &summary.snapshot.unknown;
    if groups.is_empty() {
        return;
    }
    out.push_str(&paint.bold("\nErrors that no pattern knows\n"));
    for it in groups.iter().take(10) {
        let _infallible = writeln!(out, "{:>7}  {}", style::count(it.count), style::cut(&it.template, style::width() - 9));
    }
}
