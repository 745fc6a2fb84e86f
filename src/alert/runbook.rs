//! A page per row of the escalation table, written from the table and the catalogue: what an alert's link leads to.

use super::NameTable;
use super::rules::when;
use super::spec::Kind;
use super::table::{Row, Table};
use super::text::spoken;
use crate::classify::Pattern;
use crate::observation::{Observation, PatternId};
use crate::taxonomy::{Grain, Outcome, Status};
use crate::time::Timestamp;
use std::fmt::Write as _;

/// The errors that are told with their fix; more are named only.
const TOLD: usize = 25;

/// The page of one row, as Markdown.
#[must_use]
pub fn runbook(row: &Row, table: &Table, lexicon: NameTable<'_>) -> String {
    let mut page = format!("# {}: {}\n\n", row.alert_name, row.title);
    let _infallible = write!(
        page,
        "Written from `patterns/escalation.toml` and the catalogue; change those, not this page.\n\n\
         | | |\n| --- | --- |\n| row | `{}` |\n| severity | {} |\n| fires | {} |\n| clears | {} |\n| next | {} |\n\n## Check first\n\n{}\n",
        row.id,
        row.severity,
        fires(row),
        clears(row),
        row.next_step(),
        row.fix,
    );
    let patterns = patterns_of(row, table, lexicon);
    if !patterns.is_empty() {
        page.push_str("\n## The errors behind it\n\nThe alert names the leading one; its fix is what to do. Each has a chapter in [docs/errors](../errors/README.md), under its id.\n\n| error | whose | retry | fix |\n| --- | --- | --- | --- |\n");
        for it in patterns.iter().take(TOLD) {
            let _infallible =
                writeln!(page, "| {} (`{}`) | {} | {} | {} |", cell(&it.title), it.id, it.owner, it.retry, cell(&it.fix));
        }
        if patterns.len() > TOLD {
            let _infallible = writeln!(
                page,
                "\n… and {} more: `llm-triage patterns list`, `llm-triage patterns show ID`.",
                patterns.len() - TOLD
            );
        }
    }
    let _infallible = write!(
        page,
        "\n## Silence it\n\nIn Alertmanager: `amtool silence add alertname={} provider=NAME --duration=2h --comment=WHY`. For good: `enabled = false` \
         in an `[[escalation]]` of the configuration with `id = \"{}\"`.\n",
        row.alert_name, row.id
    );
    page
}

fn fires(row: &Row) -> String {
    let text = when(row);
    match row.kind {
        _ if !text.is_empty() => text.trim_start_matches("It fires ").trim_end_matches('.').to_owned(),
        Kind::Silence => "when calls that came steadily stop coming".to_owned(),
        Kind::Blind => "when lines flow and far fewer calls are recognised in them".to_owned(),
        _ => "when llm-triage finds it of itself".to_owned(),
    }
}

fn clears(row: &Row) -> String {
    match row.kind {
        Kind::Silence => "with the next call".to_owned(),
        _ => format!("{} after it is over", spoken(row.keep_firing)),
    }
}

/// The patterns whose failures belong to this row.
fn patterns_of<'a>(row: &Row, table: &Table, lexicon: NameTable<'a>) -> Vec<&'a Pattern> {
    if row.kind != Kind::Errors {
        return Vec::new();
    }
    let belongs = |(at, pattern): &(usize, &Pattern)| {
        let mut failure = Observation::new(Timestamp::default());
        failure.outcome = Outcome::Error;
        failure.grain = Grain::Call;
        failure.pattern = Some(PatternId(*at as u16));
        (failure.category, failure.owner, failure.retry) = (pattern.category, pattern.owner, pattern.retry);
        failure.provider = pattern.providers.first().and_then(|it| lexicon.providers.by_name(it)).unwrap_or_default();
        failure.status = status_of(pattern);
        table.row(table.row_of(&failure)).is_some_and(|it| it.id == row.id)
    };
    let mut found: Vec<_> = lexicon.patterns.iter().enumerate().filter(belongs).map(|(_, it)| it).collect();
    found.sort_by(|a, b| (a.providers.len().min(1), &a.id).cmp(&(b.providers.len().min(1), &b.id)));
    found
}

/// The status that the pattern's first example speaks of.
fn status_of(pattern: &Pattern) -> Option<Status> {
    let example = pattern.examples.first()?;
    let keys = ["\"status_code\": ", "\"status_code\":", "\"status\": ", "\"status\":", "Error code: "];
    keys.iter().find_map(|key| {
        let rest = example.get(example.find(key)? + key.len()..)?;
        Status::from_number(rest.get(..3)?.parse().ok()?)
    })
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
