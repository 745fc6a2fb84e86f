//! Runs the recipes whose programs are installed here, exactly as they are written.

use crate::running::{Server, append, call, until};
use crate::tool;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn recipes() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recipes.md")).expect("the recipes")
}

fn block(language: &str) -> String {
    let text = recipes();
    let (_, rest) = text.split_once(&format!("```{language}\n")).expect("a block");
    rest.split("```").next().unwrap_or_default().to_owned()
}

/// A daemon with the TCP input of the recipes, on free ports.
fn daemon(dir: &Path) -> (Server, String) {
    let config = dir.join("config.toml");
    fs::write(&config, block("toml").replace("10530", "0")).expect("a file");
    let state = dir.join("state");
    let daemon = Server::run([Path::new("--config"), &config, Path::new("--state-dir"), &state]);
    let address = until("its TCP address", || {
        daemon
            .said()
            .lines()
            .find(|line| line.contains("taking lines"))?
            .split("address=")
            .nth(1)
            .map(|rest| rest.trim().to_owned())
    });
    (daemon, address)
}

#[test]
fn rsyslog_brings_a_file_over_tcp() {
    let Some(rsyslogd) = tool::find("rsyslogd") else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    let (daemon, address) = daemon(dir.path());
    let (_, port) = address.rsplit_once(':').expect("a port");
    fs::create_dir(path("work")).expect("a directory");
    let config = block("rsyslog").replace("/var/log/llm", &path("").display().to_string()).replace("10530", port);
    // The directory where it may write; a host's own configuration sets it.
    let work = format!("global(workDirectory=\"{}\")\n{}", path("work").display(), config);
    fs::write(path("rsyslog.conf"), work).expect("a file");
    append(&path("app.jsonl"), &call(1, 200));
    let mut command = Command::new(&rsyslogd);
    command.args(["-n", "-f"]).arg(path("rsyslog.conf")).arg("-i").arg(path("pid"));
    // If it was unpacked and not installed, its libraries and modules are next to it.
    if let Some(unpacked) = rsyslogd.parent().and_then(Path::parent).filter(|parent| *parent != Path::new("/usr")) {
        let libraries: Vec<PathBuf> =
            fs::read_dir(unpacked.join("lib")).expect("libraries").map(|entry| entry.expect("an entry").path()).collect();
        let library = libraries.iter().find(|library| library.join("rsyslog").is_dir()).expect("its modules");
        command.env("LD_LIBRARY_PATH", library).arg("-M").arg(library.join("rsyslog"));
    }
    let mut shipper = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it was found");
    let calls = |outcome: &str| format!("llm_triage_requests_total{{provider=\"openai\",outcome=\"{outcome}\"}}");
    let arrived = std::panic::catch_unwind(|| {
        until("the first line", || daemon.metric(&calls("success")).filter(|count| *count == 1.0));
        append(&path("app.jsonl"), &call(2, 401));
        until("the appended line", || daemon.metric(&calls("error")).filter(|count| *count == 1.0));
    });
    shipper.kill().expect("it runs");
    let said = shipper.wait_with_output().expect("it ends").stderr;
    assert!(arrived.is_ok(), "{}", String::from_utf8_lossy(&said));
    daemon.terminate();
}

/// The lines that Vector and Fluent Bit send by these recipes according to their manuals; the programs are not installed here.
#[test]
fn the_lines_of_other_shippers_are_read() {
    let python = tool::python("yaml");
    for block in recipes().split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        let Some(python) = &python else { continue };
        let (good, said) = tool::run(Command::new(python).args(["-c", "import sys, yaml; yaml.safe_load(sys.stdin)"]), block);
        assert!(good, "{block}: {said}");
    }
    for block in recipes().split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        serde_json::from_str::<serde_json::Value>(block).unwrap_or_else(|error| panic!("{block}: {error}"));
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (daemon, address) = daemon(dir.path());
    let line = call(3, 401);
    let with_date = line.replacen('{', "{\"date\":1795166211.894,", 1);
    let spans = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sdk-logs/litellm-proxy.jsonl"));
    let sent = [line, with_date.replace("req_00000003", "req_00000004"), spans.expect("a sample")].concat();
    let mut peer = std::net::TcpStream::connect(&address).expect("it listens");
    std::io::Write::write_all(&mut peer, sent.as_bytes()).expect("taken");
    drop(peer);
    let errors = "llm_triage_errors_total{provider=\"openai\",status=\"401\",category=\"auth\",owner=\"account\",retry=\"no\"}";
    until("the failed calls", || daemon.metric(errors).filter(|count| *count >= 2.0));
    let lines = sent.lines().count() as f64;
    until("all lines", || daemon.metric("llm_triage_source_lines_total{source=\"shipper\"}").filter(|count| *count == lines));
    daemon.terminate();
}
