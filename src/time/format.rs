//! How loggers spell time stamps.
//!
//! Dates: RFC 3339 and its relatives (`-`, `/` or `.`; `T`, a blank, `, `, ` - ` or `_` before the time; basic and ordinal
//! dates), the common log format of web servers, ctime and syslog (names of months, with or without a year), dates of the
//! United States with a clock of twelve hours (Node, signale, rich), klog's `1103`, and epoch numbers. Times have a fraction
//! of any length after `.` or `,`. Zones are offsets or the names that mean one offset everywhere.

use super::civil;
use super::stamp::Stamp;
use super::timestamp::{MICROS, Timestamp};

/// A date as written.
#[derive(Clone, Copy)]
struct Date {
    /// `None`: the stamp has no year, or has it behind the time of day.
    year: Option<i64>,
    month: i64,
    day: i64,
}

impl Stamp {
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
        parse_prefix(text)
    }
}

fn parse_prefix(text: &[u8]) -> Option<(Stamp, &[u8])> {
    if let Some(stamp) = usual(text) {
        return Some(stamp);
    }
    let at = Cursor { text, at: 0 };
    match *text.get(..8)? {
        [_, _, _, _, b'-', _, _, b'-'] | [_, _, _, _, b'/', _, _, b'/'] | [_, _, _, _, b'.', _, _, b'.'] => {
            date_and_time(at, Cursor::year_month_day)
        }
        [b'0'..=b'9', _, b':', _, _, b':', ..] | [b'0'..=b'9', b':', _, _, b':', ..] => time_only(at),
        [b'0'..=b'9', ..] => begins_with_number(at),
        [b'A'..=b'Z', ..] => begins_with_name(at),
        _ => None,
    }
}

/// `2026-11-03T10:16:18`, or with a blank, as nearly all loggers write it. The general way gives the same; this one saves time.
fn usual(text: &[u8]) -> Option<(Stamp, &[u8])> {
    let head: &[u8; 19] = text.first_chunk()?;
    let [_, _, _, _, b'-', _, _, b'-', _, _, b'T' | b' ', _, _, b':', _, _, b':', _, _] = head else { return None };
    let is_number = |at: usize| head[at].is_ascii_digit() && head[at + 1].is_ascii_digit();
    if ![0, 2, 5, 8, 11, 14, 17].into_iter().fold(true, |all, at| all & is_number(at)) {
        return None;
    }
    let number = |at: usize| i64::from(head[at] - b'0') * 10 + i64::from(head[at + 1] - b'0');
    let (year, month, day) = (number(0) * 100 + number(2), number(5), number(8));
    let (hour, minute, second) = (number(11), number(14), number(17));
    let is_valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour <= 23 && minute <= 59 && second <= 60;
    let mut at = Cursor { text, at: head.len() };
    let micros = at.fraction();
    if !is_valid || at.half_of_day().is_some() {
        return None;
    }
    let behind = at.at;
    let mut zone = at.zone();
    if zone.is_none() && at.at > behind {
        zone = at.zone();
    }
    let seconds = civil::days_of(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    let local = seconds * MICROS + micros;
    let stamp = match zone {
        None => Stamp::Local(Timestamp::from_micros(local)),
        Some(shift) => Stamp::Utc(Timestamp::from_micros(local - shift * MICROS)),
    };
    Some((stamp, at.rest()))
}

/// A date in figures, in an order that its separators show, or an epoch number.
fn begins_with_number(at: Cursor<'_>) -> Option<(Stamp, &[u8])> {
    let digits = at.text.iter().take_while(|b| b.is_ascii_digit()).count();
    let behind = at.text.get(digits..)?;
    let is_name = behind.get(1).is_some_and(u8::is_ascii_alphabetic);
    match (digits, behind.first().unwrap_or(&b' ')) {
        (1 | 2, b'/' | b'-' | b' ') if is_name => date_and_time(at, Cursor::day_name_year),
        (1 | 2, b'/') => date_and_time(at, Cursor::date_of_slashes),
        (2, b'-') => date_and_time(at, Cursor::month_day_dash),
        (2, b'.') => date_and_time(at, Cursor::day_month_year),
        (4, b'-') => date_and_time(at, Cursor::ordinal),
        (4, b' ') if !behind.is_empty() => date_and_time(at, Cursor::month_day),
        (8, b'T' | b' ' | b'-' | b'_') => date_and_time(at, Cursor::basic),
        _ => epoch_text(at.text),
    }
}

/// `Nov  3 10:16:18`, `Nov 03, 2026 10:16:18 AM`, `Tue Nov  3 10:16:18 2026`, `Tue, 03 Nov 2026 10:16:18 GMT`.
fn begins_with_name(mut at: Cursor<'_>) -> Option<(Stamp, &[u8])> {
    const DAYS: [&[u8; 3]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    if DAYS.iter().any(|day| at.text.starts_with(day.as_slice())) {
        at.at = 3;
        at.take(b",");
        at.skip(b' ')?;
        if at.rest().first()?.is_ascii_digit() {
            return date_and_time(at, Cursor::day_name_year);
        }
    }
    date_and_time(at, Cursor::name_day_year)
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

fn time_only(mut at: Cursor<'_>) -> Option<(Stamp, &[u8])> {
    let (micros, half) = at.time_of_day()?;
    // One digit is an hour only on a clock of twelve hours: `3:12:04` may be a length of time.
    (half || at.text.get(1) != Some(&b':')).then(|| (Stamp::TimeOfDay(micros), at.rest()))
}

fn date_and_time<'a>(mut at: Cursor<'a>, read_date: impl Fn(&mut Cursor<'a>) -> Option<Date>) -> Option<(Stamp, &'a [u8])> {
    let Date { year, month, day } = read_date(&mut at)?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    at.between()?;
    let (micros, _) = at.time_of_day()?;
    let mut zone = at.zone();
    let year = year.or_else(|| at.year_behind());
    if year.is_some() && zone.is_none() {
        zone = at.zone();
    }
    let local = civil::days_of(year.unwrap_or(Stamp::LEAP_YEAR), month, day) * 86_400 * MICROS + micros;
    let stamp = match (year, zone) {
        (None, _) => Stamp::Yearless(Timestamp::from_micros(local)),
        (Some(_), None) => Stamp::Local(Timestamp::from_micros(local)),
        (Some(_), Some(shift)) => Stamp::Utc(Timestamp::from_micros(local - shift * MICROS)),
    };
    Some((stamp, at.rest()))
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

/// The parts of a stamp.
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

    /// Moves over `part` if it is here.
    fn take(&mut self, part: &[u8]) -> bool {
        let is_here = self.rest().starts_with(part);
        if is_here {
            self.at += part.len();
        }
        is_here
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

    /// A number of one or two digits; a blank may stand for the first.
    fn one_or_two(&mut self) -> Option<i64> {
        self.take(b" ");
        self.digits(2).or_else(|| self.digits(1))
    }

    /// The name of a month in English: at least its first three letters.
    fn month_name(&mut self) -> Option<i64> {
        const MONTHS: [&[u8; 3]; 12] =
            [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
        let name = self.rest().get(..3)?;
        let (_, month) = MONTHS.iter().zip(1_i64..).find(|(known, _)| known.as_slice() == name)?;
        self.at += 3;
        Some(month)
    }

    /// `-` or a blank, `, ` or ` - ` and their like between a date and a time.
    fn between(&mut self) -> Option<()> {
        let marks: [&[u8]; 11] = [b"T", b"t", b", ", b" - ", b"  ", b" ", b":", b"] [", b"_", b"-", b"/"];
        marks.iter().any(|mark| self.take(mark)).then_some(())
    }

    /// Parses `09:16:51`, `9:16:51 PM` or `091651`, maybe with a fraction of any length after `.` or `,`. Returns microseconds,
    /// and whether it was a clock of twelve hours.
    fn time_of_day(&mut self) -> Option<(i64, bool)> {
        let hour = self.digits(2).or_else(|| self.digits(1))?;
        let colons = self.take(b":");
        let minute = self.digits(2)?;
        if colons {
            self.skip(b':')?;
        }
        let second = self.digits(2)?;
        let micros = self.fraction();
        let half = self.half_of_day();
        let hour = match half {
            Some(after_noon) if (1..=12).contains(&hour) => hour % 12 + if after_noon { 12 } else { 0 },
            _ => hour,
        };
        let valid = hour <= 23 && minute <= 59 && second <= 60;
        valid.then_some(((hour * 3_600 + minute * 60 + second) * MICROS + micros, half.is_some()))
    }

    /// The fraction of a second, in microseconds.
    fn fraction(&mut self) -> i64 {
        let [b'.' | b',', digits @ ..] = self.rest() else { return 0 };
        let (mut micros, mut unit, mut length) = (0, MICROS / 10, 0);
        for digit in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
            micros += i64::from(digit - b'0') * unit;
            unit /= 10;
            length += 1;
        }
        self.at += if length > 0 { 1 + length } else { 0 };
        micros
    }

    /// ` AM` or ` PM`; `true` for the second half of the day. Node puts a narrow space before it.
    fn half_of_day(&mut self) -> Option<bool> {
        let rest = self.rest();
        // Most times are followed by something else.
        if !matches!(rest, [b'A' | b'a' | b'P' | b'p' | 0x80.., ..] | [b' ', b'A' | b'a' | b'P' | b'p', ..]) {
            return None;
        }
        let space = ["\u{202f}", "\u{a0}", " "].iter().find(|space| rest.starts_with(space.as_bytes())).map_or(0, |s| s.len());
        let after_noon = match rest.get(space..space + 2)? {
            b"AM" | b"am" => false,
            b"PM" | b"pm" => true,
            _ => return None,
        };
        if rest.get(space + 2).is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        self.at += space + 2;
        Some(after_noon)
    }

    /// The year behind the time of day, as ctime and `date` write it.
    fn year_behind(&mut self) -> Option<i64> {
        let start = self.at;
        let year = self.take(b" ").then(|| self.digits(4)).flatten().filter(|year| (1990..2100).contains(year));
        let ends = !self.rest().first().is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'.');
        if year.is_some() && ends {
            return year;
        }
        self.at = start;
        None
    }

    /// Parses a zone into seconds ahead of UTC: `Z`, `+09:00`, `+0900`, ` +0900`, ` UTC`, ` CET`, ` GMT+0100`. If the text has
    /// no zone, the cursor does not move; behind a name with several meanings, it does.
    fn zone(&mut self) -> Option<i64> {
        let start = self.at;
        match self.rest() {
            [b'Z' | b'z', ..] => {
                self.at += 1;
                return Some(0);
            }
            [b' ', b'A'..=b'Z', ..] => return self.named_zone(),
            [b' ', b'+' | b'-', ..] => self.at += 1,
            _ => {}
        }
        let found = match self.next() {
            Some(b'+') => self.offset(),
            Some(b'-') => self.offset().map(|seconds| -seconds),
            _ => None,
        };
        if found.is_none() {
            self.at = start;
        } else if !self.take(b" UTC") {
            self.take(b" GMT");
        }
        found
    }

    fn named_zone(&mut self) -> Option<i64> {
        let word = self.rest().get(1..)?;
        let length = word.iter().take_while(|b| b.is_ascii_uppercase()).count();
        // Most words behind a time are levels, which end otherwise.
        let ends = word.get(..length).and_then(<[u8]>::last).is_some_and(|last| matches!(last, b'C' | b'K' | b'T' | b'Z'));
        if !ends || length > 4 || word.get(length).is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        let hours = match &word[..length] {
            b"UTC" | b"GMT" | b"Z" | b"WET" => 0,
            b"CET" => 1,
            b"CEST" | b"EET" => 2,
            b"EEST" | b"MSK" => 3,
            b"SGT" | b"HKT" => 8,
            b"JST" | b"KST" => 9,
            b"AEST" => 10,
            b"AEDT" => 11,
            b"EDT" => -4,
            b"EST" | b"CDT" => -5,
            b"MDT" => -6,
            b"MST" | b"PDT" => -7,
            b"PST" => -8,
            // China or Chicago, India or Ireland, Britain or Bangladesh: the zone of the source decides.
            b"CST" | b"IST" | b"BST" => {
                self.at += 1 + length;
                return None;
            }
            _ => return None,
        };
        self.at += 1 + length;
        let shift = match self.rest().first() {
            Some(b'+') if hours == 0 => self.signed_offset(1),
            Some(b'-') if hours == 0 => self.signed_offset(-1),
            _ => None,
        };
        Some(shift.unwrap_or(hours * 3_600))
    }

    fn signed_offset(&mut self, sign: i64) -> Option<i64> {
        let start = self.at;
        self.at += 1;
        let found = self.offset().map(|seconds| seconds * sign);
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

/// The orders of a date.
impl Cursor<'_> {
    /// `2026-11-03`, with any one byte between the numbers.
    fn year_month_day(&mut self) -> Option<Date> {
        let year = self.digits(4)?;
        self.next()?;
        let month = self.digits(2)?;
        self.next()?;
        Some(Date { year: Some(year), month, day: self.digits(2)? })
    }

    /// `20261103`.
    fn basic(&mut self) -> Option<Date> {
        Some(Date { year: Some(self.digits(4)?), month: self.digits(2)?, day: self.digits(2)? })
    }

    /// `2026-307`: the day of the year.
    fn ordinal(&mut self) -> Option<Date> {
        let year = self.digits(4)?;
        self.skip(b'-')?;
        let day = self.digits(3).filter(|day| (1..=366).contains(day))?;
        let (_, month, day) = civil::date_of(civil::days_of(year, 1, 1) + day - 1);
        Some(Date { year: Some(year), month, day })
    }

    /// `03/Nov/2026`, `03-Nov-2026`, `3 Nov 2026`.
    fn day_name_year(&mut self) -> Option<Date> {
        let day = self.one_or_two()?;
        self.next()?;
        let month = self.month_name()?;
        self.next()?;
        Some(Date { year: Some(self.digits(4)?), month, day })
    }

    /// `Nov  3`, `Nov 03, 2026`, `Nov 03 2026`.
    fn name_day_year(&mut self) -> Option<Date> {
        let month = self.month_name()?;
        self.skip(b' ')?;
        let day = self.one_or_two()?;
        let start = self.at;
        self.take(b",");
        let year = self.take(b" ").then(|| self.digits(4)).flatten();
        if year.is_none() {
            self.at = start;
        }
        Some(Date { year, month, day })
    }

    /// `11/03/2026` as in the United States, unless the first number is no month; `26/11/03` of Hadoop.
    fn date_of_slashes(&mut self) -> Option<Date> {
        let first = self.one_or_two()?;
        self.skip(b'/')?;
        let second = self.one_or_two()?;
        self.skip(b'/')?;
        let year = self.digits(4);
        let short = if year.is_some() { None } else { Some(self.digits(2)?) };
        Some(match (year.or(short.map(|year| year + 2_000))?, short) {
            (_, Some(day)) if first >= 20 && day < 20 => Date { year: Some(first + 2_000), month: second, day },
            (year, _) if first > 12 => Date { year: Some(year), month: second, day: first },
            (year, _) => Date { year: Some(year), month: first, day: second },
        })
    }

    /// `11-03` of vLLM, or `03-11-2026`.
    fn month_day_dash(&mut self) -> Option<Date> {
        let first = self.digits(2)?;
        self.skip(b'-')?;
        let second = self.digits(2)?;
        if self.take(b"-") {
            return Some(Date { year: Some(self.digits(4)?), month: second, day: first });
        }
        Some(Date { year: None, month: first, day: second })
    }

    /// `03.11.2026`.
    fn day_month_year(&mut self) -> Option<Date> {
        let day = self.digits(2)?;
        self.skip(b'.')?;
        let month = self.digits(2)?;
        self.skip(b'.')?;
        Some(Date { year: Some(self.digits(4)?), month, day })
    }

    /// `1103`, as klog writes it behind the letter of the level.
    fn month_day(&mut self) -> Option<Date> {
        Some(Date { year: None, month: self.digits(2)?, day: self.digits(2)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the general way makes of a stamp.
    fn general(text: &[u8]) -> Option<(Stamp, &[u8])> {
        date_and_time(Cursor { text, at: 0 }, Cursor::year_month_day)
    }

    proptest! {
        #[test]
        fn the_usual_stamp_is_that_of_the_general_way(
            text in "20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9]([.,][0-9]{0,7})?( ?(Z|PM|am|UTC|CST|IST\\+05|[+-]05:?30| GMT|INFO|x)){0,2}",
        ) {
            if let Some(found) = usual(text.as_bytes()) {
                prop_assert_eq!(Some(found), general(text.as_bytes()), "{}", text);
            }
        }
    }
}
