//! The units of systemd, checked by `systemd-analyze`, and the system calls of the daemon, traced by strace.

use crate::running::{Server, append, call, program, until};
use crate::tool;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The maximum exposure, times ten.
const EXPOSURE: &str = "13";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd")
}

/// A directory with the units as they are installed.
fn installed() -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for unit in files(&folder()) {
        install(&unit, dir.path());
    }
    dir
}

/// Copies a unit or a drop-in, except for the path of the program, which is not installed here.
fn install(file: &Path, place: &Path) {
    let text = fs::read_to_string(file).expect("a unit");
    let program = program().get_program().to_string_lossy().into_owned();
    fs::write(place.join(file.file_name().expect("a name")), text.replace("/usr/bin/llm-triage", &program)).expect("a file");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.filter(|path| path.is_file()).collect()
}

fn verify(analyze: &Path, unit: &Path) -> (bool, String) {
    tool::run(Command::new(analyze).args(["verify", "--man=no", "--recursive-errors=yes"]).arg(unit), "")
}

fn exposure(analyze: &Path, unit: &Path, threshold: &str) -> (bool, String) {
    let arguments = ["security", "--no-pager", "--offline=true", "--threshold", threshold];
    tool::run(Command::new(analyze).args(arguments).arg(unit), "")
}

#[test]
fn the_units_are_valid_and_have_a_low_exposure() {
    let Some(analyze) = tool::find("systemd-analyze") else { return };
    let dir = installed();
    let units = files(dir.path());
    assert!(units.len() >= 3, "{units:?}");
    for unit in units {
        // A template is verified by one of its instances.
        let unit = unit.with_file_name(unit.file_name().expect("a name").to_string_lossy().replace('@', "@x"));
        let (good, said) = verify(&analyze, &unit);
        assert!(good && said.is_empty(), "{}: {said}", unit.display());
    }
    for unit in ["llm-triage.service", "llm-triage-journal@x.service"] {
        let (good, said) = exposure(&analyze, &dir.path().join(unit), EXPOSURE);
        assert!(good, "{unit}: {said}");
    }
}

#[test]
fn each_drop_in_is_valid_and_has_the_documented_exposure() {
    let Some(analyze) = tool::find("systemd-analyze") else { return };
    for drop_in in files(&folder().join("drop-ins")) {
        let dir = installed();
        let unit = dir.path().join("llm-triage.service");
        let place = dir.path().join("llm-triage.service.d");
        fs::create_dir(&place).expect("a directory");
        let name = drop_in.file_name().expect("a name");
        install(&drop_in, &place);
        let (good, said) = verify(&analyze, &unit);
        assert!(good && said.is_empty(), "{}: {said}", drop_in.display());
        let threshold = match name.to_str() {
            Some("local-only.conf") => "10",
            Some("any-owner.conf") => "15",
            _ => EXPOSURE,
        };
        let (good, said) = exposure(&analyze, &unit, threshold);
        assert!(good, "{}: {said}", drop_in.display());
    }
}

/// A drop-in that replaces the command keeps what the unit starts, and only adds to it.
#[test]
fn the_drop_in_for_pushes_starts_the_same_daemon_with_an_http_input() {
    let commands = |file: &str| -> Vec<String> {
        let text = fs::read_to_string(folder().join(file)).expect("a unit");
        text.lines().filter_map(|line| line.strip_prefix("ExecStart=")).map(str::to_owned).collect()
    };
    let [unit] = commands("llm-triage.service").try_into().expect("one command");
    assert_eq!(commands("drop-ins/push.conf"), [String::new(), format!("{unit} --http 127.0.0.1:4318")]);
}

/// The checks above can fail.
#[test]
fn a_key_that_is_misspelled_is_found() {
    let Some(analyze) = tool::find("systemd-analyze") else { return };
    let dir = installed();
    let unit = dir.path().join("llm-triage.service");
    let text = fs::read_to_string(&unit).expect("a unit");
    fs::write(&unit, text.replace("ProtectHome=", "ProtectHom=")).expect("a file");
    let (good, said) = verify(&analyze, &unit);
    assert!(!good && said.contains("Unknown key 'ProtectHom'"), "{said}");
    fs::write(&unit, text.replace("CapabilityBoundingSet=\n", "")).expect("a file");
    assert!(!exposure(&analyze, &unit, EXPOSURE).0);
}

/// If the filter forbade a call that the daemon needs, the daemon would fail only on a host.
#[test]
fn the_daemon_makes_no_system_call_that_its_unit_forbids() {
    let (Some(analyze), Some(strace)) = (tool::find("systemd-analyze"), tool::find("strace")) else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).display().to_string();
    fs::write(path("config.toml"), format!("[[source.file]]\npaths = ['{}']\n[[source.tcp]]\nlisten = '127.0.0.1:0'\n[[source.http]]\nlisten = '127.0.0.1:0'\n[[receiver.webhook]]\nurl = 'http://127.0.0.1:9/'\n", path("*.jsonl"))).expect("a file");
    // A seccomp filter is for one architecture; strace gives the names of the calls.
    let mut command = Command::new(strace);
    command.args(["-f", "-qq", "-o", &path("calls")]).arg(program().get_program());
    command.args(["run", "--listen", "127.0.0.1:0", "--config", &path("config.toml"), "--state-dir", &path("state")]);
    let daemon = Server::start(&mut command, "status page");
    until("the daemon to be ready", || daemon.get("/-/ready").filter(|body| body == "ready\n"));
    append(&dir.path().join("app.jsonl"), &(call(1, 200) + &call(2, 401)));
    until("the alert", || daemon.get("/api/v1/alerts").filter(|body| body.contains("LLMAuth")));
    daemon.ask("POST", "/-/reload").expect("an answer");
    let log = fs::read_to_string(path("calls")).expect("a log");
    let pid = log.split_whitespace().next().expect("a process");
    assert!(Command::new("sh").args(["-c", &format!("kill -TERM {pid}")]).status().expect("a shell").success());
    assert_eq!(daemon.end().0.code(), Some(0));

    let log = fs::read_to_string(path("calls")).expect("a log");
    let made: BTreeSet<String> = log
        .lines()
        .filter_map(|line| line.split_once(' ')?.1.trim_start().split_once('('))
        .map(|(name, _)| name.trim_start_matches("<... ").to_owned())
        .filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
        .collect();
    assert!(made.len() > 30 && made.contains("inotify_add_watch") && made.contains("fsync"), "{made:?}");
    let group = |name: &str| -> BTreeSet<String> { members(&analyze, name) };
    let unit = fs::read_to_string(folder().join("llm-triage.service")).expect("the unit");
    let mut allowed = BTreeSet::new();
    for filter in unit.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        let (taken, names) = filter.strip_prefix('~').map_or((false, filter), |rest| (true, rest));
        for name in names.split(' ').flat_map(group) {
            if taken {
                allowed.remove(&name)
            } else {
                allowed.insert(name)
            };
        }
    }
    let forbidden: Vec<_> = made.difference(&allowed).collect();
    assert!(forbidden.is_empty(), "{forbidden:?}");
}

/// All calls in a group of systemd's, including those of its nested groups.
fn members(analyze: &Path, name: &str) -> BTreeSet<String> {
    if !name.starts_with('@') {
        return BTreeSet::from([name.to_owned()]);
    }
    let (good, said) = tool::run(Command::new(analyze).args(["syscall-filter", "--no-pager", name]), "");
    assert!(good, "{said}");
    let names = said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#') && *line != name);
    names.flat_map(|member| members(analyze, member)).collect()
}

/// The command of the journal unit sends the journal's lines to the daemon.
#[test]
fn the_journal_comes_in_over_tcp() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let daemon = Server::run(["--tcp", "127.0.0.1:0", "--state-dir", &path("state")]);
    let address = until("its TCP address", || {
        daemon
            .said()
            .lines()
            .find(|line| line.contains("taking lines"))?
            .split("address=")
            .nth(1)
            .map(|rest| rest.trim().to_owned())
    });
    let unit = fs::read_to_string(folder().join("llm-triage-journal@.service")).expect("the unit");
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/bin/bash -c '")).expect("the command");
    let command =
        command.trim_end_matches('\'').replace("127.0.0.1/10530", &address.replace(':', "/")).replace("%i", "checkout");
    // journalctl needs a journal; this replacement prints its arguments, and a line of an application.
    fs::write(path("entries"), call(7, 401)).expect("a file");
    let journalctl = format!("#!/bin/sh\necho \"$@\" > {}\ncat {}\n", path("asked"), path("entries"));
    fs::write(path("journalctl"), journalctl).expect("a file");
    assert!(Command::new("chmod").args(["+x", &path("journalctl")]).status().expect("chmod").success());
    let mut bash = Command::new("bash");
    bash.args(["-c", &command])
        .env("JOURNAL", "--unit=checkout")
        .env("PATH", format!("{}:/usr/bin:/bin", dir.path().display()));
    assert!(bash.status().expect("bash").success());
    assert_eq!(fs::read_to_string(path("asked")).expect("a file"), "--quiet --follow --lines=0 --output=cat --unit=checkout\n");
    let series = "llm_triage_service_errors_total{service=\"checkout\",provider=\"openai\",category=\"auth\"}";
    until("the failed call", || daemon.metric(series).filter(|count| *count == 1.0));
    daemon.terminate();
}
