//! Which time counts: a record's own where it can be believed, else that of its arrival.

use crate::time::{Stamp, Timestamp, Zone};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A stamp this far ahead of its arrival is a wrong clock.
const AHEAD: Duration = Duration::from_mins(1);
/// In a replay nothing arrives: a stamp this far ahead of its stream is believed only when the next one is there too.
const LEAP: Duration = Duration::from_hours(9600);
/// Zones are multiples of this.
const QUARTER: i64 = 900;
/// Lines that have to agree on a zone before it is believed.
const AGREE: u8 = 3;
/// The longest window: what is older only counts.
pub(super) const LATE: Duration = Duration::from_hours(1);

/// Where the present comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Ticks tell the time; lines arrive when they are written.
    Live,
    /// The records' own times are all the time there is: a recorded log is replayed.
    Replay,
}

/// What one stream's stamps have told of its writer's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct StreamClock {
    /// Settled by the configuration, or learnt.
    #[serde(skip)]
    zone: Option<Zone>,
    #[serde(skip)]
    settled: bool,
    candidate: i64,
    agreed: u8,
    last: Option<Timestamp>,
    /// A stamp far ahead of all before it, to be confirmed.
    leap: Option<Timestamp>,
}

/// A record's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) at: Timestamp,
    /// The record's own stamp was not used, or was shifted by a zone that was only just guessed.
    pub(super) skewed: bool,
    /// The record had a stamp that was used.
    pub(super) own: bool,
}

impl StreamClock {
    /// What must survive a restart; the zone in seconds.
    pub(super) fn state(self) -> (Self, Option<i32>) {
        (self, self.zone.filter(|_| !self.settled).map(|it| it.0))
    }

    /// Goes on from a state; a zone that is configured now wins.
    pub(super) fn restore(&mut self, (state, zone): (Self, Option<i32>)) {
        let Self { zone: configured, settled, .. } = *self;
        *self = Self { zone: configured.or(zone.map(Zone)), settled, ..state };
    }

    /// Takes over what the configuration says now; what was learnt stays where it says nothing.
    pub(super) fn set_zone(&mut self, zone: Option<Zone>) {
        (self.zone, self.settled) = (zone.or(self.zone), zone.is_some());
    }

    pub(super) fn new(zone: Option<Zone>) -> Self {
        Self { zone, settled: zone.is_some(), ..Self::default() }
    }

    /// The time of a record with this stamp. `arrived` is when its bytes came; in a replay it is the latest time seen.
    /// `fresh`: the bytes were read as they were written, so arrival is a witness.
    pub(super) fn resolve(&mut self, stamp: Option<Stamp>, clock: Clock, arrived: Timestamp, fresh: bool) -> Resolved {
        let resolved = match (stamp, clock) {
            (None, Clock::Live) => Resolved { at: arrived, skewed: false, own: false },
            (None, Clock::Replay) => Resolved { at: self.last.unwrap_or(arrived), skewed: false, own: false },
            (Some(stamp), Clock::Replay) => {
                let near = self.last.unwrap_or(arrived);
                self.follow(stamp.resolve(self.zone.unwrap_or_default(), near))
            }
            (Some(Stamp::Utc(at)), Clock::Live) => self.believe(at, arrived),
            (Some(local), Clock::Live) => self.local(local, arrived, fresh),
        };
        self.last = Some(self.last.map_or(resolved.at, |last| last.max(resolved.at)));
        resolved
    }

    /// The next stamp of a replayed stream. One wrong clock must not end time for all that comes after it.
    fn follow(&mut self, at: Timestamp) -> Resolved {
        let Some(last) = self.last.filter(|last| at.since(*last) > LEAP) else {
            self.leap = None;
            return Resolved { at, skewed: false, own: true };
        };
        if self.leap.replace(at).is_some_and(|leap| leap.since(at) < LEAP && at.since(leap) < LEAP) {
            self.leap = None;
            return Resolved { at, skewed: false, own: true };
        }
        Resolved { at: last, skewed: true, own: false }
    }

    fn believe(&self, at: Timestamp, arrived: Timestamp) -> Resolved {
        if at.since(arrived) > AHEAD {
            return Resolved { at: arrived, skewed: true, own: false };
        }
        Resolved { at, skewed: false, own: true }
    }

    fn local(&mut self, stamp: Stamp, arrived: Timestamp, fresh: bool) -> Resolved {
        if let Some(zone) = self.zone.filter(|_| self.settled || !fresh) {
            return self.believe(stamp.resolve(zone, arrived), arrived);
        }
        let as_utc = stamp.resolve(Zone::default(), arrived);
        let off = as_utc.second() - arrived.second();
        let quarters = (off + QUARTER / 2).div_euclid(QUARTER);
        let rest = off - quarters * QUARTER;
        if !fresh || rest.abs() > 60 || quarters.abs() > 60 {
            return self.believe(stamp.resolve(self.zone.unwrap_or_default(), arrived), arrived);
        }
        if quarters == self.candidate {
            self.agreed = self.agreed.saturating_add(1);
        } else {
            (self.candidate, self.agreed) = (quarters, 1);
        }
        // Clocks change twice a year: what was learnt is learnt anew when enough lines agree on something else.
        if self.agreed >= AGREE {
            self.zone = Some(Zone((quarters * QUARTER) as i32));
        }
        let known = self.zone.map_or(0, |it| i64::from(it.0)) == quarters * QUARTER;
        if known {
            self.believe(stamp.resolve(self.zone.unwrap_or_default(), arrived), arrived)
        } else {
            Resolved { at: arrived, skewed: true, own: false }
        }
    }
}
