//! The files of Prometheus and Alertmanager: what is generated is current, their own tools take them, and the routes and
//! inhibitions do what they say in a real Alertmanager.

use crate::running::{Server, program, until};
use crate::tool;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

fn read(path: &str) -> String {
    fs::read_to_string(deploy().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// As the Prometheus operator takes the rules of a file.
fn wrapped(name: &str, rules: &str) -> String {
    let comments: String = rules.lines().take_while(|it| it.starts_with('#')).map(|it| format!("{it}\n")).collect();
    let groups: String = rules.lines().skip_while(|it| it.starts_with('#')).map(|it| format!("  {it}\n")).collect();
    format!(
        "{comments}# Written from deploy/prometheus/{name}.rules.yml.\napiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\n\
         metadata:\n  name: {name}\nspec:\n{groups}"
    )
}

/// `UPDATE=1 cargo test --test it generated` writes them anew.
#[test]
fn the_generated_files_are_current() {
    let rules = |format: &str| {
        let output = program().args(["rules", "--config", "/dev/null", "--format", format]).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let operator = "kubernetes/prometheus-operator/prometheusrule";
    for (path, wanted) in [
        ("prometheus/llm-triage.rules.yml".to_owned(), rules("prometheus")),
        (format!("{operator}.yaml"), rules("prometheusrule")),
        (format!("{operator}-self.yaml"), wrapped("llm-triage-self", &read("prometheus/llm-triage-self.rules.yml"))),
        (format!("{operator}-fleet.yaml"), wrapped("llm-triage-fleet", &read("prometheus/llm-triage-fleet.rules.yml"))),
    ] {
        if std::env::var_os("UPDATE").is_some() {
            fs::write(deploy().join(&path), &wanted).expect("deploy can be written");
        }
        let there = fs::read_to_string(deploy().join(&path)).unwrap_or_default();
        assert!(there == wanted, "deploy/{path} is old; UPDATE=1 cargo test --test it generated");
    }
}

#[test]
fn promtool_takes_the_files_and_their_tests_pass() {
    let Some(promtool) = tool::find("promtool") else { return };
    let folder = deploy().join("prometheus");
    let rules = ["llm-triage.rules.yml", "llm-triage-fleet.rules.yml", "llm-triage-self.rules.yml"];
    for arguments in [
        &["check", "config", "prometheus.yml"][..],
        &[&["check", "rules", "--lint=all", "--lint-fatal"], &rules[..]].concat(),
        &["test", "rules", "test.yml"],
    ] {
        let (good, said) = tool::run(Command::new(&promtool).args(arguments).current_dir(&folder), "");
        assert!(good, "{arguments:?}: {said}");
    }
    for rule in rules {
        assert!(read("prometheus/prometheus.yml").contains(&format!("  - {rule}\n")), "{rule} is loaded by the example");
    }
}

/// An alert about ourselves leads to a chapter, and each chapter is of one.
#[test]
fn every_alert_about_ourselves_has_its_chapter() {
    let rules = read("prometheus/llm-triage-self.rules.yml");
    let page = fs::read_to_string(deploy().join("../docs/itself.md")).expect("the page");
    let alerts: Vec<_> = rules.lines().filter_map(|it| it.trim().strip_prefix("- alert: ")).collect();
    let links: Vec<_> = rules.lines().filter_map(|it| it.trim().strip_prefix("runbook_url: docs/itself.md#")).collect();
    assert_eq!(alerts.iter().map(|it| it.to_lowercase()).collect::<Vec<_>>(), links);
    let chapters: Vec<_> = page.lines().filter_map(|it| it.strip_prefix("## ")).collect();
    assert_eq!(chapters, alerts);
}

#[test]
fn alertmanager_takes_its_file_and_routes_by_row_and_severity() {
    let Some(amtool) = tool::find("amtool") else { return };
    let config = deploy().join("alertmanager/alertmanager.yml");
    let (good, said) = tool::run(Command::new(&amtool).arg("check-config").arg(&config), "");
    assert!(good, "{said}");
    for (labels, receivers) in [
        ("row=auth severity=critical provider=openai", "on-call"),
        ("row=billing severity=critical provider=openai", "account-owner,on-call"),
        ("row=outage severity=critical provider=openai", "on-call"),
        ("row=rate-limit severity=warning provider=openai", "team"),
        ("row=unknown severity=info provider=openai", "tickets"),
        ("row=self-losing severity=warning provider=llm-triage", "operators"),
        ("row=blind severity=warning provider=llm-triage", "operators"),
        // Nobody is watching: that wakes somebody as well.
        ("row=self-absent severity=critical", "on-call"),
    ] {
        let mut command = Command::new(&amtool);
        command.args(["config", "routes", "test"]).arg(format!("--config.file={}", config.display()));
        command.arg(format!("--verify.receivers={receivers}")).args(labels.split(' '));
        let (good, said) = tool::run(&mut command, "");
        assert!(good, "{labels}: {said}");
    }
}

/// The alerts that a real Alertmanager with our file holds back.
#[test]
fn an_outage_inhibits_the_rows_beneath_it() {
    let Some(alertmanager) = tool::either("prometheus-alertmanager", "alertmanager") else { return };
    let Some(amtool) = tool::find("amtool") else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(alertmanager);
    command.arg(format!("--config.file={}", deploy().join("alertmanager/alertmanager.yml").display()));
    command.arg(format!("--storage.path={}", dir.path().display()));
    command.args(["--web.listen-address=127.0.0.1:0", "--cluster.listen-address="]);
    let server = Server::start(&mut command, "Listening on");
    let add = |row: &str, provider: &str, severity: &str| {
        let mut command = Command::new(&amtool);
        command.arg(format!("--alertmanager.url=http://{}", server.address)).args(["alert", "add"]);
        command.args([
            format!("alertname=LLM{row}"),
            format!("row={row}"),
            format!("provider={provider}"),
            format!("severity={severity}"),
        ]);
        let (good, said) = tool::run(&mut command, "");
        assert!(good, "{said}");
    };
    add("outage", "openai", "critical");
    for row in ["server-error", "rest", "auth"] {
        add(row, "openai", "warning");
    }
    add("server-error", "anthropic", "warning");
    add("outage", "mistral", "critical");
    add("billing", "mistral", "critical");
    let inhibited = || -> Option<Vec<String>> {
        let alerts = server.json("/api/v2/alerts")?;
        let alerts = alerts.as_array().filter(|it| it.len() == 7)?;
        let held = alerts.iter().filter(|it| it["status"]["inhibitedBy"] != json!([]));
        let mut held: Vec<_> = held.map(name).collect();
        held.sort();
        Some(held)
    };
    let name_all = ["mistral outage", "openai rest", "openai server-error"];
    // The key that openai refuses is a reason too: its outage is held back as well.
    let wanted: Vec<String> = ["openai outage"].iter().chain(&name_all).map(|it| (*it).to_owned()).collect();
    until("the inhibitions", || {
        let mut held = inhibited()?;
        let mut wanted = wanted.clone();
        held.sort();
        wanted.sort();
        (held == wanted).then_some(())
    });
}

fn name(alert: &Value) -> String {
    let label = |name: &str| alert["labels"][name].as_str().unwrap_or_default();
    format!("{} {}", label("provider"), label("row"))
}
