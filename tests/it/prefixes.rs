//! A log in any wrapping of carriers gives the verdicts of the log alone, two logs interleaved give the verdicts of both, and
//! ordinary text is not taken for a prefix.

use crate::replay::{Replayed, Setup};
use llm_triage::framing::{Encoding, Framer, Options};
use llm_triage::time::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

/// Entries of applications, some of several lines.
const ENTRIES: &[&str] = &[
    r#"{"level":"error","time":"2026-11-20T09:16:51Z","provider":"openai","status_code":429,"error":"Rate limit reached"}"#,
    r#"{"level":"info","time":"2026-11-20T09:16:52Z","provider":"openai","model":"gpt-5","status":200,"msg":"llm call ok"}"#,
    "2026-11-20 09:16:51,894 ERROR app.llm call failed\nTraceback (most recent call last):\n  File \"/app/llm.py\", line 17, in complete\n    raise error\nopenai.RateLimitError: Error code: 429 - {'error': {'message': 'Rate limit reached for gpt-5', 'code': 'rate_limit_exceeded'}}",
    "2026-11-20 09:16:52,894 INFO app.web ready",
    "2026-11-20 09:16:53,894 ERROR app.llm anthropic.APIStatusError: Error code: 529 - {'type': 'error', 'error': {'type': 'overloaded_error', 'message': 'Overloaded'}}",
    "INFO:     10.0.0.5:40112 - \"POST /v1/chat/completions HTTP/1.1\" 200 OK",
    "INFO:     10.0.0.5:40114 - \"POST /v1/chat/completions HTTP/1.1\" 429 Too Many Requests",
];

/// A carrier: what it makes of a line. The number distinguishes containers.
type Wrap = fn(&str, usize) -> String;

/// The JSON of a carrier.
fn export(value: &Value) -> String {
    value.to_string()
}

const CARRIERS: &[(&str, Wrap)] = &[
    ("cri", |line, _| format!("2026-11-20T09:16:51.894123456Z stdout F {line}")),
    ("docker", |line, _| export(&json!({"log": format!("{line}\n"), "stream": "stdout", "time": "2026-11-20T09:16:51.8Z"}))),
    ("docker -t", |line, _| format!("2026-11-20T09:16:51.894123456Z {line}")),
    ("compose", |line, number| format!("web-{number}  | {line}")),
    ("compose -t", |line, number| format!("web-{number}     | 2026-11-20T09:16:51.894123456Z {line}")),
    ("compose in colours", |line, number| format!("\x1b[3{}mweb-{number}  | \x1b[0m{line}", number % 7)),
    ("kubectl", |line, number| format!("[pod/web-7d9f5c8b4-x2x4z/app{number}] {line}")),
    ("stern", |line, number| format!("web-7d9f5c8b4-x2x4z app{number} {line}")),
    ("stern in colours", |line, number| format!("\x1b[32mweb-0\x1b[0m \x1b[92mapp{number}\x1b[0m {line}")),
    ("syslog 3164", |line, number| format!("<14>Nov 20 09:16:51 box desk[{number}]: {line}")),
    ("syslog 5424", |line, number| format!("<14>1 2026-11-20T09:16:51.003Z box desk {number} - [a@1 b=\"c\"] {line}")),
    ("journalctl", |line, number| format!("Nov 20 09:16:51 box desk[{number}]: {line}")),
    ("journalctl -o short-iso", |line, number| format!("2026-11-20T09:16:51+0000 box desk[{number}]: {line}")),
    ("journalctl -o json", |line, number| {
        export(
            &json!({"__REALTIME_TIMESTAMP": "1795166211000000", "PRIORITY": "6", "_PID": number.to_string(), "MESSAGE": line}),
        )
    }),
    ("pm2", |line, number| format!("{number}|desk     | {line}")),
    ("foreman", |line, number| format!("12:00:01 web.{number}    | {line}")),
    ("heroku", |line, number| format!("2026-11-20T09:16:51.894123+00:00 app[web.{number}]: {line}")),
    ("actions", |line, _| format!("2026-11-20T09:16:51.8941234Z {line}")),
    ("gh run view", |line, number| format!("job {number}\tRun tests\t2026-11-20T09:16:51.8941234Z {line}")),
    ("aws logs tail", |line, number| format!("2026-11-20T09:16:51.894000+00:00 2026/11/20/[$LATEST]{number:032x} {line}")),
    ("vllm", |line, number| format!("(APIServer pid={number}) {line}")),
    ("ray", |line, number| format!("\x1b[36m(ServeReplica:chat:LLM pid={number}, ip=10.0.0.7)\x1b[0m {line}")),
    ("tai64n", |line, _| format!("@4000000069158a433b9aca00 {line}")),
    ("podman-compose", |line, number| format!("[desk_{number}] | {line}")),
    ("a quotation of Markdown", |line, _| format!("> {line}")),
    ("supervisor", |line, number| format!("web{number} stderr | {line}")),
    ("google", |line, number| {
        export(
            &json!({"insertId": "a", "severity": "DEFAULT", "logName": format!("l{number}"), "textPayload": line, "timestamp": "2026-11-20T09:16:51Z"}),
        )
    }),
    ("azure", |line, number| {
        export(
            &json!({"ContainerID": number.to_string(), "LogEntry": line, "LogEntrySource": "stdout", "TimeGenerated": "2026-11-20T09:16:51Z"}),
        )
    }),
    ("vector", |line, number| {
        export(
            &json!({"container_id": number.to_string(), "message": line, "source_type": "docker_logs", "timestamp": "2026-11-20T09:16:51Z"}),
        )
    }),
    ("fluent bit", |line, number| {
        export(&json!({"kubernetes": {"container_name": format!("app{number}")}, "log": line, "stream": "stdout"}))
    }),
    ("otlp", |line, number| {
        let text = |key: &str, text: &str| json!({"key": key, "value": {"stringValue": text}});
        let record = json!({
            "timeUnixNano": "1795166211000000000", "body": {"stringValue": line},
            "attributes": [text("log.file.path", &format!("/var/log/{number}.log"))],
        });
        let resource = json!({"attributes": [text("service.name", "desk")]});
        let batch = json!([{"resource": resource, "scopeLogs": [{"scope": {}, "logRecords": [record]}]}]);
        // The order of a writer: the kind of the batch comes first.
        format!("{{\"resourceLogs\":{batch}}}")
    }),
];

/// The carriers that say which container or process wrote a line.
fn with_lanes() -> Vec<(&'static str, Wrap)> {
    CARRIERS.iter().copied().filter(|(_, wrap_line)| wrap_line("ready", 1) != wrap_line("ready", 2)).collect()
}

fn wrap(log: &str, wraps: &[Wrap], number: usize) -> Vec<String> {
    log.lines().map(|line| wraps.iter().fold(line.to_owned(), |line, wrap| wrap(&line, number))).collect()
}

/// What a verdict says, without what only a prefix knows and where the line is. The grain of a failure depends on the times of
/// the records beside it, which a prefix adds.
fn told(replayed: &Replayed) -> Vec<String> {
    let mut told: Vec<_> = replayed
        .verdicts()
        .into_iter()
        .map(|mut verdict| {
            let object = verdict.as_object_mut().expect("an object");
            for key in ["offset", "line", "ts", "service", "host", "source", "grain"] {
                object.remove(key);
            }
            verdict.to_string()
        })
        .collect();
    told.sort();
    told
}

fn replay(log: &[u8]) -> Vec<String> {
    told(&Setup::default().replay(log))
}

fn log() -> impl Strategy<Value = String> {
    vec(select(ENTRIES), 1..6).prop_map(|entries| entries.join("\n") + "\n")
}

/// One carrier, or one within another.
fn wrapping() -> impl Strategy<Value = (Vec<&'static str>, Vec<Wrap>)> {
    vec(select(CARRIERS), 1..3).prop_map(|carriers| carriers.into_iter().unzip())
}

#[test]
fn each_carrier_alone_hides_nothing() {
    for entry in ENTRIES {
        let alone = replay(format!("{entry}\n").as_bytes());
        for (name, wrap_line) in CARRIERS {
            let wrapped = wrap(entry, &[*wrap_line], 1).join("\n") + "\n";
            assert_eq!(replay(wrapped.as_bytes()), alone, "{name}: {wrapped}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_wrapped_log_gives_the_verdicts_of_the_log_alone(log in log(), (names, wraps) in wrapping()) {
        let wrapped = wrap(&log, &wraps, 1).join("\n") + "\n";
        prop_assert_eq!(replay(wrapped.as_bytes()), replay(log.as_bytes()), "{:?}\n{}", names, wrapped);
    }

    /// What each process wrote is read as if the others had written nothing.
    #[test]
    fn two_interleaved_logs_give_the_events_of_both(
        logs in [log(), log()],
        carrier in select(with_lanes()),
        order in vec(any::<bool>(), 40),
    ) {
        let (name, wrap_line) = carrier;
        let wrapped = [0, 1].map(|at: usize| wrap(&logs[at], &[wrap_line], at + 1));
        let mut lines = wrapped.clone().map(|lines| lines.into_iter().peekable());
        let mut mixed = String::new();
        for first in order.into_iter().chain([true, false].into_iter().cycle()) {
            if let Some(line) = lines[usize::from(first)].next() {
                mixed += &line;
                mixed.push('\n');
            } else if lines.iter_mut().all(|lines| lines.peek().is_none()) {
                break;
            }
        }
        let events = |log: &str| {
            let (mut framer, mut events) = (Framer::new(Options::DEFAULT, 0, 1), Vec::new());
            framer.push(log.as_bytes(), Timestamp::default(), |event| events.push(event.bytes.to_vec()));
            framer.finish(|event| events.push(event.bytes.to_vec()));
            events.sort();
            events
        };
        let mut both = wrapped.map(|lines| events(&(lines.join("\n") + "\n"))).concat();
        both.sort();
        prop_assert_eq!(events(&mixed), both, "{}\n{}", name, mixed);
    }

    /// UTF-16 gives the verdicts of the same text in UTF-8, in any chunks, and from the middle on.
    #[test]
    fn utf_16_is_decoded(log in log(), big in any::<bool>(), cuts in vec(any::<Index>(), 0..6), stop in any::<Index>()) {
        let units: Vec<u16> = std::iter::once(0xfeff).chain(log.encode_utf16()).collect();
        let bytes: Vec<u8> = units.iter().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
        prop_assert_eq!(replay(&bytes), replay(log.as_bytes()));
        let mut framer = Framer::new(Options::DEFAULT, 0, 1);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
        cuts.sort_unstable();
        let mut events = Vec::new();
        for pair in cuts.windows(2) {
            framer.push(&bytes[pair[0]..pair[1]], Timestamp::default(), |event| events.push((event.offset, event.bytes.to_vec())));
        }
        framer.finish(|event| events.push((event.offset, event.bytes.to_vec())));
        let stats = framer.take_stats();
        prop_assert_eq!(stats.bytes, bytes.len() as u64);
        prop_assert_eq!(stats.lines, log.lines().count() as u64);
        let mut first = Framer::new(Options::DEFAULT, 0, 1);
        first.push(&bytes[..stop.index(bytes.len() + 1)], Timestamp::default(), |_| {});
        let (offset, line) = first.safe_point();
        let mut second = Framer::new(Options::DEFAULT, offset, line).with_encoding(Encoding::of_start(&bytes));
        second.restore(&first.state());
        let mut rest = Vec::new();
        let from = usize::try_from(offset).expect("small");
        second.push(&bytes[from..], Timestamp::default(), |event| rest.push((event.offset, event.bytes.to_vec())));
        second.finish(|event| rest.push((event.offset, event.bytes.to_vec())));
        events.retain(|(at, _)| *at >= offset);
        prop_assert_eq!(rest, events);
    }
}

/// More containers than a stream has lanes: every line is in one event, and a second reader repeats none.
#[test]
fn more_lanes_than_the_limit_lose_and_repeat_nothing() {
    let line = |number: usize| {
        let container = (number * 7919) % 200;
        match number % 3 {
            0 => format!("app-{container}  | 2026-11-20 09:16:51,894 ERROR app failed {number}\n"),
            1 => format!("app-{container}  |   indented {number}\n"),
            _ => format!("app-{container}  | Traceback (most recent call last):\n"),
        }
    };
    let log: String = (0..3_000).map(line).collect();
    let frame = |framer: &mut Framer, bytes: &str| {
        let mut events = Vec::new();
        framer.push(bytes.as_bytes(), Timestamp::default(), |event| events.push((event.offset, event.lines)));
        events
    };
    let mut whole = Framer::new(Options::DEFAULT, 0, 1);
    let mut expected = frame(&mut whole, &log);
    whole.finish(|event| expected.push((event.offset, event.lines)));
    assert_eq!(expected.iter().map(|(_, lines)| lines).sum::<u64>(), 3_000);
    expected.sort_unstable();
    for stop in (0..log.len()).step_by(7_001) {
        let mut first = Framer::new(Options::DEFAULT, 0, 1);
        let mut events = frame(&mut first, log.get(..stop).expect("ASCII"));
        let (offset, line) = first.safe_point();
        let state = serde_json::to_string(&first.state()).expect("plain values");
        let mut second = Framer::new(Options::DEFAULT, offset, line);
        second.restore(&serde_json::from_str(&state).expect("its own state"));
        let from = usize::try_from(offset).expect("small");
        events.extend(frame(&mut second, log.get(from..).expect("ASCII")));
        second.finish(|event| events.push((event.offset, event.lines)));
        events.sort_unstable();
        assert_eq!(events, expected, "stopped at {stop}");
    }
}

#[test]
fn ordinary_text_is_no_prefix() {
    for line in [
        "INFO     | app.web:run:12 - timeout | 30",
        "error  | 3",
        "app.llm  | Request timed out.",
        "status | count",
        "name  |value",
        "postgres-0 failed to start",
        "web server started on port 80",
        "(pid 12) fine",
        "2026-11-20T09:16:51.894Z request failed",
        "2026-11-20T09:16:51.894123Z  INFO app::llm: ready",
        "2026-11-20T09:16:51.8941234Z [ERR] request failed",
        "2026-11-20T09:16:51.894123456Z WARN request failed",
        "2026-11-20T09:16:51+00:00 ERROR app: failed",
        "12:00:01 web | table",
        "Nov 20 was a day",
        "[pod/web] fine",
        "[app] [pod/web/app] fine",
        "[error] | request failed",
        "[ERROR] | request failed",
        "[app] |request failed",
        "[app] || request failed",
        "[2026-11-20 09:16:51] | request failed",
        ">>> import openai",
        ">request failed",
        "<b>bold</b>",
        "<999>no priority",
        "@someone said so",
        "==> Installing",
        "exited with code 1",
        "worker exited with code 1",
        "Error from a server",
        "3|4",
        r#"{"message":"hello","level":"error","kubernetes":{"pod_name":"web"}}"#,
        r#"{"log":"hello","level":"error"}"#,
        r#"{"timestamp":"2026-11-20T09:16:51Z","message":"hello"}"#,
        r#"{"line":12,"labels":{"a":"b"}}"#,
        r#"{"events":[{"name":"exception"}]}"#,
    ] {
        let mut framer = Framer::new(Options::DEFAULT, 0, 1);
        let mut events = Vec::new();
        framer.push(format!("{line}\n").as_bytes(), Timestamp::default(), |event| {
            events.push((String::from_utf8_lossy(event.bytes).into_owned(), event.service.to_owned()));
        });
        framer.finish(|event| events.push((String::from_utf8_lossy(event.bytes).into_owned(), event.service.to_owned())));
        assert_eq!(events, [(line.to_owned(), String::new())]);
    }
}
