//! The whole daemon in one process: what it reads, how it ends, and where the next one goes on.

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
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Counts lines, and bytes that were skipped.
struct Counter(Arc<AtomicU64>, Arc<AtomicU64>);

impl Edge for Counter {
    fn batch(&mut self, tally: &Tally, _output: &Output) {
        self.0.fetch_add(tally.sources.values().map(|it| it.lines).sum(), Ordering::Relaxed);
        let skipped = tally.lost_bytes.iter().filter(|((_, reason), _)| *reason == LossReason::CrashLoop);
        self.1.fetch_add(skipped.map(|(_, bytes)| bytes).sum(), Ordering::Relaxed);
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

fn pipeline(parts: &Bound) -> Pipeline {
    let catalog = Catalog::build(&[], &[]).expect("nothing in it can be wrong");
    let names: Vec<String> = parts.sources.all().into_iter().map(|(name, _)| name).collect();
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

/// Takes ports and state; the thread of one that panicked may still be about to give them back.
async fn bind(config: Config) -> Daemon {
    for _ in 0..500 {
        match Daemon::bind(config.clone()).await {
            Err(StartError::State(_)) => std::thread::sleep(Duration::from_millis(10)),
            bound => return bound.expect("bound"),
        }
    }
    panic!("the state directory was never given back")
}

/// A daemon on a thread of its own.
struct Running {
    lines: Arc<AtomicU64>,
    lost: Arc<AtomicU64>,
    shutdown: Shutdown,
    phases: Phases,
    tcp: std::net::SocketAddr,
    end: std::thread::JoinHandle<Result<(), RunError>>,
}

impl Running {
    fn start(dir: &Path) -> Self {
        Self::start_with(dir, |_| ())
    }

    fn phases_reached(&self, phase: Phase) {
        while self.phases.now() < phase {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn start_with(dir: &Path, look: impl FnOnce(&Bound) + Send + 'static) -> Self {
        let (lines, lost, shutdown) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Shutdown::default());
        let (tell, told) = mpsc::channel();
        let end = {
            let (lines, lost, shutdown, config) = (Arc::clone(&lines), Arc::clone(&lost), shutdown.clone(), config(dir));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            std::thread::spawn(move || {
                runtime.block_on(async {
                    let daemon = bind(config).await;
                    let tcp = daemon.tcp_addresses().expect("known")[0];
                    let build = |parts: Bound| {
                        look(&parts);
                        tell.send((tcp, parts.phases.clone())).expect("heard");
                        (pipeline(&parts), Counter(lines, lost))
                    };
                    let serve = |_listener: TcpListener, stop: CancellationToken| async move { stop.cancelled().await };
                    let (_ask, asked) = tokio::sync::mpsc::channel(1);
                    let reload = || Err("not in this test".to_owned());
                    daemon.run(build, serve, reload, asked, shutdown).await
                })
            })
        };
        let (tcp, phases) = told.recv().expect("it starts");
        Self { lines, lost, shutdown, phases, tcp, end }
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
        let end = self.end.join().expect("no panic");
        assert_eq!(self.phases.now(), Phase::Stopped);
        end
    }
}

/// A state that ends the process while it is taken up must not do so for ever.
#[test]
fn a_state_that_ends_the_process_is_left_out_after_three_times() {
    let dir = tempfile::tempdir().expect("a directory");
    append(&dir, &LINE.repeat(3));
    let first = Running::start(dir.path());
    first.wait_for(3);
    first.finish().expect("ended well");
    append(&dir, &LINE.repeat(2));
    let begun = || {
        let text = std::fs::read_to_string(dir.path().join("state/checkpoint.json")).expect("a checkpoint");
        let body = text.split_once('\n').expect("a first line").1.to_owned();
        let checkpoint: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        (checkpoint["starts"].as_u64(), checkpoint["restoring"].as_bool())
    };
    assert_eq!(begun(), (Some(0), Some(false)));
    for times in 1..=3 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let config = config(dir.path());
        let ended = std::thread::spawn(move || {
            runtime.block_on(async {
                let daemon = bind(config).await;
                let build = |parts: Bound| -> (Pipeline, Counter) {
                    assert!(parts.persisted.is_none(), "as a state that cannot be taken up");
                    unreachable!("there is a state")
                };
                let serve = |_listener: TcpListener, stop: CancellationToken| async move { stop.cancelled().await };
                let (_ask, asked) = tokio::sync::mpsc::channel(1);
                drop(daemon.run(build, serve, || Err(String::new()), asked, Shutdown::default()).await);
            });
        });
        ended.join().expect_err("it panicked");
        assert_eq!(begun(), (Some(times), Some(true)));
    }
    let lost = dir.path().join("lost");
    let last = Running::start_with(dir.path(), move |parts| {
        std::fs::write(&lost, format!("{}", parts.persisted.is_none())).expect("written")
    });
    assert_eq!(std::fs::read_to_string(dir.path().join("lost")).expect("built"), "true", "the state is left out");
    last.phases_reached(Phase::Ready);
    append(&dir, LINE);
    last.wait_for(1);
    assert_eq!(last.lost.load(Ordering::Relaxed), 2 * LINE.len() as u64, "what was skipped is counted");
    last.finish().expect("ended well");
    assert_eq!(begun(), (Some(0), Some(false)));
}

const LINE: &str = "{\"provider\":\"openai\",\"status_code\":200,\"event\":\"llm_call\"}\n";

#[test]
fn a_restart_goes_on_where_the_last_one_ended() {
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
fn what_peers_sent_before_the_end_is_counted() {
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
fn what_is_taken_is_a_start_error() {
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
