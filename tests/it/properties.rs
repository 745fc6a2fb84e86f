//! Properties that hold for every input: chunk sizes do not matter, accounting balances, nothing panics, no secret stays.

use crate::replay::{Replayed, Setup};
use llm_triage::classify::Traffic;
use llm_triage::correlate::GrainRule;
use llm_triage::framing::{Framer, FramingStats, Options, RawEvent};
use llm_triage::pipeline::{Clock, Event, Output};
use llm_triage::redact;
use llm_triage::time::{Stamp, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;
use std::time::Duration;

/// Lines of every form that framing knows, and some that it does not.
const LINES: &[&[u8]] = &[
    b"",
    b"  ",
    br#"{"level":"error","provider":"openai","status_code":429,"error":"Rate limit reached"}"#,
    br#"{"message":"half a li"#,
    br#"ne","level":"info"}"#,
    b"{",
    br#"    "level": "error","#,
    b"}",
    b"2026-11-20 09:16:51,894 ERROR app.llm call failed",
    b"2026-11-20 09:16:52,894 INFO app.web fine",
    b"Traceback (most recent call last):",
    b"  File \"/app/llm.py\", line 17, in complete",
    b"    raise error",
    b"openai.RateLimitError: Error code: 429 - {'error': {",
    b"anthropic.OverloadedError: Error code: 529",
    b"During handling of the above exception, another exception occurred:",
    b"The above exception was the direct cause of the following exception:",
    b"Error: 429 slow down",
    b"    at OpenAI.makeRequest (file:///app/client.mjs:357:24) {",
    b"  status: 429,",
    b"<html>",
    b"<center>502 Bad Gateway</center>",
    b"</html>",
    b"2026-11-20T09:16:51.894123456Z stdout F {\"level\":\"info\"}",
    b"2026-11-20T09:16:51.894123456Z stderr F Traceback (most recent call last):",
    b"2026-11-20T09:16:51.894123456Z stderr P {\"level\":\"err",
    b"2026-11-20T09:16:51.894123456Z stderr F or\"}",
    b"2026-11-20T09:16:51.894123456Z stdout F ",
    b"2026-11-20T09:16:51.894123456Z stdout X broken",
    br#"{"log":"openai.APITimeoutError: Request timed out.\n","stream":"stderr","time":"2026-11-20T09:16:53.5Z"}"#,
    br#"{"log":"cut at 16 KiB","stream":"stderr","time":"2026-11-20T09:16:53.5Z"}"#,
    br#"{"log":"\n","stream":"stdout","time":"2026-11-20T09:16:53.5Z"}"#,
    b"web-1  | 2026-11-20 09:16:51,894 ERROR app.llm call failed",
    b"web-1  | Traceback (most recent call last):",
    b"web-1  |   File \"/app/llm.py\", line 17, in complete",
    b"web-1  | openai.RateLimitError: Error code: 429",
    b"api-2  | Traceback (most recent call last):",
    b"api-2  |     raise error",
    b"api-2  | 2026-11-20T09:16:51.894123456Z anthropic.OverloadedError: Error code: 529",
    b"(APIServer pid=1) Traceback (most recent call last):",
    b"(APIServer pid=1)     raise error",
    b"[pod/web-7d9f5c-x2x4z/app] 2026-11-20T09:16:51.894123456Z stderr P {\"level\":\"err",
    b"<11>Nov 20 09:16:51 box app[7]: Error: 429 slow down",
    b"==> /var/log/app.log <==",
    b"web-1 exited with code 1",
    b"##[group]Run tests",
    b"\xff\x80\xfe not UTF-8 \xc3\x28",
    b"\0\0\0\0\0\0\0\0",
    b"\x1f\x8b\x08\x00\x01\x02\x03",
    b"plain words",
    b"\x1b[31mERROR\x1b[0m coloured",
];

/// Lines with their newlines; the last line may have none.
fn log() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        20 => select(LINES).prop_map(<[u8]>::to_vec),
        2 => vec(any::<u8>(), 0..80),
        1 => (95_000usize..140_000, any::<bool>()).prop_map(|(length, json)| {
            let words = "overlong ".repeat(length / 9);
            if json { format!("{{\"level\":\"error\",\"error\":\"{words}\",\"status\":429}}").into_bytes() } else { words.into_bytes() }
        }),
    ];
    let end = select(vec![b"\n".as_slice(), b"\r\n"]);
    (vec((line, end), 0..40), any::<bool>()).prop_map(|(lines, whole)| {
        let mut log: Vec<u8> = lines.iter().flat_map(|(line, end)| [line.as_slice(), end]).collect::<Vec<_>>().concat();
        if !whole {
            log.pop();
        }
        log
    })
}

fn limits() -> impl Strategy<Value = Options> {
    let small = (60usize..400, 2u64..6).prop_map(|(bytes, lines)| Options {
        max_line_bytes: 1,
        max_event_bytes: bytes,
        max_event_lines: lines,
    });
    prop_oneof![Just(Options::DEFAULT), small]
}

/// An event with its own copy of the bytes.
#[derive(Clone, Debug, PartialEq)]
struct OwnedEvent {
    bytes: Vec<u8>,
    tail: Vec<u8>,
    line: u64,
    lines: u64,
    offset: u64,
    stamped: Option<Stamp>,
    service: String,
    host: String,
    continued: bool,
}

impl From<RawEvent<'_>> for OwnedEvent {
    fn from(event: RawEvent<'_>) -> Self {
        let RawEvent { bytes, tail, line, lines, offset, stamped, level: _, service, host, continued } = event;
        let (service, host) = (service.to_owned(), host.to_owned());
        Self { bytes: bytes.to_vec(), tail: tail.to_vec(), line, lines, offset, stamped, service, host, continued }
    }
}

/// The pieces between the cuts.
fn pieces<'a>(log: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(log.len() + 1)).collect();
    cuts.extend([0, log.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &log[pair[0]..pair[1]]).collect()
}

fn frame(options: Options, pieces: &[&[u8]]) -> (Vec<OwnedEvent>, FramingStats) {
    let (mut framer, mut events) = (Framer::new(options, 0, 1), Vec::new());
    for piece in pieces {
        framer.push(piece, Timestamp::default(), |event| events.push(event.into()));
    }
    framer.finish(|event| events.push(event.into()));
    (events, framer.take_stats())
}

/// Short enough to print when a test fails.
fn brief(events: &[OwnedEvent]) -> Vec<(u64, u64, u64, usize, String)> {
    let text = |event: &OwnedEvent| String::from_utf8_lossy(&event.bytes[..event.bytes.len().min(60)]).into_owned();
    events
        .iter()
        .map(|event| (event.line, event.lines, event.offset, event.bytes.len() + event.tail.len(), text(event)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn events_do_not_depend_on_chunk_sizes(log in log(), cuts in vec(any::<Index>(), 0..12), options in limits()) {
        let (whole, stats) = frame(options, &[&log]);
        let (events, piecewise) = frame(options, &pieces(&log, &cuts));
        prop_assert_eq!(brief(&events), brief(&whole));
        prop_assert!(events == whole);
        prop_assert_eq!(piecewise, stats);
    }

    #[test]
    fn accounting_balances(log in log(), options in limits()) {
        let (events, stats) = frame(options, &[&log]);
        let lines = log.iter().filter(|byte| **byte == b'\n').count() as u64 + u64::from(log.last().is_some_and(|byte| *byte != b'\n'));
        prop_assert_eq!(stats.bytes, log.len() as u64);
        prop_assert_eq!(stats.lines, lines);
        prop_assert_eq!(stats.lines, stats.event_lines + stats.blank_lines + stats.binary_lines);
        prop_assert_eq!(stats.events, events.len() as u64);
        prop_assert_eq!(stats.event_lines, events.iter().map(|event| event.lines).sum::<u64>());
    }

    /// The offset of each event is that of its first line, and no line is in two events.
    #[test]
    fn an_event_has_the_offset_of_its_first_line(log in log(), options in limits()) {
        let (events, _) = frame(options, &[&log]);
        let mut starts = vec![0u64];
        starts.extend(memchr::memchr_iter(b'\n', &log).map(|at| at as u64 + 1));
        for event in &events {
            prop_assert_eq!(starts.get(event.line as usize - 1), Some(&event.offset), "{:?}", brief(std::slice::from_ref(event)));
        }
        let mut lines: Vec<_> = events.iter().map(|event| event.line).collect();
        lines.sort_unstable();
        lines.dedup();
        prop_assert_eq!(lines.len(), events.len(), "two events begin on one line");
    }

    /// A reader is stopped anywhere. A second reader that begins at the safe point of the first, with its state, loses nothing
    /// and repeats nothing. (Of the two outputs of a container, one may have read past the start of the other's open event:
    /// the lines that it joined there are read again.)
    #[test]
    fn nothing_is_lost_after_a_safe_point(log in log(), stop in any::<Index>()) {
        const CARRIED: &[&[u8]] =
            &[b"2026-11-20T", b"{\"log", b"web-1", b"api-2", b"(APIServer", b"[pod/", b"<11>", b"==>", b"##["];
        let contained = |line: &&[u8]| CARRIED.iter().any(|start| line.starts_with(start));
        let log = log.split_inclusive(|byte| *byte == b'\n').filter(|line| !contained(line)).collect::<Vec<_>>().concat();
        let stop = stop.index(log.len() + 1);
        let (whole, _) = frame(Options::DEFAULT, &[&log]);
        let (mut first, mut emitted) = (Framer::new(Options::DEFAULT, 0, 1), Vec::<OwnedEvent>::new());
        first.push(&log[..stop], Timestamp::default(), |event| emitted.push(event.into()));
        let (offset, line) = first.safe_point();
        prop_assert!(offset <= stop as u64);
        let (mut second, mut rest) = (Framer::new(Options::DEFAULT, offset, line), Vec::<OwnedEvent>::new());
        second.restore(&first.state());
        second.push(&log[offset as usize..], Timestamp::default(), |event| rest.push(event.into()));
        second.finish(|event| rest.push(event.into()));
        let expected: Vec<_> = whole.iter().filter(|event| event.offset >= offset).cloned().collect();
        prop_assert_eq!(brief(&rest), brief(&expected));
        let before: Vec<_> = whole.iter().filter(|event| event.offset < offset).cloned().collect();
        let emitted: Vec<_> = emitted.into_iter().filter(|event| event.offset < offset).collect();
        prop_assert_eq!(brief(&emitted), brief(&before));
    }
}

/// Real lines to damage: a few of every log, including its longest failures.
fn real_lines() -> Vec<Vec<u8>> {
    const LOGS: &[&str] = &[
        include_str!("../data/sdk-logs/openai-structlog.jsonl"),
        include_str!("../data/sdk-logs/gemini-jsonlogger.jsonl"),
        include_str!("../data/sdk-logs/litellm-proxy.jsonl"),
        include_str!("../data/sdk-logs/openai-otel-spans.jsonl"),
        include_str!("../data/sdk-logs/ai-sdk-pino.jsonl"),
        include_str!("../data/sdk-logs/mistral-logfmt.log"),
        include_str!("../data/sdk-logs/openai-debug.log"),
        include_str!("../data/sdk-logs/openai-node-console.log"),
        include_str!("../data/sdk-logs/anthropic-stdlib.log"),
        include_str!("../corpus/shapes.toml"),
    ];
    let lines = LOGS.iter().flat_map(|log| log.lines().filter(|line| line.len() > 20).step_by(7).take(40));
    lines.map(|line| line.as_bytes().to_vec()).collect()
}

/// One way to damage a line.
#[derive(Clone, Debug)]
enum Damage {
    Cut(Index),
    Drop(Index, u8),
    Put(Index, u8),
    Words(Index, &'static str),
    Double(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let words = [
        "\\u",
        "\\ud800",
        "{'a': b'",
        "b'\\x",
        "\"",
        "'",
        "{",
        "}",
        "[[[[[[[[",
        "\u{1F600}é",
        "\\n",
        "1e999",
        "-",
        "Error code: ",
        "try again in 999999999999999999h",
        "0x",
        ":",
        "null",
        "\0",
        "=",
        "Traceback (most recent call last):\n",
        "99999999999999999999",
    ];
    prop_oneof![
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), any::<u8>()).prop_map(|(at, many)| Damage::Drop(at, many)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Put(at, byte)),
        (any::<Index>(), select(words.to_vec())).prop_map(|(at, word)| Damage::Words(at, word)),
        any::<Index>().prop_map(Damage::Double),
    ]
}

impl Damage {
    fn apply(&self, line: &mut Vec<u8>) {
        let length = line.len();
        match self {
            Self::Cut(at) => line.truncate(at.index(length + 1)),
            Self::Drop(at, many) => {
                let at = at.index(length + 1);
                line.drain(at..(at + usize::from(*many)).min(length));
            }
            Self::Put(at, byte) => line.insert(at.index(length + 1), *byte),
            Self::Words(at, words) => {
                let at = at.index(length + 1);
                line.splice(at..at, words.bytes());
            }
            Self::Double(at) => {
                let rest = line[at.index(length + 1)..].to_vec();
                line.extend(rest);
            }
        }
    }
}

fn damaged_log() -> impl Strategy<Value = Vec<u8>> {
    let spoilt = (select(real_lines()), vec(damage(), 0..4)).prop_map(|(mut line, damages)| {
        damages.iter().for_each(|damage| damage.apply(&mut line));
        line
    });
    let line = prop_oneof![8 => spoilt, 1 => vec(any::<u8>(), 0..300), 1 => select(LINES).prop_map(<[u8]>::to_vec)];
    vec(line, 1..12).prop_map(|lines| lines.join(&b'\n'))
}

/// The keys of a verdict in their order, as the README and `schema verdict` document them.
pub(crate) const KEYS: &[&str] = &[
    "v",
    "source",
    "line",
    "lines",
    "offset",
    "ts",
    "outcome",
    "grain",
    "provider",
    "provider_by",
    "gateway",
    "service",
    "host",
    "model",
    "status",
    "upstream_status",
    "pattern",
    "category",
    "owner",
    "retry",
    "retry_after_s",
    "resets_at",
    "confidence",
    "request_id",
    "message",
    "fix",
    "row",
    "latency_s",
    "ending",
    "input_tokens",
    "output_tokens",
];

/// The keys of a JSON object, in the order of the text.
pub(crate) fn keys_of(line: &str) -> Vec<String> {
    struct Keys(Vec<String>);
    impl<'de> serde::Deserialize<'de> for Keys {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Keys;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                    let mut keys = Vec::new();
                    while let Some((key, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                        keys.push(key);
                    }
                    Ok(Keys(keys))
                }
            }
            from.deserialize_map(Visitor)
        }
    }
    serde_json::from_str::<Keys>(line).map(|keys| keys.0).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// Checks what holds for every verdict.
fn check_verdict(line: &str) {
    assert_eq!(keys_of(line), KEYS, "{line}");
    let verdict: Value = serde_json::from_str(line).expect("JSON");
    let outcome = verdict["outcome"].as_str().expect("an outcome");
    assert!(matches!(outcome, "success" | "error" | "other"), "{line}");
    for key in ["category", "owner", "retry", "confidence", "fix", "row"] {
        assert_eq!(verdict[key].is_string(), outcome == "error", "{key} in {line}");
    }
    for key in ["pattern", "message", "retry_after_s", "resets_at"] {
        assert!(outcome == "error" || verdict[key].is_null(), "{key} in {line}");
    }
    assert_eq!(verdict["grain"].is_null(), outcome == "other", "{line}");
    assert!(
        verdict["provider"].is_string() && verdict["message"].as_str().is_none_or(|message| message.len() <= 512),
        "{line}"
    );
    let status = |key: &str| match &verdict[key] {
        Value::Null => true,
        Value::String(word) => word == "timeout" || word == "connection",
        number => number.as_u64().is_some_and(|status| (100..=599).contains(&status)),
    };
    assert!(status("status") && status("upstream_status"), "{line}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However a log is damaged, each record has a complete verdict, and every line is accounted for.
    #[test]
    fn no_input_panics(
        log in damaged_log(),
        cuts in vec(any::<Index>(), 0..5),
        mixed in any::<bool>(),
        grain in select(GrainRule::ALL),
        live in any::<bool>(),
        step in 0u64..5_000,
    ) {
        let setup = Setup {
            traffic: if mixed { Traffic::Mixed } else { Traffic::Llm },
            grain,
            clock: if live { Clock::Live } else { Clock::Replay },
            ..Setup::default()
        };
        let mut replayed = Replayed::new(setup.pipeline());
        let (mut offset, mut now) = (0, Timestamp::from_second(1_795_166_211));
        for piece in pieces(&log, &cuts) {
            replayed.chunk(0, offset, piece, now);
            offset += piece.len() as u64;
            now = now.plus(Duration::from_millis(step));
            replayed.pipeline.handle(Event::Tick(now), &mut replayed.out);
        }
        replayed.drain();
        let text = String::from_utf8(replayed.out.verdicts.clone()).expect("verdicts are UTF-8");
        text.lines().for_each(check_verdict);
        let tally = replayed.pipeline.tally();
        let records: u64 = tally.records.values().sum();
        prop_assert_eq!(records, text.lines().count() as u64);
        let stats = tally.sources.values().next().copied().unwrap_or_default();
        prop_assert_eq!(stats.bytes, log.len() as u64);
        let failed: u64 = tally.errors.values().sum();
        let calls: u64 = tally.calls.values().sum();
        prop_assert!(failed <= calls && calls <= records + tally.attempts.values().sum::<u64>());
        // A snapshot and a state can always be taken.
        serde_json::to_string(&replayed.pipeline.state()).expect("plain values");
        drop(replayed.pipeline.snapshot());
    }

    /// Chunks of any size give the same verdicts, counts and alerts.
    #[test]
    fn verdicts_do_not_depend_on_chunk_sizes(log in damaged_log(), cuts in vec(any::<Index>(), 1..8)) {
        let whole = Setup::default().replay(&log);
        let mut split = Replayed::new(Setup::default().pipeline());
        let mut offset = 0;
        for piece in pieces(&log, &cuts) {
            split.chunk(0, offset, piece, Timestamp::default());
            offset += piece.len() as u64;
        }
        split.drain();
        prop_assert_eq!(String::from_utf8_lossy(&split.out.verdicts), String::from_utf8_lossy(&whole.out.verdicts));
        prop_assert_eq!(split.transitions(), whole.transitions());
    }

    /// The next process restores the state that a process saved.
    #[test]
    fn a_state_survives_saving_and_restoring(log in damaged_log()) {
        prop_assert!(survives(&log));
    }
}

/// A zone that was learned from a neighbour is a part of the state.
#[test]
fn a_learned_zone_survives_saving_and_restoring() {
    assert!(survives(
        b"2026-11-20T07:16:51Z INFO ollama: ready\n2026-11-20 09:16:52 ERROR app.llm: openai.RateLimitError: 429\n"
    ));
}

/// A second is evaluated to its end before the seconds behind it are skipped.
#[test]
fn the_state_before_a_long_gap_survives_saving_and_restoring() {
    assert!(survives(
        b"2026-11-20T09:30:10Z INFO httpx: HTTP Request: POST https://api.mistral.ai/v1/chat/completions \"HTTP/1.1 200 OK\"\n\
          2026-11-20T10:13:59Z INFO app: reused a session\n"
    ));
}

/// Whether the state after a log is the same after it was saved and restored.
fn survives(log: &[u8]) -> bool {
    let state = Setup::default().replay(log).pipeline.state();
    let json = serde_json::to_string(&state).expect("plain values");
    let mut next = Setup { streams: 0, ..Setup::default() }.pipeline();
    next.restore(serde_json::from_str(&json).expect("its own state"), Default::default(), &mut Output::default());
    next.state() == state
}

/// Secrets in the formats of vendors.
fn key() -> impl Strategy<Value = String> {
    let word = |length: usize| proptest::string::string_regex(&format!("[A-Za-z0-9]{{{length}}}")).expect("a good expression");
    prop_oneof![
        word(40).prop_map(|key| format!("sk-proj-{key}")),
        word(48).prop_map(|key| format!("sk-ant-api03-{key}")),
        word(64).prop_map(|key| format!("sk-or-v1-{key}")),
        word(32).prop_map(|key| format!("sk-{key}")),
        word(35).prop_map(|key| format!("AIza{key}")),
        word(40).prop_map(|key| format!("gsk_{key}")),
        word(50).prop_map(|key| format!("xai-{key}")),
        word(34).prop_map(|key| format!("hf_{key}")),
        word(16).prop_map(|key| format!("AKIA{}", key.to_uppercase())),
        word(60).prop_map(|key| format!("eyJ{key}.{key}.abc")),
    ]
}

/// A text with a secret in a typical position.
fn planted(key: &str, place: usize) -> String {
    match place % 8 {
        0 => format!("Incorrect API key provided: {key}. You can find your API key at https://platform.openai.com."),
        1 => format!(
            "Client error '400 Bad Request' for url 'https://generativelanguage.googleapis.com/v1beta/models/g:generateContent?key={key}'"
        ),
        2 => format!("headers: {{'Authorization': 'Bearer {key}', 'accept': '*/*'}}"),
        3 => format!("Connection error. api_key={key}, retries=2"),
        4 => format!("('x-api-key', '{key}')"),
        5 => format!("{key} {key}"),
        6 => format!("invalid header value \"Bearer {key}\\n\""),
        _ => format!("é{key}é"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_secret_stays(key in key(), place in 0usize..8, before in "[ a-zé\u{1F600}]{0,40}", pad in 0usize..700) {
        let text = format!("{before} {}{}", "x".repeat(pad % 600), "");
        let text = format!("{text} {}", planted(&key, place));
        let (clean, count) = redact::Redactor::default().redact(&text);
        prop_assert!(!clean.contains(&key) && count > 0, "{clean}");
        let (message, _) = redact::Redactor::default().message(&text);
        // Not even most of it, if the message was cut.
        let most = key.get(..key.len() - 4).unwrap_or_default();
        prop_assert!(!message.contains(most), "{message}");
        prop_assert!(message.len() <= redact::MESSAGE_BYTES);
        // Redacting twice gives the same text.
        let (again, _) = redact::Redactor::default().redact(&clean);
        prop_assert_eq!(again.as_ref(), clean.as_ref());
    }

    /// Wherever a secret is in a record, and however deep, our output does not contain it.
    #[test]
    fn no_secret_leaves_the_pipeline(key in key(), place in 0usize..8, shape in 0usize..7) {
        let text = planted(&key, place);
        let quoted = serde_json::to_string(&text).expect("a text");
        let body = serde_json::to_string(&format!("{{\"error\":{{\"message\":{quoted},\"code\":\"invalid_api_key\"}}}}")).expect("a text");
        let line = match shape {
            0 => format!("{{\"level\":\"error\",\"provider\":\"openai\",\"status_code\":401,\"error\":{quoted}}}"),
            1 => format!("{{\"level\":\"error\",\"provider\":\"openai\",\"error\":{{\"error\":{{\"message\":{quoted},\"code\":\"invalid_api_key\"}}}}}}"),
            2 => format!("{{\"level\":\"error\",\"provider\":\"openai\",\"body\":{body}}}"),
            3 => format!("2026-11-20 09:16:51,894 ERROR app.llm openai.AuthenticationError: Error code: 401 - {text}"),
            4 => format!("openai.AuthenticationError: Error code: 401 - {{'error': {{'message': \"{text}\", 'code': 'invalid_api_key'}}}}"),
            5 => format!("{{\"level\":\"error\",\"event\":\"flux capacitor misaligned error\",\"error\":{quoted}}}"),
            _ => format!("level=error provider=openai status_code=401 err={quoted}"),
        };
        let mut replayed = Setup::default().replay(format!("{line}\n{line}\n").as_bytes());
        let most = key.get(..key.len() - 4).unwrap_or_default();
        let written = String::from_utf8_lossy(&replayed.out.verdicts).into_owned();
        prop_assert!(written.contains("\"outcome\":\"error\""), "{written}");
        let state = serde_json::to_string(&replayed.pipeline.state()).expect("plain values");
        let alerts = serde_json::to_string(replayed.transitions()).expect("plain values");
        let picture = format!("{:?} {:?}", replayed.pipeline.snapshot(), replayed.pipeline.tally());
        for (what, text) in [("a verdict", written), ("the state", state), ("an alert", alerts), ("the picture", picture)] {
            prop_assert!(!text.contains(most), "{what}: {text}");
        }
    }
}

/// The logs of the corpus of joining, each with the errors of one runtime or logger.
fn joining_logs() -> Vec<String> {
    let text = include_str!("../corpus/joining.toml");
    let corpus: toml::Table = toml::from_str(text).expect("a corpus");
    let cases = corpus["case"].as_array().expect("cases");
    cases.iter().map(|case| case["log"].as_str().expect("a log").to_owned()).collect()
}

/// Texts of the events, which do not change with the place in a log.
fn texts(log: &str) -> Vec<String> {
    let (events, _) = frame(Options::DEFAULT, &[log.as_bytes()]);
    events.iter().map(|event| String::from_utf8_lossy(&event.bytes).into_owned()).collect()
}

#[test]
fn a_log_that_begins_with_an_entry_has_the_same_events_below_any_other_log() {
    let logs = joining_logs();
    let above = "2026-11-03 10:16:17,000 ERROR desk something failed";
    let begins_entry = |log: &&String| texts(&format!("{above}\n{log}")).first().is_some_and(|first| first == above);
    let second: Vec<_> = logs.iter().filter(begins_entry).collect();
    assert!(second.len() >= 30, "only {} logs begin with an entry", second.len());
    for first in &logs {
        for second in &second {
            let expected = [texts(first), texts(second)].concat();
            assert_eq!(texts(&format!("{first}{second}")), expected, "\n{first}\n--- then ---\n{second}");
        }
    }
}
