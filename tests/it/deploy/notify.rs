//! The messages of the daemon to systemd, received on a socket in the place of systemd's.

use crate::running::{PATIENCE, Server, append, call, program, until};
use std::cell::RefCell;
use std::io::Read;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A service manager that only receives messages.
struct Manager {
    socket: UnixDatagram,
    dir: TempDir,
    skipped: RefCell<Vec<String>>,
}

impl Manager {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let socket = UnixDatagram::bind(dir.path().join("notify")).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Self { socket, dir, skipped: RefCell::default() }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// Returns a message with `words`: one that was skipped earlier, or the next one.
    fn hear(&self, words: &str) -> String {
        let mut before = self.skipped.borrow_mut();
        if let Some(at) = before.iter().position(|message| message.contains(words)) {
            return before.remove(at);
        }
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 4096];
        loop {
            let length = self.socket.recv(&mut buffer).unwrap_or_else(|error| panic!("no {words}: {error}"));
            let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if message.contains(words) {
                return message;
            }
            assert!(Instant::now() < deadline, "no {words}, but {before:?} and {message}");
            if message != "WATCHDOG=1" {
                before.push(message);
            }
        }
    }

    /// Whether a message with `words` arrives within a time.
    fn hears_within(&self, words: &str, time: Duration) -> bool {
        self.socket.set_read_timeout(Some(time)).expect("a timeout");
        let mut buffer = [0; 4096];
        let mut heard = false;
        while let Ok(length) = self.socket.recv(&mut buffer) {
            heard = String::from_utf8_lossy(&buffer[..length]).contains(words);
            if heard {
                break;
            }
        }
        self.socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        heard
    }

    fn start(&self, arguments: &[&str], watchdog_pid: Option<&str>) -> Server {
        let mut command = program();
        let state = self.path("state");
        command.args(["run", "--listen", "127.0.0.1:0", "--state-dir", &state]).args(arguments);
        command.env("NOTIFY_SOCKET", self.path("notify")).env("WATCHDOG_USEC", "30000000").env_remove("WATCHDOG_PID");
        if let Some(pid) = watchdog_pid {
            command.env("WATCHDOG_PID", pid);
        }
        Server::start(command.stdout(Stdio::piped()), "status page")
    }
}

#[test]
fn systemd_is_notified_from_ready_to_stopping() {
    let manager = Manager::new();
    let config = manager.path("config.toml");
    let text = format!("[[source.file]]\npaths = ['{}']\n", manager.path("*.jsonl"));
    std::fs::write(&config, &text).expect("a file");
    let daemon = manager.start(&["--config", &config], None);
    assert_eq!(manager.hear("READY=1"), "READY=1");
    assert_eq!(daemon.get("/-/ready").as_deref(), Some("ready\n"), "it says so when it is, not before");
    assert!(manager.hear("STATUS=1 sources").contains("no alert is firing"));
    append(Path::new(&manager.path("app.jsonl")), &call(1, 401));
    let status = manager.hear("firing: ");
    assert!(status.contains("1 firing: auth of openai"), "{status}");
    manager.hear("WATCHDOG=1");

    for (text, successful) in [(text.clone(), 1.0), (text + "[limits]\nserie = 1\n", 0.0)] {
        std::fs::write(&config, text).expect("a file");
        daemon.signal("HUP");
        let reloading = manager.hear("RELOADING=1");
        let micros = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).expect("systemd requires it");
        assert!(micros.parse::<u64>().is_ok_and(|micros| micros > 0), "{reloading}");
        // Also after a failed reload: otherwise systemd would wait until its timeout.
        manager.hear("READY=1");
        assert_eq!(daemon.metric("llm_triage_config_last_reload_successful"), Some(successful));
    }

    daemon.signal("TERM");
    manager.hear("STOPPING=1");
    assert_eq!(daemon.end().0.code(), Some(0));
}

/// The pipeline hangs in a write to a pipe without a reader, and everything else continues: the watchdog must not be fed.
#[test]
fn a_daemon_with_a_hung_ingest_sends_no_keep_alive() {
    let manager = Manager::new();
    let log = manager.path("app.jsonl");
    let mut daemon = manager.start(&["--file", &log, "--output", "-"], None);
    manager.hear("READY=1");
    // More verdicts than a pipe holds.
    append(Path::new(&log), &(0..2_000).map(|number| call(number, 200)).collect::<String>());
    until("the end of the keep-alives", || (!manager.hears_within("WATCHDOG=1", Duration::from_secs(3))).then_some(()));
    assert_eq!(daemon.ask("GET", "/-/healthy").map(|(status, _)| status), Some(200), "timers and HTTP continue");

    let mut stdout = daemon.stdout();
    std::thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
    manager.hear("WATCHDOG=1");
    daemon.terminate();
}

#[test]
fn a_watchdog_of_another_process_and_a_missing_manager_are_ignored() {
    let manager = Manager::new();
    let daemon = manager.start(&["--tcp", "127.0.0.1:0"], Some("1"));
    manager.hear("STATUS=");
    assert!(!manager.hears_within("WATCHDOG", Duration::from_secs(3)));
    daemon.terminate();

    let mut command = program();
    let state = manager.path("other");
    command.args(["run", "--listen", "127.0.0.1:0", "--tcp", "127.0.0.1:0", "--state-dir", &state]);
    let daemon = Server::start(command.env("NOTIFY_SOCKET", "/nowhere/notify"), "status page");
    until("the daemon to be ready", || daemon.get("/-/ready").filter(|body| body == "ready\n"));
    daemon.terminate();
}

/// Containers and older systems use an abstract name instead of a file.
#[test]
fn an_abstract_socket_works() {
    let dir = tempfile::tempdir().expect("a directory");
    let name = dir.path().display().to_string();
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let manager = Manager { socket: UnixDatagram::bind_addr(&address).expect("a socket"), dir, skipped: RefCell::default() };
    manager.socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut command = program();
    let state = manager.path("state");
    command.args(["run", "--listen", "127.0.0.1:0", "--tcp", "127.0.0.1:0", "--state-dir", &state]);
    let daemon = Server::start(command.env("NOTIFY_SOCKET", format!("@{name}")), "status page");
    manager.hear("READY=1");
    daemon.terminate();
}
