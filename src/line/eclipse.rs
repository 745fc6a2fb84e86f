//! The first line of an entry in the log of Eclipse, `.metadata/.log`: `!ENTRY plug-in severity code 2026-06-09 13:40:02.113`. The lines
//! below it, `!MESSAGE …`, `!STACK 0` and the stack, have no head.

use super::level::Level;
use super::stamp::{EpochNumber, stamp_length};

/// What the first line of an entry says. The message is in the next line.
#[derive(Clone, Copy, Debug)]
pub(super) struct EclipseEntry<'a> {
    pub(super) plugin: &'a [u8],
    pub(super) level: Level,
    pub(super) stamp: &'a [u8],
}

impl<'a> EclipseEntry<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let mut fields = line.strip_prefix(b"!ENTRY ")?.splitn(4, |b| *b == b' ');
        let (plugin, severity) = (fields.next()?, fields.next()?);
        let (_code, stamp) = (fields.next()?, fields.next()?);
        let level = severity_level(severity)?;
        let length = stamp_length(stamp, EpochNumber::Refuse)?;
        Some(Self { plugin, level, stamp: stamp.get(..length)?.trim_ascii() })
    }
}

/// The severities of `org.eclipse.core.runtime.IStatus`.
fn severity_level(severity: &[u8]) -> Option<Level> {
    match severity {
        b"0" | b"1" | b"8" => Some(Level::Info),
        b"2" => Some(Level::Warn),
        b"4" => Some(Level::Error),
        _ => None,
    }
}
