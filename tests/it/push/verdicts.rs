//! A record gets the same verdict, however it is pushed.

use super::encode::{batch_of_printed_span, gzip, loki, loki_binary, otlp, zstd};
use super::{Door, GZIP, JSON, PROTOBUF, ZSTD};
use crate::running::program;
use serde_json::{Value, json};
use std::process::{Command, Stdio};

fn sample(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sdk-logs").join(name);
    std::fs::read_to_string(path).expect("a sample")
}

/// What a verdict says of a record, without where it was read.
fn essence(verdicts: Vec<Value>) -> Vec<String> {
    let mut all: Vec<String> = verdicts
        .into_iter()
        .map(|mut verdict| {
            let object = verdict.as_object_mut().expect("an object");
            for place in ["source", "line", "lines", "offset"] {
                object.remove(place);
            }
            // A text without a service of its own has the name of its source.
            if matches!(object["service"].as_str(), Some("http" | "stdin")) {
                object["service"] = Value::Null;
            }
            verdict.to_string()
        })
        .collect();
    all.sort();
    all
}

/// The verdicts of a daemon that reads the text on its standard input.
fn read_as_file(text: &str) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a directory");
    let input = dir.path().join("input");
    std::fs::write(&input, text).expect("a file");
    let mut command: Command = program();
    command.args(["run", "--stdin", "--listen", "127.0.0.1:0", "--output", "-", "--state-dir"]).arg(dir.path().join("state"));
    let input = std::fs::File::open(input).expect("a file");
    let out = command.stdin(input).stderr(Stdio::null()).output().expect("it runs");
    let text = String::from_utf8(out.stdout).expect("text");
    essence(text.lines().map(|line| serde_json::from_str(line).expect("a verdict")).collect())
}

fn assert_same(found: &[String], expected: &[String], how: &str) {
    assert!(!expected.is_empty());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{how}");
    }
    assert_eq!(found.len(), expected.len(), "{how}");
}

#[test]
fn spans_in_each_encoding_get_the_verdicts_of_a_file() {
    let printed = sample("openai-otel-spans.jsonl");
    let batches: Vec<Value> =
        printed.lines().take(300).map(|line| batch_of_printed_span(&serde_json::from_str(line).expect("JSON"))).collect();
    let file: String = batches.iter().map(|batch| format!("{batch}\n")).collect();
    let expected = read_as_file(&file);
    // One request with all of them: their resources one after the other.
    let resources: Vec<&Value> = batches.iter().flat_map(|batch| batch["resourceSpans"].as_array().expect("a list")).collect();
    let whole = json!({"resourceSpans": resources});
    let pretty = serde_json::to_vec_pretty(&whole).expect("JSON");
    for (how, headers, body) in [
        ("JSON", &[JSON][..], whole.to_string().into_bytes()),
        ("printed JSON", &[("content-type", "application/json; charset=utf-8")], pretty),
        ("Protocol Buffers", &[PROTOBUF], otlp(&whole)),
        ("compressed", &[PROTOBUF, GZIP], gzip(&otlp(&whole))),
        ("compressed with zstd", &[PROTOBUF, ZSTD], zstd(&otlp(&whole))),
        ("JSON compressed with zstd", &[JSON, ZSTD], zstd(whole.to_string().as_bytes())),
    ] {
        let door = Door::open(&[]);
        let answer = door.post("/v1/traces", headers, &body);
        let (kind, empty) = if how.contains("JSON") { ("application/json", "{}") } else { ("application/x-protobuf", "") };
        assert_eq!((answer.status, answer.body.as_str()), (200, empty), "{how}");
        assert!(answer.head.contains(&format!("content-type: {kind}")), "{how}: {}", answer.head);
        assert_same(&essence(door.verdicts()), &expected, how);
    }
}

#[test]
fn log_records_in_each_encoding_get_the_verdicts_of_a_file() {
    let records: Vec<Value> = sample("openai-stdlib.log")
        .lines()
        .take(400)
        .enumerate()
        .map(|(index, line)| {
            json!({
                "timeUnixNano": (1_795_166_211_000_000_000_u64 + index as u64 * 1_000_000_000).to_string(),
                "severityText": if line.contains("ERROR") { "ERROR" } else { "INFO" },
                "body": {"stringValue": line},
                "attributes": [{"key": "thread.id", "value": {"intValue": "-7"}}, {"key": "share", "value": {"doubleValue": 0.5}}],
            })
        })
        .collect();
    let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "checkout"}}]});
    let batch = json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {}, "logRecords": records}]}]});
    let expected = read_as_file(&format!("{batch}\n"));
    for (how, headers, body) in
        [("JSON", [JSON], batch.to_string().into_bytes()), ("Protocol Buffers", [PROTOBUF], otlp(&batch))]
    {
        let door = Door::open(&[]);
        assert_eq!(door.post("/v1/logs", &headers, &body).status, 200);
        assert_same(&essence(door.verdicts()), &expected, how);
    }
}

/// A collector reads two files and sends a record for each line. Its requests cut tracebacks.
#[test]
fn lines_of_a_collector_are_joined_like_those_of_their_files() {
    let text = sample("anthropic-stdlib.log");
    let lines: Vec<&str> = text.lines().take(300).collect();
    let pair = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let resource =
        json!({"attributes": [pair("service.name", "checkout"), pair("host.name", "web-1"), pair("os.type", "linux")]});
    let record = |line: &&str, file: &str| {
        json!({
            "timeUnixNano": "1795166211000000000", "body": {"stringValue": line},
            "attributes": [pair("log.file.path", file), pair("log.iostream", "stderr")],
        })
    };
    let batches: Vec<Value> = lines
        .chunks(7)
        .map(|lines| {
            let records: Vec<Value> = lines
                .iter()
                .flat_map(|line| [record(line, "/var/log/a.log"), record(&"INFO ready", "/var/log/b.log")])
                .collect();
            json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {}, "logRecords": records}]}]})
        })
        .collect();
    // The same lines as one collector writes those of one file.
    let entry = |line: &&str| format!("{}\n", loki_line(line));
    let expected: Vec<String> = read_as_file(&lines.iter().map(entry).collect::<String>());
    let calls = |verdicts: &[String]| -> Vec<String> {
        verdicts.iter().filter(|verdict| !verdict.contains("\"outcome\":\"other\"")).cloned().collect()
    };
    assert!(expected.iter().any(|verdict| verdict.contains("anthropic-sdk-timeout")), "its evidence is in a traceback");
    for is_json in [true, false] {
        let door = Door::open(&[]);
        for batch in &batches {
            let (kind, body) = if is_json { (JSON, batch.to_string().into_bytes()) } else { (PROTOBUF, otlp(batch)) };
            assert_eq!(door.post("/v1/logs", &[kind], &body).status, 200);
        }
        assert_same(&calls(&essence(door.verdicts())), &calls(&expected), if is_json { "JSON" } else { "Protocol Buffers" });
    }
}

#[test]
fn lines_get_the_verdicts_of_a_file() {
    for name in ["anthropic-structlog.jsonl", "openai-node-console.log", "mistral-logfmt.log", "openai-debug.log"] {
        let text = sample(name);
        let expected = read_as_file(&text);
        let door = Door::open(&[]);
        assert_eq!(door.post("/", &[], text.as_bytes()).status, 204);
        assert_same(&essence(door.verdicts()), &expected, name);
        if name.ends_with(".jsonl") {
            let array = format!("[{}]", text.lines().collect::<Vec<_>>().join(",\n"));
            let door = Door::open(&[]);
            assert_eq!(door.post("/ndjson", &[JSON, GZIP], &gzip(array.as_bytes())).status, 204);
            assert_same(&essence(door.verdicts()), &expected, "an array");
            let (begin, end) = text.as_bytes().split_at(text.len() / 2);
            let door = Door::open(&[]);
            assert_eq!(door.post("/", &[ZSTD], &[zstd(begin), zstd(end)].concat()).status, 204);
            assert_same(&essence(door.verdicts()), &expected, "two frames of zstd");
        }
    }
}

/// A line as logcli writes it.
fn loki_line(line: &str) -> Value {
    json!({"labels": {"app": "checkout", "host": "web-1"}, "line": line, "timestamp": "1795166211000000000"})
}

#[test]
fn streams_of_loki_get_the_verdicts_of_a_file() {
    let text = sample("anthropic-stdlib.log");
    let lines: Vec<&str> = text.lines().take(500).collect();
    let labels = json!({"app": "checkout", "host": "web-1"});
    let push = loki(&labels, &lines);
    let entry = |line: &&str| format!("{}\n", loki_line(line));
    let expected = read_as_file(&lines.iter().map(entry).collect::<String>());
    assert!(expected.iter().any(|verdict| verdict.contains("anthropic-sdk-timeout")), "its evidence is in a traceback");
    for (how, headers, body) in [
        ("JSON", &[JSON][..], push.to_string().into_bytes()),
        ("compressed", &[JSON, GZIP], gzip(push.to_string().as_bytes())),
        ("Protocol Buffers", &[PROTOBUF], loki_binary(r#"{app="checkout", host="web-1"}"#, &lines)),
        ("named Snappy", &[PROTOBUF, ("content-encoding", "snappy")], loki_binary(r#"{app="checkout",host="web-1"}"#, &lines)),
    ] {
        let door = Door::open(&[]);
        assert_eq!(door.post("/loki/api/v1/push", headers, &body).status, 204, "{how}");
        let verdicts = door.verdicts();
        assert!(verdicts.iter().any(|verdict| verdict["service"] == "checkout" && verdict["host"] == "web-1"), "{how}");
        assert_same(&essence(verdicts), &expected, how);
    }
}
