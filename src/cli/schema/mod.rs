//! `schema`: prints a JSON Schema of our JSON and TOML, for programs and editors.

mod parts;
mod pattern;
mod report;

use super::args::{Schema, SchemaOf};
use super::exit::{CliError, Exit};
use super::output;
use crate::config::json_schema;
use crate::pipeline::verdict_schema;

pub(super) fn run(args: &Schema) -> Result<Exit, CliError> {
    let schema = match args.of {
        SchemaOf::Config => json_schema(),
        SchemaOf::Patterns => pattern::schema(),
        SchemaOf::Verdict => verdict_schema(),
        SchemaOf::Report => report::schema(),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(|error| CliError::Failed(error.to_string()))?;
    output::print(format!("{text}\n").as_bytes())?;
    Ok(Exit::Success)
}
