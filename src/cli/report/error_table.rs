//! The errors of a report as a table that fits the terminal: one line each.

use super::super::terminal::{self, Styles};
use super::super::{format, layout};
use super::ranking::{Ranking, severity};
use super::summary::{Group, Summary, known};
use crate::pipeline::Pipeline;
use crate::taxonomy::Severity;

/// A column: its heading, its cells, and on which side the blanks are.
struct Column {
    heading: &'static str,
    cells: Vec<String>,
    right: bool,
    /// Columns with a lower number are left out first where the terminal is narrow.
    importance: u8,
}

/// The least columns for the name of an error.
const NAME: usize = 26;

pub(super) fn lines(summary: &Summary, pipeline: &Pipeline, ranking: &Ranking<'_>, styles: Styles) -> Vec<String> {
    let groups = &ranking.top;
    if groups.is_empty() {
        return Vec::new();
    }
    let width = terminal::width();
    let names: Vec<_> = groups.iter().map(|group| name(group, pipeline)).collect();
    let (mut before, mut after) = columns(summary, pipeline, groups, width);
    let used = |columns: &[Column]| columns.iter().map(|column| column.width() + 1).sum::<usize>();
    while width.saturating_sub(used(&before) + used(&after)) < NAME {
        let least = before.iter().chain(&after).map(|column| column.importance).min();
        let Some(least) = least.filter(|importance| *importance < u8::MAX) else { break };
        before.retain(|column| column.importance != least);
        after.retain(|column| column.importance != least);
    }
    let longest = names.iter().map(|name| layout::columns(name)).max().unwrap_or(0);
    let name_width = width.saturating_sub(used(&before) + used(&after)).min(longest.max("error".len()));
    let row = |cell: &dyn Fn(&Column) -> String, name: &str| {
        let part = |column: &Column| {
            let text = cell(column);
            let blanks = " ".repeat(column.width().saturating_sub(layout::columns(&text)));
            if column.right { format!("{blanks}{text}") } else { format!("{text}{blanks}") }
        };
        let before: String = before.iter().map(|column| part(column) + " ").collect();
        let after: String = after.iter().map(|column| " ".to_owned() + &part(column)).collect();
        let name = layout::pad(&layout::cut(name, name_width), name_width);
        format!("{before}{name}{after}").trim_end().to_owned()
    };
    let mut lines = vec![styles.dim(&row(&|column| column.heading.to_owned(), "error"))];
    for (index, (group, name)) in groups.iter().zip(&names).enumerate() {
        let line = row(&|column| column.cells.get(index).cloned().unwrap_or_default(), name);
        lines.push(paint(&line, severity(group, pipeline), summary.is_ongoing(group, pipeline), styles));
    }
    lines.extend(others(summary, ranking).map(|text| styles.dim(&layout::cut(&text, width))));
    lines
}

/// The columns before and after the name.
fn columns(summary: &Summary, pipeline: &Pipeline, groups: &[&Group], width: usize) -> (Vec<Column>, Vec<Column>) {
    let all = summary.selected_failures();
    let column = |heading, right, importance, cell: &dyn Fn(&Group) -> String| Column {
        heading,
        cells: groups.iter().map(|group| cell(group)).collect(),
        right,
        importance,
    };
    let trend_width = match width {
        ..90 => 6,
        90..110 => 10,
        110..140 => 16,
        _ => 24,
    };
    let mut before = vec![
        column("", false, u8::MAX, &|group| mark(severity(group, pipeline)).to_owned()),
        column("count", true, u8::MAX, &|group| format::count_short(group.count)),
        column("share", true, 2, &|group| format::percent_short(format::share(group.count, all))),
    ];
    let status = |group: &Group| match group.status.to_string().as_str() {
        "none" => String::new(),
        "connection" if width < 100 => "connect".to_owned(),
        other => other.to_owned(),
    };
    let mut after = vec![
        column("status", false, u8::MAX, &status),
        column("owner", false, 4, &|group| group.owner.to_string()),
        column("retry", false, 3, &|group| group.retry.to_string()),
    ];
    if let Some(span) = summary.span {
        before.push(column("trend", false, 1, &|group| group.trend.sparkline(span, trend_width)));
        let days = !format::is_same_day(span.0, span.1);
        let last = |group: &Group| {
            let clock = known(group.last).map(|at| last(at, days, width)).unwrap_or_default();
            match (summary.is_ongoing(group, pipeline), width) {
                (false, _) => clock,
                // The end of the log is in the first line.
                (true, ..100) => "still".to_owned(),
                (true, _) => format!("{clock} still"),
            }
        };
        after.push(column("last", false, 5, &last));
    }
    (before, after)
}

/// When an error was last seen, as exact as the width allows.
fn last(at: crate::time::Timestamp, days: bool, width: usize) -> String {
    let text = format::clock(at, true);
    let part = match (days, width) {
        (true, ..100) => text.get(5..10),
        (true, _) => text.get(5..16),
        (false, ..100) => text.get(11..16),
        (false, _) => text.get(11..19),
    };
    part.unwrap_or_default().to_owned()
}

impl Column {
    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|cell| layout::columns(cell)).max().unwrap_or(0);
        cells.max(layout::columns(self.heading))
    }
}

fn mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "!!",
        Severity::Warning => "!",
        Severity::Info => "",
    }
}

/// Colours an error that still happens by its severity; the others are plain.
fn paint(line: &str, severity: Severity, ongoing: bool, styles: Styles) -> String {
    match severity {
        Severity::Critical => styles.red(line),
        Severity::Warning if ongoing => styles.yellow(line),
        Severity::Warning | Severity::Info => line.to_owned(),
    }
}

/// `openai: Quota used up`.
pub(super) fn name(group: &Group, pipeline: &Pipeline) -> String {
    let catalog = pipeline.catalog();
    let title = group.pattern.and_then(|id| catalog.pattern(id)).map_or("Unknown error", |pattern| pattern.title.as_str());
    format!("{}: {title}", catalog.providers().id(group.provider))
}

/// `… and 31 others, 42 % of the failures`.
pub(super) fn others(summary: &Summary, ranking: &Ranking<'_>) -> Option<String> {
    let failures: u64 = ranking.rest.iter().map(|group| group.count).sum();
    let share = format::percent(format::share(failures, summary.selected_failures()));
    let others = match ranking.rest.len() {
        0 => return None,
        1 => "1 other".to_owned(),
        many => format!("{} others", format::count(many as u64)),
    };
    Some(format!("… and {others}, {share} of the failures"))
}
