//! The fleet: two daemons, a real Prometheus with the shipped rules and a real Alertmanager with the shipped routes. One
//! incident is one page and one resolution, whatever happens to a node meanwhile.

use crate::cluster::{Hook, free_port};
use crate::running::{Server, append, call, program, query, until};
use crate::tool;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

fn shipped(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The shipped routes and inhibitions; every receiver is the webhook, and waits are short.
fn alertmanager(program: &Path, dir: &Path, hook: &Hook) -> Server {
    let text = shipped("alertmanager/alertmanager.yml");
    let (routes, receivers) = text.split_once("\nreceivers:\n").expect("the file ends with the receivers");
    let names = receivers.lines().filter_map(|line| line.strip_prefix("  - name: "));
    let receivers: String = names
        .map(|name| {
            format!("  - name: {name}\n    webhook_configs: [{{url: 'http://{}/{name}', send_resolved: true}}]\n", hook.address)
        })
        .collect();
    let routes = routes.replace("group_interval: 5m", "group_interval: 2s").replace("group_wait: 10s", "group_wait: 1s");
    let config = dir.join("alertmanager.yml");
    std::fs::write(&config, format!("{routes}\nreceivers:\n{receivers}")).expect("a file");
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.path={}", dir.join("alertmanager").display()));
    command.args(["--web.listen-address=127.0.0.1:0", "--cluster.listen-address="]);
    Server::start(&mut command, "Listening on")
}

/// Prometheus with the shipped rules, which scrapes both nodes every second.
fn prometheus(program: &Path, dir: &Path, nodes: [&Node; 2], alertmanager: &Server) -> Server {
    let rules = ["llm-triage.rules.yml", "llm-triage-fleet.rules.yml", "llm-triage-self.rules.yml"].map(|name| {
        let path = dir.join(name);
        std::fs::write(&path, shipped(&format!("prometheus/{name}"))).expect("a file");
        format!("'{}'", path.display())
    });
    let targets = nodes.map(|node| format!("'127.0.0.1:{}'", node.port));
    let text = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{}]\n\
         scrape_configs: [{{job_name: llm-triage, static_configs: [{{targets: [{}]}}]}}]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\n",
        rules.join(", "),
        targets.join(", "),
        alertmanager.address
    );
    let config = dir.join("prometheus.yml");
    std::fs::write(&config, text).expect("a file");
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.tsdb.path={}", dir.join("prometheus").display()));
    command.arg("--web.listen-address=127.0.0.1:0");
    Server::start(&mut command, "Listening on")
}

/// A node with a port that it keeps over a restart, and a log of its own. It pushes nothing: the rules alert.
struct Node {
    dir: PathBuf,
    port: u16,
}

impl Node {
    fn new(dir: &Path, name: &str) -> Self {
        let dir = dir.join(name);
        std::fs::create_dir_all(&dir).expect("a directory");
        let text = format!(
            "[state]\ndir = '{0}/state'\n[[source.file]]\nname = 'app'\npaths = ['{0}/*.jsonl']\n\
             [[escalation]]\nid = 'auth'\nkeep_firing = '4s'\n",
            dir.display()
        );
        std::fs::write(dir.join("config.toml"), text).expect("a file");
        Self { dir, port: free_port() }
    }

    fn start(&self) -> Server {
        let mut command = program();
        command.args(["run", "--listen", &format!("127.0.0.1:{}", self.port), "--config"]).arg(self.dir.join("config.toml"));
        let daemon = Server::start(&mut command, "status page");
        until("the daemon to be ready", || daemon.get("/-/ready").filter(|body| body == "ready\n"));
        daemon
    }

    /// Logs calls now.
    fn log(&self, numbers: std::ops::Range<usize>, status: u16) {
        append(&self.dir.join("app.jsonl"), &numbers.map(|number| call(number, status)).collect::<String>());
    }

    fn is_saved(&self, word: &str) -> Option<()> {
        let files = std::fs::read_dir(self.dir.join("state")).ok()?.filter_map(Result::ok);
        let holds = |path: PathBuf| std::fs::read(path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(word));
        files.map(|file| file.path()).any(holds).then_some(())
    }
}

/// Lets so much time pass that a wrong alert or a wrong end would have been notified, while `step` is repeated.
fn for_a_while(mut step: impl FnMut()) {
    let end = Instant::now() + Duration::from_secs(8);
    until("the end of the wait", || {
        step();
        (Instant::now() >= end).then_some(())
    });
}

/// Two nodes refuse the same key; one is killed and restarts while the alert fires; a third party, the healthy node, does not
/// end the alert, and the end of one node does not end it for the other.
#[test]
fn one_incident_of_two_nodes_is_one_page_and_one_resolution() {
    let Some(prometheus_program) = tool::find("prometheus") else { return };
    let Some(alertmanager_program) = tool::either("prometheus-alertmanager", "alertmanager") else { return };
    let temporary = tempfile::tempdir().expect("a directory");
    let dir = temporary.path();
    let hook = Hook::start();
    let nodes = ["node-1", "node-2"].map(|name| Node::new(dir, name));
    let [mut first, second] = nodes.each_ref().map(Node::start);
    let alertmanager = alertmanager(&alertmanager_program, dir, &hook);
    let prometheus = prometheus(&prometheus_program, dir, nodes.each_ref(), &alertmanager);
    until("both nodes to be scraped", || query(&prometheus, "count(up == 1)").filter(|up| *up == 2.0));

    // Both nodes see the provider work; then one of them is refused.
    nodes.iter().for_each(|node| node.log(0..5, 200));
    nodes[0].log(5..6, 401);
    hook.wait_for("auth", &["firing"]);
    assert_eq!(hook.receivers("auth"), ["on-call"], "the shipped routes page the on-call for it");

    // The other node has the provider healthy: that neither ends the alert nor repeats it.
    let mut number = 100;
    for_a_while(|| {
        number += 1;
        nodes[1].log(number..number + 1, 200);
    });
    // It is refused too: one alert, no further page.
    nodes[1].log(1_000..1_001, 401);
    let both = r#"count(llm_triage_alert_state{row="auth",state="firing"} == 1)"#;
    until("both nodes to fire", || query(&prometheus, both).filter(|nodes| *nodes == 2.0));

    // The first node is killed and starts again.
    until("a checkpoint with the alert", || nodes[0].is_saved("LLMAuth"));
    drop(first);
    first = nodes[0].start();
    for_a_while(|| {});
    assert_eq!(hook.statuses("auth"), ["firing"]);

    // The first node recovers, the second is still refused.
    let mut number = 2_000;
    let mut succeed = |node: &Node| {
        number += 1;
        node.log(number..number + 1, 200);
    };
    until("the first node's end", || {
        succeed(&nodes[0]);
        query(&prometheus, both).filter(|nodes| *nodes == 1.0)
    });
    for_a_while(|| succeed(&nodes[0]));
    assert_eq!(hook.statuses("auth"), ["firing"], "one node still fires");
    until("the resolution", || {
        nodes.iter().for_each(&mut succeed);
        (hook.statuses("auth") == ["firing", "resolved"]).then_some(())
    });

    // Four hours have not passed: the same key, refused again, is no news.
    nodes[1].log(3_000..3_001, 401);
    let reopened = r#"count(llm_triage_alert_state{row="auth",state="reopened"} == 1)"#;
    until("the alert to reopen", || query(&prometheus, reopened));
    for_a_while(|| {});
    assert_eq!(hook.statuses("auth"), ["firing", "resolved"]);
    first.terminate();
    second.terminate();
}
