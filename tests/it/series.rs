//! How many series a scrape has: few, however many providers and rows the program knows.

use crate::running::{Server, append, until};
use llm_triage::time::Timestamp;
use std::fmt::Write as _;
use std::path::Path;
use std::time::SystemTime;

/// The providers, each with three models of its own.
const PROVIDERS: [&str; 5] = ["openai", "anthropic", "groq", "mistral", "deepseek"];
const SERVICES: [&str; 3] = ["checkout", "search", "support"];
/// Each matches another row.
const FAILURES: [(u16, &str); 4] = [
    (401, "Incorrect API key provided"),
    (429, "Rate limit reached for requests"),
    (500, "The server had an error"),
    (529, "Overloaded"),
];

/// Every model and service of every provider succeeds, and fails in four ways.
fn log() -> String {
    let mut lines = String::new();
    let mut id = 0;
    let mut call = |provider: &str, model: usize, service: &str, rest: &str| {
        id += 1;
        let at = Timestamp::from_system(SystemTime::now());
        writeln!(
            lines,
            "{{\"timestamp\":\"{at}\",\"event\":\"llm_api_call\",\"request_id\":\"req_{id}\",\"service\":\"{service}\",\
             \"provider\":\"{provider}\",\"model\":\"{provider}-{model}\",\"latency_ms\":900,{rest}}}"
        )
        .expect("a String grows");
    };
    for provider in PROVIDERS {
        for (model, service) in SERVICES.into_iter().enumerate() {
            for service in SERVICES {
                call(provider, model, service, r#""level":"info","status_code":200"#);
            }
            for (status, text) in FAILURES {
                call(provider, model, service, &format!(r#""level":"error","status_code":{status},"error":"{text}""#));
            }
        }
    }
    lines
}

fn series(page: &str) -> usize {
    page.lines().filter(|line| !line.starts_with('#')).count()
}

#[test]
fn a_scrape_has_few_series() {
    let dir = tempfile::tempdir().expect("a directory");
    let (file, state) = (dir.path().join("app.jsonl"), dir.path().join("state"));
    append(&file, "");
    std::fs::create_dir(&state).expect("a directory");
    let daemon = Server::run([Path::new("--file"), &file, Path::new("--state-dir"), &state]);
    let (_, fresh) = daemon.ask("GET", "/metrics").expect("an answer");
    assert!(series(&fresh) <= 150, "{} series of a daemon that has seen nothing:\n{fresh}", series(&fresh));
    append(&file, &log());
    let seen = "llm_triage_row_last_failure_timestamp_seconds{row=";
    let all = PROVIDERS.len() * FAILURES.len();
    let page = until("every row of every provider", || {
        let (_, page) = daemon.ask("GET", "/metrics")?;
        (page.matches(seen).count() == all).then_some(page)
    });
    for (family, expected) in [("model_requests_total{", 30), ("service_requests_total{", 30), ("row_errors_total{", all)] {
        assert_eq!(page.matches(&format!("\nllm_triage_{family}")).count(), expected, "{family}\n{page}");
    }
    assert!(series(&page) <= 700 && page.len() <= 64 * 1_024, "{} series, {} bytes:\n{page}", series(&page), page.len());
    daemon.terminate();

    // The latest failures are known again before the first line is read, and so are the providers.
    let daemon = Server::run([Path::new("--file"), &file, Path::new("--state-dir"), &state]);
    let (_, page) = daemon.ask("GET", "/metrics").expect("an answer");
    assert_eq!(page.matches(seen).count(), all, "{page}");
    let born = "llm_triage_requests_total{provider=\"groq\",outcome=\"error\"} 0\n";
    assert!(page.contains(born), "{page}");
    daemon.terminate();
}
