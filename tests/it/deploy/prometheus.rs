//! The files of Prometheus and Alertmanager: generated files are current, promtool and amtool accept them, and the routes and
//! inhibitions work in a real Alertmanager.

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

/// The rules of a file in the form for the Prometheus operator.
fn wrapped(name: &str, rules: &str) -> String {
    let comments: String = rules.lines().take_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    let groups: String = rules.lines().skip_while(|line| line.starts_with('#')).map(|line| format!("  {line}\n")).collect();
    format!(
        "{comments}# Written from deploy/prometheus/{name}.rules.yml.\napiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\n\
         metadata:\n  name: {name}\nspec:\n{groups}"
    )
}

/// `UPDATE=1 cargo test --test it generated` writes them again.
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
fn promtool_accepts_the_files_and_their_tests_pass() {
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

/// Each alert about llm-triage itself links to a chapter, and each chapter belongs to one alert.
#[test]
fn every_alert_about_llm_triage_itself_has_its_chapter() {
    let rules = read("prometheus/llm-triage-self.rules.yml");
    let page = fs::read_to_string(deploy().join("../docs/itself.md")).expect("the page");
    let alerts: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let links: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("runbook_url: docs/itself.md#")).collect();
    assert_eq!(alerts.iter().map(|alert| alert.to_lowercase()).collect::<Vec<_>>(), links);
    let chapters: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(chapters, alerts);
}

#[test]
fn alertmanager_accepts_its_file_and_routes_by_row_and_severity() {
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
        // No daemon watches the logs: this pages the on-call too.
        ("row=self-absent severity=critical", "on-call"),
    ] {
        let mut command = Command::new(&amtool);
        command.args(["config", "routes", "test"]).arg(format!("--config.file={}", config.display()));
        command.arg(format!("--verify.receivers={receivers}")).args(labels.split(' '));
        let (good, said) = tool::run(&mut command, "");
        assert!(good, "{labels}: {said}");
    }
}

/// Checked with a real Alertmanager that uses our file.
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
        let alerts = alerts.as_array().filter(|alerts| alerts.len() == 7)?;
        let held = alerts.iter().filter(|alert| alert["status"]["inhibitedBy"] != json!([]));
        let mut held: Vec<_> = held.map(name).collect();
        held.sort();
        Some(held)
    };
    let name_all = ["mistral outage", "openai rest", "openai server-error"];
    // A refused key is a cause of failures too: it inhibits the outage of openai.
    let wanted: Vec<String> = ["openai outage"].iter().chain(&name_all).map(|name| (*name).to_owned()).collect();
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

/// `<!channel>` in the text of an error would notify a whole channel through the template for Slack.
#[test]
fn texts_of_alerts_are_escaped_in_the_template_for_slack() {
    let path = deploy().join("alertmanager/alertmanager.yml");
    let text = std::fs::read_to_string(path).expect("a file");
    let slack = text.split("slack_configs:").nth(1).and_then(|rest| rest.split("  - name:").next()).expect("a receiver");
    let shown: Vec<_> = slack.split("{{ .CommonAnnotations.").skip(1).filter(|part| !part.starts_with("runbook_url")).collect();
    assert!(shown.len() >= 5, "{slack}");
    for part in shown {
        let pipeline = part.split("}}").next().unwrap_or_default();
        let escapes = [r#""&" "&amp;""#, r#""<" "&lt;""#, r#"">" "&gt;""#, r#""@" "＠""#, r#""[*]" "∗""#];
        let places = escapes.map(|escape| pipeline.find(&format!("reReplaceAll {escape}")));
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "an ampersand is escaped first: {pipeline}");
    }
}

/// The templates of one receiver in our file: the title in quotes, and the text as a block.
fn slack_templates(config: &str) -> [String; 2] {
    let slack = config.split("slack_configs:").nth(1).and_then(|rest| rest.split("  - name:").next()).expect("a receiver");
    let title = slack.lines().find_map(|line| line.trim().strip_prefix("title: '")).expect("a title").trim_end_matches('\'');
    let text = slack.split_once("text: |-\n").expect("a text").1;
    let lines: Vec<&str> = text.lines().map(str::trim_start).filter(|line| !line.is_empty()).collect();
    [title.to_owned(), lines.join("\n")]
}

/// Rendered by the real Alertmanager's tool, with annotations that would mention a channel and people.
#[test]
fn the_template_for_slack_renders_and_mentions_nobody() {
    let Some(amtool) = tool::find("amtool") else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let hostile = "<!channel> @here *bold* & <https://evil.example|click>";
    let data = json!({
        "receiver": "team", "status": "firing", "alerts": [], "groupLabels": {}, "externalURL": "http://am.example",
        "commonLabels": { "severity": "critical", "row": "auth", "provider": "openai" },
        "commonAnnotations": {
            "summary": hostile, "description": hostile, "next_step": hostile, "fix": hostile, "evidence": hostile,
            "runbook_url": "http://node.example:10529/runbooks/auth",
        },
    });
    let file = dir.path().join("data.json");
    fs::write(&file, data.to_string()).expect("written");
    let empty = dir.path().join("empty.tmpl");
    fs::write(&empty, "").expect("written");
    for template in slack_templates(&read("alertmanager/alertmanager.yml")) {
        let mut command = Command::new(&amtool);
        command.args(["template", "render"]).arg(format!("--template.glob={}", empty.display()));
        command.arg(format!("--template.data={}", file.display())).arg(format!("--template.text={template}"));
        let (good, shown) = tool::run(&mut command, "");
        assert!(good && shown.contains("critical") | shown.contains("*Next:*"), "{template}: {shown}");
        let (own, quoted) = (shown.matches('*').count(), shown.matches("&lt;!channel&gt; ＠here ∗bold∗ &amp;").count());
        assert!(quoted >= 1 && own <= 4 && !shown.contains(['<', '>', '@']), "{shown}");
    }
}
