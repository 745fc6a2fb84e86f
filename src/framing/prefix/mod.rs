//! What carriers of logs put around each line. One file per carrier; adding one is a file and a line in the
//! list of its first byte. Carriers that write JSON are in `export/`.
//!
//! Prefixes nest in any order. Each line is read as if it were alone: a prefix must be recognised by its own form, strictly
//! enough that ordinary text is not taken for one.

mod actions;
mod aws;
mod bare_time;
mod compose;
mod cri;
mod envelope;
mod export;
mod foreman;
mod heroku;
mod kubectl;
mod own_lines;
mod pm2;
mod podman;
mod process;
mod quote;
mod scan;
mod stern;
mod syslog;
mod tai64n;

pub(super) use envelope::Envelope;
pub use export::OtlpLines;
pub(super) use export::Share;

use own_lines::OwnLine;

/// The most prefixes that are taken off one line.
const DEPTH: usize = 6;

/// What is left of a line without its prefixes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'a> {
    /// A line of an application.
    Line(&'a [u8], Envelope<'a>, Share),
    /// A line that the carrier wrote itself.
    Own,
    /// The carrier says that the lines that follow are of this file.
    File(&'a [u8]),
}

/// One prefix: notes what it says in the envelope, and returns the rest of the line. `None` if the line has no such prefix.
type Strip = for<'a> fn(&'a [u8], &mut Envelope<'a>) -> Option<&'a [u8]>;

const DIGIT: &[Strip] = &[
    cri::strip,
    bare_time::strip,
    heroku::strip,
    aws::strip,
    syslog::strip_time,
    foreman::strip,
    pm2::strip,
    tai64n::strip_date,
    syslog::strip_counted,
    compose::strip,
];
const CAPITAL: &[Strip] = &[syslog::strip_month, syslog::strip_weekday, compose::strip, actions::strip_job];
const SMALL: &[Strip] = &[compose::strip, stern::strip, actions::strip_job];
const BRACKET: &[Strip] = &[kubectl::strip, podman::strip];

/// The prefixes that may begin with this byte.
fn that_begin_with(byte: u8) -> &'static [Strip] {
    match byte {
        b'0'..=b'9' => DIGIT,
        b'A'..=b'Z' => CAPITAL,
        b'a'..=b'z' => SMALL,
        b'[' => BRACKET,
        b'(' => &[process::strip],
        b'<' => &[syslog::strip_priority],
        b'@' => &[tai64n::strip],
        b'#' => &[actions::strip],
        b'>' => &[quote::strip],
        _ => &[],
    }
}

/// Whether a JSON object may be one that a carrier wrote, by its first bytes.
#[inline]
pub(super) fn may_be_export(object: &[u8]) -> bool {
    export::may_begin(object)
}

/// Takes the prefixes off a line. `envelope`: what is known of the line already.
pub(super) fn read(line: &[u8], envelope: Envelope<'_>, out: &mut dyn FnMut(Content<'_>)) {
    nested(line, envelope, (Share::Whole, DEPTH), out);
}

fn nested<'a>(
    mut line: &'a [u8],
    mut envelope: Envelope<'a>,
    (share, mut depth): (Share, usize),
    out: &mut dyn FnMut(Content<'_>),
) {
    while depth > 0 {
        depth -= 1;
        if let [b'{', ..] | [b'[', b'{' | b'\n', ..] = line {
            let is_export = export::read(line, envelope, &mut |text, told, inner| {
                nested(text, told, (share.max(inner), depth), out);
            });
            if is_export {
                return;
            }
            break;
        }
        match own_lines::read(line) {
            Some(OwnLine::Note) => return out(Content::Own),
            Some(OwnLine::File(path)) => return out(Content::File(path)),
            None => {}
        }
        let Some(rest) = strip_one(line, &mut envelope) else { break };
        line = rest;
    }
    out(Content::Line(line, envelope, share));
}

/// Takes the first prefix off a line.
fn strip_one<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    let byte = *line.first()?;
    if byte == 0x1b {
        return strip_coloured(line, envelope);
    }
    first_of(that_begin_with(byte), line, envelope)
}

fn first_of<'a>(prefixes: &[Strip], line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    for strip in prefixes {
        let mut changed = *envelope;
        if let Some(rest) = strip(line, &mut changed) {
            *envelope = changed;
            return Some(rest);
        }
    }
    None
}

/// A prefix in a colour. The colours of a line without a prefix stay.
fn strip_coloured<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    if let Some(rest) = first_of(&[stern::strip_coloured], line, envelope) {
        return Some(rest);
    }
    let mut inside = line;
    while let Some(rest) = inside.strip_prefix(b"\x1b[") {
        let (_, rest) = scan::split_while(rest, |byte| byte.is_ascii_digit() || byte == b';');
        inside = rest.strip_prefix(b"m")?;
    }
    let rest = first_of(that_begin_with(*inside.first()?), inside, envelope)?;
    Some(scan::skip_reset(rest))
}
