//! The whole daemon in one process: what it reads, how it ends, and where the next process resumes.

use crate::running::PATIENCE;
use llm_triage::alert::{AlertOptions, SelfRow};
use llm_triage::classify::{Catalog, Classifier, Traffic};
use llm_triage::config::{Config, Flags};
use llm_triage::correlate::GrainRule;
use llm_triage::daemon::{Bound, Daemon, Edge, Phase, Phases, RunError, Shutdown, StartError};
use llm_triage::framing::{self, LossReason};
use llm_triage::pipeline::{Clock, Options, Output, Pipeline, Rules, Snapshot, SourceOptions, Tally};
use llm_triage::record::Reader;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// An edge that counts lines, and skipped bytes.
struct Counter {
    lines: Arc<AtomicU64>,
    skipped_bytes: Arc<AtomicU64>,
    /// The process dies when it passes on the batch with this number; batches without lines do not count.
    dies_at_batch: Option<u32>,
    batches: u32,
}

impl Edge for Counter {
    fn batch(&mut self, tally: &Tally, _output: &Output) {
        let lines: u64 = tally.sources.values().map(|counters| counters.lines).sum();
        self.batches += u32::from(lines > 0);
        assert!(lines == 0 || self.dies_at_batch != Some(self.batches), "this panic stands for a kill");
        self.lines.fetch_add(lines, Ordering::Relaxed);
        let skipped = tally.lost_bytes.iter().filter(|((_, reason), _)| *reason == LossReason::CrashLoop);
        self.skipped_bytes.fetch_add(skipped.map(|(_, bytes)| bytes).sum(), Ordering::Relaxed);
    }

    fn publish(&mut self, _snapshot: Snapshot) {}

    fn checks(&self, _snapshot: &Snapshot) -> Vec<(SelfRow, Option<String>)> {
        Vec::new()
    }

    fn reloaded(&mut self, _rules: &Rules) {}

    fn state(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

fn pipeline(bound: &Bound) -> Pipeline {
    let catalog = Catalog::build(&[], &[]).expect("nothing in it can be wrong");
    let names: Vec<String> = bound.sources.all().into_iter().map(|(name, _)| name).collect();
    let options =
        |name: &String| SourceOptions { name: name.clone(), grain: GrainRule::Auto, traffic: Traffic::Llm, zone: None };
    let sources = names.iter().map(options).collect();
    let classifier = Classifier::new(Arc::new(catalog));
    let rules = Rules::new(framing::Options::DEFAULT, Reader::default(), classifier, &[], names).expect("no rows of our own");
    Pipeline::new(rules, Options { sources, clock: Clock::Live, alerts: AlertOptions::default(), series: 100 })
}

fn config(dir: &Path) -> Config {
    let text = format!(
        "[http]\nlisten = \"127.0.0.1:0\"\n[state]\ndir = \"{0}/state\"\n\
         [[source.file]]\npaths = [\"{0}/*.log\"]\nstart_at = \"beginning\"\n[[source.tcp]]\nlisten = \"127.0.0.1:0\"\n",
        dir.display()
    );
    Config::from_text(None, &text, &Flags::default(), None).expect("a good configuration")
}

fn append(dir: &TempDir, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(dir.path().join("app.log")).expect("opened");
    file.write_all(text.as_bytes()).expect("written");
}

/// Takes ports and state. Retries, because the thread of a daemon that panicked may still hold them.
async fn bind(config: Config) -> Daemon {
    for _ in 0..500 {
        match Daemon::bind(config.clone()).await {
            Err(StartError::State(_)) => std::thread::sleep(Duration::from_millis(10)),
            bound => return bound.expect("bound"),
        }
    }
    panic!("the state directory was not released")
}

/// A daemon on a thread of its own.
struct Running {
    lines: Arc<AtomicU64>,
    skipped_bytes: Arc<AtomicU64>,
    shutdown: Shutdown,
    phases: Phases,
    tcp: std::net::SocketAddr,
    end: std::thread::JoinHandle<Result<(), RunError>>,
}

impl Running {
    fn start(dir: &Path) -> Self {
        Self::start_with(dir, None, |_| ())
    }

    fn start_to_die_at(batch: u32, dir: &Path) -> Self {
        Self::start_with(dir, Some(batch), |_| ())
    }

    fn wait_for_death(self) {
        self.end.join().expect("its thread does not panic").expect_err("the pipeline panicked");
    }

    fn wait_for_phase(&self, phase: Phase) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let reached = async { tokio::time::timeout(PATIENCE, self.phases.reached(phase)).await };
        runtime.block_on(reached).unwrap_or_else(|_| panic!("{phase:?} was not reached"));
    }

    fn start_with(dir: &Path, dies_at_batch: Option<u32>, inspect: impl FnOnce(&Bound) + Send + 'static) -> Self {
        let (lines, skipped_bytes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let shutdown = Shutdown::default();
        let (started, start) = mpsc::channel();
        let end = {
            let (lines, skipped_bytes) = (Arc::clone(&lines), Arc::clone(&skipped_bytes));
            let edge = Counter { lines, skipped_bytes, dies_at_batch, batches: 0 };
            let (shutdown, config) = (shutdown.clone(), config(dir));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            std::thread::spawn(move || {
                runtime.block_on(async {
                    let daemon = bind(config).await;
                    let tcp = daemon.peer_addresses().expect("known")[0];
                    let phases = daemon.phases();
                    let build = |bound: Bound| {
                        inspect(&bound);
                        started.send((tcp, phases)).expect("the test waits for it");
                        (pipeline(&bound), edge)
                    };
                    let serve = |_listener: TcpListener, stop: CancellationToken| async move { stop.cancelled().await };
                    let (_ask, asked) = tokio::sync::mpsc::channel(1);
                    let reload = || Err("not in this test".to_owned());
                    daemon.run(build, serve, reload, asked, shutdown).await
                })
            })
        };
        let (tcp, phases) = start.recv().expect("it starts");
        Self { lines, skipped_bytes, shutdown, phases, tcp, end }
    }

    fn wait_for(&self, lines: u64) {
        for _ in 0..1_000 {
            if self.lines.load(Ordering::Relaxed) >= lines {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(self.lines.load(Ordering::Relaxed), lines);
    }

    fn finish(self) -> Result<(), RunError> {
        self.shutdown.drain.cancel();
        self.wait_for_phase(Phase::Stopped);
        self.end.join().expect("no panic")
    }
}

/// A saved state that makes the process panic while it is restored must not do so for ever.
#[test]
fn a_state_that_ends_the_process_is_skipped_after_three_starts() {
    let dir = tempfile::tempdir().expect("a directory");
    append(&dir, &LINE.repeat(3));
    let first = Running::start(dir.path());
    first.wait_for(3);
    first.finish().expect("ended well");
    append(&dir, &LINE.repeat(2));
    let starts_and_restoring = || {
        let text = std::fs::read_to_string(dir.path().join("state/checkpoint.json")).expect("a checkpoint");
        let body = text.split_once('\n').expect("a first line").1.to_owned();
        let checkpoint: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        (checkpoint["starts"].as_u64(), checkpoint["restoring"].as_bool())
    };
    assert_eq!(starts_and_restoring(), (Some(0), Some(false)));
    for times in 1..=3 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let config = config(dir.path());
        let ended = std::thread::spawn(move || {
            runtime.block_on(async {
                let daemon = bind(config).await;
                let build = |bound: Bound| -> (Pipeline, Counter) {
                    assert!(bound.persisted.is_none(), "this panic stands for a state that cannot be restored");
                    unreachable!("there is a state")
                };
                let serve = |_listener: TcpListener, stop: CancellationToken| async move { stop.cancelled().await };
                let (_ask, asked) = tokio::sync::mpsc::channel(1);
                drop(daemon.run(build, serve, || Err(String::new()), asked, Shutdown::default()).await);
            });
        });
        ended.join().expect_err("it panicked");
        assert_eq!(starts_and_restoring(), (Some(times), Some(true)));
    }
    let skipped = dir.path().join("skipped");
    let last = Running::start_with(dir.path(), None, move |bound| {
        std::fs::write(&skipped, format!("{}", bound.persisted.is_none())).expect("written")
    });
    assert_eq!(std::fs::read_to_string(dir.path().join("skipped")).expect("built"), "true", "the state is skipped");
    last.wait_for_phase(Phase::Ready);
    append(&dir, LINE);
    last.wait_for(1);
    assert_eq!(last.skipped_bytes.load(Ordering::Relaxed), 2 * LINE.len() as u64, "skipped bytes are counted");
    last.finish().expect("ended well");
    assert_eq!(starts_and_restoring(), (Some(0), Some(false)));
}

/// Out-of-memory kills and node reboots may come soon after each start.
#[test]
fn deaths_with_progress_between_them_are_no_crash_loop() {
    let dir = tempfile::tempdir().expect("a directory");
    append(&dir, LINE);
    let first = Running::start(dir.path());
    first.wait_for(1);
    first.finish().expect("ended well");
    for _ in 0..5 {
        // Each process reads its backlog, and dies when it reads the next line.
        append(&dir, &LINE.repeat(3));
        let dying = Running::start_to_die_at(2, dir.path());
        let backlog = Arc::clone(&dying.lines);
        dying.wait_for_phase(Phase::Ready);
        let deadline = Instant::now() + PATIENCE;
        while backlog.load(Ordering::Relaxed) == 0 && !dying.end.is_finished() {
            assert!(Instant::now() < deadline, "the backlog is not read");
            std::thread::sleep(Duration::from_millis(5));
        }
        append(&dir, LINE);
        dying.wait_for_death();
    }
    let last = Running::start(dir.path());
    last.wait_for(1);
    assert_eq!(last.skipped_bytes.load(Ordering::Relaxed), 0, "the backlog is not skipped");
    last.finish().expect("ended well");
}

#[test]
fn three_deaths_without_progress_skip_the_backlog() {
    let dir = tempfile::tempdir().expect("a directory");
    append(&dir, LINE);
    let first = Running::start(dir.path());
    first.wait_for(1);
    first.finish().expect("ended well");
    append(&dir, &LINE.repeat(3));
    for _ in 0..3 {
        Running::start_to_die_at(1, dir.path()).wait_for_death();
    }
    let last = Running::start(dir.path());
    last.wait_for_phase(Phase::Ready);
    append(&dir, LINE);
    last.wait_for(1);
    assert_eq!(last.skipped_bytes.load(Ordering::Relaxed), 3 * LINE.len() as u64, "only the backlog is skipped, and counted");
    last.finish().expect("ended well");
}

const LINE: &str = "{\"provider\":\"openai\",\"status_code\":200,\"event\":\"llm_call\"}\n";

#[test]
fn a_restart_resumes_where_the_last_process_ended() {
    let dir = tempfile::tempdir().expect("a directory");
    append(&dir, &LINE.repeat(3));
    let first = Running::start(dir.path());
    first.wait_for(3);
    append(&dir, LINE);
    first.wait_for(4);
    first.finish().expect("ended well");
    append(&dir, &LINE.repeat(2));
    let second = Running::start(dir.path());
    second.wait_for(2);
    second.finish().expect("ended well");
}

#[test]
fn lines_that_peers_sent_before_the_end_are_counted() {
    let dir = tempfile::tempdir().expect("a directory");
    let daemon = Running::start(dir.path());
    let mut peer = std::net::TcpStream::connect(daemon.tcp).expect("connected");
    peer.write_all(LINE.repeat(100).as_bytes()).expect("sent");
    daemon.wait_for(100);
    peer.write_all(LINE.repeat(10).as_bytes()).expect("sent");
    let lines = Arc::clone(&daemon.lines);
    daemon.finish().expect("ended well");
    assert_eq!(lines.load(Ordering::Relaxed), 110);
}

#[test]
fn a_port_or_state_directory_in_use_is_a_start_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let first = Daemon::bind(config(dir.path())).await.expect("bound");
        let mut second = config(dir.path());
        let error = Daemon::bind(second.clone()).await.expect_err("the state directory is taken");
        assert!(matches!(error, StartError::State(_)), "{error}");
        second.listen = first.http_address().expect("known");
        let error = Daemon::bind(second).await.expect_err("the port is taken");
        assert!(error.to_string().ends_with("for metrics and status"), "{error}");
    });
}
