//! Text from logs is data: nothing that a log line or a file name holds commands a terminal or hides text, through any door.

use crate::running::{Server, append, program, until};
use llm_triage::redact::clean_lines;
use llm_triage::time::Timestamp;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::SystemTime;

/// Writes the clipboard, clears the screen, shows the rest backwards, and hides text in tags.
const HOSTILE: &str = "x\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[2J\u{9b}2J\u{202e}gpj\u{2066}\u{200b}\u{feff}\u{ad}\u{e0041}y";
/// What no reader must lose: the same letters in every script.
const PLAIN: &str = "额度 👩\u{200d}💻 حد é";

fn failure(number: usize) -> String {
    let record = json!({
        "timestamp": Timestamp::from_system(SystemTime::now()).to_string(),
        "level": "error",
        "provider": "openai",
        "model": format!("gpt-5{HOSTILE}"),
        "service": format!("shop{HOSTILE}"),
        "host": format!("node{HOSTILE}"),
        "status_code": 401,
        "request_id": format!("r{number}{HOSTILE}"),
        "error": {"type": "authentication_error", "message": format!("{PLAIN} refused {HOSTILE}")},
    });
    format!("{record}\n")
}

#[track_caller]
fn check(door: &str, text: &str) {
    assert_eq!(clean_lines(text), text, "{door}");
}

#[test]
fn no_command_prints_what_hides_or_commands() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = dir.path().join(format!("app{HOSTILE}.log"));
    let unknown = json!({"level": "error", "provider": "openai", "error": format!("Zorp {HOSTILE} {PLAIN}")});
    append(&log, &format!("{}{unknown}\n", failure(1)));
    for command in
        [&["classify"][..], &["report"], &["report", "--format", "json"], &["report", "--format", "markdown"], &["suggest"]]
    {
        let output = program().args(command).arg(&log).stdin(Stdio::null()).output().expect("the program runs");
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        check(&command.join(" "), &printed);
        assert!(printed.contains("u{1b}"), "{command:?} made it visible: {printed}");
    }
    let missing = program().arg("report").arg(dir.path().join(HOSTILE)).output().expect("the program runs");
    check("an error", &String::from_utf8(missing.stderr).expect("UTF-8"));

    let output = program().arg("classify").arg(&log).output().expect("the program runs");
    let verdicts = String::from_utf8(output.stdout).expect("UTF-8");
    let verdict: Value = serde_json::from_str(verdicts.lines().next().expect("a verdict")).expect("JSON");
    for key in ["source", "service", "host", "model", "request_id", "message"] {
        let text = verdict[key].as_str().expect(key);
        assert!(text.contains(r"\u{1b}]52") && text.contains(r"\u{202e}gpj"), "{key}: {text}");
    }
    assert!(verdict["message"].as_str().is_some_and(|message| message.starts_with(PLAIN)), "{verdict}");
}

#[test]
fn no_door_of_the_daemon_shows_what_hides_or_commands() {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, verdicts) = (dir.path().join(format!("app{HOSTILE}.log")), dir.path().join("verdicts.jsonl"));
    append(&log, "");
    let [files, state, output] = [dir.path().join("*.log"), dir.path().join("state"), verdicts.clone()]
        .map(|path| path.to_str().expect("UTF-8").to_owned());
    let daemon = Server::run(["--file", &files, "--state-dir", &state, "--output", &output]);
    append(&log, &failure(1));
    let alerts = until("the alert", || daemon.get("/api/v1/alerts").filter(|alerts| alerts.contains("\"firing\"")));
    check("alerts", &alerts);
    for path in ["/", "/metrics", "/api/v1/windows", "/api/v1/unknown", "/api/v1/status"] {
        check(path, &daemon.get(path).expect(path));
    }
    let written = until("verdicts", || std::fs::read_to_string(&verdicts).ok().filter(|text| text.ends_with('\n')));
    check("--output", &written);
    check("own log", &daemon.terminate());
}
