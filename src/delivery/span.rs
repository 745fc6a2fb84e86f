//! Durations in the tables of receivers, as people write them.

use serde::{Deserialize, Deserializer};
use std::time::Duration;

/// A positive duration as text: `500ms`, `10s`, `5m`, `4h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let invalid = || serde::de::Error::custom(format!("{text:?} is not a duration; write for example \"10s\" or \"4h\""));
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit = match unit.trim() {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_mins(1),
            "h" => Duration::from_hours(1),
            _ => return Err(invalid()),
        };
        let number: u32 = number.parse().map_err(|_| invalid())?;
        unit.checked_mul(number).filter(|span| !span.is_zero()).map(Self).ok_or_else(invalid)
    }
}
