//! `top` shows the rates, alerts and sources of a running daemon.

use crate::running::{self, Server, append, call, until};
use std::process::Output;

fn top(url: &str) -> Output {
    running::program().args(["top", "--url", url]).output().expect("the program runs")
}

#[test]
fn rates_alerts_and_sources_are_printed_once_to_a_pipe() {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, state) = (dir.path().join("app.jsonl"), dir.path().join("state"));
    append(&log, "");
    let daemon = Server::run([format!("--file={}", log.display()), format!("--state-dir={}", state.display())]);
    let url = format!("http://{}", daemon.address);
    let calm = String::from_utf8(top(&url).stdout).expect("UTF-8");
    assert!(calm.contains("no failed call in the last hour") && calm.contains("no alert"), "{calm}");

    (0..3).for_each(|second| append(&log, &call(second, 200)));
    append(&log, &call(7, 401));
    until("the alert", || daemon.get("/api/v1/alerts").filter(|alerts| alerts.contains("\"firing\"")));
    let output = top(&url);
    let shown = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{shown}");
    for words in
        ["ready", "openai           401              1       1       1       1   25 %", "firing   critical  auth", "last read"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn an_address_without_a_daemon_is_reported() {
    let unreachable = top("http://127.0.0.1:1");
    let error = String::from_utf8_lossy(&unreachable.stderr).into_owned();
    assert_eq!(
        (unreachable.status.code(), error.contains("http://127.0.0.1:1: no daemon answers at this address")),
        (Some(1), true),
        "{error}"
    );
    let invalid = top("not-an-address");
    let error = String::from_utf8_lossy(&invalid.stderr).into_owned();
    assert_eq!((invalid.status.code(), error.contains("write http://HOST:PORT")), (Some(2), true), "{error}");
}
