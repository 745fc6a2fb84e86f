//! Time stamps at the start of a text. A long number can be a stamp or an ordinary number, and the two readers of lines
//! decide this differently.

use crate::time::Stamp;

/// What to do with a number that may count seconds, milliseconds or smaller units since 1970.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum EpochNumber {
    /// Not a stamp: a line that begins with a number is usually not the start of an entry.
    Refuse,
    /// A stamp, unless the text is one short number (under 20 bytes) of more than ten digits.
    Accept,
}

/// The length of the stamp at the start of `text`, in bytes. Blanks at its end may be part of it.
pub(super) fn stamp_length(text: &[u8], number: EpochNumber) -> Option<usize> {
    let (stamp, rest) = Stamp::parse_prefix(text)?;
    let refused = matches!(stamp, Stamp::Utc(_))
        && match number {
            EpochNumber::Refuse => text.iter().take(9).all(u8::is_ascii_digit),
            EpochNumber::Accept => text.len() < 20 && text.get(10).is_some_and(u8::is_ascii_digit),
        };
    (!refused).then(|| text.len() - rest.len())
}
