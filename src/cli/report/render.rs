//! Renders a report in one of its formats.

use super::super::args::Format;
use super::ranking::Ranking;
use super::summary::Summary;
use super::view::View;
use super::{github, json, markdown, table};
use crate::pipeline::Pipeline;

pub(super) fn render(summary: &Summary, pipeline: &Pipeline, view: View) -> Vec<u8> {
    let ranking = Ranking::new(summary, pipeline, view.sort, view.top);
    match view.format {
        Format::Table => table::render(summary, pipeline, &ranking, view.depth).into_bytes(),
        Format::Json => json::render(summary, pipeline),
        Format::Markdown => markdown::render(summary, pipeline, &ranking, view.depth).into_bytes(),
        Format::Github => github::render(summary, pipeline, &ranking).into_bytes(),
    }
}
