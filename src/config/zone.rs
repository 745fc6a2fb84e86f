//! Time zones as people write them.

use crate::time::{Stamp, Zone};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The first and the last second of the changes that are known: 2000 to 2100.
const FROM_S: i64 = 946_684_800;
const UNTIL_S: i64 = 4_102_444_800;

/// A zone: `+09:00`, `UTC`, or a name of the IANA database, with its changes between summer and winter time.
///
/// # Errors
/// If there is no such zone.
#[expect(clippy::cast_possible_truncation, reason = "less than a day in seconds")]
pub fn zone(text: &str) -> Result<Zone, String> {
    let bad = || format!("unknown time zone {text:?}; use a name (Asia/Tokyo) or an offset (+09:00)");
    if text.starts_with(['+', '-']) {
        let probe = format!("1970-01-02T00:00:00{text}");
        let Some(Stamp::Utc(at)) = Stamp::parse(probe.as_bytes()) else { return Err(bad()) };
        return Ok(Zone::fixed((86_400 - at.second()) as i32));
    }
    let zone = TimeZone::get(text).map_err(|_| bad())?;
    let start = jiff::Timestamp::from_second(FROM_S).map_err(|_| bad())?;
    Ok(Zone::changing(zone.to_offset(start).seconds(), changes(text, &zone, start)))
}

/// The changes of a zone. They are computed once per name and kept, so that a reload uses no more memory.
fn changes(name: &str, zone: &TimeZone, start: jiff::Timestamp) -> &'static [(i64, i32)] {
    static KNOWN: Mutex<BTreeMap<String, &'static [(i64, i32)]>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(name.to_owned()).or_insert_with(|| {
        let all = zone.following(start).map(|change| (change.timestamp().as_second(), change.offset().seconds()));
        Box::leak(all.take_while(|(second, _)| *second < UNTIL_S).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn a_named_zone_knows_its_changes() {
        let Ok(berlin) = zone("Europe/Berlin") else { panic!("not found") };
        let offsets = [1_790_000_000, 1_792_889_999, 1_792_890_000].map(|at| berlin.offset_at(Timestamp::from_second(at)));
        assert_eq!(offsets, [7_200, 7_200, 3_600]);
        let Ok(tokyo) = zone("Asia/Tokyo") else { panic!("not found") };
        assert_eq!(tokyo, Zone::fixed(9 * 3_600));
        assert_eq!(zone("+05:30"), Ok(Zone::fixed(19_800)));
    }
}
