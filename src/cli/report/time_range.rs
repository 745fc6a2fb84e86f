//! The range of time that `--since` and `--until` select.

use super::super::args::Report;
use super::super::exit::CliError;
use super::super::input::Input;
use super::super::replay::zone_of;
use crate::record::Reader;
use crate::time::{Span, Stamp, Timestamp, Zone};
use std::time::Duration;

/// The two bounds; `None` where a flag is not given.
pub(super) fn resolve(args: &Report, inputs: &[Input]) -> Result<(Option<Timestamp>, Option<Timestamp>), CliError> {
    let zone = args.logs.tz.as_deref().map(zone_of).transpose()?.unwrap_or_default();
    if args.since.is_none() && args.until.is_none() {
        return Ok((None, None));
    }
    let reader = Reader::default();
    let end = inputs.iter().filter_map(|input| input.last_time(&reader, zone)).max();
    let bound = |text: &Option<String>| text.as_deref().map(|text| parse(text, end, zone)).transpose();
    let (since, until) = (bound(&args.since)?, bound(&args.until)?);
    if since.zip(until).is_some_and(|(since, until)| since >= until) {
        return Err(CliError::Usage("no time is between --since and --until: --since must be the earlier one".to_owned()));
    }
    Ok((since, until))
}

/// A time as typed. `end` is the time of the last line of the log, if the log has one.
fn parse(text: &str, end: Option<Timestamp>, zone: Zone) -> Result<Timestamp, CliError> {
    if let Some(stamp) = Stamp::parse(text.as_bytes()).filter(|stamp| !matches!(stamp, Stamp::TimeOfDay(_))) {
        return Ok(stamp.resolve(zone, Timestamp::default()));
    }
    let invalid = || {
        let formats =
            "a date (2026-11-20), a date and time (2026-11-20T09:16:51Z), HH:MM, or 2h30m (before the end of the log)";
        CliError::Usage(format!("invalid time {text:?}: give {formats}"))
    };
    let needs_end = || {
        CliError::Usage(format!(
            "{text:?} counts from the end of the log, which is unknown for standard input; give a date and time"
        ))
    };
    // `09:16:51` is a time of day, though it could be read as a span.
    if let Some(Span(ago)) = text.parse().ok().filter(|_| text.ends_with(char::is_alphabetic)) {
        return Ok(end.ok_or_else(needs_end)?.minus(ago));
    }
    let full = match text.len() {
        5 => format!("{text}:00"),
        10 => format!("{text}T00:00:00"),
        _ => text.to_owned(),
    };
    match Stamp::parse(full.as_bytes()) {
        Some(Stamp::TimeOfDay(_)) | None if text.len() == 10 => Err(invalid()),
        Some(stamp) if text.len() == 10 => Ok(stamp.resolve(zone, Timestamp::default())),
        Some(stamp) => {
            let end = end.ok_or_else(needs_end)?;
            let at = stamp.resolve(zone, end);
            // A time of day after the end of the log is one of the day before.
            Ok(if at > end { at.minus(Duration::from_hours(24)) } else { at })
        }
        None => Err(invalid()),
    }
}
