//! End to end: the real program, a real Prometheus that scrapes it and evaluates its rules, and a real Alertmanager that gets
//! the alert of a 401, and its end, from both.

use crate::peer::{Peer, answer};
use crate::running::{Server, append, call, program, query, until};
use crate::tool;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program, by an environment variable, else by its name on the PATH: the one in Debian first, then the upstream one.
fn find(variable: &str, names: [&str; 2]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = |name: &str| std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
    let found = std::env::var_os(variable).map(PathBuf::from).or_else(|| names.into_iter().find_map(on_path));
    if found.is_none() {
        tool::missing(names[0]);
    }
    found
}

fn alertmanager(program: &Path, dir: &Path, webhook: &str) -> Server {
    let config = dir.join("alertmanager.yml");
    let text = format!(
        "route: {{receiver: hook, group_by: ['...'], group_wait: 10ms, group_interval: 1s}}\n\
         receivers: [{{name: hook, webhook_configs: [{{url: '{webhook}'}}]}}]\n"
    );
    std::fs::write(&config, text).expect("a file");
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.path={}", dir.join("alertmanager").display()));
    command.args(["--web.listen-address=127.0.0.1:0", "--cluster.listen-address="]);
    Server::start(&mut command, "Listening on")
}

fn prometheus(program: &Path, dir: &Path, daemon: &Server, alertmanager: &Server) -> Server {
    let config = dir.join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
         rule_files: ['{}']\n\
         scrape_configs: [{{job_name: llm-triage, static_configs: [{{targets: ['{}']}}]}}]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\n",
        dir.join("rules.yml").display(),
        daemon.address,
        alertmanager.address
    );
    std::fs::write(&config, text).expect("a file");
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.tsdb.path={}", dir.join("prometheus").display()));
    command.arg("--web.listen-address=127.0.0.1:0");
    Server::start(&mut command, "Listening on")
}

/// The daemon's configuration. An alert of a 401 clears after two seconds, not after ten minutes.
fn configure(dir: &Path, alertmanager: &Server) -> PathBuf {
    let config = dir.join("config.toml");
    let text = format!(
        "[state]\ndir = '{0}/state'\n\
         [[source.file]]\nname = 'app'\npaths = ['{0}/*.jsonl']\n\
         [[escalation]]\nid = 'auth'\nkeep_firing = '2s'\n\
         [[receiver.alertmanager]]\nurls = ['http://{1}']\n",
        dir.display(),
        alertmanager.address
    );
    std::fs::write(&config, text).expect("a file");
    config
}

fn labels(alert: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(alert["labels"].clone()).expect("labels are texts")
}

/// Waits until the webhook got the alert with this status, through Alertmanager, from both: the daemon, which names itself,
/// and Prometheus, which evaluates all daemons together. Returns the two alerts.
async fn hear_both(hook: &mut Peer, status: &str) -> (Value, Value) {
    let (mut daemon, mut rules) = (None, None);
    loop {
        if let (Some(daemon), Some(rules)) = (&daemon, &rules) {
            return (Value::clone(daemon), Value::clone(rules));
        }
        let body: Value = serde_json::from_str(&hook.hear().await.body).expect("JSON");
        for alert in body["alerts"].as_array().expect("alerts") {
            assert_eq!(alert["labels"]["alertname"], "LLMAuth", "{alert}");
            if alert["status"] == status {
                let by_daemon = alert["labels"].get("instance").is_some();
                *(if by_daemon { &mut daemon } else { &mut rules }) = Some(alert.clone());
            }
        }
    }
}

/// Runs a step that waits for other processes, while the webhook answers.
async fn aside<T: Send + 'static>(step: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(step).await.expect("no step panics")
}

#[tokio::test]
async fn a_401_is_scraped_fires_by_both_ways_and_is_resolved() {
    let Some(prometheus_program) = find("PROMETHEUS", ["prometheus", "prometheus"]) else { return };
    let Some(alertmanager_program) = find("ALERTMANAGER", ["prometheus-alertmanager", "alertmanager"]) else { return };
    let temporary = tempfile::tempdir().expect("a directory");
    let dir = temporary.path().to_owned();
    let log = dir.join("app.jsonl");
    let mut hook = Peer::start(&[&answer("200 OK", "", "")]).await;
    let webhook = format!("http://{}/", hook.address);

    let (daemon, alertmanager, prometheus) = aside({
        let (dir, log) = (dir.clone(), log.clone());
        move || {
            let alertmanager = alertmanager(&alertmanager_program, &dir, &webhook);
            let config = configure(&dir, &alertmanager);
            let rules = program().arg("rules").args(["--scrape-interval", "1s", "--config"]).arg(&config).output();
            let rules = rules.expect("it runs");
            assert!(rules.status.success(), "{}", String::from_utf8_lossy(&rules.stderr));
            std::fs::write(dir.join("rules.yml"), rules.stdout).expect("a file");
            let daemon = Server::run([Path::new("--config"), &config]);
            let prometheus = prometheus(&prometheus_program, &dir, &daemon, &alertmanager);
            let born = "llm_triage_rows_loaded";
            until("Prometheus to have scraped", || query(&prometheus, born));
            let loaded = prometheus.json("/api/v1/rules").expect("rules");
            let loaded = loaded["data"]["groups"][0]["rules"].as_array().map_or(0, Vec::len);
            let rows = daemon.metric("llm_triage_rows_loaded").expect("a metric");
            assert_eq!(loaded as f64, rows, "a rule for every row");
            append(&log, &(0..5).map(|number| call(number, 200)).collect::<String>());
            append(&log, &call(5, 401));
            (daemon, alertmanager, prometheus)
        }
    })
    .await;

    let (by_daemon, by_rules) = hear_both(&mut hook, "firing").await;
    let mut named = labels(&by_daemon);
    assert!(named.remove("instance").is_some());
    assert_eq!(named, labels(&by_rules), "the same alert by either way");
    assert_eq!(named["provider"], "openai");
    assert_eq!(named["severity"], "critical");
    // The page is on the node that saw the failure.
    let page = format!("http://{}/runbooks/auth", daemon.address);
    for alert in [&by_daemon, &by_rules] {
        assert_eq!(alert["annotations"]["runbook_url"], page.as_str(), "{alert}");
    }
    let error = format!("http://{}/errors/openai-invalid-api-key", daemon.address);
    assert_eq!(by_daemon["annotations"]["error_url"], error.as_str(), "{by_daemon}");
    for annotation in ["summary", "description", "next_step", "fix", "evidence", "runbook_url"] {
        for alert in [&by_daemon, &by_rules] {
            assert!(alert["annotations"][annotation].as_str().is_some_and(|text| !text.is_empty()), "{annotation}: {alert}");
        }
    }

    let (daemon, alertmanager, prometheus) = aside(move || {
        let calls = "sum(llm_triage_requests_total{provider=\"openai\"})";
        until("Prometheus to have counted the calls", || query(&prometheus, calls).filter(|calls| *calls == 6.0));
        let errors =
            "llm_triage_errors_total{provider=\"openai\",status=\"401\",category=\"auth\",owner=\"account\",retry=\"no\"}";
        assert_eq!(query(&prometheus, errors), Some(1.0));
        let alerts = prometheus.json("/api/v1/alerts").expect("alerts");
        let alerts = alerts["data"]["alerts"].as_array().expect("alerts").clone();
        assert_eq!(alerts.len(), 1, "{alerts:?}");
        assert_eq!(alerts[0]["state"], "firing");
        if let Some(amtool) = tool::find("amtool") {
            let url = format!("--alertmanager.url=http://{}", alertmanager.address);
            let (good, printed) =
                tool::run(Command::new(amtool).args([&url, "alert", "query", "row=auth", "provider=openai"]), "");
            assert!(good && printed.matches("LLMAuth").count() == 2, "{printed}");
        }
        if let Some(promtool) = tool::find("promtool") {
            let page = daemon.get("/metrics").expect("metrics");
            let (good, printed) = tool::run(Command::new(&promtool).args(["check", "metrics"]), &page);
            assert!(good && printed.is_empty(), "{printed}");
            let (good, printed) = tool::run(Command::new(promtool).args(["check", "rules"]).arg(dir.join("rules.yml")), "");
            assert!(good, "{printed}");
        }
        // The key is correct again. A success must follow the failure, and two seconds must pass.
        append(&log, &(6..12).map(|number| call(number, 200)).collect::<String>());
        (daemon, alertmanager, prometheus)
    })
    .await;

    let (by_daemon, by_rules) = hear_both(&mut hook, "resolved").await;
    for alert in [&by_daemon, &by_rules] {
        assert!(alert["endsAt"].as_str() > alert["startsAt"].as_str(), "{alert}");
    }
    aside(move || {
        let alert = daemon.json("/api/v1/alerts").expect("alerts")["alerts"][0].clone();
        assert_eq!(
            (&alert["row"], &alert["state"], &alert["reason"]),
            (&"auth".into(), &"resolved".into(), &"recovered".into())
        );
        // With two seconds instead of ten minutes, the rule may fire once more between the last success and the node's end.
        until("the Alertmanager to have no active alert", || {
            let active = alertmanager.json("/api/v2/alerts").expect("alerts");
            active.as_array().is_some_and(Vec::is_empty).then_some(())
        });
        daemon.terminate();
        drop((alertmanager, prometheus));
    })
    .await;
}
