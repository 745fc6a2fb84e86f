//! Real senders, and senders that repeat.

use super::Door;
use crate::running::{call, until};
use crate::tool;
use std::process::Command;

const ERRORS: &str = "llm_triage_requests_total{provider=\"openai\",outcome=\"error\"}";
const SUCCESSES: &str = "llm_triage_requests_total{provider=\"openai\",outcome=\"success\"}";

/// Logs a failure and traces a failed and a good call, with the exporters of OpenTelemetry for Python.
const EXPORT: &str = r#"
import logging, sys, warnings
warnings.simplefilter("ignore")
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

url, packed = sys.argv[1], Compression.Gzip if sys.argv[2] == "gzip" else Compression.NoCompression
resource = Resource.create({"service.name": "checkout", "host.name": "web-1"})
logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint=url + "/v1/logs", compression=packed)))
logger = logging.getLogger("app")
logger.addHandler(LoggingHandler(logger_provider=logs))
logger.error("openai.AuthenticationError: Error code: 401 - {'error': {'message': 'Incorrect API key provided: sk-proj-****abcd.', "
             "'type': 'invalid_request_error', 'param': None, 'code': 'invalid_api_key'}}")
spans = TracerProvider(resource=resource)
spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url + "/v1/traces", compression=packed)))
tracer = spans.get_tracer("app")
common = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5-mini"}
tracer.start_span("chat gpt-5-mini", attributes={**common, "error.type": "rate_limit_exceeded", "http.response.status_code": 429}).end()
tracer.start_span("chat gpt-5-mini", attributes={**common, "gen_ai.usage.output_tokens": 12}).end()
logs.shutdown()
spans.shutdown()
"#;

#[test]
fn the_exporter_of_opentelemetry_for_python_is_understood() {
    let Some(python) = tool::python("opentelemetry.sdk, opentelemetry.exporter.otlp.proto.http") else { return };
    for packed in ["gzip", "plain"] {
        let door = Door::open(&[]);
        let (good, said) =
            tool::run(Command::new(&python).args(["-c", EXPORT, &format!("http://{}", door.address), packed]), "");
        assert!(good && said.is_empty(), "{said}");
        until("the calls", || {
            Some(()).filter(|()| door.daemon.metric(ERRORS) == Some(2.0) && door.daemon.metric(SUCCESSES) == Some(1.0))
        });
        let verdicts = door.verdicts();
        let errors: Vec<_> = verdicts.iter().filter(|verdict| verdict["outcome"] == "error").collect();
        assert_eq!(errors.iter().filter(|verdict| verdict["status"] == 401 && verdict["category"] == "auth").count(), 1);
        assert_eq!(errors.iter().filter(|verdict| verdict["status"] == 429 && verdict["model"] == "gpt-5-mini").count(), 1);
        assert!(verdicts.iter().all(|verdict| verdict["service"] == "checkout" && verdict["host"] == "web-1"), "{verdicts:?}");
    }
}

#[test]
fn curl_sends_a_file_in_chunks() {
    let Some(curl) = tool::find("curl") else { return };
    let door = Door::open(&[]);
    let lines: String = (0..2_000).map(|number| call(number, if number % 4 == 0 { 401 } else { 200 })).collect();
    let url = format!("http://{}/ndjson", door.address);
    let arguments =
        ["-sS", "--fail", "-H", "transfer-encoding: chunked", "-H", "expect: 100-continue", "--data-binary", "@-", &url];
    let (good, said) = tool::run(Command::new(curl).args(arguments), &lines);
    assert!(good, "{said}");
    until("all calls", || {
        Some(()).filter(|()| door.daemon.metric(ERRORS) == Some(500.0) && door.daemon.metric(SUCCESSES) == Some(1_500.0))
    });
}

/// The examples of opentelemetry-proto (`examples/logs.json` and `trace.json`, shortened) and of Loki's HTTP API, with the answers that both
/// specifications ask for.
const EXAMPLES: [(&str, &str, &str); 3] = [
    (
        "/v1/logs",
        r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"my.service"}}]},"scopeLogs":[{"scope":{"name":"my.library","version":"1.0.0"},"logRecords":[{"timeUnixNano":"1544712660300000000","observedTimeUnixNano":"1544712660300000000","severityNumber":10,"severityText":"Information","traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","body":{"stringValue":"Example log record"},"attributes":[{"key":"boolean.attribute","value":{"boolValue":true}},{"key":"int.attribute","value":{"intValue":"10"}},{"key":"map.attribute","value":{"kvlistValue":{"values":[{"key":"some.map.key","value":{"stringValue":"some value"}}]}}}]}]}]}]}"#,
        "{} 200 application/json",
    ),
    (
        "/v1/traces",
        r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"my.service"}}]},"scopeSpans":[{"scope":{"name":"my.library","version":"1.0.0"},"spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","parentSpanId":"EEE19B7EC3C1B173","name":"I'm a server span","startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000","kind":2,"attributes":[{"key":"my.span.attr","value":{"stringValue":"some value"}}]}]}]}]}"#,
        "{} 200 application/json",
    ),
    (
        "/loki/api/v1/push",
        r#"{"streams": [{ "stream": { "foo": "bar2" }, "values": [ [ "1570818238000000000", "fizzbuzz" ] ] }]}"#,
        " 204 ",
    ),
];

#[test]
fn curl_sends_the_examples_of_the_specifications() {
    let Some(curl) = tool::find("curl") else { return };
    let door = Door::open(&[]);
    for (path, body, answer) in EXAMPLES {
        let url = format!("http://{}{path}", door.address);
        let arguments = ["-sS", "--fail", "-H", "content-type: application/json", "-w", " %{http_code} %{content_type}"];
        let (good, said) = tool::run(Command::new(&curl).args(arguments).args(["--data-binary", "@-", &url]), body);
        assert!(good, "{path}: {said}");
        assert_eq!(said, answer, "{path}");
    }
    let read = "llm_triage_source_lines_total{source=\"http\"}";
    until("all lines", || door.daemon.metric(read).filter(|lines| *lines == 3.0));
    let verdicts = door.verdicts();
    assert_eq!(verdicts.len(), 3, "{verdicts:?}");
    assert!(verdicts.iter().all(|verdict| verdict["outcome"] == "other"), "{verdicts:?}");
}

/// A sender that lost the answer, or got 503 from a proxy, sends the same again.
#[test]
fn a_repeated_request_counts_once_where_its_calls_have_ids() {
    let door = Door::open(&[]);
    let lines = call(1, 401) + &call(2, 401);
    for _ in 0..3 {
        assert_eq!(door.post("/", &[], lines.as_bytes()).status, 204);
    }
    let read = "llm_triage_source_lines_total{source=\"http\"}";
    until("all lines", || door.daemon.metric(read).filter(|lines| *lines == 6.0));
    let verdicts = door.verdicts();
    let calls = verdicts.iter().filter(|verdict| verdict["grain"] == "call");
    assert_eq!(verdicts.len(), 6);
    assert_eq!(calls.count(), 2, "{verdicts:?}");
}
