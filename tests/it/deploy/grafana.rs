//! The dashboard: it is current and valid by Grafana's schema, and no panel is empty with a real Prometheus that scrapes the
//! real daemon on sample logs.

use crate::peer::{Peer, answer};
use crate::running::{Server, append, call, query, until};
use crate::tool;
use llm_triage::metrics::family::FAMILIES;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn path() -> PathBuf {
    root().join("deploy/grafana/llm-triage.json")
}

fn dashboard() -> Value {
    serde_json::from_str(&fs::read_to_string(path()).expect("the dashboard")).expect("JSON")
}

/// `UPDATE=1 cargo test --test it generated` writes it again: it contains the catalogue's fixes.
#[test]
fn the_generated_dashboard_is_what_the_catalogue_says() {
    let Some(python) = tool::python("tomllib") else { return };
    let output = Command::new(python).arg(root().join("deploy/grafana/build.py")).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let wanted = String::from_utf8(output.stdout).expect("text");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path(), &wanted).expect("deploy can be written");
    }
    let there = fs::read_to_string(path()).unwrap_or_default();
    assert!(there == wanted, "deploy/grafana/llm-triage.json is old; UPDATE=1 cargo test --test it generated");
}

#[test]
fn grafana_knows_every_key_of_it() {
    let Some(python) = tool::python("grafana_foundation_sdk") else { return };
    let check = |file: &Path| {
        let mut command = Command::new(&python);
        tool::run(command.arg(root().join("tests/it/deploy/grafana.py")).arg(file), "")
    };
    let (good, said) = check(&path());
    assert!(good, "{said}");
    // The check can fail: for a key of a query, of a panel, of a field.
    let text = fs::read_to_string(path()).expect("the dashboard");
    for (from, to) in [("\"expr\":", "\"exprr\":"), ("\"gridPos\":", "\"gridPoss\":"), ("\"unit\":", "\"unt\":")] {
        let broken = tempfile::NamedTempFile::new().expect("a file");
        fs::write(broken.path(), text.replacen(from, to, 1)).expect("written");
        let (good, said) = check(broken.path());
        assert!(!good && said.contains(to.trim_matches(['"', ':'])), "{to}: {said}");
    }
}

#[test]
fn it_asks_for_metrics_that_exist_and_its_panels_do_not_overlap() {
    let text = fs::read_to_string(path()).expect("the dashboard");
    let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let names =
        text.split(|char| !is_name(char)).filter(|word| word.starts_with("llm_triage_") || word.starts_with("process_"));
    for name in names {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        let known = |name: &str| FAMILIES.iter().any(|family| family.name == name);
        assert!(known(name) || known(family), "{name}");
    }
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().expect("panels");
    let area = |panel: &Value| ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().expect("a number"));
    for (at, one) in panels.iter().enumerate() {
        let [x, y, w, h] = area(one);
        assert!(x + w <= 24, "{}", one["title"]);
        for other in &panels[..at] {
            let [ox, oy, ow, oh] = area(other);
            let apart = x + w <= ox || ox + ow <= x || y + h <= oy || oy + oh <= y;
            assert!(apart, "{} overlaps {}", one["title"], other["title"]);
        }
    }
}

/// Every query of the dashboard, with the title of its panel: panels, variables, annotations.
fn queries() -> Vec<(String, String)> {
    let dashboard = dashboard();
    let mut all = Vec::new();
    for panel in dashboard["panels"].as_array().expect("panels").iter().filter(|panel| panel["type"] != "row") {
        let title = panel["title"].as_str().expect("a title");
        let targets = panel["targets"].as_array().expect("targets");
        assert!(!targets.is_empty(), "{title} has no query");
        for target in targets {
            all.push((title.to_owned(), target["expr"].as_str().expect("a query").to_owned()));
        }
    }
    for variable in dashboard["templating"]["list"].as_array().expect("variables") {
        if let Some((series, label)) =
            variable["definition"].as_str().and_then(|text| text.strip_prefix("label_values(")?.rsplit_once(", "))
        {
            let label = label.trim_end_matches(')');
            all.push((variable["label"].to_string(), format!("count by ({label}) ({series}) and on ({label}) {series}")));
        }
    }
    for annotation in dashboard["annotations"]["list"].as_array().expect("annotations") {
        all.push((annotation["name"].to_string(), annotation["expr"].as_str().expect("a query").to_owned()));
    }
    all
}

/// The query as Grafana sends it when all values of the variables are selected.
fn filled_in(expression: &str) -> String {
    let variables = ["provider", "model", "service", "instance"];
    let expression = variables.iter().fold(expression.to_owned(), |text, name| text.replace(&format!("${name}\""), ".*\""));
    let expression = expression.replace("$__rate_interval", "1m").replace("$__range", "1m");
    assert!(!expression.contains('$') || expression.contains("\"$1\""), "{expression}");
    expression
}

/// Panels that are empty as long as there is no such problem.
const RARE: [&str; 1] = ["Restarts"];

#[tokio::test]
async fn no_panel_is_empty() {
    let Some(prometheus) = tool::find("prometheus") else { return };
    // A receiver, so that the panels about receivers have data.
    let hook = Peer::start(&[&answer("200 OK", "", "")]).await;
    let webhook = format!("http://{}/", hook.address);
    tokio::task::spawn_blocking(move || ask_all(&prometheus, &webhook)).await.expect("it does not panic");
    drop(hook);
}

fn ask_all(prometheus: &Path, webhook: &str) {
    let temporary = tempfile::tempdir().expect("a directory");
    let dir = temporary.path();
    let config = dir.join("config.toml");
    let text = format!(
        "[state]\ndir = '{0}/state'\n[[source.file]]\nname = 'samples'\npaths = ['{0}/*.log', '{0}/*.jsonl']\n[[receiver.webhook]]\nurl = '{webhook}'\n",
        dir.display()
    );
    fs::write(&config, text).expect("a file");
    let daemon = Server::run([Path::new("--config"), &config]);
    let server = scraping(prometheus, dir, &daemon);
    let born = "llm_triage_rows_loaded";
    until("a first scrape", || query(&server, born));
    // Old failures of other providers: they are counted, but in no window.
    for sample in fs::read_dir(root().join("tests/data/samples")).expect("samples") {
        let sample = sample.expect("an entry").path();
        append(&dir.join(sample.file_name().expect("a name")), &fs::read_to_string(&sample).expect("a sample"));
    }
    let fresh = dir.join("fresh.jsonl");
    let now = || llm_triage::time::Timestamp::from_system(std::time::SystemTime::now());
    let one = |number: usize| {
        let at = now();
        let mut lines = call(number, 200) + &call(number + 1, 401);
        let throttled = r#""status_code":429,"error_code":"rate_limit_exceeded","error":"Rate limit reached for gpt-5 on requests per min. Please try again in 20s.","retry_after":20"#;
        let broke = r#""status_code":429,"error_code":"insufficient_quota","error":"You exceeded your current quota, please check your plan and billing details.""#;
        let strange = r#""error":"the flux capacitor is out of phase with the moon""#;
        let good = r#""status_code":200,"latency_ms":900"#;
        for (kind, level, rest) in
            [("error", "error", throttled), ("error", "error", broke), ("error", "error", strange), ("call", "info", good)]
        {
            lines += &format!(
                "{{\"timestamp\":\"{at}\",\"level\":\"{level}\",\"event\":\"llm_api_{kind}\",\"service\":\"checkout\",\"provider\":\"openai\",\"model\":\"gpt-5\",{rest}}}\n"
            );
        }
        lines += &format!(
            "{{\"timestamp\":\"{at}\",\"level\":\"info\",\"logger\":\"httpx\",\"message\":\"HTTP Request: POST https://api.openai.com/v1/chat/completions \\\"HTTP/1.1 503 Service Unavailable\\\"\"}}\n"
        );
        lines += &format!("{{\"timestamp\":\"{at}\",\"level\":\"error\",\"message\":\"the shelf is full\"}}\n");
        lines
    };
    let mut number = 0;
    let mut open: Vec<_> = queries().into_iter().filter(|(title, _)| !RARE.contains(&title.trim_matches('"'))).collect();
    assert!(open.len() > 45, "{}", open.len());
    let mut asked = 0;
    until("an answer of every panel", || {
        append(&fresh, &one(number));
        number += 10;
        asked += 1;
        open.retain(|(_, expression)| !answers(&server, &filled_in(expression)));
        assert!(asked < 1_000, "{open:#?}");
        open.is_empty().then_some(())
    });
    // The dots of the first graph.
    until("exemplars", || {
        let at = now().as_secs_f64();
        let (start, end) = (at - 600.0, at + 60.0);
        let path = format!("/api/v1/query_exemplars?query=llm_triage_errors_total&start={start}&end={end}");
        let exemplars = server.json(&path)?["data"][0]["exemplars"][0]["labels"].clone();
        exemplars["request_id"].as_str().map(str::to_owned)
    });
    daemon.terminate();
}

fn answers(server: &Server, expression: &str) -> bool {
    let escaped: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let Some((status, said)) = server.ask("GET", &format!("/api/v1/query?query={escaped}")) else { return false };
    assert_eq!(status, 200, "{expression}: {said}");
    let answer: Value = serde_json::from_str(&said).expect("JSON");
    let result = answer["data"]["result"].as_array().expect("a result");
    // A quantile over empty buckets is not an answer.
    result.iter().any(|sample| sample["value"][1].as_str().is_some_and(|value| value != "NaN"))
}

/// A Prometheus with the shipped rules that scrapes the daemon each second.
fn scraping(program: &Path, dir: &Path, daemon: &Server) -> Server {
    let config = dir.join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{}/deploy/prometheus/*.rules.yml']\n\
         scrape_configs: [{{job_name: llm-triage, static_configs: [{{targets: ['{}']}}]}}]\n",
        root().display(),
        daemon.address
    );
    fs::write(&config, text).expect("a file");
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.tsdb.path={}", dir.join("prometheus").display()));
    command.args(["--web.listen-address=127.0.0.1:0", "--enable-feature=exemplar-storage"]);
    Server::start(&mut command, "Listening on")
}
