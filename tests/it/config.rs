//! The configuration: every key is read, and every error is reported at once, with its line.

use llm_triage::classify::Traffic;
use llm_triage::config::{Config, Flags, GroupBy, SourceKind};
use llm_triage::correlate::GrainRule;
use llm_triage::source::file::StartAt;
use std::path::Path;
use std::time::Duration;

fn load(text: &str, flags: &Flags) -> Result<Config, String> {
    Config::from_text(Some(Path::new("config.toml")), text, flags, None).map_err(|error| error.to_string())
}

/// Checks the error message of an invalid configuration.
fn check(text: &str, expected: &str) {
    match load(text, &Flags::default()) {
        Ok(config) => panic!("accepted: {config:#?}"),
        Err(message) => assert_eq!(message, expected, "{text}"),
    }
}

const APP: &str = "[[source.file]]\npaths = [\"/var/log/llm/*.jsonl\"]\n";

#[test]
fn every_key_is_read() {
    let config = load(
        r#"
        [http]
        listen = "127.0.0.1:10529"
        lifecycle = true
        hosts = ["triage.example"]
        [state]
        dir = "/var/lib/llm-triage"
        [[source.file]]
        name = "app"
        paths = ["/var/log/llm/*.jsonl"]
        exclude = ["*.tmp"]
        start_at = "beginning"
        grain = "attempt"
        traffic = "mixed"
        timezone = "Asia/Tokyo"
        [[source.tcp]]
        listen = "127.0.0.1:10530"
        max_connections = 10
        idle = "1m30s"
        [record.fields]
        provider = ["upstream.vendor"]
        [[provider]]
        id = "in_house"
        hosts = ["llm.corp.example"]
        [patterns]
        dirs = ["/etc/llm-triage/patterns.d"]
        [limits]
        max_line = "256KiB"
        series = 3000
        [alerting]
        by = ["provider", "service"]
        [[escalation]]
        id = "rate-limit"
        sustained = "45s"
        [[receiver.alertmanager]]
        urls = ["http://am-0:9093"]
        [[receiver.slack]]
        url_file = "slack-url"
        "#,
        &Flags::default(),
    )
    .expect("it has no errors");
    let app = &config.sources[0];
    assert_eq!((app.name.as_str(), app.grain, app.traffic), ("app", GrainRule::Attempt, Traffic::Mixed));
    assert_eq!(app.timezone.as_deref(), Some("Asia/Tokyo"));
    assert!(matches!(&app.kind, SourceKind::File { start_at: StartAt::Beginning, exclude, .. } if exclude == &["*.tmp"]));
    let SourceKind::Tcp { limits, .. } = &config.sources[1].kind else { panic!("no TCP source") };
    assert_eq!((limits.connections, limits.idle), (10, Duration::from_secs(90)));
    assert_eq!(config.fields["provider"], ["upstream.vendor"]);
    assert_eq!(config.providers[0].hosts, ["llm.corp.example"]);
    assert_eq!((config.max_line.0, config.series), (262_144, 3_000));
    assert_eq!(config.by, [GroupBy::Provider, GroupBy::Service]);
    assert_eq!(config.escalation[0].1.id, "rate-limit");
    assert_eq!(config.receivers.len(), 2);
    assert!(config.lifecycle);
    assert_eq!(config.hosts, ["triage.example"]);
}

#[test]
fn a_source_is_all_that_is_needed() {
    let config = load(APP, &Flags::default()).expect("it has no errors");
    assert_eq!(config.listen.to_string(), "127.0.0.1:10529");
    assert_eq!(config.state_dir, Path::new("/var/lib/llm-triage"));
    assert_eq!(config.max_line.to_string(), "1MiB");
    let source = &config.sources[0];
    assert_eq!((source.name.as_str(), source.grain, source.traffic), ("file", GrainRule::Auto, Traffic::Llm));
    assert!(matches!(source.kind, SourceKind::File { start_at: StartAt::End, .. }));
}

#[test]
fn logs_of_a_whole_node_are_mixed() {
    let config = load("[[source.file]]\npaths = [\"/var/log/pods/*/*/*.log\"]", &Flags::default()).expect("it has no errors");
    assert_eq!(config.sources[0].traffic, Traffic::Mixed);
}

#[test]
fn flags_take_precedence_over_the_file() {
    let flags = Flags {
        file: vec!["/tmp/a.log".into(), "/tmp/b.log".into()],
        stdin: true,
        listen: Some("127.0.0.1:1".parse().expect("an address")),
        state_dir: Some("/tmp/state".into()),
        ..Flags::default()
    };
    let config = load(&format!("[http]\nlisten = \"127.0.0.1:2\"\n{APP}"), &flags).expect("it has no errors");
    let names: Vec<&str> = config.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["file", "file-2", "stdin"]);
    assert_eq!((config.listen.port(), config.state_dir.as_path()), (1, Path::new("/tmp/state")));
}

#[test]
fn every_error_is_reported_at_once_with_its_line() {
    check(
        r#"[htpp]
listen = "127.0.0.1:10529"
[[source.file]]
name = "a b"
path = ["/var/log/llm/*.jsonl"]
start_at = "middle"
[[source.file]]
paths = ["/var/log/[.jsonl"]
timezone = "Tokyo"
[[source.tcp]]
listen = 10530
[limits]
max_line = "1 mile"
series = 0
[receiver]
pager = []
[[provider]]
id = "in_house"
host = ["llm.corp.example"]
[alerting]
by = ["service"]
"#,
        "config.toml:1:2: unknown key `htpp`; did you mean `http`?
config.toml:5:1: unknown key `source.file.path`; did you mean `paths`?
config.toml:6:12: `source.file.start_at`: unknown variant `middle`, expected `beginning` or `end`
config.toml:8:9: invalid glob pattern `/var/log/[.jsonl`: error parsing glob '[.jsonl': unclosed character class; missing ']'
config.toml:9:12: `timezone` is \"Tokyo\"; use a name of the IANA database, like \"Asia/Tokyo\"
config.toml:11:10: `source.tcp.listen`: invalid type: integer `10530`, expected socket address
config.toml:13:12: `limits.max_line`: invalid size \"1 mile\"; write a number with B, kB, MB, GB, KiB, MiB or GiB, like \"1MiB\"
config.toml:14:10: `limits.series` is 0; it must be from 1 to 1000000
config.toml:16:1: unknown key `receiver.pager`; known keys: alertmanager, webhook, slack, pagerduty, command, stdout, heartbeat
config.toml:19:1: `provider`: unknown key `host`; did you mean `hosts`?
config.toml:21:6: `alerting.by` must be [\"provider\"] or [\"provider\", \"service\"]",
    );
}

#[test]
fn a_table_in_the_wrong_form_is_reported_with_the_right_form() {
    check(
        "[source]\nfile = \"x\"",
        "config.toml:2:8: `source.file` must be an array of tables, not a value of type string: write [[source.file]]",
    );
    check(
        "http = 1\n[[source.file]]\npaths=[\"/x\"]",
        "config.toml:1:8: `http` must be a table, not a value of type integer: write [http]",
    );
    check(
        "",
        "nothing to read: add a [[source.file]] with `paths` to the configuration, or use --file, --tcp, --http or --stdin",
    );
    check(
        &format!("{APP}name = \"a\"\n{APP}name = \"a\""),
        "config.toml:6:8: two sources are named `a`; give each its own name",
    );
}

#[test]
fn a_syntax_error_is_reported_with_its_line() {
    let message = load(&format!("{APP}[http\nlisten = 1"), &Flags::default()).expect_err("refused");
    assert!(message.starts_with("config.toml:3:6: "), "{message}");
}
