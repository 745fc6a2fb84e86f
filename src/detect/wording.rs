//! Numbers and times in sentences.

use crate::time::format_compact;
use std::time::Duration;

/// `"1 call"`, `"3 calls"`. Only for nouns with a regular plural.
#[must_use]
pub fn plural(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `12 %`, or `0.4 %` below 1 %.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let share = part as f64 * 100.0 / whole.max(1) as f64;
    if share > 0.0 && share < 1.0 { format!("{share:.1} %") } else { format!("{share:.0} %") }
}

/// `12:03:07` in UTC; findings show the day separately.
pub(super) fn time_of_day(second: i64) -> String {
    let day = second.rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", day / 3_600, day / 60 % 60, day % 60)
}

/// `7m20s`.
pub(super) fn length(seconds: i64) -> String {
    format_compact(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}
