//! Time zones as people write them.

use crate::time::{Stamp, Zone};
use jiff::tz::TimeZone;

/// The offset of a zone: `+09:00`, `UTC`, or a name of the IANA database, as of now.
///
/// # Errors
/// If there is no such zone.
pub fn zone(text: &str) -> Result<Zone, String> {
    let bad = || format!("unknown time zone {text:?}; use a name (Asia/Tokyo) or an offset (+09:00)");
    if text.starts_with(['+', '-']) {
        let probe = format!("1970-01-02T00:00:00{text}");
        let Some(Stamp::Utc(at)) = Stamp::parse(probe.as_bytes()) else { return Err(bad()) };
        return Ok(Zone((86_400 - at.second()) as i32));
    }
    let zone = TimeZone::get(text).map_err(|_| bad())?;
    Ok(Zone(zone.to_offset(jiff::Timestamp::now()).seconds()))
}
