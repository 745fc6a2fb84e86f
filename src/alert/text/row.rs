//! Sentences about a row that alerts, runbooks and rules share.

use crate::alert::table::{Kind, Row, Trigger};

/// `It fires at the first failure.`; empty for rows that do not count failures.
pub(super) fn when_it_fires(row: &Row) -> String {
    let failures = row.failures;
    match (row.kind, row.trigger) {
        (Kind::Silence | Kind::Blind | Kind::SelfCheck, _) => String::new(),
        (_, Trigger::AtOnce) => "It fires at the first failure.".to_owned(),
        (_, Trigger::Sustained(length)) => {
            format!("It fires after {} s with at least {failures} failures.", length.as_secs())
        }
        (_, Trigger::Burst(within)) => format!("It fires at {failures} failures within {} s.", within.as_secs()),
    }
}

/// The link to the runbook page of a row.
pub(super) fn runbook_url(base: &str, row: &str) -> String {
    if base.contains("{row}") { base.replace("{row}", row) } else { format!("{base}docs/runbooks/{row}.md") }
}
