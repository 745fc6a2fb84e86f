//! What container runtimes wrap around each line: CRI's prefix and Docker's JSON.

use super::Lane;
use crate::time::{Stamp, Timestamp, Zone};
use serde::Deserialize;
use std::borrow::Cow;

/// `2026-11-20T09:16:51.894123456Z stderr F the line`; `P` instead of `F` where the line goes on in the next one.
///
/// Source: the CRI logging format, <https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md>.
pub(super) struct Cri<'a> {
    pub(super) time: Option<Timestamp>,
    pub(super) lane: Lane,
    pub(super) partial: bool,
    pub(super) content: &'a [u8],
}

impl<'a> Cri<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        if !line.first()?.is_ascii_digit() || line.get(10) != Some(&b'T') {
            return None;
        }
        let (time, rest) = split(line)?;
        let (lane, rest) = split(rest)?;
        let lane = match lane {
            b"stdout" => Lane::Stdout,
            b"stderr" => Lane::Stderr,
            _ => return None,
        };
        let (tags, content) = split(rest).unwrap_or((rest, &[]));
        let partial = match tags.split(|b| *b == b':').next()? {
            b"P" => true,
            b"F" => false,
            _ => return None,
        };
        let time = Stamp::parse(time)?.resolve(Zone::default(), Timestamp::default());
        Some(Self { time: Some(time), lane, partial, content })
    }
}

fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b' ', text)?;
    Some((&text[..at], &text[at + 1..]))
}

/// A line of Docker's `json-file` driver: `{"log":"the line\n","stream":"stderr","time":"…"}`. A `log` without a newline
/// at its end goes on in the next line (the driver cuts at 16 KiB).
#[derive(Deserialize)]
pub(super) struct Docker<'a> {
    #[serde(borrow)]
    pub(super) log: Cow<'a, str>,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
}

impl<'a> Docker<'a> {
    pub(super) const START: &'static [u8] = br#"{"log":""#;

    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        line.starts_with(Self::START).then(|| serde_json::from_slice(line).ok())?
    }

    pub(super) fn lane(&self) -> Lane {
        if self.stream == "stderr" { Lane::Stderr } else { Lane::Stdout }
    }

    pub(super) fn time(&self) -> Option<Timestamp> {
        Some(Stamp::parse(self.time.as_bytes())?.resolve(Zone::default(), Timestamp::default()))
    }
}
