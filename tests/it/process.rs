//! How the program starts, ends, dies and goes on, as whoever runs it sees it.

use crate::running::{Server, append, call, program, until};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A directory with a log that is not there yet, a place for state, and one for verdicts.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    fn start(&self) -> Server {
        let argument = |flag: &str, name: &str| [flag.into(), self.path(name).into_os_string()];
        let arguments = [argument("--file", "*.jsonl"), argument("--state-dir", "state"), argument("--output", "verdicts")];
        Server::run(arguments.as_flattened())
    }

    fn checkpoint(&self) -> Value {
        let text = std::fs::read_to_string(self.path("state/checkpoint.json")).expect("a checkpoint");
        let (_, body) = text.split_once('\n').expect("a first line");
        serde_json::from_str(body).expect("JSON")
    }

    /// The number of the line from which reading would go on.
    fn kept_line(&self) -> u64 {
        self.checkpoint()["positions"][0]["line"].as_u64().unwrap_or(1)
    }

    /// How often each line has a verdict.
    fn verdicts(&self) -> BTreeMap<u64, u32> {
        let text = std::fs::read_to_string(self.path("verdicts")).unwrap_or_default();
        let mut times = BTreeMap::new();
        for line in text.lines() {
            // The last one may be cut by a kill; then its line is read again.
            if let Ok(verdict) = serde_json::from_str::<Value>(line) {
                *times.entry(verdict["line"].as_u64().expect("a number")).or_default() += 1;
            }
        }
        times
    }
}

fn calls(numbers: impl IntoIterator<Item = usize>) -> String {
    numbers.into_iter().map(|it| call(it, 200)).collect()
}

fn once_each(lines: u64) -> BTreeMap<u64, u32> {
    (1..=lines).map(|it| (it, 1)).collect()
}

/// Runs it to its end with an input.
fn run(arguments: &[&str], input: &str) -> Output {
    let mut command = program();
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is built");
    // It may end without having read.
    child.stdin.take().expect("stdin is piped").write_all(input.as_bytes()).ok();
    child.wait_with_output().expect("it ends")
}

/// How a command ends, and what it says first.
fn check(arguments: &[&str], code: i32, says: &[&str]) {
    let output = run(arguments, "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    for words in says {
        assert!(said.contains(words), "{arguments:?} should say {words:?}: {said}");
    }
}

#[test]
fn sigterm_drains_and_the_next_one_goes_on() {
    let place = Place::new();
    let daemon = place.start();
    append(&place.path("app.jsonl"), &calls(0..3_000));
    until("a first verdict", || place.verdicts().get(&1).copied());
    // Right in the middle: what is not read yet is for the next one.
    let said = daemon.terminate();
    assert!(said.contains("SIGTERM"), "{said}");
    let first = place.verdicts();
    assert_eq!(place.kept_line(), first.len() as u64 + 1, "the checkpoint is where the verdicts end");

    let daemon = place.start();
    until("the rest", || (place.verdicts().len() == 3_000).then_some(()));
    daemon.terminate();
    assert_eq!(place.verdicts(), once_each(3_000), "none is lost, none is repeated");
    assert_eq!(place.kept_line(), 3_001);
}

/// While a file grows, the process is killed and started again: windows and alerts are exact, verdicts come at least once.
#[test]
fn a_kill_in_the_middle_of_a_growing_file_loses_nothing() {
    let place = Place::new();
    let log = place.path("app.jsonl");
    let daemon = place.start();
    append(&log, &call(0, 401));
    let alert = |daemon: &Server| {
        let alerts = daemon.json("/api/v1/alerts")?;
        alerts["alerts"].as_array()?.iter().find(|it| it["row"] == "auth" && it["state"] == "firing").cloned()
    };
    let fired = until("the alert", || alert(&daemon));

    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (log, stop) = (log.clone(), Arc::clone(&stop));
        std::thread::spawn(move || {
            let mut written = 1;
            while !stop.load(Ordering::Relaxed) {
                // In halves, so that a line is often cut by whatever happens.
                let text = calls(written..written + 10);
                let (head, tail) = text.split_at(text.len() - 57);
                append(&log, head);
                std::thread::sleep(Duration::from_millis(5));
                append(&log, tail);
                written += 10;
            }
            written as u64
        })
    };
    let kept = until("a checkpoint in the middle", || Some(place.kept_line()).filter(|it| *it > 100));
    until("verdicts beyond it", || place.verdicts().keys().last().filter(|it| **it > kept + 200).copied());
    daemon.signal("KILL");
    drop(daemon.end());
    let kept = place.kept_line();
    let before = place.verdicts();
    let ahead = before.keys().filter(|it| **it >= kept).count();

    let daemon = place.start();
    assert_eq!(alert(&daemon).map(|it| it["fired_at"].clone()), Some(fired["fired_at"].clone()), "it goes on firing");
    until("new lines", || place.verdicts().keys().last().filter(|it| **it > before.len() as u64 + 300).copied());
    stop.store(true, Ordering::Relaxed);
    let lines = writer.join().expect("the writer does not panic");
    until("all lines", || (place.verdicts().len() as u64 == lines).then_some(()));

    let windows = until("the window", || {
        let windows = daemon.json("/api/v1/windows")?;
        let hour = |it: &&Value| it["provider"] == "openai" && it["window"] == "1h" && it["status"].is_null();
        windows["windows"].as_array()?.iter().find(hour).filter(|it| it["calls"] == lines).cloned()
    });
    assert_eq!(windows["errors"], 1, "each failed call is counted once: {windows}");
    // Let a few ticks go by: nothing may be counted twice later.
    let second = daemon.metric("llm_triage_requests_total{provider=\"openai\",outcome=\"success\"}").expect("a metric");
    assert!(second >= (lines - before.len() as u64) as f64, "counters count at least what came since");
    let told = daemon.metric("llm_triage_alert_transitions_total{row=\"auth\",provider=\"openai\",to=\"firing\"}");
    assert_eq!(told.unwrap_or(0.0), 0.0, "the alert is not raised again");
    until("balanced books", || {
        let source = daemon.json("/api/v1/status")?["sources"][0].clone();
        let bytes = |it: &str| source["bytes"][it].as_u64().unwrap_or_default();
        let balance = bytes("seen") == bytes("read") + bytes("skipped") + bytes("lost") + bytes("unread");
        let lines = |it: &str| source["lines"][it].as_u64().unwrap_or_default();
        let sum = lines("in_events") + lines("blank") + lines("discarded") + lines("open");
        let read = source["last_read"].is_string() && source["lag_bytes"] == 0;
        (balance && bytes("read") > 0 && lines("read") == sum && read).then_some(())
    });
    daemon.terminate();

    let verdicts = place.verdicts();
    assert_eq!(verdicts.keys().copied().collect::<Vec<_>>(), (1..=lines).collect::<Vec<_>>(), "every line has a verdict");
    let repeated = verdicts.values().filter(|times| **times > 1).count();
    assert!(repeated <= ahead, "{repeated} are repeated, and only {ahead} were not in the checkpoint");
    assert!(verdicts.values().all(|times| *times <= 2));
}

#[test]
fn a_verdict_that_was_cut_spoils_no_other() {
    let place = Place::new();
    place.write("verdicts", "{\"v\":1,\"line\":1}\n{\"v\":1,\"sour");
    let daemon = place.start();
    append(&place.path("app.jsonl"), &calls(0..3));
    until("three verdicts", || (place.verdicts().len() == 3).then_some(()));
    daemon.terminate();
    let text = std::fs::read_to_string(place.path("verdicts")).expect("a file");
    let whole = |line: &&str| serde_json::from_str::<Value>(line).is_ok();
    assert_eq!(text.lines().map(|it| whole(&it)).collect::<Vec<_>>(), [true, false, true, true, true], "{text}");
}

#[test]
fn stdin_alone_ends_with_its_end() {
    let place = Place::new();
    let state = place.path("state");
    let state = state.to_str().expect("a plain name");
    let arguments = ["run", "--stdin", "--output", "-", "--listen", "127.0.0.1:0", "--state-dir", state];
    // The last line has no newline.
    let input = calls(0..499) + call(499, 401).trim_end();
    let output = run(&arguments, &input);
    assert_eq!(output.status.code(), Some(0));
    let verdicts: Vec<Value> =
        output.stdout.split(|it| *it == b'\n').filter_map(|it| serde_json::from_slice(it).ok()).collect();
    assert_eq!(verdicts.len(), 500, "stdout carries every verdict and nothing else");
    assert_eq!((&verdicts[499]["row"], &verdicts[499]["line"]), (&"auth".into(), &500.into()));
    assert_eq!(output.stdout.iter().filter(|it| **it == b'\n').count(), 500);
}

#[test]
fn a_reload_takes_all_or_nothing() {
    let place = Place::new();
    let sources = format!("[[source.file]]\npaths = ['{}']\n", place.path("*.jsonl").display());
    let config = place.write("config.toml", &sources);
    let state = place.path("state");
    let daemon = Server::run([Path::new("--config"), &config, Path::new("--state-dir"), &state]);
    let loaded = daemon.metric("llm_triage_rows_loaded").expect("a metric");

    place.write("config.toml", &format!("{sources}[[escalation]]\nid = 'ours'\nmatch = {{ service = 'checkout' }}\nseverity = 'info'\nsustained = '10s'\ntitle = 'ours'\naction = 'look'\nescalate_to = 'us'\nfix = 'mend'\n"));
    let (status, said) = daemon.ask("POST", "/-/reload").expect("an answer");
    assert_eq!(status, 200, "{said}");
    until("the new row", || daemon.metric("llm_triage_rows_loaded").filter(|it| *it == loaded + 1.0));

    place.write("config.toml", &format!("{sources}[limits]\nserie = 1\n"));
    let (status, said) = daemon.ask("POST", "/-/reload").expect("an answer");
    assert!(status >= 400 && said.contains("config.toml:4") && said.contains("did you mean `series`"), "{status} {said}");
    assert_eq!(daemon.metric("llm_triage_config_last_reload_successful"), Some(0.0));
    assert_eq!(daemon.metric("llm_triage_rows_loaded"), Some(loaded + 1.0), "the old ones stay");

    place.write("config.toml", &sources);
    daemon.signal("HUP");
    until("the reload", || daemon.metric("llm_triage_config_last_reload_successful").filter(|it| *it == 1.0));
    until("the old rows", || daemon.metric("llm_triage_rows_loaded").filter(|it| *it == loaded));
    daemon.terminate();
}

#[test]
fn a_port_that_is_taken_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let place = Place::new();
    let state = place.path("state");
    let state = state.to_str().expect("a plain name");
    for arguments in [["--stdin", "--listen", &address], ["--tcp", &address, "--listen=127.0.0.1:0"]] {
        let all = [&["run", "--state-dir", state][..], &arguments].concat();
        check(&all, 1, &["cannot listen on", &address, "Address already in use"]);
    }
}

#[test]
fn a_state_directory_belongs_to_one() {
    let place = Place::new();
    let daemon = place.start();
    let state = place.path("state");
    let state = state.to_str().expect("a plain name");
    check(&["run", "--stdin", "--listen", "127.0.0.1:0", "--state-dir", state], 1, &[state]);
    daemon.terminate();
}

#[test]
fn a_bad_configuration_is_told_with_its_place_and_a_hint() {
    let place = Place::new();
    let config = place.write("config.toml", "[http]\nlistn = '127.0.0.1:0'\n[[source.file]]\npaths = ['/var/log/*.log']\n");
    let config = config.to_str().expect("a plain name");
    for command in ["run", "check", "rules"] {
        let fault = format!("{config}:2: there is no key `http.listn`; did you mean `listen`?");
        check(&[command, "--config", config], 78, &[&fault]);
    }
    check(&["run", "--config", "/nowhere/config.toml"], 78, &["/nowhere/config.toml", "No such file"]);
    check(&["run", "--listen", "127.0.0.1:0"], 78, &["nothing to read"]);
}

#[test]
fn broken_patterns_are_told_with_their_place() {
    let place = Place::new();
    std::fs::create_dir(place.path("patterns.d")).expect("a directory");
    place.write("patterns.d/ours.toml", "[[pattern]]\nid = \"ours\"\ntitle = \"Ours\"\n");
    let patterns = place.path("patterns.d");
    let patterns = patterns.to_str().expect("a plain name");
    check(&["run", "--stdin", "--patterns", patterns], 78, &["ours.toml:1: pattern \"ours\" has no"]);
    check(&["classify", "--patterns", patterns], 78, &["ours.toml:1"]);
    check(&["run", "--stdin", "--patterns", "/nowhere"], 78, &["/nowhere"]);
}

#[test]
fn the_exit_code_tells_what_was_met() {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/samples");
    let checkout = format!("{samples}/checkout.jsonl");
    let batch = format!("{samples}/batch.log");
    check(&[&checkout], 0, &[]);
    check(&["--fail-on", "critical", &checkout], 3, &[]);
    check(&["--fail-on", "error", &batch], 3, &[]);
    check(&["--fail-on", "info", &batch], 0, &[]);
    check(&["--format", "jsn", &batch], 2, &["json"]);
    check(&[&batch, "/nowhere.log"], 1, &["cannot read /nowhere.log"]);
}

/// `… | head` is how people look at output.
#[test]
fn a_reader_that_goes_away_is_a_normal_end() {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/samples/checkout.jsonl");
    for arguments in [&["classify", samples][..], &["patterns", "list"], &["schema", "verdict"], &[samples]] {
        let mut command = program();
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it is built");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{arguments:?}: {said}");
    }
}

/// Sockets that systemd opens are taken by their name; the address of the configuration does not matter then.
#[test]
fn sockets_of_systemd_are_listened_on() {
    let place = Place::new();
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("bound");
    let config = place.write(
        "config.toml",
        &format!(
            "[http]\nlisten = \"127.0.0.1:0\"\n[state]\ndir = \"{}\"\n[[source.tcp]]\nname = \"peers\"\nlisten = \"127.0.0.1:9\"\n",
            place.path("state").display()
        ),
    );
    // The shell gives the socket the number 3 and keeps its own process id, as systemd does.
    let script = r#"LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=peers exec "$0" run --config "$1" 3<&0 0</dev/null"#;
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_llm-triage")]).arg(config);
    command.stdin(Stdio::from(std::os::fd::OwnedFd::from(socket)));
    let daemon = Server::start(&mut command, "status page");
    let mut peer = std::net::TcpStream::connect(address).expect("connected");
    peer.write_all(calls(0..3).as_bytes()).expect("sent");
    drop(peer);
    until("the calls", || daemon.metric("llm_triage_source_lines_total{source=\"peers\"}").filter(|it| *it == 3.0));
    let said = daemon.terminate();
    assert!(said.contains("listening on a socket of systemd"), "{said}");
}

/// Sources come and go with a reload; one that goes on keeps its place, and one that comes back goes on where it was.
#[test]
fn a_reload_takes_over_the_sources() {
    let place = Place::new();
    let source = |name: &str| {
        format!("[[source.file]]\nname = \"{name}\"\npaths = [\"{}\"]\n", place.path(&format!("{name}.jsonl")).display())
    };
    let write = |names: &[&str]| {
        let head = format!("[http]\nlisten = \"127.0.0.1:0\"\n[state]\ndir = \"{}\"\n", place.path("state").display());
        place.write("config.toml", &(head + &names.iter().map(|it| source(it)).collect::<String>()))
    };
    let lines = |daemon: &Server, name: &str, lines: f64| {
        let series = format!("llm_triage_source_lines_total{{source=\"{name}\"}}");
        until(&format!("{lines} lines of {name}"), || daemon.metric(&series).filter(|it| *it == lines));
    };
    let reload = |daemon: &Server| {
        let (status, said) = daemon.ask("POST", "/-/reload").expect("an answer");
        assert_eq!(status, 200, "{said}");
        said
    };
    let config = write(&["a", "b"]);
    let daemon = Server::run([std::ffi::OsStr::new("--config"), config.as_os_str()]);
    append(&place.path("a.jsonl"), &calls(0..2));
    append(&place.path("b.jsonl"), &calls(2..4));
    lines(&daemon, "a", 2.0);
    lines(&daemon, "b", 2.0);
    // What is there when a source is new is as old as what is there at a first start: it begins at the end.
    append(&place.path("c.jsonl"), &calls(4..9));
    write(&["c", "b"]);
    assert!(reload(&daemon).starts_with("reloaded: "));
    until("the new source", || daemon.metric("llm_triage_source_files{source=\"c\"}").filter(|it| *it == 1.0));
    until("the end of the old one", || daemon.metric("llm_triage_source_files{source=\"a\"}").filter(|it| *it == 0.0));
    append(&place.path("a.jsonl"), &calls(9..12));
    append(&place.path("b.jsonl"), &calls(12..13));
    append(&place.path("c.jsonl"), &calls(13..15));
    lines(&daemon, "b", 3.0);
    lines(&daemon, "c", 2.0);
    write(&["a", "b", "c"]);
    reload(&daemon);
    lines(&daemon, "a", 5.0);
    append(&place.path("c.jsonl"), &calls(15..16));
    lines(&daemon, "c", 3.0);
    daemon.terminate();
}

#[test]
fn a_check_of_the_sources_says_what_is_there_and_what_is_in_the_way() {
    let place = Place::new();
    let sample = |name: &str| std::fs::read_to_string(format!("{}/tests/data/samples/{name}", env!("CARGO_MANIFEST_DIR")));
    let gateway = sample("gateway.jsonl").expect("a sample");
    place.write("gateway.jsonl", &gateway);
    place.write("app.jsonl", &gateway);
    std::os::unix::fs::symlink(place.path("loop.jsonl"), place.path("loop.jsonl")).expect("linked");
    let source = |name: &str, pattern: &str| {
        format!("[[source.file]]\nname = \"{name}\"\npaths = [\"{}\"]\n", place.path(pattern).display())
    };
    let check = |sources: &[String]| {
        let config =
            place.write("config.toml", &format!("[state]\ndir = \"{}\"\n{}", place.path("state").display(), sources.concat()));
        let output = run(&["check", "--sources", "--config", config.to_str().expect("a plain name")], "");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = check(&[source("app", "app*.jsonl"), source("later", "none/deep/*.log")]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("app*.jsonl: 1 file, "), "{said}");
    assert!(
        said.contains(&format!("no file matches: the directory {} does not exist", place.path("none").display())),
        "{said}"
    );
    let (code, said) = check(&[source("app", "app.jsonl"), source("gateway", "gateway.jsonl"), source("loop", "loop.jsonl")]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("app and gateway hold calls through litellm"), "{said}");
    assert!(said.contains("loop.jsonl: Too many levels of symbolic links"), "{said}");
    assert!(!place.path("state").exists(), "nothing was made");
}
