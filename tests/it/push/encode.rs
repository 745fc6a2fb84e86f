//! What senders make of their records: OTLP and Loki, in JSON and in Protocol Buffers, and blocks of Snappy.

use serde_json::{Value, json};

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(u8::try_from(number & 0x7f).expect("7 bits") | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).expect("7 bits"));
    bytes
}

/// A field with a length: a text, bytes or a message.
pub(crate) fn bytes(number: u64, content: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn fixed(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3 | 1), value.to_le_bytes().to_vec()].concat()
}

/// A value of OTLP, from its JSON form.
fn any(value: &Value) -> Vec<u8> {
    let (kind, content) = value.as_object().and_then(|object| object.iter().next()).expect("one kind");
    match kind.as_str() {
        "stringValue" => bytes(1, content.as_str().expect("a text").as_bytes()),
        "boolValue" => number(2, u64::from(content == true)),
        "intValue" => number(3, content.as_str().and_then(|text| text.parse::<i64>().ok()).expect("a number").cast_unsigned()),
        "doubleValue" => fixed(4, content.as_f64().expect("a number").to_bits()),
        other => panic!("{other}"),
    }
}

fn attributes(field: u64, record: &Value) -> Vec<u8> {
    let all = record["attributes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let pair =
        |pair: &Value| [bytes(1, pair["key"].as_str().expect("a key").as_bytes()), bytes(2, &any(&pair["value"]))].concat();
    all.iter().flat_map(|attribute| bytes(field, &pair(attribute))).collect()
}

fn nanos(value: &Value) -> u64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn log_record(record: &Value) -> Vec<u8> {
    let severity = record["severityText"].as_str().unwrap_or_default();
    let body = bytes(5, &any(&record["body"]));
    [fixed(1, nanos(&record["timeUnixNano"])), bytes(3, severity.as_bytes()), body, attributes(6, record)].concat()
}

fn span(span: &Value) -> Vec<u8> {
    let id = |hex: &Value| -> Vec<u8> {
        let digits = hex.as_str().unwrap_or_default();
        (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(digits.get(at..at + 2).expect("two digits"), 16).expect("hexadecimal"))
            .collect()
    };
    let status = [
        bytes(2, span["status"]["message"].as_str().unwrap_or_default().as_bytes()),
        number(3, span["status"]["code"].as_u64().unwrap_or(0)),
    ];
    [
        bytes(1, &id(&span["traceId"])),
        bytes(2, &id(&span["spanId"])),
        bytes(5, span["name"].as_str().unwrap_or_default().as_bytes()),
        number(6, span["kind"].as_u64().unwrap_or(0)),
        fixed(7, nanos(&span["startTimeUnixNano"])),
        fixed(8, nanos(&span["endTimeUnixNano"])),
        attributes(9, span),
        bytes(15, &status.concat()),
    ]
    .concat()
}

/// A batch of OTLP in Protocol Buffers, from its JSON form.
pub(crate) fn otlp(batch: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    for (outer, scopes, leaves) in [("resourceLogs", "scopeLogs", "logRecords"), ("resourceSpans", "scopeSpans", "spans")] {
        for resource in batch[outer].as_array().into_iter().flatten() {
            let mut message = bytes(1, &attributes(1, &resource["resource"]));
            for scope in resource[scopes].as_array().into_iter().flatten() {
                let all = scope[leaves].as_array().into_iter().flatten();
                let records: Vec<u8> =
                    all.flat_map(|leaf| bytes(2, &if leaves == "spans" { span(leaf) } else { log_record(leaf) })).collect();
                message.extend(bytes(2, &[bytes(1, &bytes(1, b"a.library")), records].concat()));
            }
            out.extend(bytes(1, &message));
        }
    }
    out
}

/// A span that OpenTelemetry's console exporter for Python printed, as a batch.
pub(crate) fn batch_of_printed_span(printed: &Value) -> Value {
    let list = |object: &Value| -> Vec<Value> {
        let value = |value: &Value| match value {
            Value::Bool(_) => json!({"boolValue": value}),
            Value::Number(number) if number.is_f64() => json!({"doubleValue": value}),
            Value::Number(number) => json!({"intValue": number.to_string()}),
            Value::String(_) => json!({"stringValue": value}),
            other => json!({"stringValue": other.to_string()}),
        };
        let pairs = object.as_object().into_iter().flatten();
        pairs.map(|(key, content)| json!({"key": key, "value": value(content)})).collect()
    };
    let nanos = |time: &Value| {
        let time: jiff::Timestamp = time.as_str().and_then(|time| time.parse().ok()).expect("a time");
        time.as_nanosecond().to_string()
    };
    let id = |id: &Value| id.as_str().unwrap_or_default().trim_start_matches("0x").to_owned();
    let code = if printed["status"]["status_code"] == "ERROR" { 2 } else { 0 };
    let span = json!({
        "traceId": id(&printed["context"]["trace_id"]), "spanId": id(&printed["context"]["span_id"]),
        "name": printed["name"], "kind": 3,
        "startTimeUnixNano": nanos(&printed["start_time"]), "endTimeUnixNano": nanos(&printed["end_time"]),
        "attributes": list(&printed["attributes"]),
        "status": {"message": printed["status"]["description"].as_str().unwrap_or_default(), "code": code},
    });
    let resource = json!({"attributes": list(&printed["resource"]["attributes"])});
    json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "a.library"}, "spans": [span]}]}]})
}

/// Lines as one stream of Loki, in JSON.
pub(crate) fn loki(labels: &Value, lines: &[&str]) -> Value {
    let values: Vec<Value> = lines.iter().map(|line| json!(["1795166211000000000", line])).collect();
    json!({"streams": [{"stream": labels, "values": values}]})
}

/// The same in Protocol Buffers, as a block of Snappy.
pub(crate) fn loki_binary(labels: &str, lines: &[&str]) -> Vec<u8> {
    let time = bytes(1, &number(1, 1_795_166_211));
    let entries: Vec<u8> =
        lines.iter().flat_map(|line| bytes(2, &[time.clone(), bytes(2, line.as_bytes())].concat())).collect();
    snappy(&bytes(1, &[bytes(1, labels.as_bytes()), entries].concat()))
}

/// A block of Snappy that compresses nothing: literals only.
fn snappy(content: &[u8]) -> Vec<u8> {
    let mut out = varint(content.len() as u64);
    for piece in content.chunks(60) {
        out.push(u8::try_from(piece.len() - 1).expect("small") << 2);
        out.extend_from_slice(piece);
    }
    out
}

/// Compressed.
pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, content).expect("memory");
    encoder.finish().expect("memory")
}

/// A frame of zstd with a window of 2^(10 + `exponent`) bytes: blocks of 128 KiB that repeat one byte, `count` times.
pub(crate) fn zstd_of_one_byte(exponent: u8, byte: u8, count: usize) -> Vec<u8> {
    let frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, exponent << 3];
    let block = |last: bool| {
        let header = (128_u32 * 1024) << 3 | 1 << 1 | u32::from(last);
        [&header.to_le_bytes()[..3], &[byte]].concat()
    };
    (0..count).fold(frame, |mut frame, index| {
        frame.extend(block(index + 1 == count));
        frame
    })
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}
