//! `schema`: prints a JSON Schema of our JSON and TOML, for programs and editors.

mod config;
mod parts;
mod pattern;
mod verdict;

use super::args::{Schema, SchemaOf};
use super::exit::{CliError, Exit};
use super::output;

pub(super) fn run(args: &Schema) -> Result<Exit, CliError> {
    let schema = match args.of {
        SchemaOf::Config => config::schema(),
        SchemaOf::Patterns => pattern::schema(),
        SchemaOf::Verdict => verdict::schema(),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(|error| CliError::Failed(error.to_string()))?;
    output::print(format!("{text}\n").as_bytes())?;
    Ok(Exit::Success)
}
