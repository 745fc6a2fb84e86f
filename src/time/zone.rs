//! Local time: an offset from UTC that may change with the seasons.

use super::timestamp::{MICROS, Timestamp};

/// Longer than any offset, in seconds.
const DAY_S: i64 = 86_400;

/// How far local time is ahead of UTC: always the same, or with known changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// The offset before the first change, in seconds.
    offset_s: i32,
    /// From which second of UTC another offset is in force, in order of time.
    changes: &'static [(i64, i32)],
}

impl Zone {
    /// A zone that is always ahead of UTC by this many seconds.
    #[must_use]
    pub const fn fixed(offset_s: i32) -> Self {
        Self { offset_s, changes: &[] }
    }

    /// A zone with an offset before the first change. `changes`: the second of UTC, and the offset from then on, in order.
    #[must_use]
    pub const fn changing(offset_s: i32, changes: &'static [(i64, i32)]) -> Self {
        Self { offset_s, changes }
    }

    /// The offset that is in force at `at`, in seconds.
    #[must_use]
    pub fn offset_at(self, at: Timestamp) -> i32 {
        self.offset_at_second(at.second())
    }

    fn offset_at_second(self, second: i64) -> i32 {
        let passed = self.changes.partition_point(|(from, _)| *from <= second);
        passed.checked_sub(1).and_then(|index| self.changes.get(index)).map_or(self.offset_s, |(_, offset)| *offset)
    }

    /// The point in time at which clocks of this zone show `local` (stored as if it were UTC). If they show it twice, the one
    /// closest to `near`; if they skip it, the one by the offset before.
    pub(super) fn resolve(self, local: Timestamp, near: Timestamp) -> Timestamp {
        let second = local.second();
        let before = self.offset_at_second(second - DAY_S);
        let after = self.offset_at_second(second + DAY_S);
        let reading = |offset: i32| Timestamp::from_micros(local.as_micros() - i64::from(offset) * MICROS);
        let is_shown = |offset: i32| self.offset_at(reading(offset)) == offset;
        let distance = |offset: i32| (reading(offset).as_micros() - near.as_micros()).abs();
        let is_after = is_shown(after) && (!is_shown(before) || distance(after) < distance(before));
        reading(if is_after { after } else { before })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Stamp;
    use super::*;

    /// Berlin in 2026: summer time from March 29 to October 25, both at 01:00 UTC.
    const BERLIN: Zone = Zone::changing(3_600, &[(1_774_746_000, 7_200), (1_792_890_000, 3_600)]);

    fn read(stamp: &str, arrived: &str) -> String {
        let Some(Stamp::Utc(near)) = Stamp::parse(arrived.as_bytes()) else { panic!("no time: {arrived}") };
        let Some(stamp) = Stamp::parse(stamp.as_bytes()) else { panic!("no stamp: {stamp}") };
        let at = stamp.resolve(BERLIN, near).to_string();
        at.get(..19).expect("a time with seconds").to_owned()
    }

    #[test]
    fn a_repeated_hour_is_read_closest_to_its_arrival() {
        assert_eq!(read("2026-10-25 02:30:00", "2026-10-25T00:30:01Z"), "2026-10-25T00:30:00");
        assert_eq!(read("2026-10-25 02:30:00", "2026-10-25T01:30:01Z"), "2026-10-25T01:30:00");
        assert_eq!(read("02:30:00", "2026-10-25T01:30:01Z"), "2026-10-25T01:30:00");
    }

    #[test]
    fn an_hour_that_is_not_repeated_has_one_reading_however_late_it_arrives() {
        assert_eq!(read("2026-10-25 01:59:59", "2026-10-25T01:30:00Z"), "2026-10-24T23:59:59");
        assert_eq!(read("2026-10-25 03:00:00", "2026-10-25T01:00:01Z"), "2026-10-25T02:00:00");
        assert_eq!(read("2026-07-01 12:00:00", "2026-07-01T11:00:00Z"), "2026-07-01T10:00:00");
        assert_eq!(read("2026-12-01 12:00:00", "2026-12-01T11:00:00Z"), "2026-12-01T11:00:00");
    }

    #[test]
    fn a_skipped_hour_is_read_by_the_offset_before() {
        assert_eq!(read("2026-03-29 02:30:00", "2026-03-29T01:30:00Z"), "2026-03-29T01:30:00");
    }
}
