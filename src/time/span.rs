//! Lengths of time as people write and read them.

use jiff::SpanRelativeTo;
use jiff::fmt::friendly::SpanParser;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time in a configuration: `500ms`, `45s`, `1h30m`, `2d`, `5 minutes`. A number needs a unit; a day is 24
/// hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// The text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration; write numbers with ms, s, m, h or d, like \"45s\" or \"1h30m\"")]
pub struct SpanError(pub String);

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let span = SpanParser::new().parse_span(text.trim()).ok()?;
            let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
            Duration::try_from(length).ok()
        };
        parse().map(Self).ok_or_else(|| SpanError(text.to_owned()))
    }
}

const UNITS_MS: [(&str, u128); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Exact to a millisecond, in the form that is parsed: `1h30m`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_millis();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, length) in UNITS_MS {
            if rest >= length {
                write!(f, "{}{unit}", rest / length)?;
                rest %= length;
            }
        }
        Ok(())
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
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
        json_schema!({"type": "string", "pattern": "^([0-9]+([.][0-9]+)? *[a-z]+,? *)+$"})
    }
}

/// Whole seconds, rounded down; the core counts time in seconds of type `i64`.
#[must_use]
pub fn whole_seconds(length: Duration) -> i64 {
    i64::try_from(length.as_secs()).unwrap_or(i64::MAX)
}

/// For sentences: `45 s`, `1 minute`, `60 minutes`. Exact to a second: use it for configured lengths.
#[must_use]
pub fn format_duration(length: Duration) -> String {
    match length.as_secs() {
        seconds if seconds % 60 != 0 || seconds == 0 => format!("{seconds} s"),
        60 => "1 minute".to_owned(),
        seconds => format!("{} minutes", seconds / 60),
    }
}

/// For tables and numbers in a text: `45s`, `2m30s`, `3h05m`, `2d4h`. The two largest units: use it for measured lengths.
#[must_use]
pub fn format_compact(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_parsed_and_displayed() {
        for (text, millis, shown) in [
            ("45s", 45_000, "45s"),
            ("10 s", 10_000, "10s"),
            ("1h30m", 5_400_000, "1h30m"),
            ("1.5h", 5_400_000, "1h30m"),
            ("500ms", 500, "500ms"),
            ("90m", 5_400_000, "1h30m"),
            ("5 minutes", 300_000, "5m"),
            ("36h", 129_600_000, "1d12h"),
            ("2d", 172_800_000, "2d"),
            ("0s", 0, "0s"),
        ] {
            let span: Span = text.parse().expect(text);
            assert_eq!((span.0.as_millis(), span.to_string().as_str()), (millis, shown), "{text}");
        }
        for text in ["", "45", "s", "-5s", "5s ago", "1h30", "1mo", "1y", "soon", "99999999999999999999d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_formatted_for_sentences_and_tables() {
        for (seconds, sentence, compact) in [
            (0, "0 s", "0s"),
            (45, "45 s", "45s"),
            (60, "1 minute", "1m00s"),
            (90, "90 s", "1m30s"),
            (3_600, "60 minutes", "1h00m"),
            (11_100, "185 minutes", "3h05m"),
            (187_200, "3120 minutes", "2d4h"),
        ] {
            let length = Duration::from_secs(seconds);
            assert_eq!((format_duration(length).as_str(), format_compact(length).as_str()), (sentence, compact));
        }
    }
}
