//! The prefix of CRI runtimes: `2026-11-20T09:16:51.894123456Z stderr F the line`. With `P` instead of `F`, the line
//! continues in the next one.
//!
//! Source: the CRI logging format, <https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md>.

use super::content::{Content, time_of};
use crate::framing::event::Lane;
use std::borrow::Cow;

#[inline]
pub(super) fn may_begin(line: &[u8]) -> bool {
    line.first().is_some_and(u8::is_ascii_digit) && line.get(10) == Some(&b'T')
}

#[expect(clippy::similar_names, reason = "a lane has lines: both are words of the domain")]
pub(super) fn strip(line: &[u8]) -> Option<Content<'_>> {
    let (time, rest) = split_word(line)?;
    let (lane, rest) = split_word(rest)?;
    let lane = match lane {
        b"stdout" => Lane::Stdout,
        b"stderr" => Lane::Stderr,
        _ => return None,
    };
    let (tags, content) = split_word(rest).unwrap_or((rest, &[]));
    let partial = match tags.split(|b| *b == b':').next()? {
        b"P" => true,
        b"F" => false,
        _ => return None,
    };
    let time = time_of(time)?;
    Some(Content { bytes: Cow::Borrowed(content), lane, partial, stamped: Some(time) })
}

fn split_word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b' ', text)?;
    Some((&text[..at], &text[at + 1..]))
}
