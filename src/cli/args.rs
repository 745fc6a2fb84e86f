//! The definition of the command line: commands, flags, and the texts of `--help`.

use crate::classify::Traffic;
use crate::config::Flags;
use crate::taxonomy::Outcome;
use crate::time::Span;
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Reads the logs of LLM clients and gateways and prints, for every failed call: the error, its owner, whether to retry,
/// what to do, and whom to call.
#[derive(Debug, Parser)]
#[command(
    name = "llm-triage",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  llm-triage app.log                      a table of the failures and how to fix them\n  kubectl logs -f app | llm-triage        the same, updated while the log grows\n  llm-triage classify < app.log           one JSON verdict per record\n  llm-triage explain 529                  the meaning of a status, a pattern or an error text\n  llm-triage run --file '/var/log/llm/*.jsonl'   metrics and alerts on http://127.0.0.1:10529"
)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) report: Report,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the failed calls, their owner and the fix (the default command)
    #[command(
        after_help = "Examples:\n  llm-triage report app.log                          what fails, and what to do\n  llm-triage report --brief --since 30m app.log      only the overview\n  llm-triage report --row auth --all app.log         refused keys, all details\n  llm-triage report --fail-on auth app.log || true   3 if a key is refused"
    )]
    Report(Box<Report>),
    /// Print one JSON verdict per record
    #[command(
        after_help = "Examples:\n  llm-triage classify app.log                  a verdict per record\n  llm-triage classify --only error < app.log   only failures"
    )]
    Classify(Classify),
    /// Print the meaning of a status, a type, a code, a class, a provider or an error text, and the fix
    #[command(
        after_help = "Examples:\n  llm-triage explain 529                                a status\n  llm-triage explain openai 429                         a status of a provider\n  llm-triage explain invalid_api_key                    a type, a code or a class\n  llm-triage explain 'Your credit balance is too low'   an error text"
    )]
    Explain(Explain),
    /// Show or test the catalogue of known errors
    #[command(
        after_help = "Examples:\n  llm-triage patterns list --provider openai           errors of a provider\n  llm-triage patterns show openai-insufficient-quota   one error\n  llm-triage patterns test                             with their own examples"
    )]
    Patterns(Patterns),
    /// Group the unknown errors, and print a pattern to fill in for each group
    #[command(after_help = "Examples:\n  llm-triage suggest app.log > own.toml   patterns to fill in")]
    Suggest(Suggest),
    /// Follow logs as a daemon with metrics, a status page and alerts
    #[command(
        after_help = "Examples:\n  llm-triage run --file '/var/log/llm/*.jsonl'          on http://127.0.0.1:10529\n  llm-triage run --config /etc/llm-triage/config.toml   as systemd runs it"
    )]
    Run(Box<Run>),
    /// Validate the configuration and the files it names, and print the settings in effect
    #[command(
        after_help = "Examples:\n  llm-triage check --stdin                    what is in effect\n  llm-triage check --sources --file app.log   and what there is to read"
    )]
    Check(Box<Check>),
    /// Write a commented configuration for the logs that are found on this machine
    #[command(
        after_help = "Examples:\n  llm-triage init --output config.toml   looks in the usual places\n  llm-triage init --output -             prints it"
    )]
    Init(Init),
    /// Send one alert, marked as a test, to a receiver
    #[command(after_help = "Examples:\n  llm-triage notify-test slack   one marked alert")]
    NotifyTest(NotifyTest),
    /// Print Prometheus rules made from the escalation table
    #[command(
        after_help = "Examples:\n  llm-triage rules > llm-triage.rules.yml    a file for Prometheus\n  llm-triage rules --format prometheusrule   an object for Kubernetes"
    )]
    Rules(Box<Rules>),
    /// Show the rates, alerts and sources of a running daemon
    #[command(
        after_help = "Examples:\n  llm-triage top                                      the daemon on this machine\n  llm-triage top --once --url http://10.0.0.7:10529   one view of another one"
    )]
    Top(Top),
    /// Print a JSON Schema
    #[command(
        after_help = "Examples:\n  llm-triage schema verdict                a line of classify\n  llm-triage schema config > schema.json   for an editor"
    )]
    Schema(Schema),
    /// Print completions for a shell
    #[command(after_help = "Examples:\n  llm-triage completions bash > llm-triage.bash")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page: llm-triage man | man -l -
    #[command(after_help = "Examples:\n  llm-triage man > llm-triage.1")]
    Man,
}

/// The arguments of all commands that read logs once.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Logs {
    /// Files to read, plain or compressed (gzip, zstd), and directories; `-` or nothing: standard input
    #[arg(value_name = "FILE|DIR")]
    pub(super) files: Vec<PathBuf>,
    /// llm: all lines come from LLM clients and gateways; mixed: count an error only with evidence of an LLM call
    #[arg(long, value_name = "llm|mixed", default_value = "llm", value_parser = traffic)]
    pub(super) traffic: Traffic,
    /// Time zone of timestamps without one, and of --since and --until: Asia/Tokyo or +09:00 [default: UTC]
    #[arg(long, value_name = "Z")]
    pub(super) tz: Option<String>,
    /// A directory of your own patterns; can be repeated
    #[arg(long, value_name = "DIR")]
    pub(super) patterns: Vec<PathBuf>,
    /// Number of threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) threads: Option<u16>,
}

impl Logs {
    /// The number of threads to use. The output is the same for any number.
    pub(super) fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(cores, usize::from).min(Self::MAX_THREADS)
    }

    /// More threads would wait: one thread does all framing and counting.
    const MAX_THREADS: usize = 64;
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Report {
    #[command(flatten)]
    pub(super) logs: Logs,
    /// Output format; github: annotations, and a summary in the file that `$GITHUB_STEP_SUMMARY` names
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
    /// Only the overview
    #[arg(long, conflicts_with = "all")]
    pub(super) brief: bool,
    /// The details of all errors, not only of those in the overview
    #[arg(long)]
    pub(super) all: bool,
    /// Name this many errors in the overview [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) top: Option<u16>,
    /// Order of the errors; severity: the most severe first, then those that still happen, then the most frequent
    #[arg(long, value_enum, default_value_t = Sort::Severity)]
    pub(super) sort: Sort,
    #[command(flatten)]
    pub(super) filters: Filters,
    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub(super) color: Color,
    /// Keep reading as the log grows, and repaint the table
    #[arg(long, short)]
    pub(super) follow: bool,
    /// Only records at or after this time: 2026-11-20T09:16:51Z, 2026-11-20, HH:MM, or 2h30m (before the end of the log)
    #[arg(long, value_name = "T")]
    pub(super) since: Option<String>,
    /// Only records before this time, in the same formats
    #[arg(long, value_name = "T")]
    pub(super) until: Option<String>,
    /// Exit with 3 if a call failed (error), if an alert of this severity or above would have fired (info, warning, critical),
    /// or if a failed call belongs to this row (billing, auth, rate-limit, …); a list with commas
    #[arg(long, value_name = "LEVEL|ROW,…", value_delimiter = ',')]
    pub(super) fail_on: Vec<String>,
}

/// Which calls a report is about. Each flag takes a list with commas.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Filters")]
pub(super) struct Filters {
    /// Only calls of this provider
    #[arg(long, value_name = "P", value_delimiter = ',')]
    pub(super) provider: Vec<String>,
    /// Only calls of this service
    #[arg(long, value_name = "S", value_delimiter = ',')]
    pub(super) service: Vec<String>,
    /// Only calls of this model
    #[arg(long, value_name = "M", value_delimiter = ',')]
    pub(super) model: Vec<String>,
    /// Only failures that this owner can fix: caller, account, provider, gateway, network, tool or unknown
    #[arg(long, value_name = "O", value_delimiter = ',')]
    pub(super) owner: Vec<String>,
    /// Only failures with this status: 429, 5xx, timeout, connection or none
    #[arg(long, value_name = "S", value_delimiter = ',')]
    pub(super) status: Vec<String>,
    /// Only failures that belong to this row of the escalation table
    #[arg(long, value_name = "R", value_delimiter = ',')]
    pub(super) row: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Sort {
    Severity,
    Count,
    Last,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
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
    /// Print at most this many groups, most frequent first
    #[arg(long = "most", value_name = "N", default_value_t = 20)]
    pub(super) max_groups: usize,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Explain {
    /// A status (529), a type, code or class, a row, a category, a provider, a pattern id, or the text of an error; without it:
    /// standard input
    #[arg(value_name = "WHAT")]
    pub(super) what: Vec<String>,
    /// A directory of your own patterns; can be repeated
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
    /// List all patterns, one per line
    #[command(
        after_help = "Examples:\n  llm-triage patterns list --provider openai   errors of a provider\n  llm-triage patterns list --category auth     errors of a category"
    )]
    List {
        /// Only patterns of this provider
        #[arg(long)]
        provider: Option<String>,
        /// Only patterns of this category
        #[arg(long)]
        category: Option<String>,
        /// A directory of your own patterns; can be repeated
        #[arg(long, value_name = "DIR")]
        patterns: Vec<PathBuf>,
    },
    /// Show one pattern with its meaning, fix and examples
    Show {
        /// The id of the pattern
        id: String,
        /// A directory of your own patterns; can be repeated
        #[arg(long, value_name = "DIR")]
        patterns: Vec<PathBuf>,
    },
    /// Test every pattern with its own examples and near misses
    Test {
        /// Your own pattern files or directories; without them: the shipped catalogue
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// List the covered entries of the error directory and the covered providers
    #[command(after_help = "Examples:\n  llm-triage patterns coverage   how many patterns each provider has")]
    Coverage,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) flags: Flags,
    /// Format of the log of the daemon itself, on standard error
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
    /// Fail if a receiver is unreachable, instead of warning
    #[arg(long)]
    pub(super) receivers: bool,
    /// Also read a little of each source: list the files, problems, and calls that two sources would count twice
    #[arg(long)]
    pub(super) sources: bool,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Init {
    /// File to write; an existing one is never replaced. `-` is standard output
    #[arg(long, value_name = "FILE", default_value = crate::config::DEFAULT_FILE)]
    pub(super) output: PathBuf,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Top {
    /// Address of the daemon
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:10529")]
    pub(super) url: String,
    /// Seconds between two updates
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(super) interval: u64,
    /// Print once and exit (the default if standard output is not a terminal)
    #[arg(long)]
    pub(super) once: bool,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct NotifyTest {
    /// Name of the receiver, as `check` prints it
    pub(super) receiver: String,
    /// Configuration file
    #[arg(long, value_name = "FILE", env = "LLM_TRIAGE_CONFIG")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Rules {
    /// Configuration file with the escalation table
    #[arg(long, value_name = "FILE", env = "LLM_TRIAGE_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// Scrape interval of Prometheus
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub(super) scrape_interval: Span,
    /// A rules file, or a Kubernetes object of kind `PrometheusRule`
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
    /// What the schema describes
    #[arg(value_enum, value_name = "config|patterns|verdict|report")]
    pub(super) of: SchemaOf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// The configuration file
    Config,
    /// A file of patterns
    Patterns,
    /// A line of `classify` and of `run --output`
    Verdict,
    /// The output of `report --format json`
    Report,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
    Markdown,
    Github,
}

/// The verdicts that `classify` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Only {
    All,
    Outcome(Outcome),
}

fn outcome(text: &str) -> Result<Only, String> {
    match text {
        "all" => Ok(Only::All),
        other => {
            Outcome::from_text(other).map(Only::Outcome).ok_or_else(|| "expected one of error, success, other, all".to_owned())
        }
    }
}

fn traffic(text: &str) -> Result<Traffic, String> {
    Traffic::from_text(text).ok_or_else(|| "expected one of llm, mixed".to_owned())
}
