//! What a person types and sees.

mod args;
mod check;
mod crew;
mod explain;
mod input;
mod notify_test;
mod offline;
mod patterns;
mod report;
mod rules;
mod run;
mod schema;
mod sources;
mod style;
mod suggest;
mod top;
mod zstd;

use args::{Args, Command};
use clap::Parser;
use std::fmt;
use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// All went well.
    Good,
    /// Something failed on the way; what could be done was done.
    Failed,
    /// `--fail-on` was met.
    Met,
}

/// Why a command could not do its work.
#[derive(Debug)]
enum Trouble {
    /// What was typed cannot be done.
    Usage(String),
    /// The configuration or the patterns are wrong: each complaint on a line of its own.
    Config(Vec<String>),
    /// Whoever read our output has gone: a normal end.
    Closed,
    /// Anything else.
    Failed(String),
}

impl Trouble {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Config(_) => 78,
            Self::Closed => 0,
            Self::Failed(_) => 1,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) | Self::Failed(what) => f.write_str(what),
            Self::Config(faults) => f.write_str(&faults.join("\n")),
            Self::Closed => f.write_str("nobody reads the output"),
        }
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        if style::is_closed(&error) { Self::Closed } else { Self::Failed(error.to_string()) }
    }
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let end = match args.command {
        None => report::run(&args.report),
        Some(Command::Report(args)) => report::run(&args),
        Some(Command::Classify(args)) => offline::classify(&args),
        Some(Command::Explain(args)) => explain::run(&args),
        Some(Command::Patterns(args)) => patterns::run(&args),
        Some(Command::Suggest(args)) => suggest::run(&args),
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Check(args)) => check::run(&args),
        Some(Command::NotifyTest(args)) => notify_test::run(&args),
        Some(Command::Top(args)) => top::run(&args),
        Some(Command::Rules(args)) => rules::run(&args),
        Some(Command::Schema(args)) => schema::run(&args),
        Some(Command::Completions { shell }) => args::completions(shell),
        Some(Command::Man) => args::man(),
    };
    match end {
        Ok(End::Good) => ExitCode::SUCCESS,
        Ok(End::Failed) => ExitCode::from(1),
        Ok(End::Met) => ExitCode::from(3),
        Err(Trouble::Closed) => ExitCode::SUCCESS,
        Err(trouble) => {
            style::complain(&trouble.to_string());
            ExitCode::from(trouble.exit_code())
        }
    }
}
