//! Durations, as Go prints them and as fields hold them.

use super::json::Value;

/// `51.787708541s`, `414.019µs`, `35ms`, `29m59s`: a duration as Go prints it, in seconds.
pub(super) fn go_duration_s(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let (mut rest, mut total) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += number
            * match rest.get(..unit)?.trim_end() {
                "ns" => 1e-9,
                "us" | "µs" | "μs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3_600.0,
                _ => return None,
            };
        rest = rest.get(unit..)?;
    }
    (!text.is_empty()).then_some(total)
}

/// A duration field in seconds. The unit is in the text, or in the suffix of the key; that of `response_time` is known from
/// LiteLLM. `None` for a number without a unit.
pub(super) fn duration_s(key: &[u8], value: Value<'_>) -> Option<f64> {
    if let Value::Text(raw) = value
        && raw.bytes.last().is_some_and(u8::is_ascii_alphabetic)
    {
        return go_duration_s(raw.bytes);
    }
    let number = value.as_f64()?;
    let unit = match key {
        b"ms" | b"elapsed_ms" | b"responseTime" | b"Elapsed" | b"ai.response.msToFirstChunk" | b"msToFirstChunk" => 1e-3,
        b"response_time"
        | b"gen_ai.client.operation.duration"
        | b"request_time"
        | b"gen_ai.server.time_to_first_token"
        | b"gen_ai.client.operation.time_to_first_chunk" => 1.0,
        // Traefik
        b"Duration" => 1e-9,
        key if key.ends_with(b"_ms") || key.ends_with(b"Ms") || key.ends_with(b"_milliseconds") => 1e-3,
        key if key.ends_with(b"_us") => 1e-6,
        key if key.ends_with(b"_ns") => 1e-9,
        key if key.ends_with(b"_s") || key.ends_with(b"_seconds") || key.ends_with(b"_secs") => 1.0,
        _ => return None,
    };
    Some(number * unit)
}

/// The wait for a first token without a unit: a fraction below half a minute is of seconds, a larger number is of milliseconds. Between
/// them, and for small whole numbers, the unit cannot be known.
pub(super) fn first_token_without_unit_s(value: Value<'_>) -> Option<f64> {
    const MOST_SECONDS: f64 = 30.0;
    const LEAST_MILLISECONDS: f64 = 150.0;
    let number = value.as_f64()?;
    if number >= LEAST_MILLISECONDS {
        Some(number / 1e3)
    } else if number.fract() != 0.0 && (0.0..MOST_SECONDS).contains(&number) {
        Some(number)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_wait_for_the_first_token_shows_its_unit() {
        let seconds = |number: &'static str| first_token_without_unit_s(Value::Number(number.as_bytes()));
        assert_eq!(seconds("0.812"), Some(0.812));
        assert_eq!(seconds("812"), Some(0.812));
        assert_eq!(seconds("4312.5"), Some(4.3125));
        for unknown in ["2", "40", "61.5", "0", "-0.5"] {
            assert_eq!(seconds(unknown), None, "{unknown}");
        }
    }
}
