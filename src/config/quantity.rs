//! Sizes and durations as people write them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A number of bytes: `64KiB`, `1MiB`, `10MB`, or a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// A duration: `500ms`, `45s`, `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A text that is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The text is not a size.
    #[error("invalid size {0:?}; write a number with B, kB, MB, GB, KiB, MiB or GiB, like \"1MiB\"")]
    Size(String),
    /// The text is not a duration.
    #[error("invalid duration {0:?}; write numbers with ms, s, m, h or d, like \"45s\" or \"1h30m\"")]
    Time(String),
}

const SIZES: [(&str, u64); 8] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("", 1),
];

const TIMES_MS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl FromStr for ByteSize {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let size = || {
            let (number, unit) = number_and_rest(text.trim())?;
            let (_, factor) = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?;
            number.checked_mul(*factor)
        };
        size().map(Self).ok_or_else(|| QuantityError::Size(text.to_owned()))
    }
}

impl FromStr for Span {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = || {
            let (mut rest, mut total) = (text.trim(), 0_u64);
            loop {
                let (number, unit) = number_and_rest(rest)?;
                let end = unit.find(|letter: char| letter.is_ascii_digit()).unwrap_or(unit.len());
                let (unit, more) = unit.split_at(end);
                let (_, factor) = TIMES_MS.iter().find(|(name, _)| *name == unit.trim())?;
                total = total.checked_add(number.checked_mul(*factor)?)?;
                if more.is_empty() {
                    return Some(Duration::from_millis(total));
                }
                rest = more;
            }
        };
        time().map(Self).ok_or_else(|| QuantityError::Time(text.to_owned()))
    }
}

fn number_and_rest(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    Some((number.parse().ok()?, rest))
}

/// In the largest unit that leaves no fraction.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |factor: u64| self.0 >= factor && self.0.is_multiple_of(factor);
        match self.0 {
            size if fits(1 << 30) => write!(f, "{}GiB", size >> 30),
            size if fits(1 << 20) => write!(f, "{}MiB", size >> 20),
            size if fits(1 << 10) => write!(f, "{}KiB", size >> 10),
            size => write!(f, "{size}B"),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_millis();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (name, factor) in TIMES_MS.iter().rev() {
            let (number, left) = (rest / u128::from(*factor), rest % u128::from(*factor));
            if number > 0 {
                write!(f, "{number}{name}")?;
            }
            rest = left;
        }
        Ok(())
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Size;
        impl Visitor<'_> for Size {
            type Value = ByteSize;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size like \"1MiB\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ByteSize, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<ByteSize, E> {
                u64::try_from(number).map(ByteSize).map_err(|_| E::custom(QuantityError::Size(number.to_string())))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<ByteSize, E> {
                Ok(ByteSize(number))
            }
        }
        from.deserialize_any(Size)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for ByteSize {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let pattern = "^[0-9]+ *([kKmMgG]?[bB]|[kKmMgG][iI][bB])?$";
        json_schema!({"anyOf": [
            {"type": "integer", "minimum": 0, "description": "A number of bytes."},
            {"type": "string", "pattern": pattern, "description": "A number with a unit, like 64KiB or 1MiB."},
        ]})
    }
}

impl JsonSchema for Span {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^([0-9]+ *(ms|s|m|h|d))+$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_parsed_and_printed() {
        for (text, bytes, shown) in [
            ("1MiB", 1 << 20, "1MiB"),
            ("64 kib", 65_536, "64KiB"),
            ("10MB", 10_000_000, "10000000B"),
            ("512", 512, "512B"),
            ("2GiB", 2 << 30, "2GiB"),
            ("0B", 0, "0B"),
        ] {
            let size: ByteSize = text.parse().expect(text);
            assert_eq!((size.0, size.to_string().as_str()), (bytes, shown));
        }
        for text in ["", "MiB", "1.5MiB", "-1", "1 mile", "99999999999GiB"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_parsed_and_printed() {
        for (text, millis, shown) in [
            ("45s", 45_000, "45s"),
            ("1h30m", 5_400_000, "1h30m"),
            ("500ms", 500, "500ms"),
            ("90m", 5_400_000, "1h30m"),
            ("0s", 0, "0s"),
        ] {
            let span: Span = text.parse().expect(text);
            assert_eq!((span.0.as_millis(), span.to_string().as_str()), (millis, shown));
        }
        for text in ["", "45", "s", "1.5h", "5 minutes", "1h30"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
