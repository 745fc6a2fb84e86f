//! Time stamps in log lines: what a stamp can leave open, and the point in time that it names.
//!
//! `format.rs` knows how loggers spell them, and parses them.

use super::civil;
use super::timestamp::{MICROS, Timestamp};
use super::zone::Zone;

/// A time stamp as written; the zone of its source is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// A stamp with a zone.
    Utc(Timestamp),
    /// A date and a time of day without a zone, stored as if they were UTC.
    Local(Timestamp),
    /// A date without a year (syslog, klog) and a time of day without a zone, stored as if they were UTC and in the year
    /// `LEAP_YEAR`.
    Yearless(Timestamp),
    /// A time of day without a date, in microseconds since midnight.
    TimeOfDay(i64),
}

const DAY: i64 = 86_400 * MICROS;

impl Stamp {
    /// The year in which stamps without a year are stored: it has every day that a year can have.
    pub(super) const LEAP_YEAR: i64 = 2000;

    /// The point in time. A stamp without a zone is in `zone`. Of several readings, the one closest to `near` is meant: a stamp
    /// without a date names a time of each day, one without a year a time of each year, and an hour that the clock repeats in
    /// autumn has two readings.
    #[must_use]
    pub fn resolve(self, zone: Zone, near: Timestamp) -> Timestamp {
        let local = || near.as_micros() + i64::from(zone.offset_at(near)) * MICROS;
        match self {
            Self::Utc(at) => at,
            Self::Local(at) => zone.resolve(at, near),
            Self::Yearless(at) => zone.resolve(Timestamp::from_micros(with_year(at.as_micros(), local())), near),
            Self::TimeOfDay(micros) => {
                let local = local();
                let mut at = local.div_euclid(DAY) * DAY + micros;
                // A line stamped 23:59 and read at 00:01 belongs to yesterday, and vice versa.
                if at - local > DAY / 2 {
                    at -= DAY;
                } else if local - at > DAY / 2 {
                    at += DAY;
                }
                zone.resolve(Timestamp::from_micros(at), near)
            }
        }
    }

    /// Converts an epoch number: below 1e11 it counts seconds, below 1e14 milliseconds, below 1e17 microseconds, else
    /// nanoseconds. `None`: the number is too small (before 2001) or too large to be a stamp.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the value is below 1e17 microseconds")]
    pub fn from_epoch(number: f64) -> Option<Self> {
        let micros = match number {
            n if !n.is_finite() || n < 1e9 => return None,
            n if n < 1e11 => n * 1e6,
            n if n < 1e14 => n * 1e3,
            n if n < 1e17 => n,
            n if n < 1e20 => n / 1e3,
            _ => return None,
        };
        Some(Self::Utc(Timestamp::from_micros(micros.round() as i64)))
    }
}

/// The time of [`Stamp::LEAP_YEAR`] moved into the year in which it is closest to `local`; all in microseconds.
fn with_year(yearless: i64, local: i64) -> i64 {
    let (_, month, day) = civil::date_of(yearless.div_euclid(DAY));
    let (year, ..) = civil::date_of(local.div_euclid(DAY));
    let in_year = |year: i64| civil::days_of(year, month, day) * DAY + yearless.rem_euclid(DAY);
    let mut best = in_year(year);
    for other in [in_year(year - 1), in_year(year + 1)] {
        if (other - local).abs() < (best - local).abs() {
            best = other;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> String {
        match Stamp::parse(text.as_bytes()) {
            Some(Stamp::Utc(at)) => at.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn stamps_with_a_zone_are_points_in_time() {
        assert_eq!(utc("2026-11-20T09:16:51.894Z"), "2026-11-20T09:16:51.894Z");
        assert_eq!(utc("2026-11-20T18:16:51.894123456+09:00"), "2026-11-20T09:16:51.894Z");
        assert_eq!(utc("2026-11-12T08:41:56+0000"), "2026-11-12T08:41:56.000Z");
        assert_eq!(utc("30/Oct/2026:07:19:57 +0900"), "2026-10-29T22:19:57.000Z");
        assert_eq!(utc("2024-02-29 23:59:60 UTC"), "2024-03-01T00:00:00.000Z");
        assert_eq!(utc("1969-12-31T23:59:59.5Z"), "1969-12-31T23:59:59.500Z");
    }

    #[test]
    fn the_size_of_an_epoch_number_gives_its_unit() {
        for text in ["1795166211", "1795166211.000", "1795166211000", "1795166211000000", "1795166211000000000"] {
            assert_eq!(utc(text), "2026-11-20T09:16:51.000Z", "{text}");
        }
        assert_eq!(Stamp::parse(b"429"), None);
        assert_eq!(Stamp::from_epoch(f64::NAN), None);
    }

    #[test]
    fn a_stamp_without_a_zone_is_resolved_in_the_given_zone() {
        let Some(stamp) = Stamp::parse(b"2026-11-20 09:13:17,285") else { panic!("not parsed") };
        let near = Timestamp::from_second(0);
        assert_eq!(stamp.resolve(Zone::fixed(9 * 3_600), near).to_string(), "2026-11-20T00:13:17.285Z");
    }

    #[test]
    fn a_time_of_day_belongs_to_the_nearest_day() {
        let Some(Stamp::Utc(near)) = Stamp::parse(b"2026-11-20T00:01:00Z") else { panic!("not parsed") };
        let Some(stamp) = Stamp::parse(b"23:59:30") else { panic!("not parsed") };
        assert_eq!(stamp.resolve(Zone::default(), near).to_string(), "2026-11-19T23:59:30.000Z");
    }

    /// The reading of a stamp that leaves its zone or its year open, for a line that arrived in December 2026.
    fn local(text: &str) -> String {
        let Some(Stamp::Utc(near)) = Stamp::parse(b"2026-12-01T00:00:00Z") else { panic!("not parsed") };
        match Stamp::parse(text.as_bytes()) {
            Some(Stamp::Utc(_)) | None => format!("no local stamp: {text}"),
            Some(stamp) => stamp.resolve(Zone::default(), near).to_string(),
        }
    }

    #[test]
    fn loggers_spell_dates_in_many_ways() {
        for text in [
            "2026-11-03 15:49:04,500",
            "2026-11-03, 15:49:04.500",
            "2026/11/03 15:49:04.500",
            "2026/11/03 - 15:49:04.500",
            "2026.11.03 15:49:04.500",
            "2026-11-03_15:49:04.500",
            "20261103T154904.500",
            "20261103 15:49:04.500",
            "2026-307T15:49:04.500",
            "11/03/2026, 3:49:04.500 PM",
            "11/3/2026, 3:49:04.500\u{202f}PM",
            "11/03/26 15:49:04.500",
            "26/11/03 15:49:04.500",
            "[11/03/2026] [3:49:04.500 PM]".trim_matches(['[', ']']),
            "03.11.2026 15:49:04.500",
            "03/Nov/2026:15:49:04.500",
            "03/Nov/2026 15:49:04.500",
            "03-Nov-2026 15:49:04.500",
            "3 Nov 2026 15:49:04.500",
            "Nov 03, 2026 3:49:04.500 PM",
            "Tue Nov  3 15:49:04.500 2026",
            "Tue Nov 03 15:49:04.500 2026",
            "Nov  3 15:49:04.500",
            "Nov 03 15:49:04.500",
            "1103 15:49:04.500",
            "11-03 15:49:04.500",
        ] {
            assert_eq!(local(text), "2026-11-03T15:49:04.500Z", "{text}");
        }
        for text in [
            "Tue, 03 Nov 2026 15:49:04 GMT",
            "03-Nov-2026 16:49:04 CET",
            "2026-11-03 10:49:04 EST",
            "2026-11-03 15:49:04 +0000 UTC",
            "20261103T154904Z",
            "2026-307T15:49:04Z",
            "Tue Nov  3 15:49:04 UTC 2026",
            "Tue Nov 03 2026 16:49:04 GMT+0100",
        ] {
            assert_eq!(utc(text), "2026-11-03T15:49:04.000Z", "{text}");
        }
    }

    #[test]
    fn a_date_without_a_year_belongs_to_the_nearest_year() {
        let Some(Stamp::Utc(near)) = Stamp::parse(b"2027-01-01T00:01:00Z") else { panic!("not parsed") };
        let Some(stamp) = Stamp::parse(b"Dec 31 23:59:30") else { panic!("not parsed") };
        assert_eq!(stamp.resolve(Zone::default(), near).to_string(), "2026-12-31T23:59:30.000Z");
    }

    #[test]
    fn text_that_is_not_a_stamp_is_rejected() {
        for text in [
            "",
            "2026",
            "2026-13-01T00:00:00Z",
            "2026-11-20T25:00:00Z",
            "20/Foo/2026:07:19:57 +0900",
            "2026-11-20Tx",
            "12:30",
            "3:12:04",
            "4/5 10:16:18",
            "Mon 10:16:18",
            "March",
            "Nov 3",
            "429 10:16:18",
            "13/32/2026 10:16:18",
        ] {
            assert_eq!(Stamp::parse(text.as_bytes()), None, "{text}");
        }
    }
}
