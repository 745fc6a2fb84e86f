//! Docker's `json-file` driver: `{"log":"the line\n","stream":"stderr","time":"…"}`. A `log` without a newline at its end
//! continues in the next line, because the driver cuts lines at 16 KiB.

use super::content::{Content, time_of};
use crate::framing::event::Lane;
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

#[expect(clippy::similar_names, reason = "a lane has lines: both are words of the domain")]
pub(super) fn strip(line: &[u8]) -> Option<Content<'_>> {
    let Docker { log, stream, time } = serde_json::from_slice(line).ok()?;
    let lane = if stream == "stderr" { Lane::Stderr } else { Lane::Stdout };
    let partial = !log.ends_with('\n');
    let bytes = match log {
        Cow::Borrowed(log) => Cow::Borrowed(without_newline(log).as_bytes()),
        Cow::Owned(mut log) => {
            log.truncate(without_newline(&log).len());
            Cow::Owned(log.into_bytes())
        }
    };
    Some(Content { bytes, lane, partial, stamped: time_of(time.as_bytes()) })
}

fn without_newline(log: &str) -> &str {
    log.trim_end_matches(['\n', '\r'])
}
