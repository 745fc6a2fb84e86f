//! The backlog from before the start: which files still have to reach the end that they had at the first scan.
//!
//! The pipeline does not evaluate alerts before the backlog is read, so it must end in any case: after a limit of time,
//! also if a file cannot be read.

use crate::framing::StreamId;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a backlog may delay the evaluation of alerts.
const MAX_CATCH_UP: Duration = Duration::from_mins(10);

/// The state of the backlog.
#[derive(Debug, Default)]
pub(super) enum CatchUp {
    /// Before the first scan.
    #[default]
    Pending,
    /// The offset up to which each file must be read, and when the catch-up began.
    Reading(BTreeMap<StreamId, u64>, Instant),
    Done,
}

impl CatchUp {
    pub(super) const fn is_pending(&self) -> bool {
        matches!(self, Self::Pending)
    }

    /// Starts with the sizes of the files that have unread bytes. Returns their streams.
    pub(super) fn begin(&mut self, behind: BTreeMap<StreamId, u64>, now: Instant) -> Vec<StreamId> {
        let streams = behind.keys().copied().collect();
        *self = if behind.is_empty() { Self::Done } else { Self::Reading(behind, now) };
        streams
    }

    /// Notes that a stream was read up to `offset`, and returns whether that ends its backlog. Offset 0 means that the file
    /// was rewritten, so the backlog is gone.
    pub(super) fn note_progress(&mut self, stream: StreamId, offset: u64) -> bool {
        let Self::Reading(behind, _) = self else { return false };
        let caught_up = behind.get(&stream).is_some_and(|end| offset >= *end || offset == 0);
        if caught_up {
            behind.remove(&stream);
            if behind.is_empty() {
                *self = Self::Done;
            }
        }
        caught_up
    }

    /// Gives up on the streams that are `gone`, and on all streams after [`MAX_CATCH_UP`]. Returns them.
    pub(super) fn give_up(&mut self, now: Instant, gone: impl Fn(StreamId) -> bool) -> Vec<StreamId> {
        let Self::Reading(behind, since) = self else { return Vec::new() };
        let timed_out = now.duration_since(*since) > MAX_CATCH_UP;
        let done: Vec<StreamId> = behind.keys().copied().filter(|stream| timed_out || gone(*stream)).collect();
        for stream in &done {
            behind.remove(stream);
        }
        if behind.is_empty() {
            *self = Self::Done;
        }
        done
    }
}
