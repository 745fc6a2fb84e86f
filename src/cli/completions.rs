//! `completions`: prints a completion script for a shell.

use super::args::Args;
use super::exit::{CliError, Exit};
use super::output;
use clap::CommandFactory;

pub(super) fn run(shell: clap_complete::Shell) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "llm-triage", &mut script);
    output::print(&script)?;
    Ok(Exit::Success)
}
