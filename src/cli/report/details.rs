//! The details of one error: when, its owner, where, what to do, and an example.

use super::super::terminal::{self, Styles};
use super::super::{format, layout};
use super::error_table::name;
use super::overview::fix;
use super::summary::{Group, Summary, known, top};
use crate::pipeline::Pipeline;
use crate::taxonomy::Retry;
use std::fmt::Write as _;

/// Writes everything that is known about one error.
pub(super) fn write(out: &mut String, group: &Group, summary: &Summary, pipeline: &Pipeline, days: bool, styles: Styles) {
    let retry = match group.retry {
        Retry::Yes => "retry",
        Retry::No => "do not retry",
        Retry::Depends => "retry depends",
    };
    let status = group.status.to_string();
    let status = if status == "none" { String::new() } else { format!("  [{status}]") };
    let name = name(group, pipeline);
    let name = layout::cut(&name, terminal::width().saturating_sub("1234567  ".len() + status.len()));
    let _infallible = writeln!(out, "\n{:>7}  {}{}", format::count_short(group.count), styles.bold(&name), styles.dim(&status));
    let share = summary.share(group).map(|share| format!("{} of its calls", format::percent(share)));
    let still = summary.is_ongoing(group, pipeline).then(|| "still happens at the end".to_owned());
    let when = share.into_iter().chain(times(group, days)).chain(still).collect::<Vec<_>>().join(", ");
    if !when.is_empty() {
        field(out, "when", &when);
    }
    field(out, "owner", &format!("{}; {retry}", format::owner(group.owner)));
    if let Some(row) = group.row.and_then(|row| pipeline.table().row(row)) {
        field(out, "row", &format!("{} ({})", row.id, row.severity));
    }
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
    if let Some(place) = summary.place(group) {
        field(out, "first at", &place);
    }
    field(out, "fix", fix(group, pipeline));
    if let Some(next) = group.row.and_then(|row| pipeline.next_step(row)) {
        field(out, "next", &next);
    }
    if let Some(example) = &group.example {
        let text = layout::wrap_lines(example, terminal::width() - INDENT, INDENT, 2);
        let _infallible = writeln!(out, "   {:<9} {text}", "message");
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
const INDENT: usize = 13;

fn field(out: &mut String, name: &str, text: &str) {
    let _infallible = writeln!(out, "   {name:<9} {}", layout::wrap(text, terminal::width() - INDENT, INDENT));
}
