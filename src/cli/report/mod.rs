//! `report`: shows the failed calls of a log, their owners and the fixes, once at the end or repainted while the log grows.

mod answers;
mod condition;
mod details;
mod error_table;
mod filter;
mod follow;
mod github;
mod json;
mod live;
mod markdown;
mod notes;
mod overview;
mod ranking;
mod render;
mod summary;
mod table;
mod time_range;
mod trend;
mod view;

use super::args::{Color, Format, Report};
use super::exit::{CliError, Exit};
use super::input::Input;
use super::replay::Replay;
use super::{end_signal, output, terminal};
use condition::Condition;
use filter::Filter;
use ranking::Ranking;
use render::render;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use summary::Summary;
use view::{Depth, View};

pub(super) fn run(args: &Report) -> Result<Exit, CliError> {
    match args.color {
        Color::Auto => {}
        Color::Always => terminal::set_colors(true),
        Color::Never => terminal::set_colors(false),
    }
    let is_piped = args.logs.files.iter().all(|path| path.as_os_str() == "-");
    if args.logs.files.is_empty() && io::stdin().is_terminal() {
        let hint = "nothing to read: name a log file, or pipe one in; `llm-triage --help` shows how";
        return Err(CliError::Usage(hint.to_owned()));
    }
    let inputs = Input::list(&args.logs.files)?;
    let mut replay = Replay::new(&args.logs, &inputs)?;
    replay.out.keep_calls = true;
    let conditions: Vec<_> =
        args.fail_on.iter().map(|word| Condition::parse(word, &replay.pipeline)).collect::<Result<_, _>>()?;
    let filter = Filter::resolve(&args.filters, &replay.pipeline)?;
    let (since, until) = time_range::resolve(args, &inputs)?;
    replay.pipeline.only_between(since, until);
    let summary = Summary::new(inputs.iter().map(Input::label).collect(), filter);
    let view = View::new(args);
    let has_screen = io::stdout().is_terminal() && args.format == Format::Table;
    let follow = args.follow || is_piped && has_screen;
    end_signal::watch(follow && has_screen);
    let (summary, replay, exit) =
        if follow { live::run(replay, summary, &inputs, view)? } else { run_once(replay, summary, &inputs, view)? };
    if view.format == Format::Github {
        write_step_summary(&summary, &replay, view)?;
    }
    let met = conditions.iter().zip(&args.fail_on).find_map(|(condition, word)| {
        condition.met_by(&summary, &replay.pipeline).map(|by| format!("--fail-on {word} is met: {by}"))
    });
    if let Some(met) = met {
        output::print_error(&met);
        return Ok(Exit::FailOnMet);
    }
    Ok(exit)
}

/// Reads the inputs to their ends, or until a signal ends it, and prints the report.
fn run_once(
    mut replay: Replay,
    mut summary: Summary,
    inputs: &[Input],
    view: View,
) -> Result<(Summary, Replay, Exit), CliError> {
    let mut exit = replay.run(inputs, &mut |pipeline, out| {
        summary.take(pipeline, out);
        if end_signal::is_received() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    summary.is_finished = true;
    summary.finish(&replay.pipeline);
    if replay.interrupted {
        summary.interrupted = Some(share_read(&summary, inputs));
        exit = Exit::Interrupted;
    }
    if exit == Exit::Failed && summary.bytes == 0 {
        // The error is printed already; an empty report would look like that of a log without failures.
        return Ok((summary, replay, exit));
    }
    match output::print(&render(&summary, &replay.pipeline, view)) {
        Err(error) if !output::is_closed(&error) => Err(error.into()),
        _ => Ok((summary, replay, exit)),
    }
}

/// The share of the inputs that was read; `None` if the size of one of them is unknown.
#[expect(clippy::cast_precision_loss, reason = "a report shows two digits")]
fn share_read(summary: &Summary, inputs: &[Input]) -> Option<f64> {
    let total = inputs.iter().map(Input::size).sum::<Option<u64>>().filter(|bytes| *bytes > 0)?;
    Some(summary.bytes as f64 / total as f64)
}

/// Appends the report to the summary of the step of a GitHub workflow, if this is one.
fn write_step_summary(summary: &Summary, replay: &Replay, view: View) -> Result<(), CliError> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return Ok(()) };
    let ranking = Ranking::new(summary, &replay.pipeline, view.sort, view.top);
    let text = markdown::render(summary, &replay.pipeline, &ranking, Depth::Top);
    let written = OpenOptions::new().append(true).create(true).open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        CliError::Failed(format!("cannot write the step summary {}: {}", path.display(), output::reason(&error)))
    })
}
