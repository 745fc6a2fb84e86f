//! The comparisons for the pipeline: the yardstick, and a straightforward implementation.

use memchr::memchr_iter;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;

/// The minimum that a reader of such records must do.
#[derive(Deserialize)]
struct Yardstick<'a> {
    #[serde(borrow, default)]
    timestamp: Cow<'a, str>,
    #[serde(borrow, default)]
    provider: Cow<'a, str>,
    #[serde(borrow, default)]
    model: Cow<'a, str>,
    #[serde(default)]
    status_code: u16,
    #[serde(default)]
    latency_ms: f64,
    #[serde(borrow, default)]
    request_id: Cow<'a, str>,
    #[serde(borrow, default)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    level: Cow<'a, str>,
}

/// The lines of a text, without their newlines.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr_iter(b'\n', bytes).map(move |end| {
        let line = &bytes[start..end];
        start = end + 1;
        line
    })
}

/// Returns the number of lines that the yardstick reads, and of lines that it cannot read.
pub(crate) fn yardstick(bytes: &[u8]) -> (u64, u64) {
    let (mut read, mut failed) = (0, 0);
    for line in lines(bytes) {
        match serde_json::from_slice::<Yardstick<'_>>(line) {
            Ok(record) => {
                let Yardstick { timestamp, provider, model, status_code, latency_ms, request_id, event, level } = &record;
                std::hint::black_box((timestamp, provider, model, status_code, latency_ms, request_id, event, level));
                read += 1;
            }
            Err(_) => failed += 1,
        }
    }
    (read, failed)
}

/// A JSON tree per line, a map of counts, and a list of regular expressions that are tried in order.
pub(crate) struct Naive {
    patterns: Vec<(Regex, &'static str)>,
}

/// The numbers of successful and of failed calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) successes: u64,
    pub(crate) errors: u64,
}

impl Naive {
    pub(crate) fn new() -> Self {
        const WORDS: [(&str, &str); 24] = [
            ("insufficient[ _](quota|balance|credit)", "billing"),
            ("exceeded your current quota", "billing"),
            ("credit balance is too low", "billing"),
            ("suspended|deactivated", "billing"),
            ("rate limit", "rate-limit"),
            ("too many requests", "rate-limit"),
            ("would exceed your .* rate limit", "rate-limit"),
            ("over(loaded|capacity)", "overloaded"),
            ("resource.?exhausted", "rate-limit"),
            ("(incorrect|invalid) api.?key", "auth"),
            ("api key not valid", "auth"),
            ("invalid authentication|authentication fails", "auth"),
            ("permission denied|does not have access", "auth"),
            ("maximum context length", "context"),
            ("prompt is too long", "context"),
            ("model.*(not exist|not found|does not exist)", "model"),
            ("content (policy|filter)", "content"),
            ("tool_calls?.*must be followed", "tools"),
            ("invalid schema for function", "tools"),
            ("unsupported (value|parameter)", "request"),
            ("timed? ?out|timeout", "timeout"),
            ("connection (error|reset|refused)", "network"),
            ("server had an error|internal server error", "server"),
            ("unavailable|bad gateway", "server"),
        ];
        let compile = |text: &str| Regex::new(&format!("(?i){text}")).expect("the list is fixed");
        Self { patterns: WORDS.iter().map(|(text, kind)| (compile(text), *kind)).collect() }
    }

    pub(crate) fn run(&self, bytes: &[u8]) -> Counted {
        let mut counted = Counted::default();
        let mut kinds: HashMap<(String, &str), u64> = HashMap::new();
        for line in lines(bytes) {
            let Ok(record) = serde_json::from_slice::<Value>(line) else { continue };
            let provider = record["provider"].as_str().unwrap_or("unknown").to_owned();
            let failed = record["status_code"].as_u64().is_none_or(|status| status >= 400) || record.get("error").is_some();
            if !failed {
                counted.successes += 1;
                *kinds.entry((provider, "success")).or_default() += 1;
                continue;
            }
            counted.errors += 1;
            let text = match &record["error"] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let kind = self.patterns.iter().find(|(pattern, _)| pattern.is_match(&text)).map_or("unknown", |(_, kind)| *kind);
            *kinds.entry((provider, kind)).or_default() += 1;
        }
        std::hint::black_box(kinds);
        counted
    }
}
