//! What a report says about the reading itself: that it was interrupted, and which lines were not read or not understood.

use super::super::format;
use super::summary::Summary;
use crate::framing::LossReason;

/// The most characters of an example in a note.
const EXAMPLE_CHARS: usize = 160;

/// That a signal ended the reading, and how much was read.
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
    notes.extend(unread(summary));
    for (reason, count) in &summary.skipped {
        notes.push(format!("{} {}", format::plural(*count, "line"), describe(*reason)));
    }
    notes
}

/// The records that speak of an LLM call or of trouble and were not understood, one of them, and what to do.
fn unread(summary: &Summary) -> Option<String> {
    let snapshot = &summary.snapshot;
    let share = summary.unread_share().filter(|_| snapshot.unread_records > 0)?;
    let records = format::plural(snapshot.unread_records, "record");
    let example = snapshot.unread.first().map(|group| {
        let place = summary.place_of(group.place).unwrap_or_default();
        format!(", such as {place}: {}", format::shortened(&group.example, EXAMPLE_CHARS))
    });
    Some(format!(
        "{records} not understood: {} of those that speak of an LLM call or of trouble{}; if calls are among them, name their fields in \
         [record.fields] or add an entry to patterns/events",
        format::percent(share),
        example.unwrap_or_default()
    ))
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
