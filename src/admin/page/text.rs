//! Numbers and durations as the page shows them.

use std::time::Duration;

/// A share with one decimal; a small share is not shown as zero.
pub(super) fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.000_5 { "< 0.1 %".to_owned() } else { format!("{:.1} %", share * 100.0) }
}

/// Digits in groups of three.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A duration in its largest unit: `45 s`, `3 min`, `5 h 20 min`, `12 days`.
pub(super) fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        s if s < 60 => format!("{s} s"),
        s if s < 3_600 => format!("{} min", s / 60),
        s if s < 48 * 3_600 => format!("{} h {} min", s / 3_600, s / 60 % 60),
        s => format!("{} days", s / 86_400),
    }
}

/// Whether a browser opens the address as a page. False for `javascript:` and other schemes.
pub(super) fn is_web_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}
