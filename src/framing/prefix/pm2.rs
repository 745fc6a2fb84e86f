//! pm2: `0|name     | the line`, and with `--time` a time before the line, in `pm2 logs` as well as in the file.
//!
//! Source: `Log.js` of pm2 pads the names and separates with `| `; its default time is `YYYY-MM-DDTHH:mm:ss` and a colon.

use super::envelope::Envelope;
use super::scan::{is_name, skip_reset, split_number, split_while};

pub(super) fn strip<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    strip_name(line, envelope).or_else(|| strip_time(line, envelope))
}

fn strip_name<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let (number, rest) = split_number(line, 4)?;
    let (name, rest) = split_while(rest.strip_prefix(b"|")?, is_name);
    let (_, rest) = split_while(rest, |byte| byte == b' ');
    let rest = skip_reset(rest.strip_prefix(b"|")?);
    if name.is_empty() || !matches!(rest.first(), Some(b' ') | None) {
        return None;
    }
    envelope.enter_service(name);
    envelope.enter(number);
    Some(skip_reset(rest.get(1..).unwrap_or_default()))
}

/// `2026-11-20T09:16:51: the line`.
fn strip_time<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let (time, rest) = line.split_at_checked(19)?;
    let content = rest.strip_prefix(b": ")?;
    if time.get(10) != Some(&b'T') {
        return None;
    }
    envelope.stamp(time)?;
    Some(content)
}
