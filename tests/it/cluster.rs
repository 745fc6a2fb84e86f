//! A cluster of real Alertmanagers and the real daemon: one incident gives one firing and one resolved notification, even if a
//! member or the daemon is killed or restarted during it.

use crate::running::{Server, append, call, program, until};
use crate::tool;
use serde_json::Value;
use std::cell::Cell;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

/// The webhook that Alertmanager notifies.
#[derive(Clone)]
pub(crate) struct Hook {
    received: Arc<Mutex<Vec<Value>>>,
    pub(crate) address: String,
}

impl Hook {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let hook = Self { received: Arc::default(), address };
        let received = Arc::clone(&hook.received);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream);
                while let Some(body) = request(&mut reader) {
                    received.lock().expect("no thread panics with this lock").push(body);
                    let answered =
                        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    if answered.is_err() {
                        break;
                    }
                }
            }
        });
        hook
    }

    /// The statuses of the notifications for a row so far; each notification is for the group of one provider.
    pub(crate) fn statuses(&self, row: &str) -> Vec<String> {
        let received = self.received.lock().expect("no thread panics with this lock");
        let of_row = received.iter().filter(|body| body["groupLabels"]["row"] == row);
        of_row.map(|body| body["status"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The receivers that were notified of a row so far.
    pub(crate) fn receivers(&self, row: &str) -> Vec<String> {
        let received = self.received.lock().expect("no thread panics with this lock");
        let of_row = received.iter().filter(|body| body["groupLabels"]["row"] == row);
        of_row.map(|body| body["receiver"].as_str().unwrap_or_default().to_owned()).collect()
    }

    pub(crate) fn wait_for(&self, row: &str, statuses: &[&str]) {
        until(&format!("{row} {statuses:?}"), || (self.statuses(row) == statuses).then_some(()));
    }
}

/// The body of the next request.
fn request(reader: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

/// A port that was free a moment ago. Members of a cluster must know each other's port before they start.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// One Alertmanager, with a directory of its own that survives its process.
struct Member {
    program: PathBuf,
    dir: PathBuf,
    port: u16,
    gossip: u16,
    peer: u16,
    hook: String,
}

impl Member {
    fn start(&self) -> Server {
        std::fs::create_dir_all(&self.dir).expect("a directory");
        let config = self.dir.join("alertmanager.yml");
        // The second member waits one second for the first. If an alert ends within that second, Alertmanager sends it as firing
        // again. That is Alertmanager's own behaviour; a long interval avoids it here.
        let text = format!(
            "route: {{receiver: hook, group_by: [alertname, row, provider], group_wait: 200ms, group_interval: 15s, repeat_interval: 4h}}\n\
             receivers: [{{name: hook, webhook_configs: [{{url: 'http://{}/'}}]}}]\n",
            self.hook
        );
        std::fs::write(&config, text).expect("a file");
        let mut command = Command::new(&self.program);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.path={}", self.dir.join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{}", self.port));
        command.arg(format!("--cluster.listen-address=127.0.0.1:{}", self.gossip));
        command.arg(format!("--cluster.advertise-address=127.0.0.1:{}", self.gossip));
        command.arg(format!("--cluster.peer=127.0.0.1:{}", self.peer));
        command.args(["--cluster.peer-timeout=1s", "--cluster.settle-timeout=1s"]);
        command.args(["--cluster.gossip-interval=50ms", "--cluster.pushpull-interval=500ms"]);
        Server::start(&mut command, "Listening on")
    }
}

/// Two members that know each other.
fn cluster(dir: &Path, hook: &Hook) -> Option<[Member; 2]> {
    let program = tool::find("prometheus-alertmanager")?;
    let gossip = [free_port(), free_port()];
    Some([0, 1].map(|index| Member {
        program: program.clone(),
        dir: dir.join(format!("am-{index}")),
        port: free_port(),
        gossip: gossip[index],
        peer: gossip[1 - index],
        hook: hook.address.clone(),
    }))
}

/// Waits until each member sees both.
fn wait_until_connected(members: &[&Server; 2]) {
    for member in members {
        until("the members to find each other", || {
            let status = member.json("/api/v2/status")?;
            let peers = status["cluster"]["peers"].as_array().map_or(0, Vec::len);
            (peers == 2 && status["cluster"]["status"] == "ready").then_some(())
        });
    }
}

/// A daemon with a host name and a log of its own. An alert for a 401 ends four seconds after the last failure.
struct Daemon {
    dir: PathBuf,
    name: &'static str,
    /// The second, since the epoch, in which the latest calls were logged.
    last_logged: Cell<u64>,
}

impl Daemon {
    fn new(dir: &Path, name: &'static str, members: &[Member; 2]) -> Self {
        let dir = dir.join(name);
        std::fs::create_dir_all(&dir).expect("a directory");
        let urls = members.iter().map(|member| format!("'http://127.0.0.1:{}'", member.port)).collect::<Vec<_>>().join(", ");
        let text = format!(
            "[state]\ndir = '{0}/state'\n[[source.file]]\nname = 'app'\npaths = ['{0}/*.jsonl']\n\
             [[escalation]]\nid = 'auth'\nkeep_firing = '4s'\n[[receiver.alertmanager]]\nurls = [{urls}]\n",
            dir.display(),
        );
        std::fs::write(dir.join("config.toml"), text).expect("a file");
        Self { dir, name, last_logged: Cell::new(0) }
    }

    fn start(&self) -> Server {
        let mut command = program();
        command.args(["run", "--listen", "127.0.0.1:0", "--config"]).arg(self.dir.join("config.toml"));
        let daemon = Server::start(command.env("NODE_NAME", self.name), "status page");
        until("the daemon to be ready", || daemon.get("/-/ready").filter(|body| body == "ready\n"));
        daemon
    }

    /// Logs calls, each time in a second of their own: a success in the second of a failure says nothing about what came after.
    fn log(&self, numbers: std::ops::Range<usize>, status: u16) {
        let second = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        until("the next second", || (second() > self.last_logged.get()).then_some(()));
        self.last_logged.set(second());
        append(&self.dir.join("app.jsonl"), &numbers.map(|number| call(number, status)).collect::<String>());
    }
}

/// Whether a member has this many alerts.
fn has_alerts(member: &Server, count: usize) -> bool {
    member.json("/api/v2/alerts").is_some_and(|alerts| alerts.as_array().is_some_and(|alerts| alerts.len() == count))
}

/// Whether the daemon's API shows the alert as firing.
fn fires(daemon: &Server) -> Option<()> {
    let alerts = daemon.json("/api/v1/alerts")?;
    alerts["alerts"].as_array()?.iter().any(|alert| alert["row"] == "auth" && alert["state"] == "firing").then_some(())
}

#[test]
fn one_incident_is_one_firing_and_one_resolved_notification_although_processes_are_killed() {
    let temporary = tempfile::tempdir().expect("a directory");
    let hook = Hook::start();
    let Some(members) = cluster(temporary.path(), &hook) else { return };
    let [first, second] = [members[0].start(), members[1].start()];
    wait_until_connected(&[&first, &second]);
    let home = Daemon::new(temporary.path(), "node-1", &members);
    let daemon = home.start();
    home.log(0..5, 200);
    home.log(5..6, 401);
    hook.wait_for("auth", &["firing"]);

    // The daemon is killed while the alert fires, and resumes. It sends the alert to both members again, which send no notification.
    until("a checkpoint with the alert", || {
        let state = std::fs::read_dir(home.dir.join("state")).ok()?.filter_map(Result::ok);
        let holds = |path: &Path| std::fs::read(path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("LLMAuth"));
        state.map(|entry| entry.path()).any(|path| holds(&path)).then_some(())
    });
    drop(daemon);
    let daemon = home.start();
    until("the alert to fire again", || fires(&daemon));
    until("both members to have the alert", || {
        (daemon.metric("llm_triage_notification_queue_length{receiver=\"alertmanager\"}").unwrap_or(0.0) == 0.0)
            .then_some(())?;
        [&first, &second].iter().all(|member| has_alerts(member, 1)).then_some(())
    });

    // A member is killed: the other one sends the end.
    drop(first);
    home.log(6..12, 200);
    hook.wait_for("auth", &["firing", "resolved"]);

    // The next alert shows that no other notification was sent before it.
    home.log(12..16, 500);
    hook.wait_for("server-error", &["firing"]);
    assert_eq!(hook.statuses("auth"), ["firing", "resolved"]);
    daemon.terminate();
}

#[test]
fn alertmanagers_that_restart_while_an_alert_fires_notify_nothing_twice() {
    let temporary = tempfile::tempdir().expect("a directory");
    let hook = Hook::start();
    let Some(members) = cluster(temporary.path(), &hook) else { return };
    let [first, second] = [members[0].start(), members[1].start()];
    wait_until_connected(&[&first, &second]);
    let home = Daemon::new(temporary.path(), "node-1", &members);
    let daemon = home.start();
    home.log(0..5, 200);
    home.log(5..6, 401);
    hook.wait_for("auth", &["firing"]);
    // At the end they save which notifications they sent, but not which alerts fire.
    for member in [first, second] {
        member.signal("TERM");
        member.end();
    }
    let [first, second] = [members[0].start(), members[1].start()];
    wait_until_connected(&[&first, &second]);
    // A daemon that starts sends the restored alerts at once; one that keeps running does so within a minute.
    daemon.terminate();
    let daemon = home.start();
    until("both members to have the alert again", || {
        [&first, &second].iter().all(|member| has_alerts(member, 1)).then_some(())
    });
    assert_eq!(hook.statuses("auth"), ["firing"]);
    home.log(6..12, 200);
    hook.wait_for("auth", &["firing", "resolved"]);
    home.log(12..16, 500);
    hook.wait_for("server-error", &["firing"]);
    assert_eq!(hook.statuses("auth"), ["firing", "resolved"]);
    daemon.terminate();
}

#[test]
fn two_daemons_do_not_flap_when_one_resolves_while_the_other_fires() {
    let temporary = tempfile::tempdir().expect("a directory");
    let hook = Hook::start();
    let Some(members) = cluster(temporary.path(), &hook) else { return };
    let [first, second] = [members[0].start(), members[1].start()];
    wait_until_connected(&[&first, &second]);
    let homes = ["node-1", "node-2"].map(|name| Daemon::new(temporary.path(), name, &members));
    let daemons = homes.each_ref().map(Daemon::start);
    for home in &homes {
        home.log(0..5, 200);
        home.log(5..6, 401);
    }
    until("the alerts of both daemons", || (has_alerts(&first, 2) && !hook.statuses("auth").is_empty()).then_some(()));
    // The alert ends only while calls succeed, so there must be one in every round.
    let mut number = 100;
    let mut succeed = |home: &Daemon| {
        number += 1;
        home.log(number..number + 1, 200);
    };
    until("the first daemon's alert to end", || {
        succeed(&homes[0]);
        let active = first.json("/api/v2/alerts?active=true")?;
        active.as_array().is_some_and(|alerts| alerts.len() == 1 && alerts[0]["labels"]["instance"] == "node-2").then_some(())
    });
    homes[0].log(12..16, 500);
    until("the next alert", || (!hook.statuses("server-error").is_empty()).then_some(()));
    assert!(hook.statuses("auth").iter().all(|status| status == "firing"), "{:?}", hook.statuses("auth"));
    until("the end", || {
        succeed(&homes[1]);
        (hook.statuses("auth").last()? == "resolved").then_some(())
    });
    assert_eq!(hook.statuses("auth").iter().filter(|status| *status == "resolved").count(), 1);
    for daemon in daemons {
        daemon.terminate();
    }
}
