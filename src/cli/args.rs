//! The command line: what can be typed, and what `--help` says of it.

use super::{End, Trouble};
use crate::classify::Traffic;
use crate::config::{Flags, Span};
use crate::taxonomy::Outcome;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use std::io::Write as _;
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
    /// Show what failed, whose problem it is and what to do (also without a command)
    Report(Report),
    /// Write one JSON verdict per record
    Classify(Classify),
    /// Say what a status, a pattern id or an error text means, and what to do
    Explain(Explain),
    /// Look at the catalogue of known errors, and test it
    Patterns(Patterns),
    /// Group the errors that no pattern knows, and print a pattern to fill in for each
    Suggest(Suggest),
    /// Follow logs as a daemon: metrics, a status page, alerts
    Run(Box<Run>),
    /// Validate the configuration and all it names, and print what is in effect
    Check(Box<Check>),
    /// Send one alert, marked as a test, to a receiver
    NotifyTest(NotifyTest),
    /// Print Prometheus rules made from the escalation table
    Rules(Box<Rules>),
    /// Watch what a running daemon sees
    Top(Top),
    /// Print a JSON Schema
    Schema(Schema),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page: llm-triage man | man -l -
    Man,
}

/// What all commands that read logs once have in common.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Logs {
    /// Files to read: plain, .gz or .zst; `-` or none for standard input
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// llm: all of it comes from LLM clients and gateways; mixed: count an error only with evidence that an LLM was called
    #[arg(long, value_name = "llm|mixed", default_value = "llm", value_parser = traffic)]
    pub(super) traffic: Traffic,
    /// Time zone of stamps that have none, and of --since and --until: Asia/Tokyo or +09:00 [default: UTC]
    #[arg(long, value_name = "Z")]
    pub(super) tz: Option<String>,
    /// A directory of your own patterns; may be given more than once
    #[arg(long, value_name = "DIR")]
    pub(super) patterns: Vec<PathBuf>,
    /// How many threads work on it [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) threads: Option<u16>,
}

impl Logs {
    /// How many threads read. What comes out is the same for any number.
    pub(super) fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(cores, usize::from).min(Self::MOST_THREADS)
    }

    /// More have nothing to do, whatever the machine: framing and counting are one thread's.
    const MOST_THREADS: usize = 64;
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Report {
    #[command(flatten)]
    pub(super) logs: Logs,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
    /// Keep reading as the log grows, and repaint in place
    #[arg(long, short)]
    pub(super) follow: bool,
    /// Only records from this time on: 2026-11-20T09:16:51Z, 2026-11-20, HH:MM, or 30m (before the log's end)
    #[arg(long, value_name = "T")]
    pub(super) since: Option<String>,
    /// Only records before this time, in the same forms
    #[arg(long, value_name = "T")]
    pub(super) until: Option<String>,
    /// Exit with 3 if a call failed, or if an alert of that severity or above would have fired
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
    /// Print at most this many groups, most frequent first
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(super) most: usize,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Explain {
    /// A status (529), a pattern id, or the text of an error; nothing: standard input
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
    /// List all patterns, one a line
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
    /// Show one pattern with its meaning, fix and examples
    Show {
        /// Its id
        id: String,
        /// A directory of your own patterns; may be given more than once
        #[arg(long, value_name = "DIR")]
        patterns: Vec<PathBuf>,
    },
    /// Run every pattern's own examples and near misses
    Test {
        /// Your own pattern files or directories; nothing: the shipped catalogue
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Show which entries of the error directory and which providers are covered, and by what
    Coverage,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) flags: Flags,
    /// Format of its own log, on standard error
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
    /// Fail if a receiver cannot be reached, instead of warning
    #[arg(long)]
    pub(super) receivers: bool,
    /// Show what is there to be read, what stands in the way, and what would be counted twice
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
    /// Print once and exit (so it does if stdout is no terminal)
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
    /// What it describes
    #[arg(value_enum, value_name = "config|patterns|verdict")]
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
    let mut command = Args::command();
    command.build();
    let page = clap_mangen::Man::new(command.clone());
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    page.render_synopsis_section(&mut out)?;
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    manual_of_commands(&command, &mut out)?;
    out.extend_from_slice(MANUAL_END.as_bytes());
    super::style::print(&out)?;
    Ok(End::Good)
}

/// Every command with its options, on the one page.
fn manual_of_commands(of: &clap::Command, out: &mut Vec<u8>) -> std::io::Result<()> {
    for command in of.get_subcommands().filter(|it| it.get_name() != "help") {
        let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).replace('-', "\\-");
        let about = command.get_about().map(ToString::to_string).unwrap_or_default().replace('-', "\\-");
        writeln!(out, ".SH \"{}\"\n{about}", name.to_uppercase())?;
        if command.get_name() == "report" {
            out.extend_from_slice(b"Its options are those above.\n");
            continue;
        }
        let mut options = Vec::new();
        clap_mangen::Man::new(command.clone()).render_options_section(&mut options)?;
        let options = String::from_utf8_lossy(&options).into_owned();
        out.extend_from_slice(options.replace(".SH OPTIONS\n", "").as_bytes());
        manual_of_commands(command, out)?;
    }
    Ok(())
}

/// What the command line alone does not tell.
const MANUAL_END: &str = r#".SH "EXIT STATUS"
.IP 0 4
Good; also when whoever read standard output has gone.
.IP 1 4
Failed while running: a file cannot be read (the rest is read), a port is taken.
.IP 2 4
Usage.
.IP 3 4
\-\-fail\-on was met.
.IP 78 4
The configuration or a pattern is bad.
.SH FILES
.I /etc/llm\-triage/config.toml
is the configuration of the daemon where \-\-config names no other.
.SH EXAMPLES
.nf
llm\-triage app.log
kubectl logs \-f app | llm\-triage
llm\-triage classify < app.log
llm\-triage explain 529
llm\-triage run \-\-file '/var/log/llm/*.jsonl'
.fi
"#;
