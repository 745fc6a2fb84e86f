//! What the arguments ask of a report: its format, its depth and its order.

use super::super::args::{Format, Report, Sort};

/// How the arguments ask for the report.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) format: Format,
    pub(super) depth: Depth,
    pub(super) sort: Sort,
    /// How many errors the overview names.
    pub(super) top: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    Overview,
    /// And the details of the errors that the overview names.
    Top,
    /// And the details of all errors.
    All,
}

impl View {
    pub(super) fn new(args: &Report) -> Self {
        let depth = match (args.brief, args.all) {
            (true, _) => Depth::Overview,
            (_, true) => Depth::All,
            _ => Depth::Top,
        };
        Self { format: args.format, depth, sort: args.sort, top: args.top.map(usize::from) }
    }
}
