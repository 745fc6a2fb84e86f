//! Time stamps in log lines.
//!
//! Formats: RFC 3339 and its relatives (`T` or a blank, `.` or `,` before the fraction, `Z`, `+09:00`, `+0900`, or no
//! zone), Apache's `20/Nov/2026:09:16:51 +0900`, `2026/11/20 - 09:16:51` (gin), a bare time of day, and epoch numbers in
//! seconds, milliseconds, microseconds or nanoseconds, distinguished by their size.

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
    /// A time of day without a date, in microseconds since midnight.
    TimeOfDay(i64),
}

impl Stamp {
    /// The point in time. A stamp without a zone is in `zone`. Of several readings, the one closest to `near` is meant: a stamp
    /// without a date names a time of each day, and an hour that the clock repeats in autumn has two readings.
    #[must_use]
    pub fn resolve(self, zone: Zone, near: Timestamp) -> Timestamp {
        match self {
            Self::Utc(at) => at,
            Self::Local(at) => zone.resolve(at, near),
            Self::TimeOfDay(micros) => {
                const DAY: i64 = 86_400 * MICROS;
                let local = near.as_micros() + i64::from(zone.offset_at(near)) * MICROS;
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

    /// Parses a whole field. `None`: the field has none of the formats of this module.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        let (stamp, rest) = Self::parse_prefix(text)?;
        rest.is_empty().then_some(stamp)
    }

    /// Parses a stamp at the start of `text`, and returns it with the rest of the text.
    #[must_use]
    pub fn parse_prefix(text: &[u8]) -> Option<(Self, &[u8])> {
        if text.len() >= 10 && text[4] == b'-' && text[7] == b'-' {
            return date_time(text, *b"--");
        }
        if text.len() >= 10 && text[4] == b'/' && text[7] == b'/' {
            return date_time(text, *b"//");
        }
        if text.len() >= 20 && text[2] == b'/' && text[6] == b'/' {
            return apache(text);
        }
        if text.len() >= 8 && text[2] == b':' && text[5] == b':' {
            let mut at = Cursor { text, at: 0 };
            let micros = at.time_of_day()?;
            return Some((Self::TimeOfDay(micros), at.rest()));
        }
        epoch_text(text)
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

fn epoch_text(text: &[u8]) -> Option<(Stamp, &[u8])> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    if !(9..=19).contains(&digits) {
        return None;
    }
    let mut end = digits;
    if text.get(end) == Some(&b'.') {
        end += 1 + text[end + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
    }
    let number = std::str::from_utf8(&text[..end]).ok()?.parse().ok()?;
    Some((Stamp::from_epoch(number)?, &text[end..]))
}

fn date_time(text: &[u8], separators: [u8; 2]) -> Option<(Stamp, &[u8])> {
    let mut at = Cursor { text, at: 0 };
    let year = at.digits(4)?;
    at.skip(separators[0])?;
    let month = at.digits(2)?;
    at.skip(separators[1])?;
    let day = at.digits(2)?;
    match at.next()? {
        b'T' | b't' => {}
        // One blank in most logs, ` - ` in gin's.
        b' ' => {
            if at.rest().starts_with(b"- ") {
                at.at += 2;
            }
        }
        _ => return None,
    }
    finish(at, (year, month, day))
}

/// `20/Nov/2026:09:16:51 +0900`.
fn apache(text: &[u8]) -> Option<(Stamp, &[u8])> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let mut at = Cursor { text, at: 0 };
    let day = at.digits(2)?;
    at.skip(b'/')?;
    let name = text.get(at.at..at.at + 3)?;
    let (_, month) = MONTHS.iter().zip(1_i64..).find(|(month, _)| month.as_slice() == name)?;
    at.at += 3;
    at.skip(b'/')?;
    let year = at.digits(4)?;
    at.skip(b':')?;
    finish(at, (year, month, day))
}

fn finish(mut at: Cursor<'_>, (year, month, day): (i64, i64, i64)) -> Option<(Stamp, &[u8])> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let micros = at.time_of_day()?;
    let local = civil::days_of(year, month, day) * 86_400 * MICROS + micros;
    Some(match at.zone() {
        Some(shift) => (Stamp::Utc(Timestamp::from_micros(local - shift * MICROS)), at.rest()),
        None => (Stamp::Local(Timestamp::from_micros(local)), at.rest()),
    })
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = *self.text.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn skip(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let mut number = 0;
        for byte in self.text.get(self.at..self.at + count)? {
            if !byte.is_ascii_digit() {
                return None;
            }
            number = number * 10 + i64::from(byte - b'0');
        }
        self.at += count;
        Some(number)
    }

    /// Parses `09:16:51`, maybe with a fraction of any length after `.` or `,`; in microseconds.
    fn time_of_day(&mut self) -> Option<i64> {
        let hour = self.digits(2)?;
        self.skip(b':')?;
        let minute = self.digits(2)?;
        self.skip(b':')?;
        let second = self.digits(2)?;
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let mut micros = (hour * 3_600 + minute * 60 + second) * MICROS;
        if let [b'.' | b',', digit, ..] = self.rest()
            && digit.is_ascii_digit()
        {
            self.at += 1;
            let mut unit = MICROS / 10;
            while let Some(digit) = self.rest().first().filter(|byte| byte.is_ascii_digit()) {
                micros += i64::from(digit - b'0') * unit;
                unit /= 10;
                self.at += 1;
            }
        }
        Some(micros)
    }

    /// Parses a zone into seconds ahead of UTC: `Z`, `+09:00`, `+0900`, ` +0900`, ` UTC`. If the text has no zone, the cursor
    /// does not move.
    fn zone(&mut self) -> Option<i64> {
        let start = self.at;
        if self.rest().first() == Some(&b' ') && matches!(self.rest().get(1), Some(b'+' | b'-')) {
            self.at += 1;
        }
        if self.rest().starts_with(b" UTC") {
            self.at += 4;
            return Some(0);
        }
        let found = match self.next() {
            Some(b'Z' | b'z') => return Some(0),
            Some(b'+') => self.offset(),
            Some(b'-') => self.offset().map(|seconds| -seconds),
            _ => None,
        };
        if found.is_none() {
            self.at = start;
        }
        found
    }

    fn offset(&mut self) -> Option<i64> {
        let hours = self.digits(2)?;
        if self.rest().first() == Some(&b':') {
            self.at += 1;
        }
        let minutes = self.digits(2).unwrap_or(0);
        (hours <= 15 && minutes < 60).then_some(hours * 3_600 + minutes * 60)
    }
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

    #[test]
    fn text_that_is_not_a_stamp_is_rejected() {
        for text in ["", "2026", "2026-13-01T00:00:00Z", "2026-11-20T25:00:00Z", "20/Foo/2026:07:19:57 +0900", "2026-11-20Tx"] {
            assert_eq!(Stamp::parse(text.as_bytes()), None, "{text}");
        }
    }
}
