//! Receivers: what they are notified of, when, and what happens when they fail.

use crate::peer::{PATIENCE, Peer, answer};
use crate::tool;
use llm_triage::alert::{Alert, Reason, State, Transition};
use llm_triage::delivery::{
    Clock, Delivery, Failure, Identity, Outbox, Receiver, ReceiverOptions, SendError, notify_test, receivers_schema,
};
use llm_triage::metrics::{Format, Limits, Metrics, Names};
use llm_triage::taxonomy::{ProviderSpec, Providers, Severity};
use llm_triage::time::Timestamp;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::sync::oneshot;

const NOW: Timestamp = Timestamp::from_second(1_800_000_000);

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn identity() -> Identity {
    Identity { instance: "host-1".to_owned(), url: "http://host-1:10529/".to_owned() }
}

fn alert(row: &str, provider: &str) -> Alert {
    Alert {
        name: format!("LLM{row}"),
        row: row.to_owned(),
        provider: provider.to_owned(),
        service: None,
        severity: Severity::Warning,
        state: State::Firing,
        since: NOW,
        fired_at: Some(NOW),
        quiet_until: None,
        resolved_at: None,
        reason: None,
        failures: 12,
        per_minute: 4.0,
        share: Some(0.5),
        summary: format!("{row} at {provider}"),
        description: "12 calls failed".to_owned(),
        next_step: "switch provider".to_owned(),
        fix: "raise the limit".to_owned(),
        evidence: "429 <x> & more".to_owned(),
        runbook_url: "https://example.org/runbook".to_owned(),
        error_url: "https://example.org/error".to_owned(),
    }
}

fn firing(alert: Alert) -> Transition {
    Transition { at: NOW, from: State::Pending, to: State::Firing, alert }
}

fn resolved(mut alert: Alert, at: Timestamp) -> Transition {
    (alert.state, alert.resolved_at, alert.reason) = (State::Resolved, Some(at), Some(Reason::Recovered));
    Transition { at, from: State::Firing, to: State::Resolved, alert }
}

fn rows() -> Vec<(String, Severity)> {
    ["auth", "rate-limit", "overloaded"].map(|row| (row.to_owned(), Severity::Critical)).to_vec()
}

fn receivers(options: &str) -> Vec<Receiver> {
    let options: ReceiverOptions = toml::from_str(options).expect("good options");
    options.resolve(None, Some(&rows())).expect("good receivers")
}

fn outbox(options: &str) -> Outbox {
    receivers(options)[0].outboxes(&identity(), 7).remove(0)
}

const ALERTMANAGER: &str = "[[alertmanager]]\nurls = ['http://am:9093']";
const WEBHOOK: &str = "[[webhook]]\nurl = 'http://hook/path'";

/// The alerts of the message that is due at `now`, as `row provider status`. The message is then in flight.
fn in_flight(outbox: &mut Outbox, now: Timestamp) -> Vec<String> {
    let Some(message) = outbox.due(now) else { return Vec::new() };
    let body: Value = serde_json::from_slice(&message.body).expect("JSON");
    let alerts = if body.is_array() { &body } else { &body["alerts"] };
    let now = now.to_string();
    let sent: Vec<String> = alerts
        .as_array()
        .expect("a list of alerts")
        .iter()
        .map(|alert| {
            let ends_at = alert["endsAt"].as_str().expect("a time");
            let is_over = if alert["status"].is_null() { *ends_at <= *now } else { alert["status"] == "resolved" };
            let text = |name: &str| alert["labels"][name].as_str().expect("a label").to_owned();
            format!("{} {} {}", text("row"), text("provider"), if is_over { "resolved" } else { "firing" })
        })
        .collect();
    assert_eq!(sent.len(), message.alerts);
    sent
}

/// The alerts of the message that is due at `now`, which the receiver accepts.
fn delivered(outbox: &mut Outbox, now: Timestamp) -> Vec<String> {
    let sent = in_flight(outbox, now);
    outbox.sent(now);
    sent
}

fn busy() -> Failure {
    later(None)
}

fn later(after: Option<Duration>) -> Failure {
    Failure::Retry { error: refusal(), after }
}

fn refusal() -> SendError {
    SendError::Status { authority: "am:9093".to_owned(), code: 503, body: "busy".to_owned() }
}

#[test]
fn an_alertmanager_gets_every_alert_each_minute_until_15_minutes_after_its_end() {
    let mut outbox = outbox(ALERTMANAGER);
    outbox.on_transition(&firing(alert("auth", "openai")), NOW);
    assert_eq!(delivered(&mut outbox, NOW), ["auth openai firing"]);
    assert_eq!(delivered(&mut outbox, after(59)), [""; 0]);
    assert_eq!(outbox.next_due(after(59)), Some(Duration::from_secs(1)));
    assert_eq!(delivered(&mut outbox, after(60)), ["auth openai firing"]);
    outbox.on_transition(&resolved(alert("auth", "openai"), after(70)), after(70));
    assert_eq!(delivered(&mut outbox, after(70)), ["auth openai resolved"], "an end is sent at once");
    let mut resent = 0;
    for second in 71..5_000 {
        resent += delivered(&mut outbox, after(second)).len();
    }
    assert_eq!(resent, 14, "a minute apart for 15 minutes");
    assert_eq!(outbox.next_due(after(5_000)), None);
}

#[test]
fn the_start_is_fixed_and_the_end_is_four_resends_ahead() {
    let mut outbox = outbox(ALERTMANAGER);
    outbox.on_transition(&firing(alert("auth", "openai")), after(3));
    for second in [3, 63, 123] {
        let message = outbox.due(after(second)).expect("a minute has passed");
        let body: Value = serde_json::from_slice(&message.body).expect("JSON");
        assert_eq!(body[0]["startsAt"], NOW.to_string());
        assert_eq!(body[0]["endsAt"], after(second + 240).to_string());
        outbox.sent(after(second));
    }
}

#[test]
fn labels_identify_an_alert_and_none_is_empty() {
    let mut with_service = alert("auth", "openai");
    with_service.service = Some("checkout".to_owned());
    let labels = |alert: Alert| {
        let mut outbox = outbox(ALERTMANAGER);
        outbox.on_transition(&firing(alert), NOW);
        let body: Value = serde_json::from_slice(&outbox.due(NOW).expect("a message is due").body).expect("JSON");
        body[0].clone()
    };
    let sent = labels(alert("auth", "openai"));
    let expected =
        json!({"alertname": "LLMauth", "row": "auth", "provider": "openai", "severity": "warning", "instance": "host-1"});
    assert_eq!(sent["labels"], expected);
    assert_eq!(sent["annotations"]["next_step"], "switch provider");
    assert_eq!(sent["generatorURL"], "http://host-1:10529/");
    assert_eq!(labels(with_service)["labels"]["service"], "checkout");

    let mut nameless = outbox(ALERTMANAGER);
    assert_eq!(nameless.on_transition(&firing(alert("auth", "")), NOW), 1, "counted, as it cannot be sent");
    assert_eq!(nameless.due(NOW), None);
}

#[test]
fn a_webhook_gets_changes_and_a_repeat_after_four_hours() {
    let mut outbox = outbox(WEBHOOK);
    outbox.on_transition(&firing(alert("auth", "openai")), NOW);
    assert_eq!(delivered(&mut outbox, NOW), ["auth openai firing"]);
    let mut again = Vec::new();
    for minute in 1..(9 * 60) {
        if !delivered(&mut outbox, after(minute * 60)).is_empty() {
            again.push(minute);
        }
    }
    assert_eq!(again, [240, 480]);
    outbox.on_transition(&resolved(alert("auth", "openai"), after(40_000)), after(40_000));
    assert_eq!(delivered(&mut outbox, after(40_000)), ["auth openai resolved"]);
    assert_eq!(delivered(&mut outbox, after(100_000)), [""; 0]);
}

#[test]
fn firing_rows_of_one_provider_are_one_message() {
    let mut outbox = outbox(WEBHOOK);
    for (row, provider) in [("auth", "openai"), ("rate-limit", "groq"), ("rate-limit", "openai")] {
        outbox.on_transition(&firing(alert(row, provider)), NOW);
    }
    assert_eq!(delivered(&mut outbox, NOW), ["auth openai firing", "rate-limit openai firing"]);
    assert_eq!(delivered(&mut outbox, NOW), ["rate-limit groq firing"]);
    assert_eq!(delivered(&mut outbox, NOW), [""; 0]);
    outbox.on_transition(&resolved(alert("auth", "openai"), after(9)), after(9));
    assert_eq!(delivered(&mut outbox, after(9)), ["auth openai resolved", "rate-limit openai firing"]);
    outbox.on_transition(&resolved(alert("rate-limit", "openai"), after(10)), after(10));
    assert_eq!(delivered(&mut outbox, after(10)), ["rate-limit openai resolved"], "a resolved alert is not sent again");
}

#[test]
fn a_flapping_alert_is_sent_in_its_latest_state_and_the_skipped_end_is_counted() {
    let mut outbox = outbox(WEBHOOK);
    outbox.on_transition(&firing(alert("auth", "openai")), NOW);
    in_flight(&mut outbox, NOW);
    outbox.failed(&busy(), NOW);
    assert_eq!(outbox.on_transition(&resolved(alert("auth", "openai"), NOW), NOW), 0);
    assert_eq!(outbox.on_transition(&firing(alert("auth", "openai")), NOW), 1, "the end was skipped");
    assert_eq!(outbox.on_transition(&resolved(alert("auth", "openai"), after(1)), after(1)), 0);
    assert_eq!(delivered(&mut outbox, after(5)), ["auth openai resolved"]);
}

#[test]
fn a_change_during_a_message_in_flight_is_sent_next() {
    let mut outbox = outbox(WEBHOOK);
    outbox.on_transition(&firing(alert("auth", "openai")), NOW);
    assert_eq!(in_flight(&mut outbox, NOW), ["auth openai firing"]);
    outbox.on_transition(&resolved(alert("auth", "openai"), NOW), NOW);
    assert_eq!(outbox.due(NOW), None, "one message at a time");
    assert_eq!(outbox.next_due(NOW), None);
    outbox.sent(NOW);
    assert_eq!(delivered(&mut outbox, NOW), ["auth openai resolved"]);
}

#[test]
fn failed_messages_are_retried_with_back_off() {
    let mut outbox = outbox(ALERTMANAGER);
    outbox.on_transition(&firing(alert("auth", "openai")), NOW);
    let mut now = NOW;
    let mut waits = Vec::new();
    for _ in 0..10 {
        assert_eq!(in_flight(&mut outbox, now), ["auth openai firing"]);
        outbox.failed(&busy(), now);
        let wait = outbox.next_due(now).expect("it is retried");
        assert_eq!(outbox.due(now.plus(wait - Duration::from_millis(1))), None);
        now = now.plus(wait);
        waits.push(wait.as_secs_f64());
    }
    for (wait, full) in waits.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0]) {
        assert!((full / 2.0..=full).contains(wait), "{waits:?}");
    }
    assert_eq!(outbox.failures(), 10);
    delivered(&mut outbox, now);
    assert_eq!(outbox.failures(), 0);
}

#[test]
fn retry_after_is_honoured_up_to_one_hour() {
    let wait = |asked| {
        let mut outbox = outbox(ALERTMANAGER);
        outbox.on_transition(&firing(alert("auth", "openai")), NOW);
        in_flight(&mut outbox, NOW);
        outbox.failed(&later(Some(Duration::from_secs(asked))), NOW);
        outbox.next_due(NOW).expect("it is retried").as_secs()
    };
    assert_eq!(wait(30), 30);
    assert_eq!(wait(1_000_000), 3_600);
}

#[test]
fn a_rejected_message_is_not_retried_before_its_usual_repeat() {
    let mut alertmanager = outbox(ALERTMANAGER);
    alertmanager.on_transition(&firing(alert("auth", "openai")), NOW);
    in_flight(&mut alertmanager, NOW);
    alertmanager.failed(&Failure::Rejected(refusal()), NOW);
    assert_eq!(alertmanager.queue_len(), 0);
    assert_eq!(alertmanager.next_due(NOW), Some(Duration::from_mins(1)));
    let mut webhook = outbox(WEBHOOK);
    webhook.on_transition(&resolved(alert("auth", "openai"), NOW), NOW);
    in_flight(&mut webhook, NOW);
    webhook.failed(&Failure::Rejected(refusal()), NOW);
    assert_eq!(webhook.next_due(NOW), None);
}

#[test]
fn a_clock_that_is_set_back_ends_a_wait() {
    let mut outbox = outbox(ALERTMANAGER);
    outbox.on_transition(&firing(alert("auth", "openai")), NOW);
    assert_eq!(delivered(&mut outbox, NOW), ["auth openai firing"]);
    let an_hour_ago = NOW.minus(Duration::from_hours(1));
    assert_eq!(delivered(&mut outbox, an_hour_ago).len(), 1);
}

#[test]
fn an_outbox_is_bounded_and_never_drops_an_end() {
    let mut outbox = outbox(ALERTMANAGER);
    let mut dropped = 0;
    for n in 0..1_000 {
        dropped += outbox.on_transition(&firing(alert("auth", &format!("p{n}"))), after(n));
    }
    dropped += outbox.on_transition(&resolved(alert("auth", "p0"), after(1_000)), after(1_000));
    assert_eq!(dropped, 0);
    dropped += outbox.on_transition(&firing(alert("auth", "one-too-many")), after(1_001));
    assert_eq!(dropped, 1);
    let mut seen = Vec::new();
    while outbox.queue_len() > 0 {
        let sent = delivered(&mut outbox, after(1_002));
        assert!(sent.len() <= 64);
        seen.extend(sent);
    }
    assert_eq!(seen.len(), 1_000);
    assert!(seen.contains(&"auth p0 resolved".to_owned()), "the oldest firing alert was dropped instead");
    assert!(!seen.contains(&"auth p1 firing".to_owned()));
}

#[test]
fn a_filter_selects_by_severity_and_row() {
    let check = |options: &str, row: &str, severity, expected: usize| {
        let mut outbox = outbox(options);
        let mut alert = alert(row, "openai");
        alert.severity = severity;
        outbox.on_transition(&firing(alert), NOW);
        assert_eq!(outbox.queue_len(), expected, "{options} {row} {severity}");
    };
    let critical = "[[alertmanager]]\nurls = ['http://am']\nmin_severity = 'critical'";
    check(critical, "auth", Severity::Warning, 0);
    check(critical, "auth", Severity::Critical, 1);
    let row = "[[alertmanager]]\nurls = ['http://am']\nrows = ['auth']";
    check(row, "auth", Severity::Info, 1);
    check(row, "rate-limit", Severity::Critical, 0);
}

#[test]
fn after_a_restart_an_alertmanager_is_notified_at_once_and_people_are_not_notified_again() {
    for (options, sent_again) in [(ALERTMANAGER, 1), (WEBHOOK, 0)] {
        let mut before = outbox(options);
        before.on_transition(&firing(alert("auth", "openai")), NOW);
        delivered(&mut before, NOW);
        let text = serde_json::to_string(&before.state()).expect("a state can be written");
        let mut successor = outbox(options);
        successor.restore(serde_json::from_str(&text).expect("and read"));
        assert_eq!(delivered(&mut successor, after(1)).len(), sent_again, "{options}");
        assert_eq!(successor.on_transition(&resolved(alert("auth", "openai"), after(2)), after(2)), 0);
        assert_eq!(delivered(&mut successor, after(2)), ["auth openai resolved"]);
    }
}

#[test]
fn pending_notifications_survive_a_restart() {
    let mut before = outbox(WEBHOOK);
    before.on_transition(&resolved(alert("auth", "openai"), NOW), NOW);
    in_flight(&mut before, NOW);
    let mut successor = outbox(WEBHOOK);
    successor.restore(before.state());
    assert_eq!(delivered(&mut successor, after(1)), ["auth openai resolved"]);
}

#[test]
fn a_refresh_updates_numbers_and_adds_missing_alerts() {
    let mut outbox = outbox(ALERTMANAGER);
    outbox.on_transition(&firing(alert("auth", "openai")), NOW);
    delivered(&mut outbox, NOW);
    let mut newer = alert("auth", "openai");
    newer.summary = "now 50 a minute".to_owned();
    outbox.refresh(&[newer, alert("rate-limit", "groq")], after(1));
    let body = outbox.due(after(1)).expect("the missed one").body;
    assert!(String::from_utf8_lossy(&body).contains("groq"));
    outbox.sent(after(1));
    let body = outbox.due(after(60)).expect("a minute has passed").body;
    assert!(String::from_utf8_lossy(&body).contains("now 50 a minute"));
    outbox.sent(after(60));
    outbox.on_transition(&resolved(alert("auth", "openai"), after(61)), after(61));
    outbox.refresh(&[alert("auth", "openai")], after(61));
    let sent = delivered(&mut outbox, after(61));
    assert_eq!(sent, ["auth openai resolved", "rate-limit groq firing"], "an older snapshot does not restart the alert");
}

#[test]
fn slack_gets_one_readable_message_per_provider() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("slack-url"), "https://hooks.slack.example/services/T0/B0/token\n").expect("a file");
    let options: ReceiverOptions = toml::from_str("[[slack]]\nurl_file = 'slack-url'").expect("good options");
    let receiver = options.resolve(Some(dir.path()), Some(&rows())).expect("good receivers").remove(0);
    assert!(!format!("{receiver:?}").contains("token"), "{receiver:?}");
    let mut outbox = receiver.outboxes(&identity(), 1).remove(0);
    outbox.on_transition(&firing(alert("auth", "openai")), NOW);
    outbox.on_transition(&firing(alert("rate-limit", "openai")), NOW);
    let body: Value = serde_json::from_slice(&outbox.due(NOW).expect("a message is due").body).expect("JSON");
    assert_eq!(body["text"], ":large_orange_circle: openai: 2 firing (warning): auth at openai");
    let text = body["blocks"][1]["text"]["text"].as_str().expect("a section");
    assert_eq!(
        text,
        "*LLMauth* auth at openai\n12 calls failed\n*Next:* switch provider\n*Fix:* raise the limit\n\
         *Evidence:* 429 &lt;x&gt; &amp; more\n<https://example.org/runbook|Runbook> · <https://example.org/error|About this error>"
    );
}

/// Nothing that a log line says notifies a channel, mentions a person or shows a link under other words.
#[test]
fn log_text_is_inert_in_every_chat() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("secret"), "https://hooks.slack.example/services/T0/B0/token\n").expect("a file");
    let hostile = "<!channel> @here <http://evil.example|status> [x](http://evil.example) *now* \u{202e}\u{1b}[2J 额度";
    let texts = || hostile.to_owned();
    let alert = Alert {
        summary: texts(),
        description: texts(),
        next_step: texts(),
        fix: texts(),
        evidence: texts(),
        ..alert("auth", "openai")
    };
    let annotation = "‹!channel› ＠here ‹http://evil.example|status› [x] (http://evil.example) ∗now∗ \\u{202e}\\u{1b}[2J 额度";
    let slack =
        "&lt;!channel&gt; ＠here &lt;http://evil.example|status&gt; [x](http://evil.example) ∗now∗ \\u{202e}\\u{1b}[2J 额度";
    for (options, shown) in [
        (ALERTMANAGER, annotation),
        (WEBHOOK, annotation),
        ("[[slack]]\nurl_file = 'secret'", slack),
        ("[[pagerduty]]\nrouting_key_file = 'secret'\nmin_severity = 'info'", annotation),
    ] {
        let options: ReceiverOptions = toml::from_str(options).expect("good options");
        let receiver = options.resolve(Some(dir.path()), Some(&rows())).expect("good receivers").remove(0);
        let mut outbox = receiver.outboxes(&identity(), 1).remove(0);
        outbox.on_transition(&firing(alert.clone()), NOW);
        let body: Value = serde_json::from_slice(&outbox.due(NOW).expect("a message is due").body).expect("JSON");
        let body = body.to_string().replace(r"\\", r"\");
        assert!(body.contains(shown), "{body}");
        for words in ["<!channel", "@here", "<http://evil", "*now"] {
            assert!(!body.contains(words), "{words}: {body}");
        }
    }
}

#[test]
fn slack_shows_how_an_alert_ended_and_how_long_it_lasted() {
    let (_dir, mut slack) = for_people("slack", "");
    let started = Alert { fired_at: Some(NOW), ..alert("auth", "openai") };
    slack.on_transition(&firing(started.clone()), NOW);
    assert!(headline(&mut slack, NOW).is_some());
    slack.on_transition(&resolved(started, after(720)), after(720));
    let body: Value = serde_json::from_slice(&slack.due(after(720)).expect("a message is due").body).expect("JSON");
    let text = body["blocks"][1]["text"]["text"].as_str().expect("a section");
    assert!(text.contains("Resolved") && text.contains(" after 12m00s.\n"), "{text}");
}

#[test]
fn a_slack_section_stays_below_the_limit_of_slack() {
    let (_dir, mut slack) = for_people("slack", "");
    let long = || "<&>".repeat(2_000);
    let huge = Alert {
        name: long(),
        summary: long(),
        description: long(),
        next_step: long(),
        fix: long(),
        evidence: long(),
        runbook_url: long(),
        error_url: String::new(),
        ..alert("auth", "openai")
    };
    slack.on_transition(&firing(huge), NOW);
    let body: Value = serde_json::from_slice(&slack.due(NOW).expect("a message is due").body).expect("JSON");
    for block in body["blocks"].as_array().expect("blocks") {
        let length = block["text"]["text"].as_str().map_or(0, |text| text.chars().count());
        assert!(length <= 3_000, "{length}");
    }
}

#[test]
fn receivers_of_one_process_do_not_retry_at_the_same_time() {
    let options: ReceiverOptions = toml::from_str(
        "[[webhook]]\nname = 'a'\nurl = 'http://127.0.0.1:1'\n[[webhook]]\nname = 'b'\nurl = 'http://127.0.0.1:1'",
    )
    .expect("good options");
    let waits: Vec<_> = options
        .resolve(None, Some(&rows()))
        .expect("good receivers")
        .iter()
        .map(|receiver| {
            let mut outbox = receiver.outboxes(&identity(), 1).remove(0);
            outbox.on_transition(&firing(alert("auth", "openai")), NOW);
            assert!(outbox.due(NOW).is_some());
            outbox.failed(&later(None), NOW);
            outbox.next_due(NOW)
        })
        .collect();
    assert_ne!(waits[0], waits[1]);
}

/// The outbox of a Slack or PagerDuty receiver, and the directory with its secret.
fn for_people(kind: &str, more: &str) -> (tempfile::TempDir, Outbox) {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("secret"), "https://hooks.example/token\n").expect("a file");
    let key = if kind == "slack" { "url_file" } else { "routing_key_file" };
    let options: ReceiverOptions = toml::from_str(&format!("[[{kind}]]\n{key} = 'secret'\n{more}")).expect("good options");
    let outbox =
        options.resolve(Some(dir.path()), Some(&rows())).expect("a good receiver").remove(0).outboxes(&identity(), 1).remove(0);
    (dir, outbox)
}

/// The headline of the Slack message, or the action and summary of the PagerDuty event, that is due at `now`. It is accepted.
fn headline(outbox: &mut Outbox, now: Timestamp) -> Option<String> {
    let body: Value = serde_json::from_slice(&outbox.due(now)?.body).expect("JSON");
    outbox.sent(now);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let event = || format!("{} {}", text(&body["event_action"]), text(&body["payload"]["summary"])).trim().to_owned();
    Some(body["text"].as_str().map_or_else(event, str::to_owned))
}

/// The headlines of all messages in these seconds, each with its second.
fn headlines(outbox: &mut Outbox, seconds: std::ops::Range<u64>) -> Vec<String> {
    seconds.filter_map(|second| Some(format!("{second} {}", headline(outbox, after(second))?))).collect()
}

fn with_severity(row: &str, provider: &str, severity: Severity) -> Alert {
    Alert { severity, ..alert(row, provider) }
}

#[test]
fn a_bad_hour_of_one_provider_is_one_incident() {
    let (_dir, mut slack) = for_people("slack", "");
    let (_dir, mut pager) = for_people("pagerduty", "min_severity = 'warning'");
    let mut sent: [Vec<String>; 2] = Default::default();
    for (outbox, sent) in [&mut slack, &mut pager].into_iter().zip(&mut sent) {
        let order = |row: &str| ["rate-limit", "timeout", "unavailable"].iter().position(|other| *other == row).unwrap_or(9);
        let fired_at = |row: &str| Some(after(order(row) as u64 * 30));
        let warning = |row: &str| Alert { fired_at: fired_at(row), ..with_severity(row, "openai", Severity::Warning) };
        outbox.on_transition(&firing(warning("rate-limit")), NOW);
        sent.extend(headlines(outbox, 0..30));
        // Two more rows within minutes are sent as one update, five minutes after the first message.
        outbox.on_transition(&firing(warning("timeout")), after(30));
        outbox.on_transition(&firing(warning("unavailable")), after(90));
        sent.extend(headlines(outbox, 30..400));
        // A higher severity is sent at once.
        outbox.on_transition(&firing(with_severity("outage", "openai", Severity::Critical)), after(400));
        sent.extend(headlines(outbox, 400..420));
        // The end of one alert is delayed. The end of the whole incident is sent at once.
        outbox.on_transition(&resolved(warning("timeout"), after(420)), after(420));
        sent.extend(headlines(outbox, 420..500));
        for row in ["rate-limit", "unavailable", "outage"] {
            outbox.on_transition(&resolved(warning(row), after(500)), after(500));
        }
        sent.extend(headlines(outbox, 500..4_000));
    }
    assert_eq!(
        sent[0],
        [
            "0 :large_orange_circle: openai: 1 firing (warning): rate-limit at openai",
            "300 :large_orange_circle: openai: 3 firing (warning): rate-limit at openai",
            "400 :red_circle: openai: 4 firing (critical): outage at openai",
            "500 :white_check_mark: openai: resolved: timeout at openai",
        ]
    );
    assert_eq!(
        sent[1],
        [
            "0 trigger LLMrate-limit: rate-limit at openai",
            "300 trigger LLMrate-limit: rate-limit at openai (and 2 more)",
            "400 trigger LLMoutage: outage at openai (and 3 more)",
            "500 resolve",
        ]
    );
}

/// An address in a log is data: in no chat does it become a link. Our own advice may have links.
#[test]
fn an_address_in_a_log_is_no_link() {
    for (_dir, mut outbox) in every_receiver() {
        let linked = Alert {
            summary: "checkout of www.evil.example is refused".to_owned(),
            description: "found: http://evil.example/d".to_owned(),
            evidence: "example: see https://evil.example/e, [here](https://evil.example)".to_owned(),
            fix: "see https://docs.example/keys".to_owned(),
            ..alert("auth", "openai")
        };
        outbox.on_transition(&firing(linked), NOW);
        let body = String::from_utf8(outbox.due(NOW).expect("a message is due").body).expect("text");
        for link in ["//evil.example\"", "http://evil", "https://evil", "www.evil"] {
            assert!(!body.contains(link), "{link} in {body}");
        }
        assert!(body.contains("https[:]//evil.example/e"), "it can still be read: {body}");
        assert!(body.contains("https://docs.example/keys"), "{body}");
    }
}

#[test]
fn a_storm_of_providers_is_a_digest() {
    let (_dir, mut slack) = for_people("slack", "");
    let mut webhook = outbox(WEBHOOK);
    for outbox in [&mut slack, &mut webhook] {
        for provider in ["a", "b", "c", "d", "e", "f", "g"] {
            outbox.on_transition(&firing(with_severity("network", provider, Severity::Warning)), NOW);
        }
    }
    assert_eq!(headlines(&mut slack, 0..100), ["0 :large_orange_circle: 7 providers: 7 firing (warning)"]);
    let body: Value = serde_json::from_slice(&webhook.due(NOW).expect("a message is due").body).expect("JSON");
    assert_eq!((body["alerts"].as_array().map(Vec::len), &body["groupLabels"]), (Some(7), &json!({"instance": "host-1"})));
    // One after the other, there are six messages per minute, and three times as many while an alert is critical.
    let (_dir, mut slack) = for_people("slack", "");
    let mut messages = 0;
    for second in 0..60 {
        slack.on_transition(&firing(with_severity("network", &format!("p{second}"), Severity::Warning)), after(second));
        messages += headlines(&mut slack, second..second + 1).len();
    }
    assert_eq!(messages, 6);
    slack.on_transition(&firing(with_severity("auth", "openai", Severity::Critical)), after(59));
    assert_eq!(headlines(&mut slack, 59..60), ["59 :red_circle: 55 providers: 55 firing (critical)"]);
}

/// An alert that is open again, and its receivers were notified of it at the start.
fn reopened(at: u64) -> Transition {
    Transition { at: after(at), ..firing(Alert { quiet_until: Some(after(14_400)), ..alert("auth", "openai") }) }
}

fn every_receiver() -> Vec<(Option<tempfile::TempDir>, Outbox)> {
    let people = [("slack", ""), ("pagerduty", "min_severity = 'warning'")].map(|(kind, more)| {
        let (dir, outbox) = for_people(kind, more);
        (Some(dir), outbox)
    });
    [ALERTMANAGER, WEBHOOK].map(|options| (None, outbox(options))).into_iter().chain(people).collect()
}

/// The number of messages that a receiver gets in these seconds, in steps of ten.
fn messages(outbox: &mut Outbox, seconds: std::ops::Range<u64>) -> usize {
    let due = |second| {
        let is_due = outbox.due(after(second)).is_some();
        outbox.sent(after(second));
        is_due
    };
    seconds.step_by(10).map(due).filter(|is_due| *is_due).count()
}

#[test]
fn a_reopened_alert_is_not_notified_before_the_next_reminder() {
    for (_dir, mut outbox) in every_receiver() {
        let kind = outbox.state().receiver().to_owned();
        outbox.on_transition(&firing(alert("auth", "openai")), NOW);
        assert!(messages(&mut outbox, 0..300) >= 1, "{kind}");
        outbox.on_transition(&resolved(alert("auth", "openai"), after(300)), after(300));
        assert!(messages(&mut outbox, 300..1_800) >= 1, "{kind}");
        for run in [1_800, 3_600, 5_400] {
            outbox.on_transition(&reopened(run), after(run));
            assert_eq!(messages(&mut outbox, run..run + 600), 0, "{kind}: again at {run}");
            outbox.on_transition(&resolved(alert("auth", "openai"), after(run + 600)), after(run + 600));
            assert_eq!(messages(&mut outbox, run + 600..run + 1_800), 0, "{kind}: over again after {run}");
        }
        // It fires when the reminder is due: the receiver is notified of it, and of its end.
        outbox.on_transition(&reopened(14_000), after(14_000));
        assert_eq!(messages(&mut outbox, 14_000..14_390), 0, "{kind}");
        assert!(messages(&mut outbox, 14_390..14_500) >= 1, "{kind}");
        outbox.on_transition(&resolved(alert("auth", "openai"), after(14_600)), after(14_600));
        assert!(messages(&mut outbox, 14_600..14_700) >= 1, "{kind}");
    }
}

#[test]
fn a_reopened_alert_with_a_new_cause_is_notified_at_once() {
    for (_dir, mut outbox) in every_receiver() {
        outbox.on_transition(&firing(alert("auth", "openai")), NOW);
        messages(&mut outbox, 0..300);
        outbox.on_transition(&resolved(alert("auth", "openai"), after(300)), after(300));
        messages(&mut outbox, 300..1_800);
        outbox.on_transition(&reopened(1_800), after(1_800));
        let again = reopened(1_800).alert;
        outbox.refresh(std::slice::from_ref(&again), after(1_810));
        assert_eq!(messages(&mut outbox, 1_810..1_900), 0, "its numbers are no news");
        outbox.refresh(&[Alert { quiet_until: None, ..again }], after(1_900));
        assert!(messages(&mut outbox, 1_900..1_910) == 1);
        outbox.on_transition(&resolved(alert("auth", "openai"), after(2_000)), after(2_000));
        assert!(messages(&mut outbox, 2_000..2_010) == 1);
    }
}

#[test]
fn a_receiver_that_does_not_know_a_reopened_alert_is_notified() {
    for (_dir, mut outbox) in every_receiver() {
        outbox.on_transition(&reopened(1_800), after(1_800));
        assert!(messages(&mut outbox, 1_800..1_810) == 1);
        // Nor is anything missed if the end was not delivered: the receiver still has it as firing, until its real end.
        outbox.on_transition(&resolved(alert("auth", "openai"), after(1_900)), after(1_900));
        outbox.on_transition(&reopened(1_901), after(1_901));
        outbox.on_transition(&resolved(alert("auth", "openai"), after(2_500)), after(2_500));
        assert!(messages(&mut outbox, 2_500..2_510) == 1);
    }
}

#[test]
fn a_reopened_alert_stays_quiet_over_a_restart() {
    for (_dir, mut outbox) in every_receiver() {
        outbox.on_transition(&firing(alert("auth", "openai")), NOW);
        messages(&mut outbox, 0..300);
        outbox.on_transition(&resolved(alert("auth", "openai"), after(300)), after(300));
        messages(&mut outbox, 300..1_800);
        outbox.on_transition(&reopened(1_800), after(1_800));
        let text = serde_json::to_string(&outbox.state()).expect("a state can be written");
        outbox.restore(serde_json::from_str(&text).expect("and read"));
        assert_eq!(messages(&mut outbox, 1_800..2_400), 0);
    }
}

#[test]
fn a_restart_during_an_incident_does_not_repeat_it() {
    let (_dir, mut before) = for_people("slack", "");
    before.on_transition(&firing(alert("auth", "openai")), NOW);
    assert_eq!(headlines(&mut before, 0..2).len(), 1);
    let state = serde_json::to_string(&before.state()).expect("a state can be written");
    let (_dir, mut successor) = for_people("slack", "");
    successor.restore(serde_json::from_str(&state).expect("and read"));
    successor.on_transition(&firing(alert("rate-limit", "openai")), after(10));
    assert_eq!(
        headlines(&mut successor, 10..400),
        ["300 :large_orange_circle: openai: 2 firing (warning): rate-limit at openai"]
    );
}

#[test]
fn a_slack_message_stays_below_the_limits_for_every_content() {
    let (_dir, mut slack) = for_people("slack", "");
    for row in 0..60 {
        let mut long = alert(&format!("row-{row}"), "openai");
        for text in [&mut long.summary, &mut long.description, &mut long.evidence, &mut long.fix, &mut long.next_step] {
            *text = "<&>".repeat(5_000);
        }
        slack.on_transition(&firing(long), NOW);
    }
    let body: Value = serde_json::from_slice(&slack.due(NOW).expect("a message is due").body).expect("JSON");
    let blocks = body["blocks"].as_array().expect("blocks");
    assert!(blocks.len() <= 50, "{}", blocks.len());
    for text in blocks.iter().filter_map(|block| block["text"]["text"].as_str()) {
        assert!(text.chars().count() <= 3_000, "{}", text.chars().count());
    }
}

#[test]
fn a_pager_gets_only_critical_alerts_unless_configured_otherwise() {
    let wants = |more: &str, row: &str, severity| {
        let (_dir, mut pager) = for_people("pagerduty", more);
        pager.on_transition(&firing(with_severity(row, "openai", severity)), NOW);
        pager.queue_len() == 1
    };
    assert!(wants("", "auth", Severity::Critical));
    assert!(!wants("", "rate-limit", Severity::Warning));
    assert!(wants("min_severity = 'warning'", "rate-limit", Severity::Warning));
    assert!(wants("rows = ['rate-limit']", "rate-limit", Severity::Warning));
    assert!(!wants("rows = ['rate-limit']\nmin_severity = 'critical'", "rate-limit", Severity::Warning));
}

#[test]
fn a_line_on_stdout_contains_the_alert_and_the_next_step() {
    let mut outbox = outbox("[[stdout]]");
    outbox.on_transition(&firing(alert("auth", "openai")), NOW);
    let mut line = |now| {
        let body = outbox.due(now).expect("a message is due").body;
        outbox.sent(now);
        String::from_utf8(body).expect("text")
    };
    assert_eq!(line(NOW), "2027-01-15T08:00:00.000Z firing warning LLMauth auth at openai next: switch provider\n");
    outbox.on_transition(&resolved(alert("auth", "openai"), after(9)), after(9));
    let body = String::from_utf8(outbox.due(after(9)).expect("a message is due").body).expect("text");
    assert_eq!(body, "2027-01-15T08:00:09.000Z resolved warning LLMauth auth at openai recovered\n");
}

#[test]
fn pagerduty_gets_a_trigger_and_a_resolve_with_one_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("key");
    std::fs::write(&file, "R0UTINGKEY").expect("a file");
    let options = format!("[[pagerduty]]\nrouting_key_file = '{}'\nmin_severity = 'info'", file.display());
    let receiver = receivers(&options).remove(0);
    assert!(!format!("{receiver:?}").contains("R0UTINGKEY"));
    let mut outbox = receiver.outboxes(&identity(), 1).remove(0);
    outbox.on_transition(&firing(alert("auth", "openai")), NOW);
    let event = |outbox: &mut Outbox, now| -> Value {
        let event = serde_json::from_slice(&outbox.due(now).expect("a message is due").body).expect("JSON");
        outbox.sent(now);
        event
    };
    let trigger = event(&mut outbox, NOW);
    assert_eq!(trigger["event_action"], "trigger");
    assert_eq!(trigger["routing_key"], "R0UTINGKEY");
    assert_eq!(trigger["dedup_key"], "llm-triage/host-1/openai");
    assert_eq!(trigger["payload"]["severity"], "warning");
    assert_eq!(trigger["payload"]["source"], "host-1");
    assert_eq!(trigger["payload"]["custom_details"]["fix"], "raise the limit");
    outbox.on_transition(&resolved(alert("auth", "openai"), after(9)), after(9));
    let end = event(&mut outbox, after(9));
    assert_eq!((&end["event_action"], &end["dedup_key"]), (&json!("resolve"), &trigger["dedup_key"]));
}

#[test]
fn long_texts_are_cut_before_they_are_sent() {
    let mut long = alert("auth", "openai");
    long.evidence = "é".repeat(100_000);
    let mut outbox = outbox(ALERTMANAGER);
    outbox.on_transition(&firing(long), NOW);
    let body: Value = serde_json::from_slice(&outbox.due(NOW).expect("a message is due").body).expect("JSON");
    let evidence = body[0]["annotations"]["evidence"].as_str().expect("text");
    assert_eq!(evidence.chars().count(), 4_096);
    assert!(evidence.ends_with('…'));
}

#[test]
fn all_errors_of_receivers_are_reported_together() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("two"), "one\ntwo\n").expect("a file");
    let options: ReceiverOptions = toml::from_str(
        "[[alertmanager]]\n\
         [[alertmanager]]\nurls = ['am-0:9093']\n\
         [[alertmanager]]\nurls = ['http://user:secret@am']\n\
         [[alertmanager]]\nurls = ['ftp://am']\nname = 'x'\n\
         [[webhook]]\n\
         [[webhook]]\nurl = 'http://a'\nurl_file = 'b'\n\
         [[webhook]]\nurl_file = 'gone'\n\
         [[webhook]]\nurl_file = 'two'\n\
         [[webhook]]\nurl = 'http://ok'\nname = 'same'\nrows = ['atuh']\n\
         [[webhook]]\nurl = 'http://ok'\nname = 'same'\n\
         [[slack]]\n\
         [[pagerduty]]\n\
         [[command]]\n\
         [[command]]\ncommand = ['no-such-program']\n\
         [[command]]\ncommand = ['./here']\n\
         [[command]]\ncommand = ['/etc/passwd']\n\
         [[heartbeat]]\n",
    )
    .expect("well-formed");
    let errors = options.resolve(Some(dir.path()), Some(&rows())).expect_err("every table is invalid");
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let expected = [
        "receiver alertmanager: urls is missing; list the address of every member: [\"http://am-0:9093\", …]",
        "receiver alertmanager-2: cannot use the address in urls: it must begin with http:// or https://",
        "receiver alertmanager-3: cannot use the address in urls: it contains a user and password; use \
         username and password_file, or bearer_token_file",
        "receiver x: cannot use the address in urls: it must begin with http:// or https://",
        "receiver webhook: url is missing; write the address, or url_file if the address is a secret",
        "receiver webhook-2: both url and url_file are set; remove one of them",
        &format!("receiver webhook-3: cannot read url_file {}", dir.path().join("gone").display()),
        &format!("receiver webhook-4: url_file {} must contain one line of plain text", dir.path().join("two").display()),
        "receiver same: there is no row \"atuh\" in the escalation table; `llm-triage check` lists them",
        "receiver same: two receivers have this name; give one of them another `name`",
        "receiver slack: url_file is missing; the address of the webhook is a secret: write it to a file and set the path of the file here",
        "receiver pagerduty: routing_key_file is missing; the routing key is a secret: write it to a file and set the path of the file here",
        "receiver command: command is missing; list the program and its arguments: [\"/usr/local/bin/notify\", \"--team\", \"llm\"]",
        "receiver command-2: cannot run the command: there is no such program on the PATH; write its absolute path",
        "receiver command-3: cannot run the command: a relative path depends on the working directory; write the absolute path",
        "receiver command-4: cannot run the command: there is no such file, or it is not executable (chmod +x)",
        "receiver heartbeat: url is missing; write the address, or url_file if the address is a secret",
    ];
    assert_eq!(texts, expected);
    let mute: ReceiverOptions =
        toml::from_str("[[webhook]]\nurl = 'http://x'\nmin_severity = 'critical'\nrows = ['rate-limit']").expect("well-formed");
    let warnings = [("rate-limit".to_owned(), Severity::Warning)];
    let errors = mute.resolve(None, Some(&warnings)).expect_err("no alert passes the filter");
    assert_eq!(
        errors[0].to_string(),
        "receiver webhook: none of its rows reaches min_severity = \"critical\"; lower min_severity or remove it"
    );

    let relative: ReceiverOptions = toml::from_str("[[slack]]\nurl_file = 'slack-url'").expect("well-formed");
    let errors = relative.resolve(None, Some(&rows())).expect_err("there is no directory");
    assert!(errors[0].to_string().contains("$CREDENTIALS_DIRECTORY is not set"), "{}", errors[0]);
    let typo = toml::from_str::<ReceiverOptions>("[[slack]]\nurl = 'http://x'").expect_err("a secret is not allowed here");
    assert!(typo.to_string().contains("unknown field `url`"), "{typo}");
    let span = toml::from_str::<ReceiverOptions>("[[slack]]\ntimeout = '10 parsecs'").expect_err("not a duration");
    assert!(span.to_string().contains("\"10 parsecs\" is not a duration; write numbers with"), "{span}");
}

/// A delivery that runs next to a test, with a clock that the test moves.
struct Running {
    delivery: Arc<Delivery>,
    metrics: Arc<Metrics>,
    clock: Arc<AtomicI64>,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    fn start(options: &str) -> Self {
        let providers = Providers::new(Vec::<ProviderSpec>::new()).expect("none");
        let names = Names::new(&providers, Vec::<String>::new(), Vec::new(), Vec::new());
        let (metrics, _recorder) = Metrics::new(names, Limits::default(), NOW);
        let delivery = Arc::new(Delivery::new(&receivers(options), &identity(), &metrics));
        let clock = Arc::new(AtomicI64::new(NOW.as_micros()));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn({
            let (delivery, clock) = (Arc::clone(&delivery), Arc::clone(&clock));
            let clock: Clock = Arc::new(move || Timestamp::from_micros(clock.load(Ordering::SeqCst)));
            async move {
                let shutdown = async {
                    stopped.await.ok();
                };
                delivery.run(clock, shutdown, Duration::from_millis(200)).await;
            }
        });
        Self { delivery, metrics, clock, stop, task }
    }

    fn notify(&self, transition: &Transition) {
        self.delivery.notify(transition, NOW);
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.load(Ordering::SeqCst))
    }

    /// Moves the clock and wakes all tasks.
    fn advance(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
        self.delivery.refresh(&[], self.now());
    }

    /// Waits until a metric has a value.
    async fn wait_for(&self, series: &str, value: u64) {
        let line = format!("llm_triage_{series} {value}");
        let reached = async {
            while !self.metrics.render(Format::Classic, NOW).lines().any(|shown| shown == line) {
                tokio::task::yield_now().await;
            }
        };
        let page = || self.metrics.render(Format::Classic, NOW);
        tokio::time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("no {line} in\n{}", page()));
    }

    async fn wait_for_result(&self, receiver: &str, result: &str, value: u64) {
        self.wait_for(&format!(r#"notifications_total{{receiver="{receiver}",result="{result}"}}"#), value).await;
    }

    async fn stop(self) {
        self.stop.send(()).expect("it runs");
        tokio::time::timeout(PATIENCE, self.task).await.expect("it ends in time").expect("and without a panic");
    }
}

fn webhook_at(peer: &Peer, more: &str) -> String {
    format!("[[webhook]]\nurl = 'http://{}/hook?token=a-long-secret'\n{more}", peer.address)
}

#[tokio::test]
async fn a_message_is_posted_and_counted() {
    let dir = tempfile::tempdir().expect("a directory");
    let token = dir.path().join("token");
    std::fs::write(&token, "s3cret\n").expect("a file");
    let mut peer = Peer::start(&[&answer("200 OK", "", "")]).await;
    let running = Running::start(&webhook_at(&peer, &format!("bearer_token_file = '{}'", token.display())));
    running.notify(&firing(alert("auth", "openai")));
    let heard = peer.hear().await;
    assert!(heard.head.starts_with("post /hook?token=a-long-secret http/1.1"), "{}", heard.head);
    assert!(heard.head.contains("authorization: bearer s3cret"), "{}", heard.head);
    assert!(heard.head.contains("content-type: application/json"), "{}", heard.head);
    assert!(heard.body.contains("LLMauth"));
    running.wait_for_result("webhook", "sent", 1).await;
    running.wait_for(r#"notification_queue_length{receiver="webhook"}"#, 0).await;
    running.stop().await;
}

#[tokio::test]
async fn a_failing_receiver_gets_its_notifications_later() {
    let mut peer = Peer::start(&[
        &answer("500 Internal Server Error", "", "out of order"),
        &answer("429 Too Many Requests", "retry-after: 30\r\n", ""),
        "this is not HTTP\r\n\r\n",
        &answer("200 OK", "", ""),
    ])
    .await;
    let running = Running::start(&webhook_at(&peer, ""));
    running.notify(&firing(alert("auth", "openai")));
    peer.hear().await;
    running.wait_for_result("webhook", "failed", 1).await;
    assert_eq!(running.delivery.health()[0].failing_since, Some(NOW));
    running.advance(1);
    peer.hear().await;
    running.wait_for_result("webhook", "failed", 2).await;
    running.advance(29);
    assert!(peer.is_quiet(), "it asked for 30 s");
    running.advance(1);
    peer.hear().await;
    running.wait_for_result("webhook", "failed", 3).await;
    running.advance(60);
    peer.hear().await;
    running.wait_for_result("webhook", "sent", 1).await;
    assert_eq!(running.delivery.health()[0].failing_since, None);
    running.stop().await;
}

#[tokio::test]
async fn a_rejected_message_is_counted_and_not_sent_again() {
    for status in ["400 Bad Request", "302 Found", "404 Not Found"] {
        let mut peer = Peer::start(&[&answer(status, "location: http://elsewhere/\r\n", "no")]).await;
        let running = Running::start(&webhook_at(&peer, ""));
        running.notify(&firing(alert("auth", "openai")));
        peer.hear().await;
        running.wait_for_result("webhook", "rejected", 1).await;
        running.advance(3_600);
        assert!(peer.is_quiet());
        running.stop().await;
    }
}

#[tokio::test]
async fn a_member_that_hangs_or_is_unreachable_does_not_delay_the_others() {
    let hangs = Peer::start(&[""]).await;
    let mut works = Peer::start(&[&answer("200 OK", "", "")]).await;
    let gone = {
        let peer = Peer::start(&[""]).await;
        peer.address
    };
    let options = format!(
        "[[alertmanager]]\nurls = ['http://{}', 'http://{gone}', 'http://{}/am/']\ntimeout = '50ms'",
        hangs.address, works.address
    );
    let running = Running::start(&options);
    running.notify(&firing(alert("auth", "openai")));
    let heard = works.hear().await;
    assert!(heard.head.starts_with("post /am/api/v2/alerts http/1.1"), "{}", heard.head);
    running.wait_for_result(&format!("alertmanager/{}", hangs.address), "failed", 1).await;
    running.wait_for_result(&format!("alertmanager/{gone}"), "failed", 1).await;
    running.wait_for_result(&format!("alertmanager/{}", works.address), "sent", 1).await;
    running.stop().await;
}

#[tokio::test]
async fn a_command_gets_the_message_on_its_standard_input() {
    let dir = tempfile::tempdir().expect("a directory");
    let program = dir.path().join("notify");
    let script = format!(
        "#!/bin/sh\ncat >> {0}/heard\nif test -e {0}/sick; then echo 'no line' >&2; exit 3; fi\n",
        dir.path().display()
    );
    std::fs::write(&program, script).expect("a file");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("ours");
    let running = Running::start(&format!("[[command]]\ncommand = ['{}', '--team', 'llm']", program.display()));
    running.notify(&firing(alert("auth", "openai")));
    running.wait_for_result("command", "sent", 1).await;
    let heard = std::fs::read_to_string(dir.path().join("heard")).expect("it ran");
    let body: Value = serde_json::from_str(heard.trim()).expect("one line of JSON");
    assert_eq!((&body["version"], &body["alerts"][0]["labels"]["row"]), (&json!("4"), &json!("auth")));
    // A program that fails is run again later.
    std::fs::write(dir.path().join("sick"), "").expect("a file");
    running.notify(&firing(alert("auth", "groq")));
    running.wait_for_result("command", "failed", 1).await;
    std::fs::remove_file(dir.path().join("sick")).expect("it is there");
    running.advance(60);
    running.wait_for_result("command", "sent", 2).await;
    running.stop().await;
}

#[tokio::test]
async fn a_command_that_hangs_is_killed() {
    let running = Running::start("[[command]]\ncommand = ['sleep', '1000']\ntimeout = '50ms'");
    running.notify(&firing(alert("auth", "openai")));
    running.wait_for_result("command", "failed", 1).await;
    running.stop().await;
}

#[tokio::test]
async fn a_dead_mans_switch_is_pinged_while_the_process_is_healthy() {
    let mut peer = Peer::start(&[&answer("200 OK", "", "")]).await;
    let running = Running::start(&format!("[[heartbeat]]\nurl = 'http://{}/beat'", peer.address));
    running.advance(0);
    let heard = peer.hear().await;
    assert!(heard.head.starts_with("get /beat http/1.1"), "{}", heard.head);
    running.wait_for_result("heartbeat", "sent", 1).await;
    // An alert about a provider does not stop the pings; one about this process does.
    let now = running.now();
    running.clock.fetch_add(60_000_000, Ordering::SeqCst);
    running.delivery.refresh(&[alert("auth", "openai")], now.plus(Duration::from_mins(1)));
    peer.hear().await;
    running.wait_for_result("heartbeat", "sent", 2).await;
    running.clock.fetch_add(60_000_000, Ordering::SeqCst);
    running.delivery.refresh(&[alert("self-losing", "llm-triage")], now.plus(Duration::from_mins(2)));
    assert!(peer.is_quiet());
    running.stop().await;
}

#[tokio::test]
async fn pending_notifications_are_sent_before_shutdown_or_else_kept() {
    let mut peer = Peer::start(&[&answer("200 OK", "", "")]).await;
    let running = Running::start(&webhook_at(&peer, ""));
    running.notify(&resolved(alert("auth", "openai"), NOW));
    running.stop().await;
    assert!(peer.hear().await.body.contains("resolved"));

    let peer = Peer::start(&[&answer("503 Service Unavailable", "", "")]).await;
    let running = Running::start(&webhook_at(&peer, ""));
    running.notify(&firing(alert("auth", "openai")));
    running.wait_for_result("webhook", "failed", 1).await;
    let delivery = Arc::clone(&running.delivery);
    running.stop().await;
    let kept = serde_json::to_string(&delivery.state()).expect("a state can be written");
    assert!(kept.contains("LLMauth"), "{kept}");

    let mut peer = Peer::start(&[&answer("200 OK", "", "")]).await;
    let successor = Running::start(&webhook_at(&peer, ""));
    successor.delivery.restore(serde_json::from_str(&kept).expect("and read"));
    assert!(peer.hear().await.body.contains("LLMauth"));
    successor.stop().await;
}

#[tokio::test]
async fn a_test_alert_goes_to_every_member_and_returns_each_answer() {
    let mut good = Peer::start(&[&answer("200 OK", "", "")]).await;
    let bad = Peer::start(&[&answer("403 Forbidden", "", "who are you?\n/api/v2/alerts")]).await;
    let options =
        format!("[[alertmanager]]\nurls = ['http://{}', 'http://{}']\nmin_severity = 'critical'", good.address, bad.address);
    let results = notify_test(&receivers(&options)[0], &identity(), NOW).await;
    assert!(good.hear().await.body.contains("LLMTriageTest"));
    assert!(results[0].1.is_ok());
    let error = results[1].1.as_ref().expect_err("it was refused").to_string();
    assert_eq!(error, format!("{} answered 403: who are you? (secret)", bad.address));
}

#[tokio::test]
async fn tls_works_and_an_untrusted_certificate_is_refused() {
    let Some(openssl) = tool::find("openssl") else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (is_success, output) = tool::run(
        Command::new(openssl)
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", &path("key.pem"), "-out", &path("cert.pem")]),
        "",
    );
    assert!(is_success, "{output}");
    let mut peer = Peer::start_tls(&answer("200 OK", "", ""), dir.path()).await;
    let port = peer.address.port();
    let options = |ca: &str| format!("[[webhook]]\nurl = 'https://localhost:{port}/'\n{ca}");
    let trusting = &receivers(&options(&format!("ca_file = '{}'", path("cert.pem"))))[0];
    let results = notify_test(trusting, &identity(), NOW).await;
    assert!(results[0].1.is_ok(), "{results:?}");
    assert!(peer.hear().await.body.contains("LLMTriageTest"));

    let options: ReceiverOptions = toml::from_str(&options("")).expect("good options");
    match options.resolve(None, Some(&rows())) {
        Ok(untrusting) => {
            let results = notify_test(&untrusting[0], &identity(), NOW).await;
            assert!(matches!(results[0].1, Err(SendError::Tls { .. })), "{results:?}");
        }
        // A machine without root certificates does not trust the server either.
        Err(errors) => assert!(errors[0].to_string().contains("no root certificates"), "{}", errors[0]),
    }
}

/// A real Alertmanager that notifies `webhook`. It is killed when this is dropped.
struct Alertmanager {
    child: Child,
    address: String,
    _dir: tempfile::TempDir,
}

impl Alertmanager {
    fn start(webhook: &str) -> Option<Self> {
        let program = tool::find("prometheus-alertmanager")?;
        let dir = tempfile::tempdir().expect("a directory");
        let config = dir.path().join("config.yml");
        let text = format!(
            "route: {{receiver: hook, group_by: [provider, instance], group_wait: 10ms, group_interval: 1s}}\n\
             receivers: [{{name: hook, webhook_configs: [{{url: '{webhook}'}}]}}]\n"
        );
        std::fs::write(&config, text).expect("a file");
        let mut child = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", dir.path().join("data").display()))
            .args(["--web.listen-address=127.0.0.1:0", "--cluster.listen-address="])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was found");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (sender, address) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let found = line.split_whitespace().find_map(|word| word.strip_prefix("address=").map(str::to_owned));
                if let Some(address) = found.filter(|_| line.contains("Listening")) {
                    sender.send(address).ok();
                }
            }
        });
        let address = address.recv_timeout(PATIENCE).expect("Alertmanager says where it listens");
        Some(Self { child, address, _dir: dir })
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

/// The paths of all keys, so that the shapes of two payloads can be compared.
fn shape(value: &Value, path: &str, to: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| shape(value, &format!("{path}.{key}"), to)),
        Value::Array(list) => list.iter().take(1).for_each(|item| shape(item, &format!("{path}[]"), to)),
        _ => to.push(path.to_owned()),
    }
}

#[tokio::test]
async fn a_real_alertmanager_accepts_and_resolves_an_alert() {
    let mut hook = Peer::start(&[&answer("200 OK", "", "")]).await;
    let Some(alertmanager) = Alertmanager::start(&format!("http://{}/", hook.address)) else { return };
    let mut own_hook = Peer::start(&[&answer("200 OK", "", "")]).await;
    let running = Running::start(&format!(
        "[[alertmanager]]\nurls = ['http://{}']\n[[webhook]]\nurl = 'http://{}/'",
        alertmanager.address, own_hook.address
    ));
    // Alertmanager uses its own clock, so the alert must be of today.
    let today = Timestamp::from_system(std::time::SystemTime::now());
    running.clock.store(today.as_micros(), Ordering::SeqCst);
    let mut alert = alert("auth", "openai");
    (alert.since, alert.fired_at) = (today, Some(today));
    running.delivery.notify(&firing(alert.clone()), today);

    let body = |heard: crate::peer::Heard| serde_json::from_str::<Value>(&heard.body).expect("JSON");
    let (theirs, ours) = (body(hook.hear().await), body(own_hook.hear().await));
    assert_eq!((&theirs["status"], &theirs["alerts"][0]["labels"]["row"]), (&json!("firing"), &json!("auth")));
    for same in ["version", "status", "groupLabels", "commonLabels", "commonAnnotations", "truncatedAlerts"] {
        assert_eq!(theirs[same], ours[same], "{same}");
    }
    for same in ["status", "labels", "annotations", "generatorURL", "fingerprint"] {
        assert_eq!(theirs["alerts"][0][same], ours["alerts"][0][same], "{same}");
    }
    let (mut their_shape, mut our_shape) = (Vec::new(), Vec::new());
    shape(&theirs, "", &mut their_shape);
    shape(&ours, "", &mut our_shape);
    assert_eq!(their_shape, our_shape, "the payload has Alertmanager's shape");

    running.delivery.notify(&resolved(alert, today), today);
    let end = body(hook.hear().await);
    assert_eq!(end["status"], "resolved");
    running.stop().await;
}

#[test]
fn the_schema_has_every_kind_and_accepts_no_other_key() {
    let schema = receivers_schema().to_value();
    for kind in ReceiverOptions::KINDS {
        let table = &schema["properties"][kind]["items"];
        assert_eq!(table["properties"]["name"]["type"], "string", "{kind}: {table}");
        assert_eq!(table["additionalProperties"], false, "{kind}: {table}");
    }
    assert_eq!(schema["properties"].as_object().map(serde_json::Map::len), Some(ReceiverOptions::KINDS.len()));
}
