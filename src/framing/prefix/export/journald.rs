//! journald: `journalctl -o json`.
//!
//! Source: systemd.journal-fields(7).

use super::entry::Entry;
use super::object::Object;

pub(super) fn read<'a>(object: &'a Object<'_>) -> Option<Entry<'a>> {
    const SIGNS: [&str; 6] = ["__CURSOR", "__REALTIME_TIMESTAMP", "SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT", "_PID", "_TRANSPORT"];
    if !object.has_any(&SIGNS) {
        return None;
    }
    let unit = object.text(&["_SYSTEMD_UNIT"]);
    let identifier = object.text(&["SYSLOG_IDENTIFIER", "_COMM"]);
    Some(Entry {
        text: object.get("MESSAGE")?.bytes()?,
        stamp: object.stamp(&["_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"]),
        level: object.level(&["PRIORITY"]),
        service: if identifier.is_empty() { unit } else { identifier },
        host: object.text(&["_HOSTNAME"]),
        lane: [object.text(&["_PID", "SYSLOG_PID"]), object.text(&["_STREAM_ID"])],
        ..Entry::default()
    })
}
