//! `report --follow` and `top` on a real terminal: they take its keys, and leave it as it was, however they end.

use crate::pty::Terminal;
use crate::running::{Server, append, call, until};
use std::fs;

/// Shows the screen before a program with a screen of its own, with the cursor.
const LEAVES: &str = "\x1b[?25h\x1b[?1049l";

/// Ends a program by each way to end it, and checks the terminal after it.
fn check(start: impl Fn() -> Option<Terminal>, words: &str) {
    for end in ["q", "INT", "TERM", "HUP"] {
        let Some(mut terminal) = start() else { return };
        terminal.wait_for(words);
        assert!(terminal.is_in_key_mode(), "{end}: it takes keys");
        if end == "q" {
            terminal.press("q")
        } else {
            terminal.signal(end)
        }
        let status = terminal.end();
        assert_eq!(status.code(), Some(0), "{end}: {}", terminal.written());
        assert!(terminal.written().contains(LEAVES), "{end}: the screen before it is back");
        assert!(!terminal.is_in_key_mode(), "{end}: the terminal is as before");
    }
}

#[test]
fn the_terminal_is_as_before_after_a_followed_log() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = dir.path().join("app.jsonl");
    append(&log, &call(1, 401));
    check(|| Terminal::start(["report".as_ref(), "--follow".as_ref(), log.as_os_str()]), "Incorrect API key");
}

#[test]
fn the_terminal_is_as_before_after_top() {
    let state = tempfile::tempdir().expect("a directory");
    let daemon = Server::run([format!("--tcp={}", "127.0.0.1:0"), format!("--state-dir={}", state.path().display())]);
    let url = format!("--url=http://{}", daemon.address);
    check(|| Terminal::start(["top", &url]), "no failed call in the last hour");
    // While no daemon answers, too.
    check(|| Terminal::start(["top", "--url=http://127.0.0.1:1"]), "retrying");
}

#[test]
fn the_details_of_an_alert_in_top_have_lines_of_their_own() {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, state) = (dir.path().join("app.jsonl"), dir.path().join("state"));
    append(&log, "");
    let daemon = Server::run([format!("--file={}", log.display()), format!("--state-dir={}", state.display())]);
    append(&log, &call(1, 401));
    until("the alert", || daemon.get("/api/v1/alerts").filter(|alerts| alerts.contains("\"firing\"")));
    let Some(mut terminal) = Terminal::start_at(60, ["top", "--url", &daemon.address]) else { return };
    terminal.wait_for("firing ");
    terminal.press("\x1b[B\r");
    terminal.wait_for("evidence");
    assert!(!terminal.written().contains("\\u{a}"), "{}", terminal.written());
}

#[test]
fn a_selected_error_opens_and_closes() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = dir.path().join("app.jsonl");
    append(&log, &call(1, 401));
    let Some(mut terminal) = Terminal::start(["--follow".as_ref(), log.as_os_str()]) else { return };
    terminal.wait_for("Incorrect API key");
    terminal.press("\x1b[B\r");
    terminal.wait_for("app.jsonl:1");
    terminal.press("?");
    terminal.wait_for("select an error");
}

#[test]
fn messages_and_settings_are_not_wider_than_the_terminal() {
    let dir = tempfile::tempdir().expect("a directory");
    let (config, new) = (dir.path().join("config.toml"), dir.path().join("new.toml"));
    let faults = "[record.fields]\nproviddr = ['a']\n[[escalation]]\nid = 'auth'\nseverity = 'dreadful'\n";
    fs::write(&config, faults).expect("written");
    let (config, new) = (config.to_string_lossy().into_owned(), new.to_string_lossy().into_owned());
    let commands: [&[&str]; 9] = [
        &["check", "--stdin", "--sources"],
        &["check", "--config", &config],
        &["init", "--output", &new],
        &["explain", "429"],
        &["patterns", "coverage"],
        &["patterns", "list", "--provider", "nope"],
        &["top", "--once", "--url", "127.0.0.1:1"],
        &["report", "no-such-file"],
        &["report", "--help"],
    ];
    for columns in [60, 80, 120] {
        for command in commands {
            let Some(mut terminal) = Terminal::start_at(columns, command) else { return };
            terminal.end();
            let shown = anstream::adapter::strip_str(&terminal.written()).to_string();
            assert!(!shown.trim().is_empty(), "{command:?} prints something");
            // A command to copy stays on one line.
            let mut texts = shown.lines().filter(|line| !line.starts_with("  llm-triage "));
            let wide = texts.find(|line| line.chars().count() > usize::from(columns));
            assert_eq!(wide, None, "{command:?} at {columns} columns");
        }
    }
}
