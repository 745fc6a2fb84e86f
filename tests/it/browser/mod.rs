//! The pages for people in a real Chromium: the status page, runbooks and errors of the daemon, and the documentation as a site.

use crate::admin::{Running, alert, snapshot};
use crate::tool;
use llm_triage::admin::Phase;
use llm_triage::alert::{Alert, State, runbook};
use llm_triage::classify::{Catalog, Classifier};
use llm_triage::framing;
use llm_triage::pipeline::Rules;
use llm_triage::record::Reader;
use llm_triage::taxonomy::Severity;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A script of this directory, if there is a browser.
pub(crate) fn script(name: &str) -> Option<Command> {
    let python = tool::python("tomllib")?;
    let _browser = tool::find("chromium").and(tool::find("chromedriver"))?;
    let mut command = Command::new(python);
    command.arg(root().join("tests/it/browser").join(name));
    Some(command)
}

/// Text that a log can bring onto the page: markup, letters that run from right to left, and wide ones.
const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=alert(2)> \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{4f60}\u{597d}";

fn alerts(count: usize) -> Vec<Alert> {
    let severities = [Severity::Critical, Severity::Warning, Severity::Info];
    let states = [State::Firing, State::Firing, State::Pending, State::Resolved];
    let mut alerts: Vec<Alert> = (0..count)
        .map(|number| Alert {
            service: Some(format!("service-{number}-{}", "x".repeat(number * 9))),
            ..alert(severities[number % severities.len()], states[number % states.len()])
        })
        .collect();
    if let Some(first) = alerts.first_mut() {
        HOSTILE.clone_into(&mut first.summary);
        first.evidence = format!("{HOSTILE}\n{}", "long".repeat(200));
        "https://wiki.example/auth".clone_into(&mut first.runbook_url);
        "http://127.0.0.1:10529/errors/http-401".clone_into(&mut first.error_url);
    }
    alerts
}

#[tokio::test]
async fn the_pages_are_good_in_a_browser() {
    for count in [0, 1, 12] {
        let Some(mut script) = script("page.py") else { return };
        let mut running = Running::start().await;
        running.state.set_phase(Phase::Ready);
        let catalog = Catalog::shipped().expect("the shipped files are good");
        let rules =
            Rules::new(framing::Options::DEFAULT, Reader::default(), Classifier::new(Arc::new(catalog)), &[], Vec::new());
        let rules = Arc::new(rules.expect("the shipped rows are good"));
        let table = rules.table();
        running.state.set_runbooks(table.rows().iter().map(|row| (row.id.clone(), runbook(row, table, rules.names()))));
        running.state.set_rules(rules);
        running.recorder.publish(Arc::new(snapshot(alerts(count))));
        let shown = if count == 0 { "No provider is failing" } else { HOSTILE };
        script.args([
            &format!("http://{}", running.address),
            shown,
            "/",
            "/runbooks/",
            "/runbooks/auth",
            "/errors/",
            "/errors/http-401",
        ]);
        let (success, faults) = tokio::task::spawn_blocking(move || tool::run(&mut script, "")).await.expect("the script ran");
        assert!(success, "with {count} alerts:\n{faults}");
        running.stop().await;
    }
}

/// The site in a folder of its own. `None` without a Python that reads TOML.
fn site(folder: &Path) -> Option<()> {
    let mut build = Command::new(tool::python("tomllib")?);
    let (success, output) = tool::run(build.arg(root().join("docs/site/build.py")).arg(folder), "");
    assert!(success, "{output}");
    Some(())
}

#[test]
fn the_documentation_is_a_site_without_dead_links() {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(()) = site(dir.path()) else { return };
    let page = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(page("docs/errors/auth.html").contains("<h3 id=\"anthropic-invalid-api-key\">"));
    assert!(page("docs/index.html").contains("<a href=\"configuration.html\">"));
    assert!(page("index.html").contains("script-src 'self'"));
    let files: Vec<PathBuf> =
        ["search.html", "search.js", "search-index.js", "site.css"].map(|name| dir.path().join(name)).into();
    assert!(files.iter().all(|file| file.is_file()), "{files:?}");
}

#[test]
fn a_pasted_error_is_found_without_a_server() {
    let Some(mut script) = script("site.py") else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let Some(()) = site(dir.path()) else { return };
    let catalog = Catalog::shipped().expect("the shipped files are good");
    let pasted: Value =
        catalog.patterns().iter().map(|pattern| json!([pattern.id, pattern.examples.to_vec().first()])).collect();
    let (success, output) = tool::run(script.arg(dir.path()), &pasted.to_string());
    assert!(success, "{output}");
    let result: Value = serde_json::from_str(output.lines().last().unwrap_or_default()).expect("JSON");
    assert_eq!((&result["faults"], &result["broken"]), (&json!([]), &json!([])), "{result}");
    let count = |key: &str| result[key].as_u64().expect("a count");
    let all = count("pasted");
    assert!(count("first") * 100 >= all * 85 && count("five") * 100 >= all * 97, "{result}");
}
