//! A reload of the real program: everything but listen addresses and the state directory, all of it or nothing.

use crate::running::{PATIENCE, Server, append, call, until};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A webhook that remembers what it was told.
struct Hook {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Hook {
    /// It answers, or it takes every request and says nothing.
    fn start(answers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let (address, heard) = (listener.local_addr().expect("bound"), Arc::new(Mutex::new(Vec::new())));
        let told = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for mut stream in listener.incoming().map_while(Result::ok) {
                if !answers {
                    held.push(stream);
                    told.lock().expect("nobody panics with it").push(String::new());
                    continue;
                }
                stream.set_read_timeout(Some(Duration::from_millis(200))).expect("set");
                let mut request = Vec::new();
                // It ends with the answer; until then the client waits.
                drop(stream.read_to_end(&mut request));
                drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"));
                told.lock().expect("nobody panics with it").push(String::from_utf8_lossy(&request).into_owned());
            }
        });
        Self { address, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("nobody panics with it").clone()
    }
}

/// A port that nobody listens on.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound")
}

struct Place {
    dir: TempDir,
    state: Cell<&'static str>,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory"), state: Cell::new("state") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A configuration with a file source and more.
    fn configure(&self, more: &str) -> PathBuf {
        let path = self.path("config.toml");
        let text = format!(
            "[state]\ndir = '{}'\n[[source.file]]\nname = 'app'\npaths = ['{}']\n{more}",
            self.path(self.state.get()).display(),
            self.path("app.jsonl").display()
        );
        std::fs::write(&path, text).expect("written");
        path
    }

    fn start(&self, more: &str) -> Server {
        let config = self.configure(more);
        Server::run([Path::new("--config"), &config])
    }

    fn reload(&self, daemon: &Server, more: &str) -> (u16, String) {
        self.configure(more);
        daemon.ask("POST", "/-/reload").expect("an answer")
    }

    fn good_reload(&self, daemon: &Server, more: &str) -> String {
        let (status, said) = self.reload(daemon, more);
        assert_eq!(status, 200, "{said}");
        said
    }
}

fn lines(daemon: &Server, source: &str, lines: f64) {
    let series = format!("llm_triage_source_lines_total{{source=\"{source}\"}}");
    until(&format!("{lines} lines of {source}"), || daemon.metric(&series).filter(|it| *it == lines));
}

fn send(address: SocketAddr, text: &str) -> TcpStream {
    let mut peer = until("a listener", || TcpStream::connect(address).ok());
    peer.write_all(text.as_bytes()).expect("sent");
    peer
}

#[test]
fn tcp_sources_come_go_and_change_while_peers_are_connected() {
    let place = Place::new();
    let (first, second) = (free_address(), free_address());
    let tcp = |name: &str, address: SocketAddr, more: &str| {
        format!("[[source.tcp]]\nname = '{name}'\nlisten = '{address}'\n{more}\n")
    };
    let daemon = place.start(&tcp("a", first, ""));
    let _quiet = send(first, &call(0, 200));
    lines(&daemon, "a", 1.0);

    // Its idle time, and another source beside it.
    let said = place.good_reload(&daemon, &(tcp("a", first, "idle = '100ms'") + &tcp("b", second, "")));
    assert!(!said.contains("restart"), "{said}");
    until("the idle peer's end", || daemon.metric("llm_triage_source_files{source=\"a\"}").filter(|it| *it == 0.0));
    let peer = send(second, &call(1, 200));
    lines(&daemon, "b", 1.0);

    // Another name takes over the address; what its peers had sent is not lost.
    let said = place.good_reload(&daemon, &(tcp("a", second, "") + &tcp("c", second, "")));
    assert!(said.contains("wait for a restart: source a: listen"), "{said}");
    drop(peer);
    let _peer = send(second, &call(2, 200));
    lines(&daemon, "c", 1.0);
    let _peer = send(first, &call(3, 200));
    lines(&daemon, "a", 2.0);

    // An address that is taken refuses everything.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let more = tcp("a", first, "") + &tcp("d", taken.local_addr().expect("bound"), "");
    let (status, said) = place.reload(&daemon, &more);
    assert!(status == 500 && said.contains("source d: cannot listen on") && said.contains("nothing was changed"), "{said}");
    let _peer = send(second, &call(4, 200));
    lines(&daemon, "c", 2.0);

    // All of them go.
    place.good_reload(&daemon, "");
    until("closed ports", || (TcpStream::connect(first).is_err() && TcpStream::connect(second).is_err()).then_some(()));
    append(&place.path("app.jsonl"), &call(5, 200));
    lines(&daemon, "app", 1.0);
    daemon.terminate();
}

#[test]
fn receivers_change_and_lose_no_news() {
    let place = Place::new();
    let (dead, hook) = (free_address(), Hook::start(true));
    let webhook =
        |name: &str, address: SocketAddr| format!("[[receiver.webhook]]\nname = '{name}'\nurl = 'http://{address}/'\n");
    let daemon = place.start(&(webhook("team", dead) + &webhook("other", dead)));
    append(&place.path("app.jsonl"), &call(0, 401));
    let queue = |name: &str| daemon.metric(&format!("llm_triage_notification_queue_length{{receiver=\"{name}\"}}"));
    until("undelivered news", || queue("team").zip(queue("other")).filter(|it| *it == (1.0, 1.0)));

    let said = place.good_reload(&daemon, &webhook("team", hook.address));
    assert!(!said.contains("restart"), "{said}");
    until("the news", || hook.heard().into_iter().find(|it| it.contains("\"row\":\"auth\"") && it.contains("firing")));
    until("an empty queue", || queue("team").filter(|it| *it == 0.0));
    assert_eq!(queue("other"), None, "it is there no more");
    let dropped = daemon.metric("llm_triage_notifications_total{receiver=\"other\",result=\"dropped\"}");
    assert_eq!(dropped, Some(1.0), "and what it was not told is counted");

    // Nothing is told twice because of another reload, and a new receiver hears what fires.
    let told = hook.heard().len();
    let late = Hook::start(true);
    place.good_reload(&daemon, &(webhook("team", hook.address) + &webhook("late", late.address)));
    until("the news for the new one", || late.heard().into_iter().find(|it| it.contains("\"row\":\"auth\"")));
    assert_eq!(hook.heard().len(), told);
    // A bad one changes nothing.
    let (status, said) = place.reload(&daemon, "[[receiver.webhook]]\nurl = 'nonsense'\n");
    assert!(status == 500 && said.contains("nothing was changed"), "{said}");
    assert_eq!(queue("late"), Some(0.0));
    daemon.terminate();
}

#[test]
fn limits_and_scopes_of_alerts_change_without_a_restart() {
    let place = Place::new();
    let daemon = place.start("[limits]\nseries = 2\n");
    let models = |from: usize| {
        (from..from + 20).map(|it| call(it, 200).replace("gpt-5-mini", &format!("model-{it}"))).collect::<String>()
    };
    append(&place.path("app.jsonl"), &models(0));
    append(&place.path("app.jsonl"), &call(0, 401));
    let own = |daemon: &Server| {
        let page = daemon.get("/metrics").unwrap_or_default();
        page.lines().filter(|it| it.starts_with("llm_triage_model_requests_total") && it.contains("model-")).count()
    };
    lines(&daemon, "app", 21.0);
    let alerts = |daemon: &Server| daemon.json("/api/v1/alerts").map(|it| it["alerts"].clone()).unwrap_or_default();
    let auth = |daemon: &Server, state: &str, service: serde_json::Value| {
        alerts(daemon)
            .as_array()?
            .iter()
            .find(|it| it["row"] == "auth" && it["state"] == state && it["service"] == service)
            .cloned()
    };
    until("the alert", || auth(&daemon, "firing", serde_json::Value::Null));
    assert_eq!(own(&daemon), 2);

    place.state.set("elsewhere");
    let said = place.good_reload(
        &daemon,
        "[limits]\nseries = 30\nmax_line = '2MiB'\ntcp_buffer = '64MiB'\n[alerting]\nby = ['provider', 'service']\n",
    );
    assert!(said.ends_with("wait for a restart: state.dir\n"), "{said}");
    until("its end", || auth(&daemon, "resolved", serde_json::Value::Null).filter(|it| it["reason"] == "config"));
    append(&place.path("app.jsonl"), &(models(100) + &call(1, 401)));
    until("the alert of the service", || auth(&daemon, "firing", "checkout".into()));
    until("more series", || Some(own(&daemon)).filter(|it| *it == 22));
    daemon.terminate();
}

/// A pattern file that is a FIFO: reading it blocks until something writes to it.
struct SlowPatterns {
    fifo: PathBuf,
}

impl SlowPatterns {
    fn new(place: &Place) -> (Self, String) {
        let dir = place.path("patterns.d");
        std::fs::create_dir(&dir).expect("a directory");
        let fifo = dir.join("slow.toml");
        let made = Command::new("mkfifo").arg(&fifo).status().expect("mkfifo is installed");
        assert!(made.success(), "mkfifo");
        (Self { fifo }, format!("[patterns]\ndirs = ['{}']\n", dir.display()))
    }

    /// Returns once the daemon has opened the FIFO, which is the moment when it waits for its text.
    fn wait_for_reader(&self) -> std::fs::File {
        std::fs::OpenOptions::new().write(true).open(&self.fifo).expect("a FIFO")
    }
}

#[test]
fn the_daemon_answers_and_reads_while_a_reload_is_slow() {
    let place = Place::new();
    let daemon = place.start("");
    let (patterns, more) = SlowPatterns::new(&place);
    place.configure(&more);
    let answer = std::thread::scope(|scope| {
        let reload = scope.spawn(|| daemon.ask("POST", "/-/reload").expect("an answer"));
        let mut writer = patterns.wait_for_reader();
        // The reload cannot end before `writer` is closed, and everything else works.
        assert_eq!(daemon.get("/-/healthy").as_deref(), Some("healthy\n"));
        assert_eq!(daemon.get("/-/ready").as_deref(), Some("ready\n"));
        append(&place.path("app.jsonl"), &call(0, 200));
        lines(&daemon, "app", 1.0);
        assert!(!reload.is_finished(), "the reload waits for its patterns");
        writer.write_all(b"[[pattern]]\nid = 'http-500'\ndisabled = true\n").expect("the daemon reads");
        drop(writer);
        reload.join().expect("no panic")
    });
    assert!(answer.0 == 200 && answer.1.starts_with("reloaded: "), "{answer:?}");
    daemon.terminate();
}

#[test]
fn the_daemon_ends_in_order_while_a_reload_is_slow() {
    let place = Place::new();
    let daemon = place.start("");
    let (patterns, more) = SlowPatterns::new(&place);
    place.configure(&more);
    daemon.signal("HUP");
    let _writer = patterns.wait_for_reader();
    append(&place.path("app.jsonl"), &call(0, 200));
    lines(&daemon, "app", 1.0);
    daemon.terminate();
}

/// People who are called must hear of it: news waits for the next start, and the end waits for nobody for long.
#[test]
fn a_receiver_that_hangs_does_not_hold_up_the_end() {
    for signals in [1, 2] {
        let place = Place::new();
        let hook = Hook::start(false);
        let daemon =
            place.start(&format!("[[receiver.webhook]]\nname = 'team'\nurl = 'http://{}/'\ntimeout = '60s'\n", hook.address));
        append(&place.path("app.jsonl"), &call(0, 401));
        until("a request that gets no answer", || hook.heard().first().cloned());
        let began = Instant::now();
        daemon.signal("TERM");
        if signals == 2 {
            std::thread::sleep(Duration::from_millis(500));
            daemon.signal("TERM");
        }
        let (status, said) = daemon.end();
        let took = began.elapsed();
        assert!(took < if signals == 1 { Duration::from_secs(15) } else { Duration::from_secs(5) }, "{took:?}: {said}");
        assert_eq!(status.code(), Some(if signals == 1 { 0 } else { 1 }), "{said}");
        let says = if signals == 1 {
            "receivers did not take all notifications in time"
        } else {
            "ended immediately by a second signal"
        };
        assert!(said.contains(says), "{said}");
        // The next one tells it.
        let hook = Hook::start(true);
        let daemon = place.start(&format!("[[receiver.webhook]]\nname = 'team'\nurl = 'http://{}/'\n", hook.address));
        until("the news", || hook.heard().into_iter().find(|it| it.contains("\"row\":\"auth\"")));
        daemon.terminate();
    }
    assert!(PATIENCE > Duration::from_secs(15));
}
