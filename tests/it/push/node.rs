//! Senders that run on Node: the exporters of OpenTelemetry for JavaScript, and a coding agent with its own telemetry.

use super::Door;
use crate::peer::{Peer, answer};
use crate::running::until;
use crate::tool;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use tokio::runtime::Builder;

/// Logs a failure in JSON, and traces a failed and a good call in Protocol Buffers.
const EXPORT: &str = r#"
const { LoggerProvider, BatchLogRecordProcessor } = require("@opentelemetry/sdk-logs");
const { OTLPLogExporter } = require("@opentelemetry/exporter-logs-otlp-http");
const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-proto");
const { BasicTracerProvider, BatchSpanProcessor } = require("@opentelemetry/sdk-trace-base");
const { resourceFromAttributes } = require("@opentelemetry/resources");

const [url, compression] = process.argv.slice(1);
const resource = resourceFromAttributes({ "service.name": "checkout", "host.name": "web-1" });
const logs = new BatchLogRecordProcessor({ exporter: new OTLPLogExporter({ url: url + "/v1/logs", compression }) });
const logger = new LoggerProvider({ resource, processors: [logs] }).getLogger("app");
logger.emit({
  severityNumber: 17, severityText: "ERROR",
  body: "AuthenticationError: 401 Incorrect API key provided: sk-proj-****abcd.",
  attributes: { "error.code": "invalid_api_key", "gen_ai.provider.name": "openai" },
});
const spans = new BatchSpanProcessor(new OTLPTraceExporter({ url: url + "/v1/traces", compression }));
const tracer = new BasicTracerProvider({ resource, spanProcessors: [spans] }).getTracer("app");
const call = { "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5-mini" };
const failed = tracer.startSpan("chat gpt-5-mini", { attributes: { ...call, "error.type": "RateLimitError" } });
failed.setStatus({ code: 2, message: "429 Rate limit reached for gpt-5-mini" });
failed.end();
tracer.startSpan("chat gpt-5-mini", { attributes: { ...call, "gen_ai.usage.output_tokens": 12 } }).end();
Promise.all([logs.forceFlush(), spans.forceFlush()]).then(() => process.exit(0));
"#;

fn calls(provider: &str, outcome: &str) -> String {
    format!("llm_triage_requests_total{{provider=\"{provider}\",outcome=\"{outcome}\"}}")
}

#[test]
fn the_exporters_of_opentelemetry_for_node_are_understood() {
    let Some((node, modules)) = tool::node("@opentelemetry/sdk-logs/package.json") else { return };
    for compression in ["gzip", "none"] {
        let door = Door::open(&[]);
        let mut command = Command::new(&node);
        command.env("NODE_PATH", &modules).args(["-e", EXPORT, "--", &format!("http://{}", door.address), compression]);
        let (good, said) = tool::run(&mut command, "");
        assert!(good && said.is_empty(), "{said}");
        until("the calls", || {
            let count = |outcome| door.daemon.metric(&calls("openai", outcome));
            Some(()).filter(|()| count("error") == Some(2.0) && count("success") == Some(1.0))
        });
        let verdicts = door.verdicts();
        let errors: Vec<_> = verdicts.iter().filter(|verdict| verdict["outcome"] == "error").collect();
        let is_refused = |verdict: &&&Value| verdict["status"] == 401 && verdict["pattern"] == "openai-invalid-api-key";
        assert_eq!(errors.iter().filter(is_refused).count(), 1, "{errors:?}");
        let is_limited = |verdict: &&&Value| {
            let message = verdict["message"].as_str().unwrap_or_default();
            verdict["status"] == 429 && verdict["model"] == "gpt-5-mini" && message.contains("Rate limit reached")
        };
        assert_eq!(errors.iter().filter(is_limited).count(), 1, "{errors:?}");
        assert!(verdicts.iter().all(|verdict| verdict["service"] == "checkout" && verdict["host"] == "web-1"), "{verdicts:?}");
    }
}

/// Runs Gemini CLI once against an API with one answer, with the telemetry settings of `docs/recipes.md`, until the call is counted
/// as `outcome`. Returns the verdicts.
fn run_gemini((node, program): &(PathBuf, PathBuf), api_answer: &str, outcome: &str) -> Vec<Value> {
    let door = Door::open(&[]);
    let home = tempfile::tempdir().expect("a directory");
    let settings = json!({
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": false},
        "general": {"enableAutoUpdate": false},
        "telemetry": recipe_for_gemini(&door.address)["telemetry"],
    });
    std::fs::create_dir(home.path().join(".gemini")).expect("a directory");
    std::fs::write(home.path().join(".gemini/settings.json"), settings.to_string()).expect("a file");
    let mut command = Command::new(node);
    command.arg(program).args(["-m", "gemini-2.5-flash", "--skip-trust", "-p", "Say ok."]);
    // An invented key.
    command.env("HOME", home.path()).env("GEMINI_API_KEY", "AIzaSyInventedInventedInventedInvented00");
    command.current_dir(home.path());
    Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
        let api = Peer::start(&[api_answer]).await;
        command.env("GOOGLE_GEMINI_BASE_URL", format!("http://{}", api.address));
        tokio::task::spawn_blocking(move || tool::run(&mut command, "")).await.expect("it ran");
    });
    until("the call", || door.daemon.metric(&calls("gemini", outcome)).filter(|count| *count == 1.0));
    door.verdicts()
}

/// The settings of the recipe, with the address of the test.
fn recipe_for_gemini(address: &str) -> Value {
    let recipes = include_str!("../../../docs/recipes.md");
    let block = recipes.split("### Gemini CLI").nth(1).and_then(|rest| rest.split("```json\n").nth(1)).expect("a block");
    let settings = block.split("```").next().unwrap_or_default().replace("127.0.0.1:4318", address);
    serde_json::from_str(&settings).expect("JSON")
}

fn gemini() -> Option<(PathBuf, PathBuf)> {
    let file = "@google/gemini-cli/bundle/gemini.js";
    tool::node(file).map(|(node, modules)| (node, modules.join(file)))
}

/// The verdicts that may count. Without a record of the whole call, Gemini's tries are its calls.
fn counted<'v>(verdicts: &'v [Value], outcome: &str) -> Vec<&'v Value> {
    verdicts.iter().filter(|verdict| verdict["outcome"] == outcome && verdict["grain"] != "detail").collect()
}

#[test]
fn a_failed_call_of_gemini_cli_counts_once() {
    let Some(gemini) = gemini() else { return };
    let body = json!({"error": {
        "code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}],
    }});
    let refused = answer("400 Bad Request", "content-type: application/json\r\n", &body.to_string());
    let verdicts = run_gemini(&gemini, &refused, "error");
    let failed = counted(&verdicts, "error");
    assert_eq!(failed.len(), 1, "{verdicts:?}");
    assert!(failed[0]["category"] == "auth" && failed[0]["model"] == "gemini-2.5-flash", "{}", failed[0]);
    assert_eq!(failed[0]["service"], "gemini-cli", "{}", failed[0]);
    assert!(counted(&verdicts, "success").is_empty(), "{verdicts:?}");
    assert!(!verdicts.iter().any(|verdict| verdict.to_string().contains("Say ok.")), "the prompt stays out");
}

#[test]
fn a_good_call_of_gemini_cli_counts_once() {
    let Some(gemini) = gemini() else { return };
    let piece = json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": "ok"}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 1, "totalTokenCount": 10},
        "modelVersion": "gemini-2.5-flash",
    });
    let good = answer("200 OK", "content-type: text/event-stream\r\n", &format!("data: {piece}\r\n\r\n"));
    let verdicts = run_gemini(&gemini, &good, "success");
    assert_eq!((counted(&verdicts, "success").len(), counted(&verdicts, "error").len()), (1, 0), "{verdicts:?}");
}
