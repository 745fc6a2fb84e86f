//! The command line: what can be typed, and what `--help` says of it.

use super::{End, Trouble};
use crate::classify::Traffic;
use crate::config::{Flags, Span};
use crate::taxonomy::Outcome;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Reads the logs of LLM clients and gateways and says, for every failed call: what it is, whose it is, whether to retry,
/// what to do, and whom to call.
#[derive(Debug, Parser)]
#[command(
    name = "llm-triage",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  llm-triage app.log                      a table of what failed and what to do\n  kubectl logs -f app | llm-triage        the same, live\n  llm-triage classify < app.log           one JSON verdict per record\n  llm-triage explain 529                  what a status, a pattern or an error text means\n  llm-triage run --file '/var/log/llm/*.jsonl'   metrics and alerts on http://127.0.0.1:10529"
)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) report: Report,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// A table of what failed, whose it is, and what to do (the same as no command)
    Report(Report),
    /// One JSON verdict per record, on standard output
    Classify(Classify),
    /// What a status, a pattern id or an error text means, and what to do; also reads standard input
    Explain(Explain),
    /// The catalogue of known errors
    Patterns(Patterns),
    /// Errors that no pattern knows, in groups, each as a pattern to fill in
    Suggest(Suggest),
    /// Follow logs for ever: metrics, a status page, alerts
    Run(Box<Run>),
    /// Checks the configuration and all it names, touches nothing, and prints what is in effect
    Check(Box<Check>),
    /// Sends one alert, marked as a test, to a receiver of the configuration
    NotifyTest(NotifyTest),
    /// Prometheus rules from the same escalation table
    Rules(Box<Rules>),
    /// What a running daemon sees, live
    Top(Top),
    /// A JSON Schema
    Schema(Schema),
    /// Completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// The manual page, in roff
    Man,
}

/// What all commands that read logs once have in common.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Logs {
    /// Files to read, plain, .gz or .zst; `-` or nothing: standard input
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Whether the logs are only those of LLM clients, or a whole node's
    #[arg(long, value_name = "llm|mixed", default_value = "llm", value_parser = traffic)]
    pub(super) traffic: Traffic,
    /// The zone of stamps that have none: a name (Asia/Tokyo) or an offset (+09:00)
    #[arg(long, value_name = "Z")]
    pub(super) tz: Option<String>,
    /// A directory of your own patterns; may be given more than once
    #[arg(long, value_name = "DIR")]
    pub(super) patterns: Vec<PathBuf>,
    /// How many threads read; as many as there are cores, unless this says otherwise
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<NonZeroUsize>,
}

impl Logs {
    /// How many threads read. What comes out is the same for any number.
    pub(super) fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.threads.unwrap_or_else(cores).get().min(Self::MOST_THREADS)
    }

    /// More have nothing to do, whatever the machine: framing and counting are one thread's.
    const MOST_THREADS: usize = 64;
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Report {
    #[command(flatten)]
    pub(super) logs: Logs,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
    /// Keep reading, and repaint in place
    #[arg(long, short)]
    pub(super) follow: bool,
    /// Only what came at this time or later: RFC 3339, HH:MM, or 30m (before the log's end)
    #[arg(long, value_name = "T")]
    pub(super) since: Option<String>,
    /// Only what came before this time
    #[arg(long, value_name = "T")]
    pub(super) until: Option<String>,
    /// End with status 3 when there was such a thing: a failed call, or an alert of that severity or above
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(super) fail_on: Option<FailOn>,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Classify {
    #[command(flatten)]
    pub(super) logs: Logs,
    /// Only records with this outcome
    #[arg(long, value_name = "error|success|other|all", default_value = "all", value_parser = outcome)]
    pub(super) only: Only,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Suggest {
    #[command(flatten)]
    pub(super) logs: Logs,
    /// The most groups that are printed, most frequent first
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(super) most: usize,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Explain {
    /// A status (529), a pattern id, or the text of an error
    #[arg(value_name = "WHAT")]
    pub(super) what: Vec<String>,
    /// A directory of your own patterns; may be given more than once
    #[arg(long, value_name = "DIR")]
    pub(super) patterns: Vec<PathBuf>,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Patterns {
    #[command(subcommand)]
    pub(super) command: PatternsCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum PatternsCommand {
    /// All patterns, one a line
    List {
        /// Only those of this provider
        #[arg(long)]
        provider: Option<String>,
        /// Only those of this category
        #[arg(long)]
        category: Option<String>,
        /// A directory of your own patterns; may be given more than once
        #[arg(long, value_name = "DIR")]
        patterns: Vec<PathBuf>,
    },
    /// One pattern, with its meaning, fix and examples
    Show {
        /// Its id
        id: String,
        /// A directory of your own patterns; may be given more than once
        #[arg(long, value_name = "DIR")]
        patterns: Vec<PathBuf>,
    },
    /// Runs every pattern's own examples and near misses
    Test {
        /// Your own pattern files or directories; nothing: the shipped catalogue
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Which entries of the error directory and which providers are covered, and by what
    Coverage,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) flags: Flags,
    /// How our own log is written, on standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text, env = "LLM_TRIAGE_LOG_FORMAT")]
    pub(super) log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) flags: Flags,
    /// A receiver that cannot be reached is a failure, not a warning
    #[arg(long)]
    pub(super) receivers: bool,
    /// Say what is there to be read, what stands in the way, and what would be counted twice
    #[arg(long)]
    pub(super) sources: bool,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Top {
    /// Where the daemon listens
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:10529")]
    pub(super) url: String,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(super) interval: u64,
    /// Print once; so it does where stdout is no terminal
    #[arg(long)]
    pub(super) once: bool,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct NotifyTest {
    /// The receiver's name, as `check` prints it
    pub(super) receiver: String,
    /// Configuration file
    #[arg(long, value_name = "FILE", env = "LLM_TRIAGE_CONFIG")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Rules {
    /// Configuration file whose escalation table is used
    #[arg(long, value_name = "FILE", env = "LLM_TRIAGE_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// How often Prometheus scrapes
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub(super) scrape_interval: Span,
    /// A rules file, or a Kubernetes object that holds one
    #[arg(long, value_enum, default_value_t = RulesAs::Prometheus)]
    pub(super) format: RulesAs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RulesAs {
    Prometheus,
    #[value(name = "prometheusrule")]
    PrometheusRule,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Schema {
    /// Of what
    #[arg(value_enum)]
    pub(super) of: SchemaOf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// The configuration
    Config,
    /// A file of patterns
    Patterns,
    /// A line of `classify` and of `run --output`
    Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
    Markdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum FailOn {
    /// Any failed call
    Error,
    /// Any alert
    Info,
    /// An alert that is a warning or worse
    Warning,
    /// A critical alert
    Critical,
}

/// Which verdicts `classify` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Only {
    All,
    Outcome(Outcome),
}

fn outcome(text: &str) -> Result<Only, String> {
    match text {
        "all" => Ok(Only::All),
        other => Outcome::from_text(other).map(Only::Outcome).ok_or_else(|| "one of error, success, other, all".to_owned()),
    }
}

fn traffic(text: &str) -> Result<Traffic, String> {
    Traffic::from_text(text).ok_or_else(|| "one of llm, mixed".to_owned())
}

/// Prints completions for a shell.
pub(super) fn completions(shell: clap_complete::Shell) -> Result<End, Trouble> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "llm-triage", &mut out);
    super::style::print(&out)?;
    Ok(End::Good)
}

/// Prints the manual page.
pub(super) fn man() -> Result<End, Trouble> {
    let mut out = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut out)?;
    super::style::print(&out)?;
    Ok(End::Good)
}
