//! How the program starts, ends, crashes and resumes, as its operator sees it.

use crate::running::{Server, append, call, program, until};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A directory for a log, for the state, and for verdicts.
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

    /// The number of the line from which reading would resume.
    fn kept_line(&self) -> u64 {
        self.checkpoint()["positions"][0]["line"].as_u64().unwrap_or(1)
    }

    /// The number of verdicts of each line.
    fn verdicts(&self) -> BTreeMap<u64, u32> {
        let text = std::fs::read_to_string(self.path("verdicts")).unwrap_or_default();
        let mut times = BTreeMap::new();
        for line in text.lines() {
            // A kill may cut the last one; then its line is read again.
            if let Ok(verdict) = serde_json::from_str::<Value>(line) {
                *times.entry(verdict["line"].as_u64().expect("a number")).or_default() += 1;
            }
        }
        times
    }
}

fn calls(numbers: impl IntoIterator<Item = usize>) -> String {
    numbers.into_iter().map(|number| call(number, 200)).collect()
}

fn once_each(lines: u64) -> BTreeMap<u64, u32> {
    (1..=lines).map(|line| (line, 1)).collect()
}

/// Runs the program to its end with an input.
fn run(arguments: &[&str], input: &str) -> Output {
    let mut command = program();
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is built");
    // It may end without reading its input.
    child.stdin.take().expect("stdin is piped").write_all(input.as_bytes()).ok();
    child.wait_with_output().expect("it ends")
}

/// Checks the exit code and the message of a command.
fn check(arguments: &[&str], code: i32, texts: &[&str]) {
    let output = run(arguments, "");
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    for words in texts {
        assert!(message.contains(words), "{arguments:?} should print {words:?}: {message}");
    }
}

#[test]
fn sigterm_drains_and_the_next_process_resumes() {
    let place = Place::new();
    let daemon = place.start();
    append(&place.path("app.jsonl"), &calls(0..3_000));
    until("a first verdict", || place.verdicts().get(&1).copied());
    // In the middle of reading: the next process reads the rest.
    let message = daemon.terminate();
    assert!(message.contains("SIGTERM"), "{message}");
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
        alerts["alerts"].as_array()?.iter().find(|alert| alert["row"] == "auth" && alert["state"] == "firing").cloned()
    };
    let fired = until("the alert", || alert(&daemon));

    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (log, stop) = (log.clone(), Arc::clone(&stop));
        std::thread::spawn(move || {
            let mut written = 1;
            while !stop.load(Ordering::Relaxed) {
                // In halves, so that the kill often comes in the middle of a line.
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
    let kept = until("a checkpoint in the middle", || Some(place.kept_line()).filter(|line| *line > 100));
    until("verdicts beyond it", || place.verdicts().keys().last().filter(|line| **line > kept + 200).copied());
    daemon.signal("KILL");
    drop(daemon.end());
    let kept = place.kept_line();
    let before = place.verdicts();
    let ahead = before.keys().filter(|line| **line >= kept).count();

    let daemon = place.start();
    assert_eq!(alert(&daemon).map(|alert| alert["fired_at"].clone()), Some(fired["fired_at"].clone()), "it still fires");
    until("new lines", || place.verdicts().keys().last().filter(|line| **line > before.len() as u64 + 300).copied());
    stop.store(true, Ordering::Relaxed);
    let lines = writer.join().expect("the writer does not panic");
    until("all lines", || (place.verdicts().len() as u64 == lines).then_some(()));

    let windows = until("the window", || {
        let windows = daemon.json("/api/v1/windows")?;
        let hour = |view: &&Value| view["provider"] == "openai" && view["window"] == "1h" && view["status"].is_null();
        windows["windows"].as_array()?.iter().find(hour).filter(|window| window["calls"] == lines).cloned()
    });
    assert_eq!(windows["errors"], 1, "each failed call is counted once: {windows}");
    // Wait for a few ticks: nothing may be counted twice later.
    let second = daemon.metric("llm_triage_requests_total{provider=\"openai\",outcome=\"success\"}").expect("a metric");
    assert!(second >= (lines - before.len() as u64) as f64, "counters count at least what came since");
    let fired_again = daemon.metric("llm_triage_alert_transitions_total{row=\"auth\",provider=\"openai\",to=\"firing\"}");
    assert_eq!(fired_again.unwrap_or(0.0), 0.0, "the alert is not raised again");
    until("balanced books", || {
        let source = daemon.json("/api/v1/status")?["sources"][0].clone();
        let bytes = |key: &str| source["bytes"][key].as_u64().unwrap_or_default();
        let balance = bytes("seen") == bytes("read") + bytes("skipped") + bytes("lost") + bytes("unread");
        let lines = |key: &str| source["lines"][key].as_u64().unwrap_or_default();
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
fn a_partial_verdict_of_a_killed_process_is_cut_off() {
    let place = Place::new();
    place.write("verdicts", "{\"v\":1,\"line\":1}\n{\"v\":1,\"sour");
    let daemon = place.start();
    append(&place.path("app.jsonl"), &calls(0..3));
    until("three verdicts", || (place.verdicts().len() == 3).then_some(()));
    daemon.terminate();
    let text = std::fs::read_to_string(place.path("verdicts")).expect("a file");
    let whole = |line: &&str| serde_json::from_str::<Value>(line).is_ok();
    assert_eq!(text.lines().map(|line| whole(&line)).collect::<Vec<_>>(), [true; 4], "{text}");
}

#[test]
fn a_state_directory_that_everybody_can_write_to_is_reported() {
    for (mode, reported) in [(0o777, true), (0o1777, true), (0o770, false), (0o755, false)] {
        let place = Place::new();
        std::fs::create_dir(place.path("state")).expect("created");
        std::fs::set_permissions(place.path("state"), std::fs::Permissions::from_mode(mode)).expect("changed");
        let message = place.start().terminate();
        assert_eq!(message.contains("state directory is writable for every user"), reported, "{mode:o}: {message}");
    }
}

#[test]
fn a_named_pipe_without_a_reader_is_a_start_error() {
    let place = Place::new();
    let pipe = place.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is installed").success());
    let (state, pipe) = (place.path("state"), pipe.to_str().expect("a plain name"));
    let state = state.to_str().expect("a plain name");
    let arguments = ["run", "--stdin", "--listen", "127.0.0.1:0", "--state-dir", state, "--output", pipe];
    check(&arguments, 1, &["cannot write verdicts to", "no process reads this named pipe; start its reader first"]);
}

#[test]
fn the_daemon_ends_with_its_only_source_stdin() {
    let place = Place::new();
    let state = place.path("state");
    let state = state.to_str().expect("a plain name");
    let arguments = ["run", "--stdin", "--output", "-", "--listen", "127.0.0.1:0", "--state-dir", state];
    // The last line has no newline.
    let input = calls(0..499) + call(499, 401).trim_end();
    let output = run(&arguments, &input);
    assert_eq!(output.status.code(), Some(0));
    let verdicts: Vec<Value> =
        output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(verdicts.len(), 500, "stdout carries every verdict and nothing else");
    assert_eq!((&verdicts[499]["row"], &verdicts[499]["line"]), (&"auth".into(), &500.into()));
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 500);
}

#[test]
fn a_reload_applies_all_or_nothing() {
    let place = Place::new();
    let sources = format!("[[source.file]]\npaths = ['{}']\n", place.path("*.jsonl").display());
    let config = place.write("config.toml", &sources);
    let state = place.path("state");
    let daemon = Server::run([Path::new("--config"), &config, Path::new("--state-dir"), &state]);
    let loaded = daemon.metric("llm_triage_rows_loaded").expect("a metric");

    place.write("config.toml", &format!("{sources}[[escalation]]\nid = 'ours'\nmatch = {{ service = 'checkout' }}\nseverity = 'info'\nsustained = '10s'\ntitle = 'ours'\naction = 'look'\nescalate_to = 'us'\nfix = 'mend'\n"));
    let (status, message) = daemon.ask("POST", "/-/reload").expect("an answer");
    assert_eq!(status, 200, "{message}");
    until("the new row", || daemon.metric("llm_triage_rows_loaded").filter(|rows| *rows == loaded + 1.0));

    place.write("config.toml", &format!("{sources}[limits]\nserie = 1\n"));
    let (status, message) = daemon.ask("POST", "/-/reload").expect("an answer");
    assert!(
        status >= 400 && message.contains("config.toml:4") && message.contains("did you mean `series`"),
        "{status} {message}"
    );
    assert_eq!(daemon.metric("llm_triage_config_last_reload_successful"), Some(0.0));
    assert_eq!(daemon.metric("llm_triage_rows_loaded"), Some(loaded + 1.0), "the old ones stay");

    place.write("config.toml", &sources);
    daemon.signal("HUP");
    until("the reload", || daemon.metric("llm_triage_config_last_reload_successful").filter(|successful| *successful == 1.0));
    until("the old rows", || daemon.metric("llm_triage_rows_loaded").filter(|rows| *rows == loaded));
    daemon.terminate();
}

#[test]
fn a_port_in_use_is_reported() {
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
fn only_one_process_can_use_a_state_directory() {
    let place = Place::new();
    let daemon = place.start();
    let state = place.path("state");
    let state = state.to_str().expect("a plain name");
    check(&["run", "--stdin", "--listen", "127.0.0.1:0", "--state-dir", state], 1, &[state]);
    daemon.terminate();
}

#[test]
fn an_invalid_configuration_is_reported_with_its_place_and_a_hint() {
    let place = Place::new();
    let config = place.write("config.toml", "[http]\nlistn = '127.0.0.1:0'\n[[source.file]]\npaths = ['/var/log/*.log']\n");
    let config = config.to_str().expect("a plain name");
    for command in ["run", "check", "rules"] {
        let fault = format!("{config}:2:1: unknown key `http.listn`; did you mean `listen`?");
        check(&[command, "--config", config], 78, &[&fault]);
    }
    check(&["run", "--config", "/nowhere/config.toml"], 78, &["/nowhere/config.toml", "No such file"]);
    check(&["run", "--listen", "127.0.0.1:0"], 78, &["nothing to read"]);
}

#[test]
fn invalid_patterns_are_reported_with_their_place() {
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
fn the_exit_code_says_what_was_found() {
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

/// People look at output with `… | head`.
#[test]
fn a_closed_pipe_is_a_normal_end() {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/samples/checkout.jsonl");
    for arguments in [&["classify", samples][..], &["patterns", "list"], &["schema", "verdict"], &[samples]] {
        let mut command = program();
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it is built");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && message.is_empty(), "{arguments:?}: {message}");
    }
}

/// Sockets that systemd opens are used by their name, whatever address the configuration has.
#[test]
fn sockets_of_systemd_are_used() {
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
    until("the calls", || daemon.metric("llm_triage_source_lines_total{source=\"peers\"}").filter(|lines| *lines == 3.0));
    let message = daemon.terminate();
    assert!(message.contains("listening on a socket of systemd"), "{message}");
}

/// A reload adds and removes sources. A source that stays keeps its position, and one that comes back resumes at its old one.
#[test]
fn a_reload_changes_the_sources() {
    let place = Place::new();
    let source = |name: &str| {
        format!("[[source.file]]\nname = \"{name}\"\npaths = [\"{}\"]\n", place.path(&format!("{name}.jsonl")).display())
    };
    let write = |names: &[&str]| {
        let head = format!("[http]\nlisten = \"127.0.0.1:0\"\n[state]\ndir = \"{}\"\n", place.path("state").display());
        place.write("config.toml", &(head + &names.iter().map(|name| source(name)).collect::<String>()))
    };
    let lines = |daemon: &Server, name: &str, lines: f64| {
        let series = format!("llm_triage_source_lines_total{{source=\"{name}\"}}");
        until(&format!("{lines} lines of {name}"), || daemon.metric(&series).filter(|count| *count == lines));
    };
    let reload = |daemon: &Server| {
        let (status, message) = daemon.ask("POST", "/-/reload").expect("an answer");
        assert_eq!(status, 200, "{message}");
        message
    };
    let config = write(&["a", "b"]);
    let daemon = Server::run([std::ffi::OsStr::new("--config"), config.as_os_str()]);
    append(&place.path("a.jsonl"), &calls(0..2));
    append(&place.path("b.jsonl"), &calls(2..4));
    lines(&daemon, "a", 2.0);
    lines(&daemon, "b", 2.0);
    // For a new source, existing files are like those at a first start: reading begins at their end.
    append(&place.path("c.jsonl"), &calls(4..9));
    write(&["c", "b"]);
    assert!(reload(&daemon).starts_with("reloaded: "));
    until("the new source", || daemon.metric("llm_triage_source_files{source=\"c\"}").filter(|files| *files == 1.0));
    until("the end of the old one", || daemon.metric("llm_triage_source_files{source=\"a\"}").filter(|files| *files == 0.0));
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
fn a_check_of_the_sources_reports_files_and_problems() {
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
    let (code, message) = check(&[source("app", "app*.jsonl"), source("later", "none/deep/*.log")]);
    assert_eq!(code, Some(0), "{message}");
    assert!(message.contains("app*.jsonl: 1 file, "), "{message}");
    assert!(
        message.contains(&format!("no file matches: the directory {} does not exist", place.path("none").display())),
        "{message}"
    );
    let (code, message) =
        check(&[source("app", "app.jsonl"), source("gateway", "gateway.jsonl"), source("loop", "loop.jsonl")]);
    assert_eq!(code, Some(1), "{message}");
    assert!(message.contains("app and gateway hold calls through litellm"), "{message}");
    assert!(message.contains("loop.jsonl: Too many levels of symbolic links"), "{message}");
    assert!(!place.path("state").exists(), "nothing was made");
}
