//! What a report says about the reading itself: that it was interrupted, and which lines were not read or not understood.

use super::super::format;
use super::summary::Summary;
use crate::framing::LossReason;

/// That Ctrl-C ended the reading, and how much was read.
pub(super) fn interruption(summary: &Summary) -> Option<String> {
    let share = summary.interrupted?;
    let read = format::bytes(summary.bytes);
    Some(match share {
        Some(share) => format!("INTERRUPTED: only {} of the input ({read}) was read", format::percent(share.min(1.0))),
        None => format!("INTERRUPTED: {read} were read, the rest was not"),
    })
}

/// One note for each kind of line that was not read whole or not understood.
pub(super) fn all(summary: &Summary) -> Vec<String> {
    let mut notes = Vec::new();
    if summary.unrecognised > 0 {
        let records = format::plural(summary.unrecognised, "record");
        notes.push(format!("{records} of level error, not recognised as failed calls"));
    }
    for (reason, count) in &summary.skipped {
        notes.push(format!("{} {}", format::plural(*count, "line"), describe(*reason)));
    }
    notes
}

/// What happened to lines that were not read whole.
fn describe(reason: LossReason) -> &'static str {
    match reason {
        LossReason::TooLong => "longer than the limit: only the head and the tail were read",
        LossReason::Incomplete => "without a newline, at the end of a file: read, but perhaps cut off",
        LossReason::Binary => "skipped: not text (a binary or compressed file?)",
        LossReason::Malformed => "with JSON that stops in the middle",
        LossReason::TooComplex => "skipped: nested too deep",
        LossReason::Truncated | LossReason::Rotated | LossReason::CrashLoop | LossReason::Disconnected => reason.as_str(),
    }
}
