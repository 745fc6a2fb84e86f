//! Sentences about a row that alerts, runbooks and rules share.

use crate::alert::names::NameTable;
use crate::alert::table::{Kind, Row, Table, Trigger};
use crate::observation::{Observation, PatternId};
use crate::taxonomy::{Grain, Outcome, Status};
use crate::time::{Timestamp, format_duration};

/// `It fires at the first failure.`; empty for rows that do not count failures.
pub(super) fn when_it_fires(row: &Row) -> String {
    let failures = row.failures;
    match (row.kind, row.trigger) {
        (Kind::Silence | Kind::Blind | Kind::SelfCheck, _) => String::new(),
        (Kind::Truncated, _) => format!(
            "It fires when {} % of the answers of one model to one service are cut at the output limit over 5 minutes ({failures} or \
             more), and that is twice the share of its earlier answers of the day (100 or more).",
            row.share * 100.0
        ),
        (Kind::Slow, _) => format!(
            "It fires when the median time per output token (per call where tokens are unknown) of a model over 5 minutes ({failures} \
             calls or more) is three times that of the last day (200 calls or more), and a call of the present size takes 5 s more; so \
             too for the time to the first token, where it is logged."
        ),
        (Kind::Outage, Trigger::Sustained(length)) => format!(
            "It fires when nearly all calls ({} %) of a span of {} s to 5 minutes fail, from a failure to a later one, with at \
             least {failures} calls; failures that fire at once do not count.",
            row.share * 100.0,
            length.as_secs()
        ),
        (_, Trigger::AtOnce) => "It fires at the first failure.".to_owned(),
        (_, Trigger::Sustained(length)) => {
            format!("It fires after {} s with at least {failures} failures.", length.as_secs())
        }
        (_, Trigger::Burst(within)) => format!("It fires at {failures} failures within {} s.", within.as_secs()),
    }
}

/// `when fewer than 5 % of the calls fail so, over 5m00s or the latest 100 calls`: when the alert clears.
pub(super) fn when_it_clears(row: &Row) -> String {
    let keep = format_duration(row.keep_firing);
    match (row.kind, row.trigger) {
        (Kind::Silence, _) => "at the next call, or after 6 hours".to_owned(),
        (Kind::Truncated, _) => format!("{keep} after fewer than {} % are cut, or after a day", row.share * 50.0),
        (Kind::Slow, _) => {
            format!("{keep} after the median is below one and a half times that of the day before, or after a day")
        }
        (Kind::Blind | Kind::SelfCheck, _) => format!("{keep} after it is over"),
        (Kind::Outage, _) => "when fewer than half of the calls of a minute fail".to_owned(),
        (_, Trigger::AtOnce) => format!(
            "when a call to this provider succeeds and {keep} pass without another such failure; if no call is made, after a \
             day; if successes are not logged, an hour after the last such failure"
        ),
        _ => format!(
            "when fewer than {} % of the calls fail so, over {keep} or the latest 100 calls, whichever is longer (at most an \
             hour); without calls, {keep} after the storm is over",
            row.share * 50.0
        ),
    }
}

/// The row that a failed call with this pattern and status belongs to.
pub(super) fn row_of<'t>(id: PatternId, status: Option<Status>, table: &'t Table, names: NameTable<'_>) -> Option<&'t Row> {
    let pattern = names.patterns.get(id.index())?;
    let provider = pattern.providers.first().and_then(|id| names.providers.by_name(id)).unwrap_or_default();
    let failure = Observation {
        outcome: Outcome::Error,
        grain: Grain::Call,
        pattern: Some(id),
        category: pattern.category,
        owner: pattern.owner,
        retry: pattern.retry,
        provider,
        status,
        ..Observation::new(Timestamp::default())
    };
    table.row(table.row_of(&failure))
}

/// The link to the runbook page of a row.
pub(super) fn runbook_url(base: &str, row: &str) -> String {
    if base.contains("{row}") { base.replace("{row}", row) } else { format!("{base}docs/runbooks/{row}.md") }
}
