//! Renders a report in one of its formats.

use super::super::args::Format;
use super::summary::Summary;
use super::{json, markdown, table};
use crate::pipeline::Pipeline;

pub(super) fn render(summary: &Summary, pipeline: &Pipeline, format: Format) -> Vec<u8> {
    match format {
        Format::Table => table::render(summary, pipeline).into_bytes(),
        Format::Json => json::render(summary, pipeline),
        Format::Markdown => markdown::render(summary, pipeline).into_bytes(),
    }
}
