//! `--fail-on`: the conditions under which a report ends with an exit code of its own.

use super::super::exit::CliError;
use super::error_table::name;
use super::filter::unknown;
use super::summary::{Group, Summary};
use crate::alert::RowId;
use crate::pipeline::Pipeline;
use crate::taxonomy::Severity;

/// One condition.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// Any call failed.
    Error,
    /// An alert of this severity or above fired.
    Alert(Severity),
    /// A failed call belongs to this row.
    Row(RowId),
}

impl Condition {
    pub(super) fn parse(word: &str, pipeline: &Pipeline) -> Result<Self, CliError> {
        let levels = std::iter::once("error").chain(Severity::ALL.iter().map(|severity| severity.as_str()));
        match (word, Severity::from_text(word), pipeline.table().by_name(word)) {
            ("error", ..) => Ok(Self::Error),
            (_, Some(severity), _) => Ok(Self::Alert(severity)),
            (_, _, Some(row)) => Ok(Self::Row(row)),
            _ => Err(unknown(
                "condition of --fail-on",
                word,
                levels.chain(pipeline.table().rows().iter().map(|row| row.id.as_str())),
            )),
        }
    }

    /// What met the condition; `None` if nothing did.
    pub(super) fn met_by(&self, summary: &Summary, pipeline: &Pipeline) -> Option<String> {
        let shown = |group: &Group| {
            let place = summary.place(group).map(|place| format!(", first at {place}")).unwrap_or_default();
            format!("{} ({}){place}", name(group, pipeline), group.count)
        };
        match self {
            Self::Error => summary.groups().first().map(|group| shown(group)),
            Self::Row(row) => {
                let groups = summary.groups();
                groups.iter().find(|group| group.row == Some(*row)).map(|group| shown(group))
            }
            Self::Alert(least) => {
                let mut alerts = summary.alerts(pipeline).filter(|span| span.alert.severity >= *least);
                alerts.next().map(|span| format!("alert {} for {}", span.alert.row, span.alert.provider))
            }
        }
    }
}
