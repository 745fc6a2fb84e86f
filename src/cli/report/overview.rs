//! The first screen of a report: the calls of each provider, the errors as a table, the alerts that fire, and what to do
//! first.

use super::super::terminal::{self, Styles};
use super::super::{format, layout};
use super::error_table;
use super::notes;
use super::ranking::{Ranking, severity};
use super::summary::{AlertSpan, Group, Summary, known};
use crate::pipeline::{NO_PATTERN, Pipeline};
use crate::taxonomy::{Outcome, Severity};
use crate::time::{Timestamp, format_compact};
use std::fmt::Write as _;

/// The lines of a terminal that the first screen fills, if nothing unusual happened.
const LINES: usize = 24;
/// The most lines of providers.
const MAX_PROVIDERS: usize = 3;
/// The most lines of advice.
const MAX_ADVICE: usize = 5;

pub(super) fn render(summary: &Summary, pipeline: &Pipeline, ranking: &Ranking<'_>, styles: Styles) -> String {
    let mut sections = vec![head(summary, styles), providers(summary, pipeline, styles)];
    if ranking.top.is_empty() {
        let text = layout::wrap(nothing_failed(summary), terminal::width(), 0);
        sections.push(text.lines().map(str::to_owned).collect());
    }
    sections.push(error_table::lines(summary, pipeline, ranking, styles));
    sections.push(firing(summary, pipeline, styles));
    sections.retain(|section| !section.is_empty());
    let used: usize = sections.iter().map(Vec::len).sum();
    // A heading, and as many lines of advice as the screen has room for.
    let room = LINES.saturating_sub(used + 1).clamp(2, MAX_ADVICE);
    let advice = advice(summary, pipeline, ranking, room, styles);
    sections.extend(Some(advice).filter(|advice| !advice.is_empty()));
    let used: usize = sections.iter().map(Vec::len).sum();
    // Blank lines where there is room, the last sections first: they have the fewest headings.
    let blanks = LINES.saturating_sub(used);
    let mut out = String::new();
    for (index, section) in sections.iter().enumerate() {
        if index > 0 && sections.len() - index <= blanks {
            out.push('\n');
        }
        for line in section {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

/// What was read, how much of it failed and when; then what else to know about the reading.
fn head(summary: &Summary, styles: Styles) -> Vec<String> {
    let width = terminal::width();
    let (good, failed) = (summary.good_calls(), summary.failed_calls());
    let mut counts = format!("{}, ", format::plural(summary.lines, "line"));
    let _infallible = write!(counts, "{}, {} failed", format::plural(good + failed, "call"), format::count(failed));
    if good > 0 && failed > 0 {
        let _infallible = write!(counts, " ({})", format::percent(format::share(failed, good + failed)));
    }
    let names = match summary.inputs.as_slice() {
        [one] => one.clone(),
        many => format!("{} files", many.len()),
    };
    let name = layout::cut_start(&names, width.saturating_sub(counts.len() + 2).max(12)).into_owned();
    let counts = format!("{name}: {counts}");
    let span = summary.span.map(time_span).unwrap_or_default();
    let mut lines = if span.is_empty() {
        vec![counts]
    } else if layout::columns(&counts) + 2 + span.len() <= width {
        vec![format!("{counts}; {span}")]
    } else {
        vec![counts, span]
    };
    lines = lines.iter().map(|line| styles.bold(&layout::cut(line, width))).collect();
    if !summary.filter.is_empty() && failed > 0 {
        let selected = summary.selected_failures();
        lines
            .push(layout::cut(&format!("{} selected by the filters", format::plural(selected, "failure")), width).into_owned());
    }
    if let Some(interrupted) = notes::interruption(summary) {
        lines.push(styles.yellow(&layout::cut(&interrupted, width)));
    }
    if let Some(cut) = summary.answers.cut() {
        lines.push(layout::cut(&cut, width).into_owned());
    }
    let notes = notes::all(summary).join("; ");
    if !notes.is_empty() {
        lines.push(styles.dim(&layout::cut(&notes, width)));
    }
    lines
}

/// `2026-11-20 09:00:00 to 09:30:00 UTC (30m)`.
fn time_span((from, to): (Timestamp, Timestamp)) -> String {
    let end = format::clock(to, !format::is_same_day(from, to));
    format!("{} to {end} UTC ({})", format::clock(from, true), format_compact(to.since(from)))
}

fn nothing_failed(summary: &Summary) -> &'static str {
    match (summary.good_calls() + summary.failed_calls(), summary.records[Outcome::Other as usize]) {
        _ if !summary.filter.is_empty() => "No failed call is selected by the filters.",
        (1.., _) => "No call failed.",
        (0, 1..) => {
            "No LLM call was recognised in these lines. If they contain calls, llm-triage does not know the format: please \
             report it."
        }
        _ if summary.lines > 0 && !summary.is_finished => {
            "Nothing is counted yet. A failure counts when the lines about it were read, after three seconds at most."
        }
        _ if summary.lines > 0 => "No record lies between --since and --until.",
        _ => "There was nothing to read.",
    }
}

/// A line for each provider with its calls, its failures and when they happened.
fn providers(summary: &Summary, pipeline: &Pipeline, styles: Styles) -> Vec<String> {
    const NUMBERS: usize = 8 + 8 + 8;
    const LAST: usize = "2026-11-20 09:00:00".len();
    let all = summary.providers();
    if all.is_empty() {
        return Vec::new();
    }
    let width = terminal::width();
    let name_of = |provider| pipeline.catalog().providers().id(provider);
    let longest = all.iter().map(|(provider, _)| layout::columns(name_of(*provider))).max().unwrap_or(0);
    let name_width = longest.clamp(8, (width / 4).max(8));
    let days = summary.span.is_some_and(|(from, to)| !format::is_same_day(from, to));
    let last_width = if days { LAST } else { "last failure".len() };
    let room = width.saturating_sub(name_width + NUMBERS + 2);
    // Sparklines, one of all calls and one of the failures, if the log has times.
    let with_last = room >= 10 + 2 + last_width;
    let trends = if with_last { room - 2 - last_width } else { room };
    let (both, columns) = if trends >= 2 * 16 + 2 { (true, ((trends - 2) / 2).min(32)) } else { (false, trends.min(32)) };
    let span = summary.span.filter(|_| columns >= 5);
    let mut heading = format!("{} {:>7} {:>7} {:>7}", layout::pad("provider", name_width), "calls", "failed", "share");
    if span.is_some() {
        let first = if both { layout::pad("calls over time", columns) + "  " } else { String::new() };
        let _infallible = write!(heading, "  {first}{}", layout::pad(&layout::cut("failures over time", columns), columns));
        heading.push_str(if with_last { "  last failure" } else { "" });
    }
    let mut lines = vec![styles.dim(heading.trim_end())];
    let named = if all.len() > MAX_PROVIDERS { MAX_PROVIDERS - 1 } else { all.len() };
    for (provider, calls) in all.iter().take(named) {
        let name = layout::pad(&layout::cut(name_of(*provider), name_width), name_width);
        let mut line = format!("{name} {}", numbers(calls.good, calls.failed));
        if let Some(span) = span {
            let good = if both { calls.calls.sparkline(span, columns) + "  " } else { String::new() };
            let _infallible = write!(line, "  {good}{}", styles.red(&calls.failures.sparkline(span, columns)));
            let last = known(calls.last_failure).filter(|_| with_last);
            line.push_str(&last.map(|at| format!("  {}", format::clock(at, days))).unwrap_or_default());
        }
        lines.push(line);
    }
    if named < all.len() {
        let (good, failed) = all.iter().skip(named).fold((0, 0), |sum, (_, calls)| (sum.0 + calls.good, sum.1 + calls.failed));
        let name = layout::cut("others", name_width).into_owned();
        let note = format!("  {} providers", all.len() - named);
        let line = format!("{} {}{note}", layout::pad(&name, name_width), numbers(good, failed));
        lines.push(styles.dim(&layout::cut(&line, width)));
    }
    lines
}

/// Calls, failed calls and their share. Where no success was seen, the share says nothing.
fn numbers(good: u64, failed: u64) -> String {
    let share = if good > 0 { format::percent(format::share(failed, good + failed)) } else { "-".to_owned() };
    format!("{:>7} {:>7} {share:>7}", format::count_short(good + failed), format::count_short(failed))
}

/// The alerts that fire at the end of the log.
fn firing(summary: &Summary, pipeline: &Pipeline, styles: Styles) -> Vec<String> {
    const LEAD: &str = "firing  ";
    let mut firing: Vec<&AlertSpan> = summary.alerts(pipeline).filter(|span| span.to.is_none()).collect();
    if firing.is_empty() {
        return match summary.alerts(pipeline).count() {
            0 => Vec::new(),
            over => vec![styles.dim(&layout::cut(
                &format!("no alert fires at the end; {} fired before", format::plural(over as u64, "alert")),
                terminal::width(),
            ))],
        };
    }
    firing.sort_by_key(|span| (std::cmp::Reverse(span.alert.severity), span.from));
    let days = summary.span.is_some_and(|(from, to)| !format::is_same_day(from, to));
    let mut text = String::new();
    for (index, AlertSpan { alert, from, .. }) in firing.iter().enumerate() {
        let service = alert.service.as_ref().map(|service| format!(" ({service})")).unwrap_or_default();
        let since = known(*from).map(|from| format!(" since {}", format::clock(from, days))).unwrap_or_default();
        let next = format!("{}{} {}{service}{since}", if index > 0 { "; " } else { LEAD }, alert.row, alert.provider);
        let more = format!("; {} more", firing.len() - index);
        let reserved = if index + 1 < firing.len() { more.len() } else { 0 };
        if index > 0 && layout::columns(&text) + layout::columns(&next) + reserved > terminal::width() {
            text.push_str(&more);
            break;
        }
        text.push_str(&next);
    }
    let text = layout::cut(&text, terminal::width());
    let is_critical = firing.iter().any(|span| span.alert.severity == Severity::Critical);
    vec![if is_critical { styles.red(&text) } else { styles.yellow(&text) }]
}

/// What to do first: the fixes of the first errors, each on one line.
fn advice(summary: &Summary, pipeline: &Pipeline, ranking: &Ranking<'_>, limit: usize, styles: Styles) -> Vec<String> {
    let width = terminal::width();
    let mut fixes: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for group in &ranking.top {
        let fix = fix(group, pipeline);
        // Errors that are over or of no urgency need no haste; an error without a pattern has no fix.
        let is_urgent =
            severity(group, pipeline) > Severity::Info && fix != NO_PATTERN || lines.is_empty() && summary.groups().len() == 1;
        if lines.len() == limit || !is_urgent || fixes.contains(&fix) {
            continue;
        }
        fixes.push(fix);
        let text = format!("{}. {}: {fix}", lines.len() + 1, name(group, pipeline));
        lines.push(layout::cut(&text, width).into_owned());
    }
    if !lines.is_empty() {
        lines.insert(0, styles.bold("Do this first"));
    }
    lines
}

/// `openai, Quota used up`.
fn name(group: &Group, pipeline: &Pipeline) -> String {
    pipeline.catalog().providers().id(group.provider).to_owned()
}

/// What to do about the error.
pub(super) fn fix<'p>(group: &Group, pipeline: &'p Pipeline) -> &'p str {
    group.pattern.and_then(|id| pipeline.catalog().pattern(id)).map_or(NO_PATTERN, |pattern| &pattern.fix)
}
