//! Failures of the machine: a full disk, a kernel that refuses watches, huge lines and very many files.

use crate::follower::Follower;
use crate::running::{Server, append, call, until};
use crate::tool;
use llm_triage::framing::{Framer, Options};
use llm_triage::time::Timestamp;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;

/// A shell in a user namespace of its own, where it is root: `$0` is the program, `$1` a directory. `None`, with a message on
/// stderr, if the machine does not allow user namespaces.
fn confined(script: &str, dir: &Path) -> Option<Command> {
    let unshare = tool::find("unshare")?;
    let allowed = Command::new(&unshare).args(["-rm", "true"]).output().expect("it runs");
    if !allowed.status.success() {
        skipped(&String::from_utf8_lossy(&allowed.stderr));
        return None;
    }
    let mut command = Command::new(unshare);
    command.args(["-rm", "sh", "-c", script, env!("CARGO_BIN_EXE_llm-triage")]).arg(dir);
    Some(command)
}

#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
fn skipped(why: &str) {
    eprintln!("SKIPPED, NOT TESTED HERE: this machine allows no user namespaces: {why}");
}

const RUN: &str = r#"exec "$0" run --listen 127.0.0.1:0 --file "$1/*.log" --state-dir "$1/state""#;

fn start(mut command: Command) -> Server {
    let daemon = Server::start(&mut command, "status page");
    until("the daemon to be ready", || daemon.get("/-/ready").filter(|body| body == "ready\n"));
    daemon
}

fn lines(daemon: &Server, lines: f64) {
    let series = "llm_triage_source_lines_total{source=\"file\"}";
    until(&format!("{lines} lines"), || daemon.metric(series).filter(|value| *value == lines));
}

#[test]
fn with_a_full_disk_the_daemon_runs_without_checkpoints() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("state")).expect("created");
    let fill = r#"mount -t tmpfs -o size=64k none "$1/state" && head -c 1000000 /dev/zero > "$1/state/filler" 2>/dev/null; "#;
    let Some(command) = confined(&(fill.to_owned() + RUN), dir.path()) else { return };
    let daemon = start(command);
    append(&dir.path().join("app.log"), &(0..20).map(|number| call(number, 200)).collect::<String>());
    lines(&daemon, 20.0);
    until("a failure on the page", || daemon.metric("llm_triage_checkpoint_failures_total").filter(|value| *value >= 1.0));
    append(&dir.path().join("app.log"), &call(20, 200));
    lines(&daemon, 21.0);
    let log = daemon.terminate();
    assert!(log.contains("cannot write checkpoint, retrying") && log.contains("No space left on device"), "{log}");
}

#[test]
fn files_are_polled_if_the_kernel_refuses_watches() {
    for (limit, message) in [
        ("max_inotify_watches", "cannot watch directory, polling instead"),
        ("max_inotify_instances", "cannot watch files for changes, polling instead"),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let script = format!("echo 0 > /proc/sys/user/{limit} && {RUN}");
        let Some(command) = confined(&script, dir.path()) else { return };
        let daemon = start(command);
        append(&dir.path().join("app.log"), &call(0, 200));
        lines(&daemon, 1.0);
        std::fs::rename(dir.path().join("app.log"), dir.path().join("app.log.1")).expect("renamed");
        append(&dir.path().join("app.log"), &call(1, 200));
        append(&dir.path().join("app.log.1"), &call(2, 200));
        lines(&daemon, 3.0);
        let polled = "llm_triage_source_polled_directories{source=\"file\"}";
        assert!(daemon.metric(polled).is_some_and(|value| value >= 1.0), "{limit}");
        let log = daemon.terminate();
        assert_eq!(log.matches(message).count(), 1, "logged once: {log}");
    }
}

/// If more directories appear than the kernel may watch, the others are polled.
#[test]
fn watches_that_run_out_later_are_polled_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let run = r#"exec "$0" run --listen 127.0.0.1:0 --file "$1/*/*.log" --state-dir "$1.state""#;
    let Some(command) = confined(&format!("echo 3 > /proc/sys/user/max_inotify_watches && {run}"), dir.path()) else { return };
    let daemon = start(command);
    for number in 0..6 {
        std::fs::create_dir(dir.path().join(format!("pod-{number}"))).expect("created");
        append(&dir.path().join(format!("pod-{number}/0.log")), &call(number, 200));
    }
    lines(&daemon, 6.0);
    for number in 0..6 {
        append(&dir.path().join(format!("pod-{number}/0.log")), &call(number, 200));
    }
    lines(&daemon, 12.0);
    let polled = "llm_triage_source_polled_directories{source=\"file\"}";
    until("polled directories", || daemon.metric(polled).filter(|value| *value >= 3.0));
    let log = daemon.terminate();
    assert_eq!(log.matches("cannot watch directory, polling instead").count(), 1, "logged once: {log}");
    std::fs::remove_dir_all(format!("{}.state", dir.path().display())).expect("removed");
}

/// While the process is stopped, more files change than the queue of the kernel holds (16,384 events by default).
#[test]
fn no_line_is_lost_when_the_kernel_loses_change_events() {
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("Linux");
    let limit: usize = limit.trim().parse().expect("a number");
    assert!(limit <= 1 << 20, "the kernel queues {limit} events: too many for a test");
    let dir = tempfile::tempdir().expect("a directory");
    let state = tempfile::tempdir().expect("a directory");
    let argument = |text: &str| std::ffi::OsString::from(text);
    let pattern = dir.path().join("*.log").into_os_string();
    let daemon = Server::run([argument("--file"), pattern, argument("--state-dir"), state.path().into()]);
    append(&dir.path().join("app.log"), &call(0, 200));
    lines(&daemon, 1.0);
    daemon.signal("STOP");
    // The kernel merges equal events in a row; these are not equal.
    let names = ["even.tmp", "odd.tmp"].map(|name| dir.path().join(name));
    let mut files = names.map(|path| std::fs::File::create(path).expect("created"));
    for number in 0..limit + 100 {
        std::io::Write::write_all(&mut files[number % 2], b".").expect("written");
    }
    append(&dir.path().join("app.log"), &call(1, 200));
    std::fs::rename(dir.path().join("app.log"), dir.path().join("app.log.1")).expect("renamed");
    append(&dir.path().join("app.log.1"), &call(2, 200));
    append(&dir.path().join("app.log"), &call(3, 200));
    append(&dir.path().join("new.log"), &call(4, 200));
    daemon.signal("CONT");
    lines(&daemon, 5.0);
    until("the overflow in a metric", || daemon.metric("llm_triage_watch_overflows_total").filter(|value| *value >= 1.0));
    let log = daemon.terminate();
    assert_eq!(log.matches("kernel lost file change events").count(), 1, "logged once: {log}");
}

#[test]
fn verdicts_lost_to_a_full_disk_are_counted() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("out")).expect("created");
    let script = r#"mount -t tmpfs -o size=64k none "$1/out" && head -c 60000 /dev/zero > "$1/out/filler"
        wait_for() { while [ ! -e "$1" ]; do sleep 0.1; done; }
        ( wait_for "$1/room"; rm "$1/out/filler"; wait_for "$1/copy"; cp "$1/out/verdicts" "$1/copied" ) &
        exec "$0" run --listen 127.0.0.1:0 --file "$1/*.log" --state-dir "$1/state" --output "$1/out/verdicts""#;
    let Some(command) = confined(script, dir.path()) else { return };
    let daemon = start(command);
    append(&dir.path().join("app.log"), &(0..40).map(|number| call(number, 200)).collect::<String>());
    lines(&daemon, 40.0);
    until("lost verdicts", || daemon.metric("llm_triage_verdicts_lost_total").filter(|value| *value >= 1.0));
    std::fs::write(dir.path().join("room"), "").expect("written");
    let mut sent = 40;
    until("room", || {
        append(&dir.path().join("app.log"), &call(sent, 200));
        sent += 1;
        std::thread::sleep(std::time::Duration::from_millis(200));
        daemon.said().contains("writing verdicts works again").then_some(())
    });
    lines(&daemon, sent as f64);
    std::fs::write(dir.path().join("copy"), "").expect("written");
    let written = until("the verdicts", || {
        let text = std::fs::read_to_string(dir.path().join("copied")).ok()?;
        text.ends_with('\n').then_some(text)
    });
    let whole = written.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count();
    let lost = sent as f64 - whole as f64;
    until("the count of lost verdicts", || daemon.metric("llm_triage_verdicts_lost_total").filter(|value| *value == lost));
    let log = daemon.terminate();
    assert_eq!(log.matches("cannot write verdicts").count(), 1, "logged once: {log}");
}

#[test]
fn the_daemon_survives_the_end_of_its_verdict_reader() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut command = crate::running::program();
    command.args(["run", "--listen", "127.0.0.1:0", "--output", "-", "--file"]).arg(dir.path().join("*.log"));
    command.arg("--state-dir").arg(dir.path().join("state")).stdout(std::process::Stdio::piped());
    let mut daemon = Server::start(&mut command, "status page");
    until("the daemon to be ready", || daemon.get("/-/ready").filter(|body| body == "ready\n"));
    drop(daemon.stdout());
    append(&dir.path().join("app.log"), &call(0, 200));
    lines(&daemon, 1.0);
    until("the count of the lost verdict", || daemon.metric("llm_triage_verdicts_lost_total").filter(|value| *value == 1.0));
    append(&dir.path().join("app.log"), &call(1, 200));
    lines(&daemon, 2.0);
    let log = daemon.terminate();
    assert_eq!(log.matches("the reader of the verdicts closed the pipe").count(), 1, "{log}");
}

#[test]
fn a_line_of_a_gigabyte_is_counted_and_cut() {
    let mut framer = Framer::new(Options::DEFAULT, 0, 1);
    let mut events = Vec::new();
    let now = Timestamp::default();
    let chunk = vec![b'x'; 1 << 20];
    let start = b"{\"status\":429,\"prompt\":\"";
    framer.push(start, now, |_| unreachable!("the line has no end yet"));
    for _ in 0..1 << 10 {
        framer.push(&chunk, now, |_| unreachable!("the line has no end yet"));
    }
    framer.push(b"\"}\n{\"status\":200}\n", now, |event| events.push((event.offset, event.bytes.len(), event.tail.len())));
    let [(0, head, tail), (next, 14, 0)] = events.as_slice() else { panic!("{events:?}") };
    assert!(head + tail < 200_000);
    assert_eq!(*next, (1 << 30) + start.len() as u64 + 3);
    let books = framer.take_stats();
    assert_eq!((books.lines, books.event_lines, books.long_lines), (2, 2, 1));
    assert_eq!(books.long_bytes, (1 << 30) + start.len() as u64 + 2 - (head + tail) as u64);
}

#[test]
fn a_million_tiny_lines_are_counted() {
    let mut framer = Framer::new(Options::DEFAULT, 0, 1);
    let chunk = b"{}\n\n".repeat(5_000);
    let mut events = 0_u64;
    for _ in 0..100 {
        framer.push(&chunk, Timestamp::default(), |_| events += 1);
    }
    let books = framer.take_stats();
    assert_eq!((events, books.lines, books.event_lines, books.blank_lines), (500_000, 1_000_000, 500_000, 500_000));
}

#[test]
fn ten_thousand_files_need_few_descriptors() {
    let mut follower = Follower::new(&["*.log"]);
    for number in 0..10_000 {
        std::fs::write(follower.path(&format!("{number:05}.log")), format!("line {number}\n")).expect("written");
    }
    follower.scan();
    let open = || std::fs::read_dir("/proc/self/fd").expect("listed").count();
    assert!(open() < 900, "{} open after the first scan", open());
    follower.read_all();
    assert_eq!(follower.lines.len(), 10_000);
    follower.poll();
    assert!(open() < 900, "{} open while idle", open());
    append(&follower.path("07777.log"), "one more\n");
    follower.poll();
    assert_eq!(follower.lines.last().map(String::as_str), Some("one more"));
    assert_eq!(follower.options.gauges.files.load(Ordering::Relaxed), 10_000);
    // A restart with all files, after some were rotated.
    let saved = follower.save();
    for number in 0..50 {
        let name = follower.path(&format!("{number:05}.log"));
        append(&name, "last\n");
        std::fs::rename(&name, name.with_extension("log.1")).expect("renamed");
        append(&name, "first\n");
    }
    follower.restart(saved);
    follower.poll();
    follower.poll();
    assert_eq!(follower.lines.len(), 10_001 + 100);
}
