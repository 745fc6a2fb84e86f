//! `check`: is the configuration good, and what does it come to? Touches nothing.

use super::args::Check;
use super::{End, Trouble, run, sources, style};
use crate::alert::{Kind, Row, Trigger};
use crate::config::{Config, Flags, Output, SourceKind};
use crate::daemon::{Plan, receiver_place};
use crate::delivery::probe;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::task::JoinSet;

pub(super) fn run(args: &Check) -> Result<End, Trouble> {
    let plan = run::plan(Config::load(&args.flags)).map_err(|it| with_the_rest(it, &args.flags))?;
    let unreached = unreached(&plan)?;
    style::print(describe(&plan).as_bytes())?;
    let findings = args.sources.then(|| sources::look(plan.config()));
    if let Some(findings) = &findings {
        style::print(findings.text.as_bytes())?;
    }
    for fault in &unreached {
        style::complain(fault);
    }
    if args.receivers && !unreached.is_empty() || findings.is_some_and(|it| !it.good) {
        return Ok(End::Failed);
    }
    style::print(if unreached.is_empty() {
        b"\nall good\n"
    } else {
        b"\ngood, but for the receivers that cannot be reached now\n"
    })?;
    Ok(End::Good)
}

/// That nothing is to be read does not hide what else is wrong.
fn with_the_rest(trouble: Trouble, flags: &Flags) -> Trouble {
    let reads = flags.stdin || !flags.file.is_empty() || !flags.tcp.is_empty();
    let Trouble::Config(mut faults) = trouble else { return trouble };
    if !reads && let Err(Trouble::Config(more)) = run::plan(Config::load(&Flags { stdin: true, ..flags.clone() })) {
        faults.extend(more.into_iter().filter(|it| !faults.contains(it)).collect::<Vec<_>>());
    }
    Trouble::Config(faults)
}

/// How long one receiver is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Receivers that cannot be reached from here now, each with its place and what may mend it. Nothing is sent to them.
fn unreached(plan: &Plan) -> Result<Vec<String>, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut faults = Vec::new();
    runtime.block_on(async {
        let probes: JoinSet<_> = plan
            .receivers()
            .iter()
            .map(|it| {
                let receiver = it.clone();
                async move { probe(&receiver, PATIENCE).await }
            })
            .collect();
        for unreached in probes.join_all().await {
            for (member, error) in unreached {
                let place = receiver_place(plan.config(), &member).map_or_else(String::new, |it| format!("{it}: "));
                let cause = std::error::Error::source(&error).map_or_else(String::new, |it| format!(": {it}"));
                let mend = "is the address right, and may this host connect to it?";
                faults.push(format!("{place}receiver {member}: {error}{cause}; {mend}"));
            }
        }
    });
    faults.sort();
    Ok(faults)
}

fn describe(plan: &Plan) -> String {
    let config = plan.config();
    let catalog = plan.rules().catalog();
    let mut out = String::new();
    let mut line = |name: &str, text: String| {
        let _infallible = writeln!(out, "{name:<14} {text}");
    };
    line(
        "configuration",
        config.file.as_ref().map_or_else(|| "none; defaults and flags".to_owned(), |it| it.display().to_string()),
    );
    line("listen", config.listen.to_string());
    line("state", config.state_dir.display().to_string());
    for source in &config.sources {
        let what = match &source.kind {
            SourceKind::File { paths, exclude, .. } if exclude.is_empty() => format!("files {}", paths.join(" ")),
            SourceKind::File { paths, exclude, .. } => format!("files {} but not {}", paths.join(" "), exclude.join(" ")),
            SourceKind::Tcp { listen, tls: None, .. } => format!("TCP on {listen}"),
            SourceKind::Tcp { listen, tls: Some(tls), .. } => format!("TLS on {listen}, certificate {}", tls.cert.display()),
            SourceKind::Stdin => "standard input".to_owned(),
            SourceKind::Absent => continue,
        };
        line("source", format!("{}: {what} (traffic {}, grain {})", source.name, source.traffic, source.grain));
    }
    match &config.output {
        None => {}
        Some(Output::Stdout) => line("output", "standard output".to_owned()),
        Some(Output::File(path)) => line("output", path.display().to_string()),
    }
    let own = catalog.patterns().iter().filter(|it| it.own).count();
    line(
        "patterns",
        format!("{} ({own} of them your own), {} providers", catalog.patterns().len(), catalog.providers().len() - 1),
    );
    for receiver in plan.receivers() {
        line("receiver", receiver.name().to_owned());
    }
    if plan.receivers().is_empty() {
        line("receiver", "none; alerts are shown and exported, and sent to nobody".to_owned());
    }
    out.push_str("\nescalation: the first row that matches a failed call wins\n");
    for row in plan.rules().table().rows() {
        let _infallible = writeln!(out, "  {:<15} {:<8} {:<24} {}", row.id, row.severity, fires(row), row.next_step());
        if row.kind == Kind::Errors {
            let _infallible = writeln!(out, "  {:<15} {}", "", row.matches());
        }
    }
    out
}

fn fires(row: &Row) -> String {
    let text = match row.trigger {
        Trigger::AtOnce => "at once".to_owned(),
        _ if row.kind == Kind::Silence => "by its own rule".to_owned(),
        Trigger::Sustained(time) if row.kind != Kind::Errors => format!("by its own rule, {}", style::span(time)),
        Trigger::Sustained(time) => format!("after {}", style::span(time)),
        Trigger::Burst(time) => format!("{} within {}", row.failures, style::span(time)),
    };
    if row.enabled { text } else { "off".to_owned() }
}
