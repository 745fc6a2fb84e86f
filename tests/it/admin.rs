//! The HTTP server over a socket: the answer of each path, and slow or hostile peers.

use crate::peer::PATIENCE;
use flate2::read::GzDecoder;
use llm_triage::admin::{About, AdminState, HttpLimits, Lifecycle, PatternView, Phase, ReloadRequest, run};
use llm_triage::alert::{Alert, Reason, RowId, State};
use llm_triage::classify::{Catalog, Classifier, Source};
use llm_triage::framing::{self, LossReason};
use llm_triage::metrics::{Limits, Metrics, Names, Recorder, SourceGauges, SourceValues};
use llm_triage::pipeline::{Rules, Snapshot, SourceStats, SourceView, TrendView, UnknownView, WindowView};
use llm_triage::record::Reader;
use llm_triage::taxonomy::{Category, Owner, Provider, ProviderSpec, Providers, Retry, Severity, Status};
use llm_triage::time::Timestamp;
use serde_json::{Value, json};
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const NOW: Timestamp = Timestamp::from_second(1_800_000_000);

fn providers() -> Providers {
    let openai = ProviderSpec {
        id: "openai".to_owned(),
        name: "OpenAI".to_owned(),
        status_page: "https://status.openai.com".to_owned(),
        ..ProviderSpec::default()
    };
    Providers::new([openai]).expect("a good id")
}

fn openai() -> Provider {
    providers().by_name("openai").expect("just added")
}

fn pattern() -> PatternView {
    PatternView {
        id: "openai-insufficient-quota".to_owned(),
        title: "Insufficient quota".to_owned(),
        category: Category::BillingAccount,
        owner: Owner::Account,
        retry: Retry::No,
        meaning: "The account has no credit left.".to_owned(),
        fix: "Add credit.".to_owned(),
        docs: None,
    }
}

pub(crate) fn alert(severity: Severity, state: State) -> Alert {
    Alert {
        name: "LLMAuth".to_owned(),
        row: "auth".to_owned(),
        provider: "openai".to_owned(),
        service: Some("check<out>".to_owned()),
        severity,
        state,
        since: Timestamp::from_system(SystemTime::now()).minus(Duration::from_secs(200)),
        fired_at: Some(NOW),
        quiet_until: None,
        resolved_at: None,
        reason: None,
        failures: 1_234,
        per_minute: 4.25,
        share: Some(0.5),
        summary: "OpenAI refuses the key".to_owned(),
        description: "since the deploy".to_owned(),
        next_step: "stop and alert: developer on-call".to_owned(),
        fix: "put the new key in".to_owned(),
        evidence: "<script>alert('x')</script> \"quoted\" & more".to_owned(),
        runbook_url: "javascript:alert(1)".to_owned(),
        error_url: String::new(),
    }
}

fn window(status: Option<Status>, errors: u64, calls: u64) -> WindowView {
    let ratio = status.is_none().then(|| errors as f64 / calls as f64);
    WindowView { provider: openai(), status: status.map(Status::label), window: "5m", errors, calls, ratio }
}

pub(crate) fn snapshot(alerts: Vec<Alert>) -> Snapshot {
    Snapshot {
        trends: vec![TrendView { provider: openai(), errors: std::array::from_fn(|minute| u32::from(minute == 59) * 7) }],
        unread_records: 0,
        unread: Vec::new(),
        at: NOW,
        windows: vec![
            window(None, 617, 1_234_567),
            window(Some(Status::Http(401)), 600, 0),
            window(Some(Status::Timeout), 17, 0),
        ],
        alerts,
        storms: vec![(RowId(0), openai(), 31.0, 9)],
        last_failures: Vec::new(),
        findings: Vec::new(),
        unknown: vec![UnknownView {
            provider: openai(),
            template: "no <*> left".to_owned(),
            count: 2,
            first: NOW,
            last: NOW,
            example: "no \"luck\" left".to_owned(),
        }],
        sources: vec![SourceView {
            name: "app".to_owned(),
            last_read: Some(NOW),
            last_event: None,
            event_lag_s: 0.5,
            was_current: true,
            stats: SourceStats {
                bytes: 4_000,
                lines: 10,
                event_lines: 6,
                blank_lines: 2,
                discarded_lines: 1,
                open_lines: 1,
                events: 5,
                lost_bytes: [(LossReason::Truncated, 4)].into(),
                partial_lines: 3,
            },
        }],
    }
}

/// A server on a port of its own.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) state: Arc<AdminState>,
    pub(crate) recorder: Recorder,
    reloads: mpsc::Receiver<ReloadRequest>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    _source: Arc<SourceGauges>,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::start_with(HttpLimits::default()).await
    }

    async fn start_with(limits: HttpLimits) -> Self {
        let names = Names::new(&providers(), vec!["openai-insufficient-quota"], vec!["auth"], vec!["app"]);
        let (metrics, mut recorder) = Metrics::new(names, Limits::default(), NOW);
        recorder.publish(Arc::new(snapshot(Vec::new())));
        let source = metrics.source("app");
        source.set(SourceValues { lag_bytes: 4_096, seen_bytes: 9_000, skipped_bytes: 900, ..SourceValues::default() });
        // A capacity of one, as in the daemon.
        let (sender, reloads) = mpsc::channel(1);
        let about = About { instance: "host-1".to_owned(), started: NOW, config: Some("/etc/c.toml".to_owned()) };
        let state = Arc::new(AdminState::new(metrics, about, Lifecycle::Loopback, sender));
        state.set_loaded(&providers(), [pattern()]);
        state.set_phase(Phase::Ready);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let address = listener.local_addr().expect("it is bound");
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            stopped.await.ok();
        };
        let task = tokio::spawn(run(listener, Arc::clone(&state), limits, shutdown));
        Self { address, state, recorder, reloads, stop, task, _source: source }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it listens")
    }

    /// Sends a request with these header lines and reads the whole answer.
    async fn ask(&self, line: &str, head: &str) -> Answer {
        let mut stream = self.connect().await;
        let request = format!("{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{head}\r\n");
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        Answer::read(stream).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), "").await
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{answer:?}");
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).expect("it runs");
        timeout(PATIENCE, self.task).await.expect("the server stops in time").expect("without a panic");
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    async fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("an answer arrives").expect("it can be read");
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer has a head");
        let head = String::from_utf8(bytes[..end].to_vec()).expect("a head is text");
        let status = head.split(' ').nth(1).expect("a status line").parse().expect("a number");
        Self { status, head, body: bytes[end + 4..].to_vec() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).filter_map(|line| line.split_once(": ")).find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

#[tokio::test]
async fn every_path_answers_with_its_content_type() {
    let running = Running::start().await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/?refresh=no", "text/html; charset=utf-8"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
        ("/-/healthy", "text/plain; charset=utf-8"),
        ("/-/ready", "text/plain; charset=utf-8"),
        ("/api/v1/windows", "application/json"),
        ("/api/v1/alerts", "application/json"),
        ("/api/v1/unknown", "application/json"),
        ("/api/v1/patterns", "application/json"),
        ("/api/v1/status", "application/json"),
    ] {
        let answer = running.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{path}");
        assert!(!answer.body.is_empty());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let head = running.ask(&format!("HEAD {path}"), "").await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
    }
    running.stop().await;
}

#[tokio::test]
async fn a_wrong_path_or_method_is_answered_with_the_right_ones() {
    let running = Running::start().await;
    let answer = running.get("/metric").await;
    assert_eq!(answer.status, 404);
    for path in ["/metrics", "/-/reload", "/api/v1/windows"] {
        assert!(answer.text().contains(path), "{}", answer.text());
    }
    for (line, allow) in
        [("POST /metrics", "GET, HEAD"), ("DELETE /", "GET, HEAD"), ("PUT /-/ready", "GET, HEAD"), ("GET /-/reload", "POST")]
    {
        let answer = running.ask(line, "content-length: 4\r\n\r\nbody").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{line}");
    }
    running.stop().await;
}

#[tokio::test]
async fn ready_follows_the_phase_and_healthy_does_not() {
    let running = Running::start().await;
    for (phase, ready) in [(Phase::Starting, 503), (Phase::Ready, 200), (Phase::Draining, 503)] {
        running.state.set_phase(phase);
        assert_eq!(running.get("/-/ready").await.status, ready, "{phase}");
        assert_eq!(running.get("/-/healthy").await.status, 200, "{phase}");
    }
    running.stop().await;
}

#[tokio::test]
async fn metrics_have_the_requested_format_and_coding() {
    let running = Running::start().await;
    let open = running.ask("GET /metrics", "accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n").await;
    assert_eq!(open.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(open.text().ends_with("# EOF\n"));
    let packed = running.ask("GET /metrics", "accept-encoding: gzip\r\n").await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    GzDecoder::new(packed.body.as_slice()).read_to_string(&mut text).expect("gzip");
    assert!(text.contains("llm_triage_build_info"), "{text}");
    assert!(packed.body.len() < text.len() / 3);
    running.stop().await;
}

#[tokio::test]
async fn the_api_shows_the_snapshot() {
    let mut running = Running::start().await;
    running.recorder.publish(Arc::new(snapshot(vec![alert(Severity::Critical, State::Firing)])));
    let windows = running.json("/api/v1/windows").await;
    assert_eq!(windows["at"], NOW.to_string());
    assert_eq!(
        windows["windows"][1],
        json!({"provider": "openai", "status": "401", "window": "5m", "errors": 600, "calls": null, "ratio": null})
    );
    assert_eq!(windows["windows"][0]["status"], Value::Null);
    let alerts = running.json("/api/v1/alerts").await;
    assert_eq!(alerts["alerts"][0]["alertname"], "LLMAuth");
    assert_eq!(alerts["alerts"][0]["fired_at"], NOW.to_string());
    assert_eq!(alerts["alerts"][0]["resolved_at"], Value::Null);
    assert_eq!(running.json("/api/v1/unknown").await["unknown"][0]["count"], 2);
    assert_eq!(running.json("/api/v1/patterns").await["patterns"][0]["owner"], "account");
    let status = running.json("/api/v1/status").await;
    assert_eq!((&status["phase"], &status["patterns"], &status["instance"]), (&json!("ready"), &json!(1), &json!("host-1")));
    assert_eq!(status["sources"][0]["lag_bytes"], 4_096);
    assert_eq!(
        status["sources"][0]["bytes"],
        json!({"seen": 9_000, "read": 4_000, "skipped": 900, "lost": 4, "unread": 4_096, "lost_by_reason": {"truncated": 4}})
    );
    assert_eq!(
        status["sources"][0]["lines"],
        json!({"read": 10, "in_events": 6, "blank": 2, "discarded": 1, "open": 1, "partial": 3})
    );
    running.stop().await;
}

#[tokio::test]
async fn the_page_shows_failures_and_what_to_do() {
    let mut running = Running::start().await;
    let page = running.get("/").await.text().to_owned();
    for expected in [
        "No provider is failing",
        "617</td><td class=\"n\">1,234,567</td><td class=\"n\">&lt; 0.1 %",
        "group\">600</td>",
        "no &lt;*&gt; left",
        "4,096",
        "group\">9,000</td><td class=\"n\">4,000</td><td class=\"n\">900</td><td class=\"n\">4</td>",
        "group\">10</td><td class=\"n\">6</td><td class=\"n\">2</td><td class=\"n\">1</td><td class=\"n\">3</td>",
    ] {
        assert!(page.contains(expected), "no {expected} in\n{page}");
    }
    running.recorder.publish(Arc::new(snapshot(vec![alert(Severity::Critical, State::Firing)])));
    let page = running.get("/").await.text().to_owned();
    for expected in [
        "OpenAI: calls fail, act now",
        "LLMAuth at OpenAI for check&lt;out&gt;: stop and alert: developer on-call",
        "3m20s ago",
        "1,234 failed (50 % of its calls), 4.2 a minute now",
        "put the new key in",
        "&lt;script&gt;alert('x')&lt;/script&gt; &quot;quoted&quot; &amp; more",
        "href=\"https://status.openai.com\"",
    ] {
        assert!(page.contains(expected), "no {expected} in\n{page}");
    }
    assert!(!page.contains("<script") && !page.contains("javascript:"), "{page}");
    running.stop().await;
}

#[tokio::test]
async fn the_page_begins_with_the_providers_and_shows_a_pending_alert_after_a_firing_one() {
    let mut running = Running::start().await;
    let alerts = vec![alert(Severity::Critical, State::Pending), alert(Severity::Warning, State::Firing)];
    running.recorder.publish(Arc::new(snapshot(alerts)));
    let page = running.get("/").await.text().to_owned();
    let parts = [
        "OpenAI: calls are failing",
        "id=\"providers\"",
        "<th scope=\"row\">OpenAI</th><td><span class=\"state warning\">failing</span></td><td class=\"n\">617 of 1,234,567</td>",
        "aria-label=\"7 failed in the last hour, at most 7 in a minute\"",
        "<rect x=\"118\" y=\"0\" width=\"2\" height=\"20\"></rect>",
        "<h2>Alerts</h2>",
        "class=\"alert warning firing\"",
        "class=\"alert critical pending\"",
        "<summary>Fix, details and evidence</summary>",
        "<h2>Calls by window and status</h2>",
        "<h2>Sources</h2>",
    ];
    let mut rest = page.as_str();
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("no {part} in\n{rest}"));
        rest = rest.split_at(at + part.len()).1;
    }
    running.stop().await;
}

/// Of many alerts, the first three are shown with their fix, and only their next steps are in the headline.
#[tokio::test]
async fn many_alerts_stay_short() {
    let mut running = Running::start().await;
    let alerts = (0..5).map(|_| alert(Severity::Critical, State::Firing)).chain([alert(Severity::Info, State::Pending)]);
    running.recorder.publish(Arc::new(snapshot(alerts.collect())));
    let page = running.get("/").await;
    let (shown, folded) = ("<summary>Details and evidence</summary>", "<summary>Fix, details and evidence</summary>");
    let counts = [shown, folded].map(|part| page.text().matches(part).count());
    assert_eq!(counts, [3, 3], "{}", page.text());
    assert!(page.text().contains("… and 2 more alerts, below"), "{}", page.text());
    running.stop().await;
}

#[tokio::test]
async fn a_browser_gets_a_runbook_as_a_page_and_other_programs_get_its_text() {
    let running = Running::start().await;
    let text = "# LLMAuth: <key> refused\n\n| | |\n| --- | --- |\n| row | `auth` |\n\nSee [billing](billing.md) and [docs](../errors/README.md).\n";
    running
        .state
        .set_runbooks([("auth".to_owned(), text.to_owned()), ("billing".to_owned(), "# LLMBilling: money\n".to_owned())]);
    let browser = "accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";
    let page = running.ask("GET /runbooks/auth", browser).await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    for expected in [
        "<h1>LLMAuth: &lt;key&gt; refused</h1>",
        "<th scope=\"row\">row</th><td><code>auth</code></td>",
        "<a rel=\"noreferrer\" href=\"/runbooks/billing\">billing</a> and <a rel=\"noreferrer\" href=\"/errors/\">docs</a>.",
    ] {
        assert!(page.text().contains(expected), "no {expected} in\n{}", page.text());
    }
    let index = running.ask("GET /runbooks/", browser).await;
    assert!(index.text().contains("<a href=\"/runbooks/auth\">LLMAuth: &lt;key&gt; refused</a>"), "{}", index.text());
    for (path, head) in [("/runbooks/auth", ""), ("/runbooks/auth.md", browser), ("/runbooks/auth", "accept: */*\r\n")] {
        let plain = running.ask(&format!("GET {path}"), head).await;
        assert_eq!((plain.header("content-type"), plain.text()), (Some("text/plain; charset=utf-8"), text), "{path}");
    }
    assert_eq!(running.ask("GET /runbooks/money", browser).await.status, 404);
    running.stop().await;
}

#[tokio::test]
async fn an_error_has_a_page_with_its_wording_and_links_to_its_runbook() {
    let running = Running::start().await;
    assert_eq!(running.ask("GET /errors/http-401", "").await.status, 404, "before the catalogue is loaded");
    let own = "[[pattern]]\nid = 'own-b'\ntitle = 'Own <b>'\ncategory = 'auth'\nowner = 'account'\nretry = 'no'\nmessage = ['the own words of it']\n\
               meaning = 'Something <i>'\nfix = 'Do it.'\nexamples = ['{\"level\":\"error\",\"model\":\"gpt-5\",\"status\":401,\"error\":\"the own words of it <u>\"}']\n";
    let catalog = Catalog::with_own(&[Source { name: "own.toml", text: own, own: true }], &[]).expect("a good pattern");
    let classifier = Classifier::new(Arc::new(catalog));
    let rules = Rules::new(framing::Options::DEFAULT, Reader::default(), classifier, &[], Vec::new()).expect("no own rows");
    running.state.set_rules(Arc::new(rules));
    running.state.set_runbooks([("auth".to_owned(), "# LLMAuth: key refused\n".to_owned())]);
    let browser = "accept: text/html\r\n";
    let page = running.ask("GET /errors/own-b", browser).await;
    for expected in [
        "<h1>own-b</h1>",
        "<strong>Own &lt;b&gt;</strong>. Something &lt;i&gt;",
        "<pre><code>the own words of it &lt;u&gt;</code></pre>",
        "<strong>Alert:</strong> <a rel=\"noreferrer\" href=\"/runbooks/auth\">auth</a>",
    ] {
        assert!(page.text().contains(expected), "no {expected} in\n{}", page.text());
    }
    let plain = running.ask("GET /errors/anthropic-invalid-api-key", "").await;
    assert!(plain.text().contains("\n```text\ninvalid x-api-key\n```\n"), "{}", plain.text());
    // The word is a type and a code.
    let twice = running.ask("GET /errors/openai-insufficient-quota", "").await;
    assert!(twice.text().contains("\n- **Types, codes and classes:** `insufficient_quota`.\n"), "{}", twice.text());
    let index = running.ask("GET /errors/", browser).await;
    assert!(index.text().contains("<a href=\"/errors/own-b\">own-b</a>: Own &lt;b&gt;"), "{}", index.text());
    assert_eq!(running.ask("GET /errors/no-such-error", browser).await.status, 404);
    running.stop().await;
}

#[tokio::test]
async fn the_headline_shows_the_most_severe_alert() {
    let mut running = Running::start().await;
    let mut over = alert(Severity::Warning, State::Resolved);
    (over.resolved_at, over.reason) = (Some(NOW), Some(Reason::Recovered));
    let of = |provider: &&str| Alert { provider: (*provider).to_owned(), ..alert(Severity::Critical, State::Firing) };
    for (alerts, headline) in [
        (vec![alert(Severity::Warning, State::Firing), alert(Severity::Info, State::Firing)], "OpenAI: calls are failing"),
        (["a", "b", "c", "d"].iter().map(of).collect(), "<strong>a, b, c, d: calls fail, act now"),
        (["a", "b", "c", "d", "e", "f"].iter().map(of).collect(), "<strong>a, b, c and 3 more: calls fail, act now"),
        (vec![alert(Severity::Info, State::Firing)], "OpenAI: something to look at"),
        (vec![alert(Severity::Critical, State::Pending)], "OpenAI: some calls fail; not long enough yet for an alert"),
        (vec![over], "No provider is failing"),
    ] {
        running.recorder.publish(Arc::new(snapshot(alerts)));
        let answer = running.get("/").await;
        assert!(answer.text().contains(headline), "no {headline} in\n{}", answer.text());
    }
    running.recorder.publish(Arc::default());
    assert!(running.get("/").await.text().contains("No LLM call in the last hour"));
    running.state.set_phase(Phase::Starting);
    assert!(running.get("/").await.text().contains("Starting: catching up"));
    running.stop().await;
}

#[tokio::test]
async fn a_reload_is_answered_with_its_result() {
    let mut running = Running::start().await;
    for (outcome, status, said) in [
        (Ok("reloaded: 3 patterns".to_owned()), 200, "reloaded: 3 patterns\n"),
        (
            Err("config.toml:3: unknown key `colour`".to_owned()),
            500,
            "config.toml:3: unknown key `colour`\nnothing was changed; the configuration from before stays in effect\n",
        ),
    ] {
        let mut stream = running.connect().await;
        stream
            .write_all(b"POST /-/reload HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .await
            .expect("the server reads");
        let request =
            timeout(PATIENCE, running.reloads.recv()).await.expect("the request is passed on").expect("the state exists");
        request.reply.send(outcome).expect("the server waits");
        let answer = Answer::read(stream).await;
        assert_eq!((answer.status, answer.text()), (status, said));
    }
    let page = running.ask("POST /-/reload", "origin: http://evil.example\r\n").await;
    assert_eq!(page.status, 403, "{page:?}");
    running.stop().await;
}

#[tokio::test]
async fn a_reload_is_refused_during_another_one_and_during_shutdown() {
    let mut running = Running::start().await;
    let mut first = running.connect().await;
    first
        .write_all(b"POST /-/reload HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .expect("the server reads");
    while running.reloads.is_empty() {
        tokio::task::yield_now().await;
    }
    let second = running.ask("POST /-/reload", "").await;
    assert_eq!((second.status, second.header("retry-after")), (503, Some("5")), "{second:?}");
    running.reloads.close();
    let late = running.ask("POST /-/reload", "").await;
    assert!(late.status == 503 && late.text().contains("the daemon is stopping"), "{late:?}");
    drop(running.reloads.recv().await);
    let unanswered = Answer::read(first).await;
    assert!(unanswered.status == 503 && unanswered.text().contains("nothing was reloaded"), "{unanswered:?}");
    running.stop().await;
}

/// A page whose name is resolved to this machine sends its own name.
#[tokio::test]
async fn only_host_names_of_this_server_are_answered() {
    let running = Running::start().await;
    let ask = async |line: &str, host: &str| {
        let mut stream = running.connect().await;
        let request = format!("{line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        Answer::read(stream).await
    };
    let paths =
        ["GET /", "GET /metrics", "GET /runbooks/auth", "GET /api/v1/alerts", "GET /api/v1/status", "POST /-/reload", "GET /x"];
    for line in paths {
        let refused = ask(line, "evil.example:10529").await;
        assert_eq!(refused.status, 421, "{line}");
        assert!(refused.text().contains("http.hosts"), "{refused:?}");
    }
    for host in ["127.0.0.1:10529", "localhost", "[::1]:10529", "10.42.0.7:10529", "host-1", "host-1:10529"] {
        assert_eq!(ask("GET /api/v1/alerts", host).await.status, 200, "{host}");
    }
    for path in ["/-/healthy", "/-/ready"] {
        assert_eq!(ask(&format!("GET {path}"), "a-load-balancer").await.status, 200, "{path}");
    }
    running.state.set_hosts(["triage.example".to_owned()]);
    assert_eq!(ask("GET /api/v1/alerts", "triage.example").await.status, 200);
    assert_eq!(ask("GET /api/v1/alerts", "host-1").await.status, 200, "its own name stays");
    running.stop().await;
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let running = Running::start().await;
    let answer = running.ask("GET /", &format!("x: {}\r\n", "y".repeat(20_000))).await;
    assert_eq!(answer.status, 431);
    running.stop().await;
}

/// Short timeouts, and few connections.
fn strict(connections: usize) -> HttpLimits {
    let short = Duration::from_millis(100);
    HttpLimits { connections, head_timeout: short, write_timeout: short, ..HttpLimits::default() }
}

#[tokio::test]
async fn peers_that_send_no_request_are_disconnected() {
    let running = Running::start_with(strict(2)).await;
    let mut silent = running.connect().await;
    let mut slow = running.connect().await;
    slow.write_all(b"GET /metr").await.expect("the server reads");
    // Both connections are in use; this one is served after they are closed.
    assert_eq!(running.get("/-/healthy").await.status, 200);
    for peer in [&mut silent, &mut slow] {
        timeout(PATIENCE, peer.read_to_end(&mut Vec::new())).await.expect("the server closes the connection").ok();
    }
    running.stop().await;
}

/// Sends one request on a connection that stays open, and reads the answer.
async fn ask_again(stream: &mut TcpStream) -> bool {
    let sent = stream.write_all(b"GET /-/healthy HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let mut answer = [0; 1_024];
    sent.is_ok() && matches!(timeout(PATIENCE, stream.read(&mut answer)).await.expect("in time"), Ok(1..))
}

#[tokio::test]
async fn peers_that_keep_connections_alive_do_not_keep_out_a_probe() {
    let running = Running::start_with(HttpLimits { connections: 3, ..HttpLimits::default() }).await;
    let mut polite = [running.connect().await, running.connect().await, running.connect().await];
    for stream in &mut polite {
        assert!(ask_again(stream).await);
    }
    // The first one is now the one that was idle for the shortest time.
    assert!(ask_again(&mut polite[0]).await);
    assert_eq!(running.get("/-/healthy").await.status, 200, "the probe gets through");
    let [first, second, third] = &mut polite;
    assert!(!ask_again(second).await, "the connection that was idle for the longest time is closed");
    assert!(ask_again(first).await && ask_again(third).await, "the others stay");
    for _ in 0..20 {
        assert_eq!(running.get("/-/healthy").await.status, 200);
    }
    running.stop().await;
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_disconnected() {
    let running = Running::start_with(strict(1)).await;
    // Sends requests and reads nothing: the answers fill the buffers of both sides.
    let mut reader = running.connect().await;
    reader
        .write_all("GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(2_000).as_bytes())
        .await
        .expect("the kernel holds that");
    assert_eq!(running.get("/-/healthy").await.status, 200, "its connection was given to another peer");
    let mut answers = Vec::new();
    timeout(PATIENCE, reader.read_to_end(&mut answers)).await.expect("the server closes the connection").ok();
    let count = String::from_utf8_lossy(&answers).matches("HTTP/1.1 200 OK").count();
    assert!(count < 2_000, "all {count} answers were sent to a peer that did not read");
    running.stop().await;
}

#[tokio::test]
async fn shutdown_waits_only_for_answers_in_progress() {
    let mut running = Running::start().await;
    let mut idle = running.connect().await;
    let mut busy = running.connect().await;
    busy.write_all(b"POST /-/reload HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("the server reads");
    let request = timeout(PATIENCE, running.reloads.recv()).await.expect("the request is passed on").expect("the state exists");
    let (address, task) = (running.address, running.task);
    running.stop.send(()).expect("it runs");
    let closed = timeout(PATIENCE, idle.read_to_end(&mut Vec::new())).await;
    assert_eq!(closed.expect("an idle connection closes at once").expect("without an error"), 0);
    request.reply.send(Ok("done".to_owned())).expect("the server waits");
    let answer = Answer::read(busy).await;
    assert_eq!((answer.status, answer.text()), (200, "done\n"));
    timeout(PATIENCE, task).await.expect("the server stops in time").expect("without a panic");
    assert!(TcpStream::connect(address).await.is_err(), "the port is closed");
}
