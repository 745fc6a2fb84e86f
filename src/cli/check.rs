//! `check`: is the configuration good, and what does it come to? Touches nothing.

use super::args::Check;
use super::{End, Trouble, run, style};
use crate::alert::{Kind, Row, Trigger};
use crate::config::{Config, Output, SourceKind};
use crate::daemon::Plan;
use std::fmt::Write as _;

pub(super) fn run(args: &Check) -> Result<End, Trouble> {
    let plan = run::plan(Config::load(&args.flags))?;
    style::print(describe(&plan).as_bytes())?;
    Ok(End::Good)
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
            SourceKind::Tcp { listen, .. } => format!("TCP on {listen}"),
            SourceKind::Stdin => "standard input".to_owned(),
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
    }
    out.push_str("\nall good\n");
    out
}

fn fires(row: &Row) -> String {
    let text = match row.trigger {
        Trigger::AtOnce => "at once".to_owned(),
        Trigger::Sustained(time) if row.kind != Kind::Errors => format!("by its own rule, {}", style::span(time)),
        Trigger::Sustained(time) => format!("after {}", style::span(time)),
        Trigger::Burst(time) => format!("{} within {}", row.failures, style::span(time)),
    };
    if row.enabled { text } else { "off".to_owned() }
}
