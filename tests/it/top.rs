//! `top` shows what a running daemon sees.

use crate::running::{self, Server, append, call, until};
use std::process::Output;

fn top(url: &str) -> Output {
    running::program().args(["top", "--url", url]).output().expect("it runs")
}

#[test]
fn it_shows_rates_alerts_and_sources_once_where_nobody_watches() {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, state) = (dir.path().join("app.jsonl"), dir.path().join("state"));
    append(&log, "");
    let daemon = Server::run([format!("--file={}", log.display()), format!("--state-dir={}", state.display())]);
    let url = format!("http://{}", daemon.address);
    let calm = String::from_utf8(top(&url).stdout).expect("UTF-8");
    assert!(calm.contains("no failed call in the last hour") && calm.contains("no alert"), "{calm}");

    (0..3).for_each(|it| append(&log, &call(it, 200)));
    append(&log, &call(7, 401));
    until("the alert", || daemon.get("/api/v1/alerts").filter(|it| it.contains("\"firing\"")));
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
fn what_is_no_daemon_is_said_and_fails() {
    let nobody = top("http://127.0.0.1:1");
    let said = String::from_utf8_lossy(&nobody.stderr).into_owned();
    assert_eq!(
        (nobody.status.code(), said.contains("http://127.0.0.1:1: no daemon answers at this address")),
        (Some(1), true),
        "{said}"
    );
    let word = top("not-an-address");
    let said = String::from_utf8_lossy(&word.stderr).into_owned();
    assert_eq!((word.status.code(), said.contains("write http://HOST:PORT")), (Some(2), true), "{said}");
}
