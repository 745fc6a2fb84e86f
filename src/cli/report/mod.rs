//! `report`: shows the failed calls of a log, their owners and the fixes, once at the end or repainted while the log grows.

mod follow;
mod interrupt;
mod json;
mod live;
mod markdown;
mod render;
mod summary;
mod table;
mod time_range;

use super::args::{FailOn, Format, Report};
use super::exit::{CliError, Exit};
use super::input::Input;
use super::output;
use super::replay::Replay;
use crate::taxonomy::Severity;
use render::render;
use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use summary::Summary;

pub(super) fn run(args: &Report) -> Result<Exit, CliError> {
    let is_piped = args.logs.files.iter().all(|path| path.as_os_str() == "-");
    if args.logs.files.is_empty() && io::stdin().is_terminal() {
        let hint = "nothing to read: name a log file, or pipe one in; `llm-triage --help` shows how";
        return Err(CliError::Usage(hint.to_owned()));
    }
    let mut replay = Replay::new(&args.logs)?;
    replay.out.keep_calls = true;
    let inputs = Input::list(&args.logs.files);
    let (since, until) = time_range::resolve(args, &inputs)?;
    replay.pipeline.only_between(since, until);
    interrupt::watch();
    let follow = args.follow || is_piped && io::stdout().is_terminal() && args.format == Format::Table;
    let (summary, exit) =
        if follow { live::run(replay, &inputs, args.format)? } else { run_once(replay, &inputs, args.format)? };
    if args.fail_on.is_some_and(|level| is_met(level, &summary)) {
        return Ok(Exit::FailOnMet);
    }
    Ok(exit)
}

/// Reads the inputs to their ends, or until Ctrl-C, and prints the report.
fn run_once(mut replay: Replay, inputs: &[Input], format: Format) -> Result<(Summary, Exit), CliError> {
    let mut summary = Summary::new(inputs.iter().map(Input::label).collect());
    let exit = replay.run(inputs, &mut |pipeline, out| {
        summary.take(pipeline, out);
        if interrupt::is_pressed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    summary.finish(&replay.pipeline);
    if exit == Exit::Failed && summary.bytes == 0 {
        // The error is printed already; an empty report would look like that of a log without failures.
        return Ok((summary, exit));
    }
    match output::print(&render(&summary, &replay.pipeline, format)) {
        Err(error) if !output::is_closed(&error) => Err(error.into()),
        _ => Ok((summary, exit)),
    }
}

/// Whether the condition of `--fail-on` is met.
fn is_met(level: FailOn, summary: &Summary) -> bool {
    let least = match level {
        FailOn::Error => return summary.failed_calls() > 0,
        FailOn::Info => Severity::Info,
        FailOn::Warning => Severity::Warning,
        FailOn::Critical => Severity::Critical,
    };
    summary.alerts().iter().any(|span| span.alert.severity >= least)
}
