//! The real logrotate against the real daemon: each line is counted once in every mode of logrotate, also lines of files
//! that it rotated and compressed while the daemon was down.

use crate::running::{Server, append, call, until};
use crate::tool;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

struct Logs {
    dir: tempfile::TempDir,
    logrotate: PathBuf,
}

impl Logs {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn start(&self, pattern: &str) -> Server {
        let argument = |flag: &str, path: PathBuf| [OsString::from(flag), path.into_os_string()];
        Server::run([argument("--file", self.path(pattern)), argument("--state-dir", self.path("state"))].as_flattened())
    }

    fn write(&self, numbers: std::ops::Range<usize>) {
        append(&self.path("logs/app.log"), &numbers.map(|number| call(number, 200)).collect::<String>());
    }

    fn rotate(&self, how: &str) {
        let config = self.path("logrotate.conf");
        let text =
            format!("{} {{\n rotate 9\n missingok\n{}\n}}\n", self.path("logs/app.log").display(), how.replace("; ", "\n "));
        std::fs::write(&config, text).expect("written");
        // Within the same second, dated names collide.
        let output = until("a free name", || {
            let mut command = Command::new(&self.logrotate);
            tool::use_own_libraries(&mut command, &self.logrotate);
            let (_, output) = tool::run(command.args(["-f", "-s"]).arg(self.path("rotated")).arg(&config), "");
            (!output.contains("already exists")).then_some(output)
        });
        assert!(!output.contains("error"), "{output}");
    }
}

fn logs() -> Option<Logs> {
    let logrotate = tool::find("logrotate")?;
    let logs = Logs { dir: tempfile::tempdir().expect("a directory"), logrotate };
    std::fs::create_dir(logs.path("logs")).expect("created");
    Some(logs)
}

/// Asserts that the window holds each call once. The window survives a kill; counters restart at 0.
fn counted(daemon: &Server, calls: usize) {
    let series = "llm_triage_window_requests{provider=\"openai\",window=\"1h\"}";
    until(&format!("{calls} calls"), || daemon.metric(series).filter(|value| *value == calls as f64));
    assert_eq!(daemon.metric(series), Some(calls as f64));
}

fn check(how: &str, pattern: &str) {
    let Some(logs) = logs() else { return };
    logs.write(0..1);
    let daemon = logs.start(pattern);
    let mut written = 1;
    let mut write = |logs: &Logs, lines: usize| {
        logs.write(written..written + lines);
        written += lines;
        written
    };
    // Lines from before the first start are skipped.
    counted(&daemon, write(&logs, 10) - 1);
    for _ in 0..3 {
        write(&logs, 50);
        logs.rotate(how);
        write(&logs, 5);
        logs.rotate(how);
        counted(&daemon, write(&logs, 20) - 1);
    }
    // Rotated twice while the daemon is down.
    daemon.terminate();
    write(&logs, 30);
    logs.rotate(how);
    write(&logs, 30);
    logs.rotate(how);
    let all = write(&logs, 5) - 1;
    let daemon = logs.start(pattern);
    counted(&daemon, all);
    // Killed between two checkpoints.
    let all = write(&logs, 40) - 1;
    counted(&daemon, all);
    daemon.signal("KILL");
    drop(daemon.end());
    write(&logs, 7);
    logs.rotate(how);
    let all = write(&logs, 7) - 1;
    let daemon = logs.start(pattern);
    counted(&daemon, all);
    let lost: f64 = daemon.get("/metrics").map_or(0.0, |page| {
        let lost = page.lines().filter(|line| line.starts_with("llm_triage_source_lost_bytes_total"));
        lost.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    });
    assert!(lost.abs() < f64::EPSILON, "{how}: {lost} bytes are reported as lost");
    daemon.terminate();
}

#[test]
fn create() {
    check("create", "logs/app.log");
    check("create", "logs/app.log*");
}

#[test]
fn nocreate() {
    check("nocreate", "logs/*.log");
}

#[test]
fn copytruncate() {
    check("copytruncate", "logs/app.log");
    check("copytruncate", "logs/app.log*");
}

#[test]
fn compress_and_delaycompress() {
    check("create; compress", "logs/app.log");
    check("create; compress; delaycompress", "logs/app.log*");
}

#[test]
fn dateext() {
    check("create; dateext; dateformat -%Y%m%d-%s; compress", "logs/app*.log*");
    check("create; dateext; dateformat -%Y-%m-%d.%s; extension .log", "logs/*.log");
}

#[test]
fn copytruncate_and_compress() {
    check("copytruncate; compress", "logs/app.log");
}
