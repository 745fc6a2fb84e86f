//! Docker's `json-file` driver: `{"log":"the line\n","stream":"stderr","time":"…"}`. A `log` without a newline at its end
//! continues in the next line, because the driver cuts lines at 16 KiB.

use super::envelope::Envelope;
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Docker<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
}

#[inline]
pub(super) fn may_begin(line: &[u8]) -> bool {
    line.starts_with(br#"{"log":""#)
}

pub(super) fn strip<'a>(line: &'a [u8], mut envelope: Envelope<'a>) -> Option<(Cow<'a, [u8]>, Envelope<'a>)> {
    if !may_begin(line) {
        return None;
    }
    let Docker { log, stream, time } = serde_json::from_slice(line).ok()?;
    envelope.enter(if stream == "stderr" { b"stderr" } else { b"stdout" });
    envelope.partial = !log.ends_with('\n');
    envelope.stamp(time.as_bytes());
    let bytes = match log {
        Cow::Borrowed(log) => Cow::Borrowed(without_newline(log).as_bytes()),
        Cow::Owned(mut log) => {
            log.truncate(without_newline(&log).len());
            Cow::Owned(log.into_bytes())
        }
    };
    Some((bytes, envelope))
}

fn without_newline(log: &str) -> &str {
    log.trim_end_matches(['\n', '\r'])
}
