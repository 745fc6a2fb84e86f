//! The page of metrics: how a tally and a snapshot appear on it.

use crate::tool;
use llm_triage::alert::{Alert, RowId, State, Transition};
use llm_triage::framing::LossReason;
use llm_triage::metrics::family::{FAMILIES, Kind};
use llm_triage::metrics::{Format, Limits, Metrics, Names, Recorder, SourceValues};
use llm_triage::observation::{Name, PatternId, SourceId};
use llm_triage::pipeline::{ErrorKey, Snapshot, SourceCounters, SourceView, Tally, UnknownView, WindowView};
use llm_triage::taxonomy::{
    Category, Ending, Outcome, Owner, Provider, ProviderSpec, Providers, Retry, Severity, Status, StatusLabel,
};
use llm_triage::time::Timestamp;
use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;

const NOW: Timestamp = Timestamp::from_second(1_800_000_000);

fn providers() -> Providers {
    let spec = |id: &str| ProviderSpec { id: id.to_owned(), ..ProviderSpec::default() };
    Providers::new([spec("openai"), spec("anthropic")]).expect("good ids")
}

fn openai() -> Provider {
    providers().by_name("openai").expect("just added")
}

fn names(patterns: &[&str], rows: &[&str]) -> Names {
    Names::new(&providers(), patterns.to_vec(), rows.to_vec(), vec!["app"])
}

fn start() -> (Arc<Metrics>, Recorder) {
    Metrics::new(names(&["quota", "overloaded"], &["billing", "rate-limit"]), Limits::default(), NOW)
}

fn error(status: Status) -> ErrorKey {
    ErrorKey {
        provider: openai(),
        status: status.label(),
        category: Category::RateLimitCapacity,
        owner: Owner::Provider,
        retry: Retry::Yes,
    }
}

fn alert(state: State) -> Alert {
    Alert {
        name: "LLMRateLimit".to_owned(),
        row: "rate-limit".to_owned(),
        provider: "openai".to_owned(),
        service: None,
        severity: Severity::Warning,
        state,
        since: NOW,
        fired_at: Some(NOW),
        quiet_until: None,
        resolved_at: None,
        reason: None,
        failures: 12,
        per_minute: 4.0,
        share: Some(0.5),
        summary: "s".to_owned(),
        description: "d".to_owned(),
        next_step: "n".to_owned(),
        fix: "f".to_owned(),
        evidence: "e".to_owned(),
        runbook_url: "https://example.org".to_owned(),
        error_url: String::new(),
    }
}

/// The value of a series, found by its full name and labels.
fn value(page: &str, series: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')).map(|text| {
        let number = text.split(' ').next().expect("split yields one part");
        number.parse().expect("a sample ends in a number")
    })
}

fn check(page: &str, series: &str, expected: impl Into<Option<f64>>) {
    assert_eq!(value(page, series), expected.into(), "{series} in\n{page}");
}

fn classic(metrics: &Metrics) -> String {
    metrics.render(Format::Classic, NOW)
}

/// A tally with a value in every field.
fn full_tally() -> Tally {
    let (p, app) = (openai(), SourceId(0));
    let mut tally = Tally::default();
    tally.calls.insert((p, Outcome::Success), 90);
    tally.calls.insert((p, Outcome::Error), 10);
    tally.answers.insert((p, Ending::Truncated), 4);
    tally.errors.insert(error(Status::Http(429)), 7);
    tally.rows.insert((RowId(1), p), 7);
    tally.attempts.insert((p, Outcome::Error), 3);
    tally.attempt_errors.insert((p, Status::Timeout.label(), Category::NetworkInfrastructure), 3);
    tally.patterns.insert((p, PatternId(0)), 5);
    tally.model_calls.insert((p, Name::new("gpt-5"), Outcome::Success), 90);
    tally.model_errors.insert((p, Name::new("gpt-5"), Category::Auth), 1);
    tally.service_calls.insert((Name::new("check\"out\\\n"), p, Outcome::Success), 90);
    tally.service_errors.insert((Name::new("checkout"), p, Category::Auth), 1);
    tally.durations_s.extend([(p, Outcome::Success, 0.3), (p, Outcome::Success, 700.0), (p, Outcome::Success, f64::NAN)]);
    tally.waits_s.extend([(p, 20.0), (p, 86_400.0)]);
    tally.unknown.insert(p, 2);
    tally.unrecognised.insert(app, 4);
    tally.records.insert((app, Outcome::Other), 100);
    tally.sources.insert(app, SourceCounters { bytes: 1_000, lines: 30, events: 20, blank_lines: 1 });
    tally.lost_bytes.insert((app, LossReason::Truncated), 99);
    tally.partial_lines.insert((app, LossReason::TooLong), 1);
    tally.discarded_lines.insert((app, LossReason::Malformed), 2);
    tally.exemplars.push((error(Status::Http(429)), "req_011".to_owned()));
    (tally.late, tally.skewed, tally.redactions, tally.overflowed) = (1, 2, 3, 4);
    tally
}

fn window(status: Option<StatusLabel>, window: &'static str, errors: u64, calls: u64) -> WindowView {
    let ratio = status.is_none().then(|| errors as f64 / calls as f64);
    WindowView { provider: openai(), status, window, errors, calls, ratio }
}

fn full_snapshot() -> Snapshot {
    Snapshot {
        trends: Vec::new(),
        unread_records: 0,
        unread: Vec::new(),
        at: NOW,
        windows: vec![
            window(Some(Status::Http(429).label()), "15m", 6, 0),
            window(Some(Status::Http(429).label()), "1h", 7, 0),
            window(None, "1h", 10, 100),
        ],
        alerts: vec![alert(State::Firing)],
        storms: vec![(RowId(1), openai(), 31.0, 12)],
        last_failures: vec![(RowId(1), openai(), NOW)],
        findings: Vec::new(),
        unknown: vec![UnknownView {
            provider: openai(),
            template: "no <*>".to_owned(),
            count: 2,
            first: NOW,
            last: NOW,
            example: "no way".to_owned(),
        }],
        sources: vec![SourceView {
            name: "app".to_owned(),
            last_read: Some(NOW),
            last_event: Some(NOW),
            event_lag_s: 0.5,
            was_current: true,
            ..SourceView::default()
        }],
    }
}

/// Metrics in which every family has a series.
fn full() -> (Arc<Metrics>, Recorder) {
    let (metrics, mut recorder) = start();
    recorder.add(&full_tally(), NOW);
    recorder.publish(Arc::new(full_snapshot()));
    recorder.transition(&Transition { at: NOW, from: State::Pending, to: State::Firing, alert: alert(State::Firing) });
    metrics.checkpoint_written(NOW.minus(std::time::Duration::from_secs(5)));
    (metrics, recorder)
}

#[test]
fn the_table_follows_the_naming_rules() {
    let mut seen = BTreeSet::new();
    for family in FAMILIES {
        assert!(seen.insert(family.name), "{} is in the table twice", family.name);
        assert!(family.name.starts_with("llm_triage_") || family.name.starts_with("process_"), "{}", family.name);
        assert_eq!(family.name.ends_with("_total"), family.kind == Kind::Counter, "{}", family.name);
        assert!(family.help.ends_with('.') && !family.help.contains(['"', '\\', '\n']), "{}: {}", family.name, family.help);
    }
}

#[test]
fn the_page_contains_exactly_the_names_of_the_table() {
    let (metrics, _recorder) = full();
    let (_source, _receiver) = (metrics.source("app"), metrics.receiver("slack"));
    let page = classic(&metrics);
    let shown: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let table: BTreeSet<&str> = FAMILIES.iter().map(|family| family.name).collect();
    assert_eq!(shown, table);
}

#[test]
fn a_tally_is_added_to_its_series() {
    let (metrics, mut recorder) = full();
    recorder.add(&full_tally(), NOW);
    let page = classic(&metrics);
    let row = |series: &str, expected: f64| check(&page, series, expected);
    row(r#"llm_triage_requests_total{provider="openai",outcome="error"}"#, 20.0);
    row(
        r#"llm_triage_errors_total{provider="openai",status="429",category="rate-limit-capacity",owner="provider",retry="yes"}"#,
        14.0,
    );
    row(r#"llm_triage_answers_total{provider="openai",ending="truncated"}"#, 8.0);
    row(r#"llm_triage_row_errors_total{row="rate-limit",provider="openai"}"#, 14.0);
    row(r#"llm_triage_attempt_errors_total{provider="openai",status="timeout",category="network-infrastructure"}"#, 6.0);
    row(r#"llm_triage_pattern_matches_total{provider="openai",pattern="quota"}"#, 10.0);
    row(r#"llm_triage_model_requests_total{provider="openai",model="gpt-5",outcome="success"}"#, 180.0);
    row(r#"llm_triage_service_requests_total{service="check\"out\\ ",provider="openai",outcome="success"}"#, 180.0);
    row(r#"llm_triage_request_duration_seconds_bucket{provider="openai",outcome="success",le="0.5"}"#, 2.0);
    row(r#"llm_triage_request_duration_seconds_bucket{provider="openai",outcome="success",le="600.0"}"#, 2.0);
    row(r#"llm_triage_request_duration_seconds_bucket{provider="openai",outcome="success",le="+Inf"}"#, 4.0);
    row(r#"llm_triage_request_duration_seconds_count{provider="openai",outcome="success"}"#, 4.0);
    row(r#"llm_triage_request_duration_seconds_sum{provider="openai",outcome="success"}"#, 1_400.6);
    row(r#"llm_triage_retry_after_seconds_count{provider="openai"}"#, 2.0);
    row(r#"llm_triage_source_lost_bytes_total{source="app",reason="truncated"}"#, 198.0);
    row(r#"llm_triage_lines_discarded_total{source="app",reason="malformed"}"#, 4.0);
    row("llm_triage_clock_skew_total", 4.0);
    row("llm_triage_series_overflow_total", 8.0);
    row("llm_triage_checkpoint_age_seconds", 5.0);
}

/// The series on a page, without those of the process.
fn series_of(page: &str) -> usize {
    page.lines().filter(|line| !line.starts_with(['#']) && !line.starts_with("process_")).count()
}

#[test]
fn a_provider_has_series_at_zero_from_the_first_time_that_it_is_seen() {
    let check_born = |page: &str, provider: &str, expected: Option<f64>| {
        for outcome in ["success", "error"] {
            check(page, &format!(r#"llm_triage_attempts_total{{provider="{provider}",outcome="{outcome}"}}"#), expected);
        }
        check(page, &format!(r#"llm_triage_requests_total{{provider="{provider}",outcome="error"}}"#), expected);
        check(page, &format!(r#"llm_triage_unknown_errors_total{{provider="{provider}"}}"#), expected);
    };
    let (metrics, mut recorder) = start();
    let fresh = classic(&metrics);
    assert!(!fresh.contains("provider="), "{fresh}");
    assert!(!fresh.contains("reason="), "{fresh}");
    check(&fresh, "llm_triage_checkpoint_failures_total", 0.0);

    let mut tally = Tally::default();
    tally.calls.insert((openai(), Outcome::Success), 3);
    recorder.add(&tally, NOW);
    let page = classic(&metrics);
    check(&page, r#"llm_triage_requests_total{provider="openai",outcome="success"}"#, 3.0);
    check_born(&page, "openai", Some(0.0));
    check_born(&page, "anthropic", None);
    assert_eq!(series_of(&page), series_of(&fresh) + 5, "nothing else is born:\n{page}");

    // After a restart, the windows and the latest failures are known before the first line is read.
    let anthropic = providers().by_name("anthropic").expect("just added");
    recorder.publish(Arc::new(Snapshot { at: NOW, last_failures: vec![(RowId(0), anthropic, NOW)], ..Snapshot::default() }));
    let page = classic(&metrics);
    check_born(&page, "anthropic", Some(0.0));
    let last = r#"llm_triage_row_last_failure_timestamp_seconds{row="billing",provider="anthropic"}"#;
    check(&page, last, NOW.as_secs_f64());
    recorder.publish(Arc::new(Snapshot { windows: vec![window(None, "1h", 0, 1)], ..Snapshot::default() }));
    check(&classic(&metrics), r#"llm_triage_requests_total{provider="openai",outcome="success"}"#, 3.0);
}

#[test]
fn a_storm_and_an_alert_stay_on_the_page_for_one_keep_firing_after_their_end() {
    let keep = [300, 600].map(std::time::Duration::from_secs);
    let (metrics, mut recorder) =
        Metrics::new(names(&[], &["billing", "rate-limit"]).with_keep_firing(keep), Limits::default(), NOW);
    let at = |seconds: u64| NOW.plus(std::time::Duration::from_secs(seconds));
    let storm = r#"llm_triage_row_storm_seconds{row="rate-limit",provider="openai"}"#;
    let state = r#"llm_triage_alert_state{row="rate-limit",provider="openai",severity="warning",state="firing"}"#;
    let mut check_at = |seconds: u64, snapshot: Snapshot, length: Option<f64>, firing: Option<f64>| {
        recorder.publish(Arc::new(Snapshot { at: at(seconds), ..snapshot }));
        let page = classic(&metrics);
        check(&page, storm, length);
        let failures = length.map(|length| if length > 0.0 { 9.0 } else { 0.0 });
        check(&page, r#"llm_triage_row_storm_failures{row="rate-limit",provider="openai"}"#, failures);
        check(&page, state, firing);
    };
    let open = |length: f64| vec![(RowId(1), openai(), length, 9)];
    check_at(0, Snapshot::default(), None, None);
    check_at(
        30,
        Snapshot { storms: open(30.0), alerts: vec![alert(State::Firing)], ..Snapshot::default() },
        Some(30.0),
        Some(1.0),
    );
    let over = || {
        let resolved = Alert { resolved_at: Some(at(60)), ..alert(State::Resolved) };
        Snapshot { alerts: vec![resolved], ..Snapshot::default() }
    };
    check_at(60, over(), Some(0.0), Some(0.0));
    check_at(630, over(), Some(0.0), Some(0.0));
    check_at(631, over(), None, Some(0.0));
    check_at(660, over(), None, Some(0.0));
    check_at(661, over(), None, None);
}

#[test]
fn gauges_show_only_the_latest_snapshot() {
    let (metrics, mut recorder) = full();
    let page = classic(&metrics);
    check(&page, r#"llm_triage_row_storm_seconds{row="rate-limit",provider="openai"}"#, 31.0);
    check(&page, r#"llm_triage_window_errors{provider="openai",status="429",window="1h"}"#, 7.0);
    check(&page, r#"llm_triage_window_errors{provider="openai",status="429",window="1m"}"#, 0.0);
    check(&page, r#"llm_triage_window_requests{provider="openai",window="5m"}"#, 0.0);
    check(&page, r#"llm_triage_window_error_ratio{provider="openai",window="1h"}"#, 0.1);
    check(&page, r#"llm_triage_window_error_ratio{provider="openai",window="5m"}"#, None);
    check(&page, r#"llm_triage_alert_state{row="rate-limit",provider="openai",severity="warning",state="firing"}"#, 1.0);
    check(&page, r#"llm_triage_alert_state{row="rate-limit",provider="openai",severity="warning",state="pending"}"#, 0.0);
    check(&page, r#"llm_triage_unknown_groups{provider="openai"}"#, 1.0);

    recorder.publish(Arc::default());
    let page = classic(&metrics);
    for gone in ["llm_triage_window_", "llm_triage_alert_state", "llm_triage_unknown_groups", "llm_triage_source_event_lag"] {
        assert!(!page.contains(gone), "{gone} is still on the page:\n{page}");
    }
    check(&page, r#"llm_triage_row_storm_seconds{row="rate-limit",provider="openai"}"#, 0.0);
}

#[test]
fn a_resolved_alert_is_neither_pending_nor_firing() {
    let (metrics, mut recorder) = start();
    recorder.publish(Arc::new(Snapshot { alerts: vec![alert(State::Resolved)], ..Snapshot::default() }));
    let page = classic(&metrics);
    for state in ["pending", "firing"] {
        let series =
            format!(r#"llm_triage_alert_state{{row="rate-limit",provider="openai",severity="warning",state="{state}"}}"#);
        check(&page, &series, 0.0);
    }
}

#[test]
fn a_model_gets_a_series_with_its_first_success() {
    let (metrics, mut recorder) = start();
    let count = |recorder: &mut Recorder, model: &str, outcome| {
        let mut tally = Tally::default();
        tally.model_calls.insert((openai(), Name::new(model), outcome), 1);
        recorder.add(&tally, NOW);
    };
    count(&mut recorder, "typo", Outcome::Error);
    count(&mut recorder, "gpt-5", Outcome::Error);
    count(&mut recorder, "gpt-5", Outcome::Success);
    count(&mut recorder, "gpt-5", Outcome::Error);
    count(&mut recorder, "", Outcome::Error);
    for n in 0..60 {
        count(&mut recorder, &format!("model-{n}"), Outcome::Success);
    }
    let page = classic(&metrics);
    check(&page, r#"llm_triage_model_requests_total{provider="openai",model="gpt-5",outcome="error"}"#, 1.0);
    check(&page, r#"llm_triage_model_requests_total{provider="openai",model="overflow",outcome="error"}"#, 2.0);
    check(&page, r#"llm_triage_model_requests_total{provider="openai",model="none",outcome="error"}"#, 1.0);
    check(&page, r#"llm_triage_model_requests_total{provider="openai",model="overflow",outcome="success"}"#, 11.0);
    check(&page, "llm_triage_series_overflow_total", 13.0);
}

#[test]
fn a_flood_of_services_and_statuses_is_counted_as_overflow_and_keeps_the_usual_series() {
    let (metrics, mut recorder) = Metrics::new(names(&[], &[]), Limits { series: 10 }, NOW);
    let mut flood = Tally::default();
    for n in 0..1_000u32 {
        flood.service_calls.insert((Name::new(&format!("pod-{n}")), openai(), Outcome::Success), 1);
    }
    let is_unusual =
        |code: &u16| ![500, 501, 502, 503, 504, 507, 520, 521, 522, 523, 524, 525, 526, 527, 528, 529, 530].contains(code);
    for code in (500..600).filter(is_unusual) {
        flood.errors.insert(error(Status::Http(code)), 1);
    }
    recorder.add(&flood, NOW);
    let mut after = Tally::default();
    after.errors.insert(error(Status::Http(529)), 1);
    recorder.add(&after, NOW);
    let page = classic(&metrics);
    let series = |prefix: &str| page.lines().filter(|line| line.starts_with(prefix)).count();
    assert_eq!(series("llm_triage_service_requests_total{"), 11, "ten and the overflow");
    assert_eq!(series("llm_triage_errors_total{"), 12, "ten unusual ones, the overflow, and the 529 with its reserved series");
    check(&page, r#"llm_triage_service_requests_total{service="overflow",provider="openai",outcome="success"}"#, 990.0);
    check(
        &page,
        r#"llm_triage_errors_total{provider="openai",status="529",category="rate-limit-capacity",owner="provider",retry="yes"}"#,
        1.0,
    );
    check(&page, "llm_triage_series_overflow_total", 990.0 + 73.0);
}

#[test]
fn counters_survive_a_reload_that_moves_rows_and_patterns() {
    let (metrics, mut recorder) = full();
    recorder.rename(names(&["new", "quota"], &["new-row", "billing", "rate-limit"]));
    let mut tally = Tally::default();
    tally.patterns.insert((openai(), PatternId(1)), 1);
    tally.rows.insert((RowId(2), openai()), 1);
    recorder.add(&tally, NOW);
    recorder.publish(Arc::default());
    let page = classic(&metrics);
    check(&page, r#"llm_triage_pattern_matches_total{provider="openai",pattern="quota"}"#, 6.0);
    check(&page, r#"llm_triage_row_errors_total{row="rate-limit",provider="openai"}"#, 8.0);
    check(&page, r#"llm_triage_row_errors_total{row="new-row",provider="openai"}"#, None);
    check(&page, "llm_triage_rows_loaded", 3.0);
}

#[test]
fn a_series_counts_only_once_towards_the_cap_after_a_reload() {
    let (metrics, mut recorder) = Metrics::new(names(&["a", "b"], &[]), Limits { series: 2 }, NOW);
    for _ in 0..5 {
        let mut tally = Tally::default();
        tally.patterns.insert((openai(), PatternId(0)), 1);
        tally.patterns.insert((openai(), PatternId(1)), 1);
        recorder.add(&tally, NOW);
        recorder.rename(names(&["a", "b"], &[]));
    }
    check(&classic(&metrics), r#"llm_triage_pattern_matches_total{provider="openai",pattern="b"}"#, 5.0);
}

#[test]
fn gauges_of_a_source_and_a_receiver_exist_as_long_as_their_holders() {
    let (metrics, _recorder) = start();
    let (source, receiver) = (metrics.source("app"), metrics.receiver("slack"));
    source.set(SourceValues { lag_bytes: 7, files: 2, ..SourceValues::default() });
    receiver.set_queue(3);
    receiver.sent();
    receiver.rejected();
    let page = classic(&metrics);
    check(&page, r#"llm_triage_source_lag_bytes{source="app"}"#, 7.0);
    check(&page, r#"llm_triage_source_files{source="app"}"#, 2.0);
    check(&page, r#"llm_triage_notification_queue_length{receiver="slack"}"#, 3.0);
    check(&page, r#"llm_triage_notifications_total{receiver="slack",result="sent"}"#, 1.0);
    check(&page, r#"llm_triage_notifications_total{receiver="slack",result="dropped"}"#, 0.0);

    let successor = metrics.source("app");
    successor.set(SourceValues { files: 1, ..SourceValues::default() });
    drop((source, receiver));
    let page = classic(&metrics);
    check(&page, r#"llm_triage_source_files{source="app"}"#, 1.0);
    assert!(!page.contains("llm_triage_notification_queue_length"));
    check(&page, r#"llm_triage_notifications_total{receiver="slack",result="sent"}"#, 1.0);
}

#[test]
fn a_failed_reload_keeps_the_time_of_the_last_success() {
    let (metrics, _recorder) = start();
    metrics.reloaded(false, NOW.plus(std::time::Duration::from_mins(1)));
    let page = classic(&metrics);
    check(&page, "llm_triage_config_last_reload_successful", 0.0);
    check(&page, "llm_triage_config_last_reload_success_timestamp_seconds", NOW.as_secs_f64());
}

#[test]
fn only_short_exemplars_are_shown_and_only_in_open_metrics() {
    let (metrics, mut recorder) = full();
    let page = metrics.render(Format::OpenMetrics, NOW);
    let exemplar = r##"retry="yes"} 7 # {request_id="req_011"} 1 1800000000"##;
    assert!(page.contains(exemplar), "{page}");
    assert!(page.ends_with("\n# EOF\n"));
    assert!(!classic(&metrics).contains("req_011"));

    for unfit in ["x".repeat(119), "xxx\"".to_owned(), "xxx\nxxx".to_owned(), "xxx é".to_owned()] {
        let mut tally = full_tally();
        tally.exemplars = vec![(error(Status::Http(429)), unfit.clone())];
        recorder.add(&tally, NOW);
        let page = metrics.render(Format::OpenMetrics, NOW);
        assert!(!page.contains("xxx"), "{unfit:?} is not a valid exemplar:\n{page}");
    }
}

#[test]
fn the_format_is_the_one_that_the_client_prefers() {
    let check = |accept: &str, expected| assert_eq!(Format::negotiate(Some(accept)), expected, "{accept}");
    assert_eq!(Format::negotiate(None), Format::Classic);
    check("", Format::Classic);
    check("*/*", Format::Classic);
    check("text/html,application/xhtml+xml,*/*;q=0.8", Format::Classic);
    check("application/openmetrics-text", Format::OpenMetrics);
    check(
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,\
         application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,\
         text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        Format::OpenMetrics,
    );
    check("application/openmetrics-text; version=1.0.0; q=0.3, text/plain;version=0.0.4;q=0.5", Format::Classic);
    check("application/openmetrics-text;q=0, */*", Format::Classic);
    check("application/openmetrics-text;version=2.0.0", Format::Classic);
    check("application/openmetrics-text;q=nonsense", Format::Classic);
}

#[test]
fn promtool_accepts_the_classic_text() {
    let Some(promtool) = tool::find("promtool") else { return };
    let (metrics, _recorder) = full();
    let (_source, _receiver) = (metrics.source("app"), metrics.receiver("slack"));
    let (is_success, output) = tool::run(Command::new(promtool).args(["check", "metrics"]), &classic(&metrics));
    assert!(is_success && output.is_empty(), "{output}");
}

#[test]
fn the_strict_parser_accepts_the_open_metrics_text() {
    let Some(python) = tool::find("python3") else { return };
    if !tool::run(Command::new(&python).args(["-c", "import prometheus_client"]), "").0 {
        return tool::missing("the Python package prometheus-client");
    }
    let (metrics, _recorder) = full();
    let (_source, _receiver) = (metrics.source("app"), metrics.receiver("slack"));
    let script = "import sys\n\
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\n\
        for family in parse(sys.stdin.read()):\n    print(family.name, len(family.samples))\n";
    let (is_success, output) = tool::run(Command::new(python).args(["-c", script]), &metrics.render(Format::OpenMetrics, NOW));
    assert!(is_success, "{output}");
    assert_eq!(output.lines().count(), FAMILIES.len(), "{output}");
}
