//! The real logrotate against the real daemon: in every way that it rotates, each line is counted once, also of what it
//! rotated and compressed while nobody looked.

use crate::running::{Server, append, call, until};
use crate::tool;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

struct Place {
    dir: tempfile::TempDir,
    logrotate: PathBuf,
}

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn start(&self, pattern: &str) -> Server {
        let argument = |flag: &str, path: PathBuf| [OsString::from(flag), path.into_os_string()];
        Server::run([argument("--file", self.path(pattern)), argument("--state-dir", self.path("state"))].as_flattened())
    }

    fn write(&self, numbers: std::ops::Range<usize>) {
        append(&self.path("logs/app.log"), &numbers.map(|it| call(it, 200)).collect::<String>());
    }

    fn rotate(&self, how: &str) {
        let config = self.path("logrotate.conf");
        let text =
            format!("{} {{\n rotate 9\n missingok\n{}\n}}\n", self.path("logs/app.log").display(), how.replace("; ", "\n "));
        std::fs::write(&config, text).expect("written");
        // In the second of another rotation it finds its name taken.
        let said = until("a free name", || {
            let mut command = Command::new(&self.logrotate);
            let (_, said) = tool::run(command.args(["-f", "-s"]).arg(self.path("rotated")).arg(&config), "");
            (!said.contains("already exists")).then_some(said)
        });
        assert!(!said.contains("error"), "{said}");
    }
}

fn place() -> Option<Place> {
    let logrotate = tool::find("logrotate")?;
    let place = Place { dir: tempfile::tempdir().expect("a directory"), logrotate };
    std::fs::create_dir(place.path("logs")).expect("created");
    Some(place)
}

/// All calls are in the window, each once: it goes on over a kill, where counters begin anew.
fn counted(daemon: &Server, calls: usize) {
    let series = "llm_triage_window_requests{provider=\"openai\",window=\"1h\"}";
    until(&format!("{calls} calls"), || daemon.metric(series).filter(|it| *it == calls as f64));
    assert_eq!(daemon.metric(series), Some(calls as f64));
}

fn check(how: &str, pattern: &str) {
    let Some(place) = place() else { return };
    place.write(0..1);
    let daemon = place.start(pattern);
    let mut written = 1;
    let mut write = |place: &Place, lines: usize| {
        place.write(written..written + lines);
        written += lines;
        written
    };
    // What was there at the first start is passed over.
    counted(&daemon, write(&place, 10) - 1);
    for _ in 0..3 {
        write(&place, 50);
        place.rotate(how);
        write(&place, 5);
        place.rotate(how);
        counted(&daemon, write(&place, 20) - 1);
    }
    // Nobody looks while it is rotated twice.
    daemon.terminate();
    write(&place, 30);
    place.rotate(how);
    write(&place, 30);
    place.rotate(how);
    let all = write(&place, 5) - 1;
    let daemon = place.start(pattern);
    counted(&daemon, all);
    // Killed in the middle.
    let all = write(&place, 40) - 1;
    counted(&daemon, all);
    daemon.signal("KILL");
    drop(daemon.end());
    write(&place, 7);
    place.rotate(how);
    let all = write(&place, 7) - 1;
    let daemon = place.start(pattern);
    counted(&daemon, all);
    let lost: f64 = daemon.get("/metrics").map_or(0.0, |page| {
        let lost = page.lines().filter(|it| it.starts_with("llm_triage_source_lost_bytes_total"));
        lost.filter_map(|it| it.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    });
    assert!(lost.abs() < f64::EPSILON, "{how}: {lost} bytes are said to be lost");
    daemon.terminate();
}

#[test]
fn it_makes_the_next_file() {
    check("create", "logs/app.log");
    check("create", "logs/app.log*");
}

#[test]
fn it_leaves_that_to_the_writer() {
    check("nocreate", "logs/*.log");
}

#[test]
fn it_copies_and_truncates() {
    check("copytruncate", "logs/app.log");
    check("copytruncate", "logs/app.log*");
}

#[test]
fn it_compresses_at_once_or_a_turn_later() {
    check("create; compress", "logs/app.log");
    check("create; compress; delaycompress", "logs/app.log*");
}

#[test]
fn it_writes_dates_into_names() {
    check("create; dateext; dateformat -%Y%m%d-%s; compress", "logs/app*.log*");
    check("create; dateext; dateformat -%Y-%m-%d.%s; extension .log", "logs/*.log");
}

#[test]
fn it_copies_and_truncates_and_compresses() {
    check("copytruncate; compress", "logs/app.log");
}
