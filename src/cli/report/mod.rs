//! `report`: what failed in a log, whose it was, and what to do: once at the end, or repainted while it grows.

mod json;
mod live;
mod markdown;
mod summary;
mod table;

use super::args::{FailOn, Format, Report};
use super::input::Input;
use super::offline::{Replay, zone_of};
use super::{End, Trouble, style};
use crate::record::Reader;
use crate::taxonomy::Severity;
use crate::time::{Stamp, Timestamp, Zone};
use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::time::Duration;
use summary::Summary;

pub(super) fn run(args: &Report) -> Result<End, Trouble> {
    let piped = args.logs.files.is_empty() || args.logs.files.iter().all(|it| it.as_os_str() == "-");
    if args.logs.files.is_empty() && io::stdin().is_terminal() {
        let hint = "nothing to read: name a log file, or pipe one in; `llm-triage --help` shows how";
        return Err(Trouble::Usage(hint.to_owned()));
    }
    let mut replay = Replay::new(&args.logs)?;
    replay.out.keep_calls = true;
    let inputs = Input::list(&args.logs.files);
    let zone = args.logs.tz.as_deref().map(zone_of).transpose()?.unwrap_or_default();
    let (since, until) = bounds(args, &inputs, zone)?;
    replay.pipeline.only_between(since, until);
    let labels = inputs.iter().map(Input::label).collect();
    live::watch_for_interrupt();
    let follow = args.follow || piped && io::stdout().is_terminal() && args.format == Format::Table;
    let (summary, end) = if follow {
        live::run(replay, &inputs, labels, args.format)?
    } else {
        let mut summary = Summary::new(labels);
        let end = replay.run(&inputs, &mut |pipeline, out| {
            summary.take(pipeline, out);
            if live::interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        summary.finish(&replay.pipeline);
        if end == End::Failed && summary.bytes == 0 {
            // Why is said already; a report on nothing would look like one on a log without failures.
            return Ok(end);
        }
        match style::print(&render(&summary, &replay, args.format)) {
            Err(error) if !style::is_closed(&error) => return Err(error.into()),
            _ => {}
        }
        (summary, end)
    };
    if args.fail_on.is_some_and(|level| is_met(level, &summary)) {
        return Ok(End::Met);
    }
    Ok(end)
}

fn render(summary: &Summary, replay: &Replay, format: Format) -> Vec<u8> {
    match format {
        Format::Table => table::render(summary, &replay.pipeline).into_bytes(),
        Format::Json => json::render(summary, &replay.pipeline),
        Format::Markdown => markdown::render(summary, &replay.pipeline).into_bytes(),
    }
}

fn is_met(level: FailOn, summary: &Summary) -> bool {
    let least = match level {
        FailOn::Error => return summary.failed_calls() > 0,
        FailOn::Info => Severity::Info,
        FailOn::Warning => Severity::Warning,
        FailOn::Critical => Severity::Critical,
    };
    summary.alerts().iter().any(|it| it.alert.severity >= least)
}

/// What `--since` and `--until` come to.
fn bounds(args: &Report, inputs: &[Input], zone: Zone) -> Result<(Option<Timestamp>, Option<Timestamp>), Trouble> {
    if args.since.is_none() && args.until.is_none() {
        return Ok((None, None));
    }
    let reader = Reader::default();
    let end = inputs.iter().filter_map(|it| it.last_time(&reader, zone)).max();
    let bound = |text: &Option<String>| text.as_deref().map(|it| moment(it, end, zone)).transpose();
    let (since, until) = (bound(&args.since)?, bound(&args.until)?);
    if since.zip(until).is_some_and(|(since, until)| since >= until) {
        return Err(Trouble::Usage("nothing lies between --since and --until: the first must be the earlier one".to_owned()));
    }
    Ok((since, until))
}

fn moment(text: &str, end: Option<Timestamp>, zone: Zone) -> Result<Timestamp, Trouble> {
    if let Some(stamp) = Stamp::parse(text.as_bytes()).filter(|it| !matches!(it, Stamp::TimeOfDay(_))) {
        return Ok(stamp.resolve(zone, Timestamp::default()));
    }
    let no_time = || {
        let forms = "a date (2026-11-20), a date and time (2026-11-20T09:16:51Z), HH:MM, or 30m (before the log's end)";
        Trouble::Usage(format!("{text:?} is no time: give {forms}"))
    };
    let needs_end = || {
        Trouble::Usage(format!(
            "{text:?} counts from the log's end, which is not known for standard input; give a date and a time"
        ))
    };
    let unit = match text.chars().last() {
        Some('s') => Some(1),
        Some('m') => Some(60),
        Some('h') => Some(3_600),
        Some('d') => Some(86_400),
        _ => None,
    };
    if let Some(unit) = unit
        && let Some(number) = text.get(..text.len() - 1).and_then(|it| it.parse::<u64>().ok())
    {
        return Ok(end.ok_or_else(needs_end)?.minus(Duration::from_secs(number.saturating_mul(unit))));
    }
    let full = match text.len() {
        5 => format!("{text}:00"),
        10 => format!("{text}T00:00:00"),
        _ => text.to_owned(),
    };
    match Stamp::parse(full.as_bytes()) {
        Some(Stamp::TimeOfDay(_)) | None if text.len() == 10 => Err(no_time()),
        Some(stamp) if text.len() == 10 => Ok(stamp.resolve(zone, Timestamp::default())),
        Some(stamp) => {
            let end = end.ok_or_else(needs_end)?;
            let at = stamp.resolve(zone, end);
            // A time of day that lies after the log's end is yesterday's.
            Ok(if at > end { at.minus(Duration::from_hours(24)) } else { at })
        }
        None => Err(no_time()),
    }
}
