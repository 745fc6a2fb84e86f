//! `check`: validates the configuration and prints the settings in effect. Changes nothing and sends nothing.

use super::args::Check;
use super::exit::{CliError, Exit};
use super::{check_sources, layout, load, output, terminal};
use crate::alert::{Kind, Row, Trigger};
use crate::config::{Flags, Output, SourceKind};
use crate::daemon::{Plan, receiver_place};
use crate::delivery::probe;
use crate::time::format_compact;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::task::JoinSet;

pub(super) fn run(args: &Check) -> Result<Exit, CliError> {
    let plan = load::plan(&args.flags).map_err(|error| add_other_errors(error, &args.flags))?;
    let unreachable = unreachable_receivers(&plan)?;
    // Another program gets whole lines.
    let width = terminal::line_limit();
    output::print(layout::fold(&describe(&plan, width), width, INDENT).as_bytes())?;
    let findings = args.sources.then(|| check_sources::inspect(plan.config()));
    if let Some(findings) = &findings {
        output::print(layout::fold(&findings.text, width, INDENT).as_bytes())?;
    }
    for problem in &unreachable {
        output::print_error(problem);
    }
    if args.receivers && !unreachable.is_empty() || findings.is_some_and(|findings| findings.has_problems) {
        return Ok(Exit::Failed);
    }
    output::print(if unreachable.is_empty() { b"\nok\n" } else { b"\nok, except for unreachable receivers\n" })?;
    Ok(Exit::Success)
}

/// Where the texts of most lines begin.
const INDENT: usize = 18;

/// Adds the errors that "nothing to read" hides: a configuration without a source is checked again with one.
fn add_other_errors(error: CliError, flags: &Flags) -> CliError {
    let reads = flags.stdin || !flags.file.is_empty() || !flags.tcp.is_empty() || !flags.http.is_empty();
    let CliError::Config(mut errors) = error else { return error };
    if !reads && let Err(CliError::Config(more)) = load::plan(&Flags { stdin: true, ..flags.clone() }) {
        errors.extend(more.into_iter().filter(|error| !errors.contains(error)).collect::<Vec<_>>());
    }
    CliError::Config(errors)
}

/// How long to wait for one receiver.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The receivers that this host cannot reach now, each with its place in the configuration and a hint. Sends nothing.
fn unreachable_receivers(plan: &Plan) -> Result<Vec<String>, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut problems = Vec::new();
    runtime.block_on(async {
        let probes: JoinSet<_> = plan
            .receivers()
            .iter()
            .map(|receiver| {
                let receiver = receiver.clone();
                async move { probe(&receiver, PROBE_TIMEOUT).await }
            })
            .collect();
        for unreachable in probes.join_all().await {
            for (member, error) in unreachable {
                let place = receiver_place(plan.config(), &member).map_or_else(String::new, |place| format!("{place}: "));
                let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
                let hint = "is the address right, and may this host connect to it?";
                problems.push(format!("{place}receiver {member}: {error}{cause}; {hint}"));
            }
        }
    });
    problems.sort();
    Ok(problems)
}

/// The settings in effect, one per line, and the escalation table. The next steps have a column where all of it fits, else
/// lines of their own.
fn describe(plan: &Plan, width: usize) -> String {
    /// Where the next steps begin, and what the longest ones need.
    const TABLE: usize = 52 + 95;
    let mut out = describe_settings(plan);
    out.push_str("\nescalation: the first row that matches a failed call wins\n");
    for row in plan.rules().table().rows() {
        let is_table = width >= TABLE;
        let next = row.next_step();
        let _infallible = if is_table {
            writeln!(out, "  {:<15} {:<8} {:<24} {next}", row.id, row.severity, fires(row))
        } else {
            writeln!(out, "  {:<15} {:<8} {}", row.id, row.severity, fires(row))
        };
        if row.kind == Kind::Errors {
            let _infallible = writeln!(out, "  {:<15} {}", "", row.matches());
        }
        if !is_table {
            let _infallible = writeln!(out, "  {:<15} {next}", "");
        }
    }
    out
}

fn describe_settings(plan: &Plan) -> String {
    let config = plan.config();
    let catalog = plan.rules().catalog();
    let mut out = String::new();
    let mut line = |name: &str, text: String| {
        let _infallible = writeln!(out, "{name:<14} {text}");
    };
    line(
        "configuration",
        config.file.as_ref().map_or_else(|| "none; defaults and flags".to_owned(), |file| file.display().to_string()),
    );
    line("listen", config.listen.to_string());
    line("state", config.state_dir.display().to_string());
    for source in &config.sources {
        if let Some(kind) = describe_source(&source.kind) {
            line("source", format!("{}: {kind} (traffic {}, grain {})", source.name, source.traffic, source.grain));
        }
    }
    match &config.output {
        None => {}
        Some(Output::Stdout) => line("output", "standard output".to_owned()),
        Some(Output::File(path)) => line("output", path.display().to_string()),
    }
    let own = catalog.patterns().iter().filter(|pattern| pattern.own).count();
    line(
        "patterns",
        format!("{} ({own} of them your own), {} providers", catalog.patterns().len(), catalog.providers().len() - 1),
    );
    for receiver in plan.receivers() {
        line("receiver", receiver.name().to_owned());
    }
    if plan.receivers().is_empty() {
        line("receiver", "none; alerts are shown and exported, but not sent".to_owned());
    }
    out
}

/// `None` for a source that reads nothing.
fn describe_source(kind: &SourceKind) -> Option<String> {
    Some(match kind {
        SourceKind::File { paths, exclude, .. } if exclude.is_empty() => format!("files {}", paths.join(" ")),
        SourceKind::File { paths, exclude, .. } => format!("files {} but not {}", paths.join(" "), exclude.join(" ")),
        SourceKind::Tcp { listen, tls: None, .. } => format!("TCP on {listen}"),
        SourceKind::Tcp { listen, tls: Some(tls), .. } => format!("TLS on {listen}, certificate {}", tls.cert.display()),
        SourceKind::Http { listen, tls: None, .. } => format!("HTTP on {listen}"),
        SourceKind::Http { listen, tls: Some(tls), .. } => format!("HTTPS on {listen}, certificate {}", tls.cert.display()),
        SourceKind::Stdin => "standard input".to_owned(),
        SourceKind::Absent => return None,
    })
}

/// When the row fires.
fn fires(row: &Row) -> String {
    if !row.enabled {
        return "off".to_owned();
    }
    match row.trigger {
        Trigger::AtOnce => "at once".to_owned(),
        _ if row.kind == Kind::Silence => "by its own rule".to_owned(),
        Trigger::Sustained(time) if row.kind != Kind::Errors => format!("by its own rule, {}", format_compact(time)),
        Trigger::Sustained(time) => format!("after {}", format_compact(time)),
        Trigger::Burst(time) => format!("{} within {}", row.failures, format_compact(time)),
    }
}
