//! Renders a report in one of its formats.

use super::super::args::{Format, Report, Sort};
use super::ranking::Ranking;
use super::summary::Summary;
use super::{github, json, markdown, table};
use crate::pipeline::Pipeline;

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

pub(super) fn render(summary: &Summary, pipeline: &Pipeline, view: View) -> Vec<u8> {
    let ranking = Ranking::new(summary, pipeline, view.sort, view.top);
    match view.format {
        Format::Table => table::render(summary, pipeline, &ranking, view.depth).into_bytes(),
        Format::Json => json::render(summary, pipeline),
        Format::Markdown => markdown::render(summary, pipeline, &ranking, view.depth).into_bytes(),
        Format::Github => github::render(summary, pipeline, &ranking).into_bytes(),
    }
}
