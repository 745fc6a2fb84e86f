//! foreman and honcho: `12:00:01 web.1  | the line`.
//!
//! Source: foreman's engine writes `%H:%M:%S`, the name padded to the longest one, and ` | `.

use super::envelope::Envelope;
use super::scan::{count, is_name, skip_reset, split_while};

pub(super) fn strip<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    if line.get(2) != Some(&b':') || line.get(5) != Some(&b':') || line.get(8) != Some(&b' ') {
        return None;
    }
    let (time, rest) = line.split_at_checked(8)?;
    let (name, rest) = split_while(rest.get(1..)?, is_name);
    let (process, number) = split_at_dot(name)?;
    let is_process = name == b"system" || !process.is_empty() && number.iter().all(u8::is_ascii_digit);
    let blanks = count(rest, |byte| byte == b' ');
    let rest = skip_reset(rest.get(blanks..)?.strip_prefix(b"|")?);
    if !is_process || blanks == 0 || !matches!(rest.first(), Some(b' ') | None) {
        return None;
    }
    envelope.stamp(time)?;
    envelope.enter_service(process);
    envelope.enter(name);
    Some(skip_reset(rest.get(1..).unwrap_or_default()))
}

fn split_at_dot(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name == b"system" {
        return Some((name, b""));
    }
    let at = memchr::memrchr(b'.', name)?;
    let (process, number) = name.split_at(at);
    (number.len() > 1).then(|| (process, &number[1..]))
}
