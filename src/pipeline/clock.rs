//! Decides the time of a record: its own time stamp if that is plausible, else the time of its arrival.

use crate::time::{Stamp, Timestamp, Zone};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A time stamp this far ahead of its arrival comes from a wrong clock.
const AHEAD: Duration = Duration::from_mins(1);
/// In a replay there is no arrival to compare with: a time stamp this far ahead of its stream is believed only when the next
/// one confirms it.
const LEAP: Duration = Duration::from_hours(9600);
/// Time zones are multiples of this, in seconds.
const QUARTER_S: i64 = 900;
/// Offsets that are not within this of a multiple of [`QUARTER_S`] are no time zone, in seconds.
const ZONE_TOLERANCE_S: i64 = 60;
/// No time zone is further from UTC than this many quarters of an hour.
const MAX_QUARTERS: i64 = 60;
/// Number of lines in a row that must agree on a zone before it is believed.
const AGREEING_LINES: u8 = 3;
/// How close to a whole quarter of an hour the difference of two neighbours must be to be a zone, in seconds.
const NEIGHBOUR_TOLERANCE_S: i64 = 5;
/// The length of the longest window: older records are counted, but do not change rates or alerts.
pub(super) const LATE: Duration = Duration::from_hours(1);

/// Where the current time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// From ticks and arrival times: lines arrive when they are written.
    Live,
    /// From the records themselves: a recorded log is replayed.
    Replay,
}

/// What the time stamps of one stream revealed about the clock of its writer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct StreamClock {
    /// Configured or learned.
    #[serde(skip)]
    zone: Option<Zone>,
    /// Whether the zone is configured.
    #[serde(skip)]
    configured: bool,
    candidate: i64,
    agreed: u8,
    last: Option<Timestamp>,
    /// A time stamp far ahead of all earlier ones, until the next one confirms it.
    leap: Option<Timestamp>,
    /// The time stamp of the record before, if it has a zone.
    #[serde(default)]
    zoned: Option<Timestamp>,
}

/// The time of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) at: Timestamp,
    /// Whether the record's own time stamp was implausible and therefore not used.
    pub(super) skewed: bool,
    /// Whether the record has a time stamp that was used.
    pub(super) own: bool,
}

impl Resolved {
    fn own(at: Timestamp) -> Self {
        Self { at, skewed: false, own: true }
    }

    fn without_stamp(at: Timestamp) -> Self {
        Self { at, skewed: false, own: false }
    }

    fn implausible(instead: Timestamp) -> Self {
        Self { at: instead, skewed: true, own: false }
    }
}

impl StreamClock {
    pub(super) fn new(zone: Option<Zone>) -> Self {
        Self { zone, configured: zone.is_some(), ..Self::default() }
    }

    /// What must survive a restart, with the learned zone in seconds.
    pub(super) fn state(self) -> (Self, Option<i32>) {
        let learned = self.zone.filter(|_| !self.configured).map(|zone| zone.offset_at(Timestamp::default()));
        (Self { zone: None, configured: false, ..self }, learned)
    }

    /// Resumes from a saved state; a configured zone takes precedence over the saved one.
    pub(super) fn restore(&mut self, (state, learned): (Self, Option<i32>)) {
        let Self { zone, configured, .. } = *self;
        *self = Self { zone: zone.or(learned.map(Zone::fixed)), configured, ..state };
    }

    /// Applies a new configuration; without a zone in it, the current zone is kept.
    pub(super) fn set_zone(&mut self, zone: Option<Zone>) {
        (self.zone, self.configured) = (zone.or(self.zone), zone.is_some());
    }

    /// The time of a record with this time stamp. `arrived` is when its bytes were read; in a replay, the latest time seen.
    /// `fresh` says that the bytes were read right after they were written, so that arrival is a witness of the time.
    pub(super) fn resolve(&mut self, stamp: Option<Stamp>, clock: Clock, arrived: Timestamp, fresh: bool) -> Resolved {
        let resolved = match (stamp, clock) {
            (None, Clock::Live) => Resolved::without_stamp(arrived),
            (None, Clock::Replay) => Resolved::without_stamp(self.last.unwrap_or(arrived)),
            (Some(stamp), Clock::Replay) => {
                self.compare(stamp);
                let near = self.last.filter(|last| *last > Timestamp::default()).unwrap_or(arrived);
                self.follow(stamp.resolve(self.zone.unwrap_or_default(), near))
            }
            (Some(Stamp::Utc(at)), Clock::Live) => believe(at, arrived),
            (Some(local), Clock::Live) => self.local(local, arrived, fresh),
        };
        self.last = Some(self.last.map_or(resolved.at, |last| last.max(resolved.at)));
        resolved
    }

    /// In a replay, a record with a zone is the witness for the record behind it: Ollama writes its own lines with a zone and gin's
    /// without. Two that agree settle the zone, too.
    #[expect(clippy::cast_possible_truncation, reason = "less than a day in seconds")]
    fn compare(&mut self, stamp: Stamp) {
        let witness = std::mem::take(&mut self.zoned);
        match (stamp, witness) {
            (Stamp::Utc(at), _) => self.zoned = Some(at),
            (Stamp::Local(local), Some(witness)) if self.zone.is_none() => {
                let off = local.second() - witness.second();
                let quarters = (off + QUARTER_S / 2).div_euclid(QUARTER_S);
                let rest = off - quarters * QUARTER_S;
                if rest.abs() <= NEIGHBOUR_TOLERANCE_S && quarters.abs() <= MAX_QUARTERS {
                    self.zone = Some(Zone::fixed((quarters * QUARTER_S) as i32));
                }
            }
            _ => {}
        }
    }

    /// The next time stamp of a replayed stream. A single wrong clock must not make all later records late.
    /// Records before the first time stamp say nothing about the time.
    fn follow(&mut self, at: Timestamp) -> Resolved {
        let Some(last) = self.last.filter(|last| *last > Timestamp::default() && at.since(*last) > LEAP) else {
            self.leap = None;
            return Resolved::own(at);
        };
        if self.leap.replace(at).is_some_and(|leap| leap.since(at) < LEAP && at.since(leap) < LEAP) {
            self.leap = None;
            return Resolved::own(at);
        }
        Resolved::implausible(last)
    }

    /// A time stamp without a zone. The zone is learned from arrival times, if it is not configured.
    #[expect(clippy::cast_possible_truncation, reason = "less than a day in seconds")]
    fn local(&mut self, stamp: Stamp, arrived: Timestamp, fresh: bool) -> Resolved {
        if let Some(zone) = self.zone.filter(|_| self.configured || !fresh) {
            return believe(stamp.resolve(zone, arrived), arrived);
        }
        let as_utc = stamp.resolve(Zone::default(), arrived);
        let off = as_utc.second() - arrived.second();
        let quarters = (off + QUARTER_S / 2).div_euclid(QUARTER_S);
        let rest = off - quarters * QUARTER_S;
        if !fresh || rest.abs() > ZONE_TOLERANCE_S || quarters.abs() > MAX_QUARTERS {
            return believe(stamp.resolve(self.zone.unwrap_or_default(), arrived), arrived);
        }
        if quarters == self.candidate {
            self.agreed = self.agreed.saturating_add(1);
        } else {
            (self.candidate, self.agreed) = (quarters, 1);
        }
        // Clocks change twice a year: a learned zone is replaced when enough lines agree on another one.
        if self.agreed >= AGREEING_LINES {
            self.zone = Some(Zone::fixed((quarters * QUARTER_S) as i32));
        }
        let is_known = self.zone.map_or(0, |zone| i64::from(zone.offset_at(arrived))) == quarters * QUARTER_S;
        if is_known {
            believe(stamp.resolve(self.zone.unwrap_or_default(), arrived), arrived)
        } else {
            Resolved::implausible(arrived)
        }
    }
}

fn believe(at: Timestamp, arrived: Timestamp) -> Resolved {
    if at.since(arrived) > AHEAD { Resolved::implausible(arrived) } else { Resolved::own(at) }
}
