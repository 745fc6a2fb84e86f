//! multilog and svlogd: `@400000005f7ad9a1 3b9aca00 the line` in one word (TAI64N), and svlogd's `2026-11-20_09:16:51.89412`
//! or `2026-11-20T09:16:51.89412`.
//!
//! Source: <https://cr.yp.to/daemontools/tai64n.html> and svlogd(8).

use super::envelope::Envelope;
use super::scan::split_word;
use crate::time::{Stamp, Timestamp};

/// The second of 1970 in TAI64, and the leap seconds since then.
const EPOCH: i64 = (1 << 62) + 10;

pub(super) fn strip<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let (time, content) = line.strip_prefix(b"@")?.split_at_checked(24)?;
    if !time.starts_with(b"40000000") {
        return None;
    }
    let digits = std::str::from_utf8(time).ok()?;
    let seconds = i64::from_str_radix(digits.get(..16)?, 16).ok()?;
    let nanos = i64::from_str_radix(digits.get(16..)?, 16).ok()?;
    let content = if content.is_empty() { content } else { content.strip_prefix(b" ")? };
    let micros = (seconds - EPOCH).checked_mul(1_000_000)?.checked_add(nanos / 1_000)?;
    envelope.stamp = Some(Stamp::Utc(Timestamp::from_micros(micros)));
    Some(content)
}

/// `2026-11-20_09:16:51.89412 the line`, in UTC.
pub(super) fn strip_date<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    if line.get(10) != Some(&b'_') || line.get(19) != Some(&b'.') {
        return None;
    }
    let (time, content) = split_word(line)?;
    let mut text = [0; 25];
    text.copy_from_slice(time.get(..25).filter(|_| time.len() == 25)?);
    text[10] = b'T';
    let Some(Stamp::Local(at)) = Stamp::parse(&text) else { return None };
    envelope.stamp = Some(Stamp::Utc(at));
    Some(content)
}
