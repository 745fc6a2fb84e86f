//! Numbers, times and owners as people read them.

use crate::taxonomy::Owner;
use crate::time::Timestamp;

/// The owner of a failure: the word of the other formats, and what it means.
pub(super) fn owner(owner: Owner) -> &'static str {
    match owner {
        Owner::Caller => "caller (our code or request)",
        Owner::Account => "account (its console: keys, billing, limits)",
        Owner::Provider => "provider",
        Owner::Gateway => "gateway",
        Owner::Network => "network",
        Owner::Tool => "tool (the editor, agent or SDK)",
        Owner::Unknown => "unknown",
    }
}

/// `1,234,567`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 line`, `1,234 lines`.
pub(super) fn plural(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// The share of `part` in `whole`.
#[expect(clippy::cast_precision_loss, reason = "a report shows three digits at most")]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// `12 KB`, `1.0 GB`.
#[expect(clippy::cast_precision_loss, reason = "the result has one decimal")]
pub(super) fn bytes(number: u64) -> String {
    let mut value = number as f64;
    for unit in ["B", "KB", "MB", "GB"] {
        if value < 1_000.0 {
            return if unit == "B" { format!("{number} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1_000.0;
    }
    format!("{value:.1} TB")
}

/// `10:10:11` in UTC, or `2026-11-20 10:10:11` with the date.
pub(super) fn clock(at: Timestamp, with_date: bool) -> String {
    let text = at.to_string();
    let date = text.get(..10).unwrap_or_default();
    let time = text.get(11..19).unwrap_or_default();
    if with_date { format!("{date} {time}") } else { time.to_owned() }
}

/// Whether both times are on the same day in UTC.
pub(super) fn is_same_day(one: Timestamp, other: Timestamp) -> bool {
    one.second().div_euclid(86_400) == other.second().div_euclid(86_400)
}

/// `5 %`, `0.3 %`.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 10.0 || percent == 0.0 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}

/// `1,234`, `123k`, `4.5M`: at most six columns.
#[expect(clippy::cast_precision_loss, reason = "the result has two digits or three")]
pub(super) fn count_short(number: u64) -> String {
    match number {
        ..100_000 => count(number),
        100_000..1_000_000 => format!("{}k", number / 1_000),
        1_000_000..100_000_000 => format!("{:.1}M", number as f64 / 1e6),
        _ => format!("{}M", count(number / 1_000_000)),
    }
}

/// `5 %`, `<1 %`: at most five columns.
pub(super) fn percent_short(share: f64) -> String {
    if share > 0.0 && share < 0.01 { "<1 %".to_owned() } else { format!("{:.0} %", share * 100.0) }
}

/// The first line of a text, and at most so many of its characters.
pub(super) fn shortened(text: &str, chars: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)),
        None => line.to_owned(),
    }
}
