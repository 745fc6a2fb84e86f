//! The whole daemon in one process: what it reads, how it ends, and where the next one goes on.

use llm_triage::alert::{AlertOptions, SelfRow};
use llm_triage::call::GrainRule;
use llm_triage::classify::{Catalog, Classifier, Traffic};
use llm_triage::config::{Config, Flags};
use llm_triage::daemon::{Daemon, Edge, Parts, Phase, Phases, RunError, Shutdown, StartError};
use llm_triage::framing;
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

/// Counts lines.
struct Counter(Arc<AtomicU64>);

impl Edge for Counter {
    fn batch(&mut self, tally: &Tally, _output: &Output) {
        self.0.fetch_add(tally.books.values().map(|it| it.lines).sum(), Ordering::Relaxed);
    }

    fn present(&mut self, _snapshot: Snapshot) {}

    fn checks(&self, _snapshot: &Snapshot) -> Vec<(SelfRow, Option<String>)> {
        Vec::new()
    }

    fn reloaded(&mut self, _rules: &Rules) {}

    fn state(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

fn pipeline(parts: &Parts) -> Pipeline {
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

/// A daemon on a thread of its own.
struct Running {
    lines: Arc<AtomicU64>,
    shutdown: Shutdown,
    phases: Phases,
    tcp: std::net::SocketAddr,
    end: std::thread::JoinHandle<Result<(), RunError>>,
}

impl Running {
    fn start(dir: &Path) -> Self {
        let (lines, shutdown) = (Arc::new(AtomicU64::new(0)), Shutdown::default());
        let (tell, told) = mpsc::channel();
        let end = {
            let (lines, shutdown, config) = (Arc::clone(&lines), shutdown.clone(), config(dir));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            std::thread::spawn(move || {
                runtime.block_on(async {
                    let daemon = Daemon::bind(config).await.expect("bound");
                    let tcp = daemon.tcp_addresses().expect("known")[0];
                    let build = |parts: Parts| {
                        tell.send((tcp, parts.phases.clone())).expect("heard");
                        (pipeline(&parts), Counter(lines))
                    };
                    let serve = |_listener: TcpListener, stop: CancellationToken| async move { stop.cancelled().await };
                    let (_ask, asked) = tokio::sync::mpsc::channel(1);
                    let reload = || Err("not in this test".to_owned());
                    daemon.run(build, serve, reload, asked, shutdown).await
                })
            })
        };
        let (tcp, phases) = told.recv().expect("it starts");
        Self { lines, shutdown, phases, tcp, end }
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
