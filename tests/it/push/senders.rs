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
