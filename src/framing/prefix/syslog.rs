//! syslog and journalctl: RFC 3164 (`<34>Oct 11 22:14:15 host su[230]: the line`), RFC 5424
//! (`<165>1 2026-11-20T09:16:51.003Z host app 8710 - - the line`), both also behind the length of the message (RFC 6587), and
//! what journalctl prints with `-o short`, `short-precise`, `short-iso`, `short-iso-precise`, `short-full` and `short-unix`.

use super::envelope::Envelope;
use super::scan::{count, split_number, split_while, split_word};
use crate::line::Level;
use crate::time::Stamp;

/// The highest priority: facility 23, severity 7.
const MAX_PRIORITY: u16 = 191;
const MONTHS: [&[u8; 3]; 12] = [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const DAYS: [&[u8; 4]; 7] = [b"Mon ", b"Tue ", b"Wed ", b"Thu ", b"Fri ", b"Sat ", b"Sun "];

/// `<34>` and what follows.
pub(super) fn strip_priority<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let (number, rest) = split_number(line.strip_prefix(b"<")?, 3)?;
    let rest = rest.strip_prefix(b">")?;
    let priority = number.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    if priority > MAX_PRIORITY {
        return None;
    }
    let rest = rest.strip_suffix(b"\0").unwrap_or(rest);
    envelope.level = level_of(priority & 7);
    if let Some(rest) = rest.strip_prefix(b"1 ") {
        return strip_5424(rest, envelope);
    }
    let told = strip_month(rest, envelope).or_else(|| strip_iso(rest, envelope, Process::MayHaveNoId));
    // Python's `SysLogHandler` writes neither time nor name.
    told.or_else(|| tagged(rest, envelope, Process::MayHaveNoId)).or(Some(rest))
}

/// `83 <34>1 …`: the number counts the bytes of the message.
pub(super) fn strip_counted<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let (_, rest) = split_number(line, 6)?;
    let rest = rest.strip_prefix(b" ")?;
    if rest.first() == Some(&b'<') { strip_priority(rest, envelope) } else { None }
}

/// `Nov 20 09:16:51 host program[1]: …`, with `.894123` behind the seconds too.
pub(super) fn strip_month<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let head = line.get(..15)?;
    if head[3] != b' ' || head[6] != b' ' || !MONTHS.iter().any(|month| head.starts_with(month.as_slice())) {
        return None;
    }
    let (stamp, rest) = Stamp::parse_prefix(line).or_else(|| Stamp::parse_prefix(&line[7..]))?;
    let content = named(rest.strip_prefix(b" ")?, envelope, Process::MayHaveNoId)?;
    envelope.stamp = Some(stamp);
    Some(content)
}

/// `Wed 2026-05-06 07:08:10 UTC host program[1]: …`
pub(super) fn strip_weekday<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let day = line.get(..4)?;
    if line.get(8) != Some(&b'-') || !DAYS.iter().any(|name| day == name.as_slice()) {
        return None;
    }
    let (stamp, rest) = Stamp::parse_prefix(&line[4..])?;
    let rest = rest.strip_prefix(b" ")?;
    // A zone that the stamp does not know is a word of its own.
    let (word, behind) = split_word(rest)?;
    let is_zone = (3..=5).contains(&word.len()) && word.iter().all(u8::is_ascii_uppercase);
    let content = named(if is_zone { behind } else { rest }, envelope, Process::HasId)?;
    envelope.stamp = Some(stamp);
    Some(content)
}

/// `2026-11-20T09:16:51+0000 host program[1]: …`, `1795166211.894123 host program[1]: …`.
pub(super) fn strip_time<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let has_zone = || memchr::memchr(b'+', line.get(19..line.len().min(32))?);
    let process = if has_zone().is_some() { Process::MayHaveNoId } else { Process::HasId };
    strip_iso(line, envelope, process)
}

fn strip_iso<'a>(line: &'a [u8], envelope: &mut Envelope<'a>, process: Process) -> Option<&'a [u8]> {
    let (time, rest) = split_word(line)?;
    let is_time = time.len() >= 19 && time.get(10) == Some(&b'T') || time.len() == 17 && time.get(10) == Some(&b'.');
    if !is_time {
        return None;
    }
    let stamp = Stamp::parse(time)?;
    let content = named(rest, envelope, process)?;
    envelope.stamp = Some(stamp);
    Some(content)
}

/// Whether the tag must have the id of a process. What is no certain sign of syslog needs it.
#[derive(Clone, Copy, PartialEq)]
enum Process {
    HasId,
    MayHaveNoId,
}

/// `host program[1]: …`; some senders leave out the host.
fn named<'a>(text: &'a [u8], envelope: &mut Envelope<'a>, process: Process) -> Option<&'a [u8]> {
    let (host, rest) = split_word(text)?;
    let is_host = !host.is_empty()
        && host.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':'))
        && host.last() != Some(&b':')
        && (Level::from_word(host) == Level::Unknown || host.iter().all(u8::is_ascii_digit));
    if is_host && let Some(content) = tagged(rest, envelope, process) {
        envelope.host = host;
        envelope.enter(host);
        return Some(content);
    }
    tagged(text, envelope, process)
}

/// `program[1]: …`.
fn tagged<'a>(text: &'a [u8], envelope: &mut Envelope<'a>, process: Process) -> Option<&'a [u8]> {
    let is_tag = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'@' | b'(' | b')');
    let (tag, rest) = split_while(text.get(..text.len().min(160))?, is_tag);
    if tag.is_empty() || Level::from_word(tag) != Level::Unknown {
        return None;
    }
    let length = match rest.strip_prefix(b"[") {
        Some(inside) => {
            let id = count(inside, |byte| byte.is_ascii_digit());
            (id > 0 && inside.get(id..)?.starts_with(b"]:")).then_some(id + 3)?
        }
        None if process == Process::MayHaveNoId && matches!(rest, [b':', b' ', ..] | [b':']) => 1,
        None => return None,
    };
    let (tag, rest) = text.split_at_checked(tag.len() + length)?;
    envelope.enter(tag);
    envelope.service = &tag[..tag.len() - length];
    Some(rest.strip_prefix(b" ").unwrap_or(rest))
}

/// The header and the structured data of RFC 5424, behind its version.
fn strip_5424<'a>(text: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let (time, rest) = split_word(text)?;
    let (host, rest) = split_word(rest)?;
    let (app, rest) = split_word(rest)?;
    let (process, rest) = split_word(rest)?;
    let (_, rest) = split_word(rest)?;
    let rest = match rest.strip_prefix(b"-") {
        Some(rest) => rest,
        None => behind_data(rest)?,
    };
    if time != b"-" {
        envelope.stamp(time)?;
    }
    for part in [host, app, process] {
        envelope.enter(part);
    }
    let known = |name: &'a [u8]| if name == b"-" { &b""[..] } else { name };
    (envelope.host, envelope.service) = (known(host), known(app));
    let content = rest.strip_prefix(b" ").unwrap_or(rest);
    Some(content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content))
}

/// The text behind `[id key="value" …][…]`. A `]` within a value has a backslash before it.
fn behind_data(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text;
    while let Some(element) = rest.strip_prefix(b"[") {
        let mut at = 0;
        loop {
            match element.get(at)? {
                b'\\' => at += 2,
                b']' => break,
                _ => at += 1,
            }
        }
        rest = &element[at + 1..];
    }
    (rest.len() < text.len()).then_some(rest)
}

fn level_of(severity: u16) -> Level {
    match severity {
        0..=2 => Level::Fatal,
        3 => Level::Error,
        4 => Level::Warn,
        5 | 6 => Level::Info,
        _ => Level::Debug,
    }
}
