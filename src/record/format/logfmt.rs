//! logfmt: `key=value` pairs from the first word on.

use super::entry::Entry;
use crate::record::field::FieldMap;
use crate::record::pairs::Pairs;
use crate::record::record::{Format, Record};

/// Whether the first line of an entry begins with a pair and has at least two.
pub(super) fn is_logfmt(entry: Entry<'_>) -> bool {
    let line = entry.first_line();
    let begins_with_pair = line.first().is_some_and(u8::is_ascii_alphabetic)
        && line
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'@')))
            .is_some_and(|at| line[at] == b'=');
    begins_with_pair && Pairs::new(line).nth(1).is_some()
}

pub(super) fn read<'a>(map: &FieldMap, entry: Entry<'a>) -> Record<'a> {
    let mut record = Record::new(Format::Logfmt, entry.bytes, entry.stamped);
    record.pairs(map, entry.first_line());
    record.settle();
    record
}
