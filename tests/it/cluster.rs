//! A cluster of real Alertmanagers and the real daemon: one incident is one firing and one resolved notification, whoever of
//! them is killed or restarted in the middle.

use crate::running::{Server, append, call, program, until};
use crate::tool;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// What Alertmanager's receiver hears.
#[derive(Clone)]
struct Hook {
    heard: Arc<Mutex<Vec<Value>>>,
    address: String,
}

impl Hook {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let hook = Self { heard: Arc::default(), address };
        let heard = Arc::clone(&hook.heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream);
                while let Some(body) = request(&mut reader) {
                    heard.lock().expect("nobody panics with it").push(body);
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

    /// The statuses of a row's notifications so far, each of one provider's group.
    fn told(&self, row: &str) -> Vec<String> {
        let heard = self.heard.lock().expect("nobody panics with it");
        let of_row = heard.iter().filter(|it| it["groupLabels"]["row"] == row);
        of_row.map(|it| it["status"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn wait_for(&self, row: &str, told: &[&str]) {
        until(&format!("{row} {told:?}"), || (self.told(row) == told).then_some(()));
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

/// A port that was free a moment ago: members of a cluster must know each other's before they start.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// One Alertmanager, with a place of its own that outlives its process.
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
        // The second member waits a second for the first. An end that falls into that second is told anew as a beginning: that is
        // Alertmanager's own, and a long interval keeps it out of here.
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
    Some([0, 1].map(|it| Member {
        program: program.clone(),
        dir: dir.join(format!("am-{it}")),
        port: free_port(),
        gossip: gossip[it],
        peer: gossip[1 - it],
        hook: hook.address.clone(),
    }))
}

/// Waits until both members see both.
fn united(members: &[&Server; 2]) {
    for member in members {
        until("the members to find each other", || {
            let status = member.json("/api/v2/status")?;
            let peers = status["cluster"]["peers"].as_array().map_or(0, Vec::len);
            (peers == 2 && status["cluster"]["status"] == "ready").then_some(())
        });
    }
}

/// A daemon that calls itself by a name, with a log of its own. An alert of a 401 clears after four seconds.
struct Daemon {
    dir: PathBuf,
    name: &'static str,
}

impl Daemon {
    fn new(dir: &Path, name: &'static str, members: &[Member; 2]) -> Self {
        let dir = dir.join(name);
        std::fs::create_dir_all(&dir).expect("a directory");
        let urls = members.iter().map(|it| format!("'http://127.0.0.1:{}'", it.port)).collect::<Vec<_>>().join(", ");
        let text = format!(
            "[state]\ndir = '{0}/state'\n[[source.file]]\nname = 'app'\npaths = ['{0}/*.jsonl']\n\
             [[escalation]]\nid = 'auth'\nkeep_firing = '4s'\n[[receiver.alertmanager]]\nurls = [{urls}]\n",
            dir.display(),
        );
        std::fs::write(dir.join("config.toml"), text).expect("a file");
        Self { dir, name }
    }

    fn start(&self) -> Server {
        let mut command = program();
        command.args(["run", "--listen", "127.0.0.1:0", "--config"]).arg(self.dir.join("config.toml"));
        let daemon = Server::start(command.env("NODE_NAME", self.name), "status page");
        until("the daemon to be ready", || daemon.get("/-/ready").filter(|it| it == "ready\n"));
        daemon
    }

    fn log(&self, numbers: std::ops::Range<usize>, status: u16) {
        append(&self.dir.join("app.jsonl"), &numbers.map(|it| call(it, status)).collect::<String>());
    }
}

/// Whether the alert fires at this daemon, as it says itself.
fn fires(daemon: &Server) -> Option<()> {
    let alerts = daemon.json("/api/v1/alerts")?;
    alerts["alerts"].as_array()?.iter().any(|it| it["row"] == "auth" && it["state"] == "firing").then_some(())
}

#[test]
fn one_incident_is_one_firing_and_one_resolved_notification_whoever_is_killed() {
    let temporary = tempfile::tempdir().expect("a directory");
    let hook = Hook::start();
    let Some(members) = cluster(temporary.path(), &hook) else { return };
    let [first, second] = [members[0].start(), members[1].start()];
    united(&[&first, &second]);
    let home = Daemon::new(temporary.path(), "node-1", &members);
    let daemon = home.start();
    home.log(0..5, 200);
    home.log(5..6, 401);
    hook.wait_for("auth", &["firing"]);

    // The daemon is killed while it fires, and goes on where it was: it tells both members again, and nobody hears of it.
    until("a checkpoint that knows of it", || {
        let state = std::fs::read_dir(home.dir.join("state")).ok()?.filter_map(Result::ok);
        let holds = |path: &Path| std::fs::read(path).is_ok_and(|it| String::from_utf8_lossy(&it).contains("LLMAuth"));
        state.map(|it| it.path()).any(|it| holds(&it)).then_some(())
    });
    drop(daemon);
    let daemon = home.start();
    until("it to fire still", || fires(&daemon));
    until("both members to have heard of it", || {
        (daemon.metric("llm_triage_notification_queue_length{receiver=\"alertmanager\"}").unwrap_or(0.0) == 0.0)
            .then_some(())?;
        [&first, &second]
            .iter()
            .all(|it| it.json("/api/v2/alerts").is_some_and(|it| it.as_array().is_some_and(|it| it.len() == 1)))
            .then_some(())
    });

    // A member is killed: the other one tells the end.
    drop(first);
    home.log(6..12, 200);
    hook.wait_for("auth", &["firing", "resolved"]);

    // What comes after all that shows that nothing else was on its way.
    home.log(12..16, 500);
    hook.wait_for("server-error", &["firing"]);
    assert_eq!(hook.told("auth"), ["firing", "resolved"]);
    daemon.terminate();
}

#[test]
fn alertmanagers_that_are_restarted_while_it_fires_tell_nothing_twice() {
    let temporary = tempfile::tempdir().expect("a directory");
    let hook = Hook::start();
    let Some(members) = cluster(temporary.path(), &hook) else { return };
    let [first, second] = [members[0].start(), members[1].start()];
    united(&[&first, &second]);
    let home = Daemon::new(temporary.path(), "node-1", &members);
    let daemon = home.start();
    home.log(0..5, 200);
    home.log(5..6, 401);
    hook.wait_for("auth", &["firing"]);
    // They write down what they told when they end; what fires they forget.
    for member in [first, second] {
        member.signal("TERM");
        member.end();
    }
    let [first, second] = [members[0].start(), members[1].start()];
    united(&[&first, &second]);
    // A daemon that starts tells what it held at once; one that goes on does so within a minute.
    daemon.terminate();
    let daemon = home.start();
    until("both members to know of it again", || {
        let knows = |it: &&Server| it.json("/api/v2/alerts").is_some_and(|it| it.as_array().is_some_and(|it| it.len() == 1));
        [&first, &second].iter().all(knows).then_some(())
    });
    assert_eq!(hook.told("auth"), ["firing"]);
    home.log(6..12, 200);
    hook.wait_for("auth", &["firing", "resolved"]);
    home.log(12..16, 500);
    hook.wait_for("server-error", &["firing"]);
    assert_eq!(hook.told("auth"), ["firing", "resolved"]);
    daemon.terminate();
}

#[test]
fn two_daemons_of_which_one_resolves_while_the_other_fires_do_not_flap() {
    let temporary = tempfile::tempdir().expect("a directory");
    let hook = Hook::start();
    let Some(members) = cluster(temporary.path(), &hook) else { return };
    let [first, second] = [members[0].start(), members[1].start()];
    united(&[&first, &second]);
    let homes = ["node-1", "node-2"].map(|it| Daemon::new(temporary.path(), it, &members));
    let daemons = homes.each_ref().map(Daemon::start);
    for home in &homes {
        home.log(0..5, 200);
        home.log(5..6, 401);
    }
    until("both to be told of", || {
        let alerts = first.json("/api/v2/alerts")?;
        (alerts.as_array().is_some_and(|it| it.len() == 2) && !hook.told("auth").is_empty()).then_some(())
    });
    // A call that works ends it from the next second on: it goes on working.
    let mut number = 100;
    let mut works = |home: &Daemon| {
        number += 1;
        home.log(number..number + 1, 200);
    };
    until("the first to have resolved", || {
        works(&homes[0]);
        let active = first.json("/api/v2/alerts?active=true")?;
        active.as_array().is_some_and(|it| it.len() == 1 && it[0]["labels"]["instance"] == "node-2").then_some(())
    });
    homes[0].log(12..16, 500);
    until("what came after it", || (!hook.told("server-error").is_empty()).then_some(()));
    assert!(hook.told("auth").iter().all(|it| it == "firing"), "{:?}", hook.told("auth"));
    until("the end", || {
        works(&homes[1]);
        (hook.told("auth").last()? == "resolved").then_some(())
    });
    assert_eq!(hook.told("auth").iter().filter(|it| *it == "resolved").count(), 1);
    for daemon in daemons {
        daemon.terminate();
    }
}
