//! The command line: what a person types, and what the program prints.
//!
//! One file per command. A command reads its arguments (`args`), calls the library and prints the result; no command
//! decides what a log line means. Commands return `exit::Exit` or `exit::CliError`, and only [`main`] turns them into
//! an exit code. Data goes to standard output, errors go to standard error.
//!
//! Tests: `tests/it/cli.rs`, `tests/it/top.rs`, `tests/it/schema.rs` and `tests/it/readme.rs`.

mod args;
mod browser;
mod check;
mod check_sources;
mod classify;
mod completions;
mod compression;
mod daemon_client;
mod directory;
mod end_signal;
mod excerpt;
mod exit;
mod explain;
mod feed;
mod format;
mod init;
mod input;
mod keys;
mod layout;
mod load;
mod manual;
mod merge;
mod near;
mod notify_test;
mod output;
mod own_log;
mod painter;
mod patterns;
mod progress;
mod replay;
mod report;
mod rules;
mod run;
mod schema;
mod suggest;
mod terminal;
mod top;
mod workers;

use args::{Args, Command};
use clap::Parser;
use std::process::ExitCode;

/// Parses the arguments, runs the command and returns the exit code of the process.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let result = match args.command {
        None => report::run(&args.report),
        Some(Command::Report(args)) => report::run(&args),
        Some(Command::Classify(args)) => classify::run(&args),
        Some(Command::Explain(args)) => explain::run(&args),
        Some(Command::Patterns(args)) => patterns::run(&args),
        Some(Command::Suggest(args)) => suggest::run(&args),
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Check(args)) => check::run(&args),
        Some(Command::Init(args)) => init::run(&args),
        Some(Command::NotifyTest(args)) => notify_test::run(&args),
        Some(Command::Top(args)) => top::run(&args),
        Some(Command::Rules(args)) => rules::run(&args),
        Some(Command::Schema(args)) => schema::run(&args),
        Some(Command::Completions { shell }) => completions::run(shell),
        Some(Command::Man) => manual::run(),
    };
    exit::code(result)
}
