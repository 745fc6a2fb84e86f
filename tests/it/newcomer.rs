//! What a new user met, each as a test that fails when it returns: through the program, its pages and its files only.

use crate::pty::Terminal;
use crate::running::{self, Server, append, call};
use llm_triage::classify::Catalog;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use unicode_width::UnicodeWidthStr;

const LOG: &str = r#"{"timestamp":"2026-11-20T09:00:TIMEZ","level":"LEVEL","event":"llm_api_call","provider":"openai","model":"gpt-5","status_code":STATUS}"#;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The report, or what another command prints.
fn output(args: &[&str]) -> String {
    let output = running::program().args(args).output().expect("the program runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn report(args: &[&str]) -> Value {
    serde_json::from_str(&output(&[&["report", "--format", "json"], args].concat())).expect("a report is JSON")
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// Nine calls that work and one that fails, behind what a carrier puts around each line.
#[test]
fn successes_behind_a_prefix_are_calls_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("app.log");
    let prefixes = [
        "",
        "checkout-1  | ",
        "[pod/checkout-5d/app] ",
        "2026-11-20T09:00:01.123456789Z stdout F ",
        "Nov 20 09:00:01 host checkout[812]: ",
        "09:00:01 web.1 | ",
    ];
    for prefix in prefixes {
        let line = |number: usize| {
            let (level, status) = if number == 9 { ("error", "401") } else { ("info", "200") };
            let line = LOG.replace("TIME", &format!("{number:02}")).replace("LEVEL", level).replace("STATUS", status);
            format!("{prefix}{line}\n")
        };
        fs::write(&path, (0..10).map(line).collect::<String>()).expect("written");
        let text = output(&["report", "--brief", &path.to_string_lossy()]);
        assert!(text.contains("10 calls, 1 failed (10 %)"), "{prefix}: {text}");
    }
}

/// Lines of another provider stand around the call, and its own line names one that the catalogue does not know.
#[test]
fn a_named_provider_is_never_replaced_by_its_neighbours() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("app.log");
    let neighbour = "2026-11-20 09:00:00,000 INFO httpx HTTP Request: POST https://api.openai.com/v1/chat/completions \"HTTP/1.1 200 OK\"\n";
    let named = |second: usize| {
        format!(
            "{{\"timestamp\":\"2026-11-20T09:00:{second:02}Z\",\"level\":\"error\",\"provider\":\"acme-ai\",\"model\":\"gpt-5\",\"status_code\":500,\"error\":\"Internal Server Error\"}}\n"
        )
    };
    let log: String = (0..40).map(|second| neighbour.to_owned() + &named(second)).collect();
    fs::write(&path, log).expect("written");
    let report = report(&[&path.to_string_lossy()]);
    let charged: BTreeSet<_> =
        list(&report, "errors").iter().chain(list(&report, "alerts")).map(|item| item["provider"].to_string()).collect();
    assert_eq!(charged, BTreeSet::from(["\"acme-ai\"".to_owned()]), "{report}");
    assert!(!list(&report, "alerts").is_empty(), "{report}");
}

/// The logs of the demo: who a finding names agrees with the verdicts on the calls that it speaks of.
#[test]
fn findings_agree_with_the_verdicts() {
    let samples = root().join("tests/data/samples");
    let samples = samples.to_str().expect("a plain name");
    let report = report(&[samples]);
    let verdicts: Vec<Value> = output(&["classify", "--only", "error", samples])
        .lines()
        .map(|line| serde_json::from_str(line).expect("a verdict"))
        .collect();
    let findings = list(&report, "findings");
    assert!(findings.len() > 3, "{findings:?}");
    for finding in findings {
        let is_of = |verdict: &&Value| {
            verdict["provider"] == finding["provider"]
                && (finding["service"].is_null() || verdict["service"] == finding["service"])
                && verdict["ts"].as_str() <= finding["last"].as_str()
        };
        let owners: BTreeSet<_> = verdicts.iter().filter(is_of).filter_map(|verdict| verdict["owner"].as_str()).collect();
        let owner = finding["owner"].as_str().expect("an owner");
        assert!(owners.contains(owner), "{owner}, but the verdicts say {owners:?}: {finding}");
        let text = finding["text"].to_string();
        assert!(!text.contains("still work"), "{text}");
    }
    // Each recovery is one of one outage.
    let starts: Vec<_> =
        findings.iter().filter(|finding| finding["kind"] == "recovery").map(|finding| &finding["from"]).collect();
    let distinct: BTreeSet<_> = starts.iter().map(ToString::to_string).collect();
    assert_eq!(starts.len(), distinct.len(), "{findings:?}");
}

/// An advice for every vendor names no model of one vendor.
#[test]
fn advice_names_no_model_of_another_vendor() {
    let catalog = Catalog::shipped().expect("the shipped catalogue");
    let serves_claude = |provider: &String| !["mistral", "openai", "groq", "gemini", "deepseek"].contains(&provider.as_str());
    for pattern in catalog.patterns() {
        let is_of_claude = !pattern.providers.is_empty() && pattern.providers.iter().any(serves_claude);
        let names_a_model = ["Opus", "Sonnet", "Haiku"].iter().any(|model| pattern.fix.contains(model));
        assert!(is_of_claude || !names_a_model, "{}: {}", pattern.id, pattern.fix);
    }
    let overloaded = r#"{"level":"error","provider":"mistral","status":529,"error":"Service tier capacity exceeded"}"#;
    assert!(!output(&["explain", overloaded]).contains("Opus"));
}

/// Also below 60 columns.
#[test]
fn lists_and_reports_fit_a_terminal_of_any_width() {
    let samples = root().join("tests/data/samples/checkout.jsonl");
    let samples = samples.to_str().expect("a plain name");
    let commands: [&[&str]; 5] = [
        &["patterns", "list", "--provider", "openai"],
        &["explain", "429"],
        &["explain", "requests.exceptions.SSLError"],
        &["check", "--stdin"],
        &["report", "--all", samples],
    ];
    for columns in [44, 52, 60, 80] {
        for command in commands {
            let Some(mut terminal) = Terminal::start_at(columns, command) else { return };
            terminal.end();
            let shown = anstream::adapter::strip_str(&terminal.written()).to_string();
            let lines: Vec<_> = shown.lines().collect();
            assert!(lines.len() > 5, "{command:?} prints something: {shown}");
            let wide = lines.iter().find(|line| line.trim_end().width() > usize::from(columns));
            assert_eq!(wide, None, "{command:?} at {columns} columns");
        }
    }
}

#[test]
fn top_takes_a_host_and_a_port() {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, state) = (dir.path().join("app.jsonl"), dir.path().join("state"));
    append(&log, &call(1, 200));
    let daemon = Server::run([format!("--file={}", log.display()), format!("--state-dir={}", state.display())]);
    assert!(output(&["top", "--once", "--url", &daemon.address]).contains("no alert"));
}

/// More errors than the screen has lines: the keys reach the last one, and a filter finds one by typing.
#[test]
fn a_followed_log_scrolls_and_filters() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = dir.path().join("app.jsonl");
    let statuses = [
        400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 415, 422, 424, 425, 429, 451, 500, 501, 502, 503, 504, 507, 520, 529,
    ];
    for (number, status) in statuses.into_iter().enumerate() {
        append(&log, &call(number, status));
    }
    let Some(mut terminal) = Terminal::start(["--follow".as_ref(), log.as_os_str()]) else { return };
    terminal.wait_for(" more · ");
    // Failures wait for the other lines about them: until then the screen says so, and names no flag that was not given.
    assert!(!terminal.written().contains("--since"), "{}", terminal.written());
    assert!(!terminal.written().contains("first at"), "{}", terminal.written());
    // To the first error, to the last one, and into its details.
    terminal.press("\x1b[F\x1b[F\r");
    terminal.wait_for("first at");
    terminal.press("\r/402 payment\r");
    terminal.wait_for("filter \"402 payment\"");
    terminal.press("q");
    assert!(terminal.end().success());
}

/// Installation comes first and names what is ready before what must be built, with its cost; then the four uses. No command writes
/// outside the working directory by a variable that may be empty, and none installs anything before the reader asked for it.
#[test]
fn the_readme_is_in_the_order_of_use_and_safe_as_root() {
    let readme = read("README.md");
    let headings: Vec<_> = readme.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(headings[..5], ["Install", "At a terminal", "In a pipeline", "As a daemon", "In Kubernetes"], "{headings:?}");
    let install = readme.split("## Install").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a part");
    let at = |words: &str| install.find(words).unwrap_or_else(|| panic!("no {words:?} in {install}"));
    assert!(at("package") < at("cargo install") && at("archive") < at("cargo install"));
    assert!(at("minutes") > 0, "a build takes minutes, and the README says so");
    let commands: Vec<_> = readme.split("```").skip(1).step_by(2).flat_map(str::lines).collect();
    for line in commands {
        for risk in ["$TMPDIR", "sudo ", "rm -", "| sh", "| bash", "tests/run", "tests/setup", "> /"] {
            assert!(!line.contains(risk), "{line}");
        }
    }
}

/// What stops a first deployment: pushing and setting the image, the egress to an Alertmanager, the label of the operator, a reload.
#[test]
fn the_steps_of_a_deployment_are_written_down() {
    let steps = [
        ("README.md", "buildah push "),
        ("README.md", "kustomize edit set image "),
        ("README.md", "llm-triage check && systemctl reload llm-triage"),
        ("docs/daemon.md", "components/gateways"),
        ("docs/daemon.md", "components/alertmanager"),
        ("docs/daemon.md", "release: kube-prometheus-stack"),
        ("docs/daemon.md", "OpenShift"),
        ("docs/daemon.md", "Autopilot"),
    ];
    for (page, words) in steps {
        assert!(read(page).contains(words), "{page} says nothing of {words}");
    }
}
