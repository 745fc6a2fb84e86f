//! Heroku: `2026-11-20T09:16:51.894123+00:00 app[web.1]: the line`; Cloud Foundry:
//! `2026-11-20T09:16:51.89+0000 [APP/PROC/WEB/0] OUT the line`.
//!
//! Sources: Heroku's log format, <https://devcenter.heroku.com/articles/logging>; cf's `LogMessage` writer.

use super::envelope::Envelope;
use super::scan::{is_name, split_while, split_word};

pub(super) fn strip<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    if line.get(10) != Some(&b'T') {
        return None;
    }
    let (time, rest) = split_word(line)?;
    let content = strip_dyno(rest, envelope).or_else(|| strip_application(rest, envelope))?;
    envelope.stamp(time)?;
    Some(content)
}

/// `app[web.1]: `, `heroku[router]: `.
fn strip_dyno<'a>(text: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let (source, rest) = split_while(text, is_name);
    let (dyno, rest) = split_while(rest.strip_prefix(b"[")?, is_name);
    let rest = rest.strip_prefix(b"]:")?;
    let (process, number) = split_at_last(dyno, b'.').unwrap_or((dyno, b"1"));
    let is_process = process.first().is_some_and(u8::is_ascii_alphabetic) && !number.is_empty();
    if source.is_empty() || !is_process {
        return None;
    }
    envelope.enter(source);
    envelope.enter_service(process);
    envelope.enter(number);
    Some(rest.strip_prefix(b" ").unwrap_or(rest))
}

/// `[APP/PROC/WEB/0] OUT `.
fn strip_application<'a>(text: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let (instance, rest) = split_while(text.strip_prefix(b"[")?, |byte| is_name(byte) || byte == b'/');
    let (output, content) = rest.strip_prefix(b"] ")?.split_at_checked(4)?;
    let (_, number) = split_at_last(instance, b'/')?;
    if !matches!(output, b"OUT " | b"ERR ") || !number.iter().all(u8::is_ascii_digit) {
        return None;
    }
    envelope.enter(instance);
    envelope.enter(output);
    Some(content)
}

fn split_at_last(text: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memrchr(mark, text)?;
    Some((&text[..at], &text[at + 1..]))
}
