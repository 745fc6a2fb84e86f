//! The order of the errors in a report, and which of them its first screen names.

use super::super::args::Sort;
use super::summary::{Group, Summary};
use crate::pipeline::Pipeline;
use crate::taxonomy::Severity;
use std::cmp::Reverse;

/// The most errors that the first screen names, unless `--top` says otherwise.
const MAX_ERRORS: usize = 10;

/// The errors in the order of a report.
pub(super) struct Ranking<'s> {
    /// The errors that the first screen names.
    pub(super) top: Vec<&'s Group>,
    /// The others.
    pub(super) rest: Vec<&'s Group>,
}

impl<'s> Ranking<'s> {
    /// Takes the most frequent errors, and the first of the order, which is the most severe one unless `sort` says
    /// otherwise.
    pub(super) fn new(summary: &'s Summary, pipeline: &Pipeline, sort: Sort, top: Option<usize>) -> Self {
        let limit = top.unwrap_or(MAX_ERRORS);
        // The most frequent first; of equally frequent ones the more severe.
        let mut by_count = summary.groups();
        by_count.sort_by_key(|group| (Reverse(group.count), Reverse(severity(group, pipeline))));
        let mut groups: Vec<_> = by_count.into_iter().enumerate().collect();
        match sort {
            Sort::Severity => groups.sort_by_key(|(place, group)| {
                (Reverse(severity(group, pipeline)), Reverse(summary.is_ongoing(group, pipeline)), *place)
            }),
            Sort::Count => {}
            Sort::Last => groups.sort_by_key(|(place, group)| (Reverse(group.last), *place)),
        }
        let is_named = |(index, (place, _)): (usize, &(usize, &Group))| match sort {
            Sort::Last => index < limit,
            // The first one takes an additional line if it is not among the most frequent.
            Sort::Severity | Sort::Count => *place < limit || index == 0,
        };
        let named: Vec<bool> = groups.iter().enumerate().map(is_named).collect();
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for ((_, group), named) in groups.into_iter().zip(named) {
            if named { first.push(group) } else { rest.push(group) }
        }
        Self { top: first, rest }
    }
}

/// The severity of the row that the error belongs to.
pub(super) fn severity(group: &Group, pipeline: &Pipeline) -> Severity {
    group.row.and_then(|row| pipeline.table().row(row)).map_or(Severity::Info, |row| row.severity)
}
