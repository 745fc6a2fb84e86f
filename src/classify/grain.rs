//! The grain of a record: the end of a call, one try inside it, or a further line about a failure.

use crate::line::find;
use crate::record::{Facts, Level, LineKind};
use crate::taxonomy::Grain;

/// The grain that the kind of line suggests.
pub(super) fn grain_of_shape(kind: LineKind<'_>) -> Grain {
    match kind {
        LineKind::None | LineKind::Request { .. } => Grain::Call,
        _ => Grain::Attempt,
    }
}

/// A failure that announces another try is an attempt.
pub(super) fn grain_of_failure(facts: &Facts<'_>, shape: Grain) -> Grain {
    if shape != Grain::Call {
        return shape;
    }
    let headline = facts.headline;
    if facts.level == Level::Debug || headline.starts_with(b"[log_") {
        Grain::Detail
    } else if announces_retry(headline) {
        Grain::Attempt
    } else {
        Grain::Call
    }
}

/// Whether a text says that another try follows: `Retrying … in 4 seconds`, `attempt 1/3 failed`, `2 retries left`. A provider that asks
/// for another try announces none: `Please retry in 2s`.
fn announces_retry(text: &[u8]) -> bool {
    const NOTICES: [&[u8]; 9] = [
        b"etrying",
        b"ill retry",
        b"ill be retried",
        b"acking off",
        b"retries left",
        b"retries remaining",
        b"ttempt ",
        b"api_retry",
        b"Reconnecting...",
    ];
    const ENDS: [&[u8]; 20] = [
        b"no more retries",
        b"not retrying",
        b"iving up",
        b"ave up",
        b"etries exhausted",
        b"etries exceeded",
        b"exhausted after",
        b"ttempts exhausted",
        b"etry exhausted",
        b"retries were exhausted",
        b"xhausted all ",
        b"xhausted retries",
        b"xhausted the retries",
        b"ax retries",
        b" 0 retries left",
        b" 0 retries remaining",
        b"after retrying",
        b"history before retrying",
        b"fter all attempts",
        b"ttempts failed",
    ];
    let head = head_of(text);
    let tail = tail_of(text);
    let has = |words: &&[u8]| find(head, words).is_some();
    let announces = match NOTICES.iter().find(|words| has(words)) {
        None => has_attempt_number(tail),
        Some(&b"ttempt ") => has_attempt_number(head) || has_attempt_number(tail),
        Some(words) => names_wait(head, words) || !is_last_attempt(head),
    };
    announces && !ENDS.iter().any(|words| has(words) || find(tail, words).is_some())
}

fn head_of(text: &[u8]) -> &[u8] {
    const HEAD_BYTES: usize = 400;
    text.get(..HEAD_BYTES).unwrap_or(text).split(|b| *b == b'\n').next().unwrap_or_default()
}

/// The end of a text, where some frameworks count the tries after the error's own words: `… Attempt #2 | …`.
fn tail_of(text: &[u8]) -> &[u8] {
    const TAIL_BYTES: usize = 120;
    text.get(text.len().saturating_sub(TAIL_BYTES)..).unwrap_or(text)
}

/// Whether a notice names the wait before the next try, as `Will retry after 9000ms`: whatever else it counts, the call continues.
fn names_wait(head: &[u8], notice: &[u8]) -> bool {
    let Some(at) = find(head, notice) else { return false };
    let rest = head.get(at + notice.len()..).unwrap_or_default().trim_ascii_start();
    let rest = rest.strip_prefix(b"in ").or_else(|| rest.strip_prefix(b"after "));
    rest.is_some_and(|wait| wait.first().is_some_and(u8::is_ascii_digit))
}

/// The number of the try that failed, where the text counts them.
pub(super) fn number_of_try(text: &[u8]) -> Option<u32> {
    attempt_number(head_of(text)).or_else(|| attempt_number(tail_of(text))).map(|(number, _)| number)
}

/// `attempt 1 failed`, `attempt 1/3`, `Attempt #2 of 5`: a numbered try, and not the last.
fn has_attempt_number(text: &[u8]) -> bool {
    attempt_number(text).is_some_and(|(number, of)| of.is_none_or(|of| number < of))
}

fn is_last_attempt(text: &[u8]) -> bool {
    attempt_number(text).is_some_and(|(number, of)| of.is_some_and(|of| number >= of))
}

/// The number of a try, and of how many it is one.
fn attempt_number(text: &[u8]) -> Option<(u32, Option<u32>)> {
    let at = find(text, b"ttempt ")? + b"ttempt ".len();
    let rest = text.get(at..)?.trim_ascii_start();
    let (number, rest) = leading_number(rest.strip_prefix(b"#").unwrap_or(rest))?;
    let rest = rest.trim_ascii_start();
    let of = rest.strip_prefix(b"/").or_else(|| rest.strip_prefix(b"of ")).map(<[u8]>::trim_ascii_start);
    Some((number, of.and_then(leading_number).map(|(of, _)| of)))
}

fn leading_number(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (number, rest) = text.split_at_checked(digits)?;
    Some((std::str::from_utf8(number).ok()?.parse().ok()?, rest))
}
