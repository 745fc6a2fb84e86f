//! Points in time.

#![expect(clippy::cast_precision_loss, reason = "microseconds until the year 2255 stay below 2^53")]

use super::civil;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Microseconds per second.
pub(super) const MICROS: i64 = 1_000_000;

impl Timestamp {
    /// 0000-01-01, the earliest time with a four-digit year.
    pub const MIN: Self = Self(-62_167_219_200 * MICROS);
    /// The end of the year 9999; log lines with a later time are not accepted.
    pub const MAX: Self = Self(253_402_300_800 * MICROS - 1);

    /// From microseconds since the epoch, clamped to [`Self::MIN`] and [`Self::MAX`].
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    /// From whole seconds since the epoch.
    #[must_use]
    pub const fn from_second(second: i64) -> Self {
        Self::from_micros(second.saturating_mul(MICROS))
    }

    /// The first second of a day in UTC. `month` is 1 to 12, `day` 1 to 31.
    #[must_use]
    pub const fn from_date(year: i64, month: i64, day: i64) -> Self {
        Self::from_second(civil::days_of(year, month, day) * 86_400)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn second(self) -> i64 {
        self.0.div_euclid(MICROS)
    }

    /// Seconds since the epoch with a fraction, the unit of timestamps in Prometheus.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / MICROS as f64
    }

    /// The time from `earlier` to this; zero if this is not later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This time plus `by`, at most [`Self::MAX`].
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self::from_micros(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This time minus `by`, at least [`Self::MIN`].
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self::from_micros(self.0.saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }

    /// From the system time that an edge module has read.
    #[must_use]
    pub fn from_system(time: std::time::SystemTime) -> Self {
        match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => Self(0).plus(after),
            Err(before) => Self(0).minus(before.duration()),
        }
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-11-20T09:16:51.894Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil::date_of(self.second().div_euclid(86_400));
        let second = self.second().rem_euclid(86_400);
        let milli = self.0.rem_euclid(MICROS) / 1_000;
        let (h, m, s) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{milli:03}Z")
    }
}
