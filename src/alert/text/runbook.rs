//! The runbook page of a row, written from the table and the catalog: the target of an alert's link.

use super::row::{row_of, when_it_clears, when_it_fires};
use crate::alert::names::NameTable;
use crate::alert::table::{Kind, Row, Table};
use crate::classify::Pattern;
use crate::observation::PatternId;
use crate::taxonomy::Status;
use std::fmt::Write as _;

/// The maximum number of errors on a page; further ones are only counted.
const MAX_ERRORS: usize = 25;

/// The page of one row, as Markdown.
#[must_use]
pub fn runbook(row: &Row, table: &Table, names: NameTable<'_>) -> String {
    let mut page = format!("# {}: {}\n\n", row.alert_name, row.title);
    let _infallible = write!(
        page,
        "Written from `patterns/escalation.toml` and the catalog; change those, not this page.\n\n\
         | | |\n| --- | --- |\n| row | `{}` |\n| severity | {} |\n| fires | {} |\n| clears | {} |\n| next | {} |\n\n## Check first\n\n{}\n",
        row.id,
        row.severity,
        fires(row),
        when_it_clears(row),
        row.next_step(),
        row.fix,
    );
    write_errors(&mut page, &patterns_of(row, table, names));
    let _infallible = write!(
        page,
        "\n## Silence it\n\nIn Alertmanager: `amtool silence add alertname={} provider=NAME --duration=2h --comment=WHY`. \
         To switch the row off, add an `[[escalation]]` with `id = \"{}\"` and `enabled = false` to the configuration.\n",
        row.alert_name, row.id
    );
    page
}

fn write_errors(page: &mut String, patterns: &[&Pattern]) {
    if patterns.is_empty() {
        return;
    }
    page.push_str(
        "\n## The errors behind it\n\nThe alert names the most frequent error; do what its fix says. [docs/errors](../errors/README.md) \
         describes each error under its id.\n\n| error | owner | retry | fix |\n| --- | --- | --- | --- |\n",
    );
    for pattern in patterns.iter().take(MAX_ERRORS) {
        let Pattern { id, category, owner, retry, title, fix, .. } = pattern;
        let _infallible =
            writeln!(page, "| {} ([`{id}`](../errors/{category}.md#{id})) | {owner} | {retry} | {} |", cell(title), cell(fix));
    }
    if patterns.len() > MAX_ERRORS {
        let more = patterns.len() - MAX_ERRORS;
        let _infallible = writeln!(page, "\n… and {more} more: `llm-triage patterns list`, `llm-triage patterns show ID`.");
    }
}

fn fires(row: &Row) -> String {
    let text = when_it_fires(row);
    match row.kind {
        _ if !text.is_empty() => text.trim_start_matches("It fires ").trim_end_matches('.').to_owned(),
        Kind::Silence => "when no call comes at a time that always has calls".to_owned(),
        Kind::Blind => "when, within five minutes, 20 records or more name an LLM call and report trouble, and half of them or more are not understood".to_owned(),
        _ => "when llm-triage detects the fault in itself".to_owned(),
    }
}

/// The patterns that belong to the row; those without a provider first.
fn patterns_of<'a>(row: &Row, table: &Table, names: NameTable<'a>) -> Vec<&'a Pattern> {
    if row.kind != Kind::Errors {
        return Vec::new();
    }
    let belongs = |(position, pattern): &(usize, &Pattern)| {
        let id = PatternId::from_index(*position);
        row_of(id, example_status(pattern), table, names).is_some_and(|found| found.id == row.id)
    };
    let mut found: Vec<_> = names.patterns.iter().enumerate().filter(belongs).map(|(_, pattern)| pattern).collect();
    found.sort_by(|a, b| (a.providers.len().min(1), &a.id).cmp(&(b.providers.len().min(1), &b.id)));
    found
}

/// The status in the pattern's first example.
fn example_status(pattern: &Pattern) -> Option<Status> {
    let examples = pattern.examples.to_vec();
    let example = examples.first()?;
    let keys = ["\"status_code\": ", "\"status_code\":", "\"status\": ", "\"status\":", "Error code: "];
    keys.iter().find_map(|key| {
        let rest = example.get(example.find(key)? + key.len()..)?;
        Status::from_number(rest.get(..3)?.parse().ok()?)
    })
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
