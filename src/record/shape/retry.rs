//! A client that is about to try again: `Retrying request to /chat/completions in 0.4 seconds`, `Retrying in 4.0 seconds...`.

use crate::record::line_kind::LineKind;

/// The longest notice that only names its wait, in bytes.
const WAIT_BYTES: usize = 64;

pub(super) fn read(message: &[u8]) -> Option<LineKind<'_>> {
    if message.starts_with(b"Retrying request") || message.starts_with(b"Retrying due to") {
        return Some(LineKind::Retry);
    }
    is_wait(message).then_some(LineKind::RetryWait)
}

/// `Retrying in 0.2 seconds...`, `Retrying after 2s (attempt 1/3)`: the wait and nothing else. What failed is in the lines before.
fn is_wait(message: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 3] = [b"Retrying in ", b"Retrying after ", b"Will retry in "];
    let Some(wait) = BEGINNINGS.iter().find_map(|begin| message.strip_prefix(*begin)) else { return false };
    let digits = wait.iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let rest = wait.get(digits..).unwrap_or_default().trim_ascii();
    let unit = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let rest = rest.get(unit..).unwrap_or_default();
    let ends = rest.iter().position(|b| !matches!(b, b'.' | b' ' | b'!')).and_then(|at| rest.get(at..)).unwrap_or_default();
    digits > 0 && message.len() <= WAIT_BYTES && (ends.is_empty() || ends.starts_with(b"(") && ends.ends_with(b")"))
}
