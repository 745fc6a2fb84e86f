//! TCP, stdin and the thread that follows files: every byte reaches the pipeline, also if it is slow.

use llm_triage::framing::StreamId;
use llm_triage::observation::SourceId;
use llm_triage::pipeline::Event;
use llm_triage::source::budget::MemoryBudget;
use llm_triage::source::file::{Hints, Options, OwnFiles, ResumeState, StartAt, Tailer};
use llm_triage::source::tls::TlsFiles;
use llm_triage::source::{Gauges, Limits, ListeningSource, Settings, SourceMessage, StreamIds, stdin, tcp};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_util::sync::CancellationToken;

/// The memory of all peers; more than they need.
const BUDGET: usize = 32 << 20;

/// The bytes of each stream, and the streams that were closed.
#[derive(Default)]
struct Got {
    bytes: BTreeMap<StreamId, Vec<u8>>,
    closed: Vec<StreamId>,
}

impl Got {
    fn take(&mut self, message: SourceMessage) {
        match message.event {
            Event::Open(stream, _) => drop(self.bytes.insert(stream, Vec::new())),
            Event::Chunk(chunk) => {
                let bytes = self.bytes.get_mut(&chunk.stream).expect("opened before");
                assert_eq!(chunk.offset, bytes.len() as u64);
                bytes.extend_from_slice(&chunk.bytes);
            }
            Event::Close(stream) => self.closed.push(stream),
            _ => {}
        }
    }
}

fn lines(count: usize) -> Vec<u8> {
    (0..count).flat_map(|number| format!("line {number}\n").into_bytes()).collect()
}

/// Runs on one thread, like the daemon.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

async fn listen(
    limits: Limits,
    to: mpsc::Sender<SourceMessage>,
    stop: &CancellationToken,
) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    listen_with(limits, None, to, stop).await
}

async fn listen_with(
    limits: Limits,
    tls: Option<TlsAcceptor>,
    to: mpsc::Sender<SourceMessage>,
    stop: &CancellationToken,
) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("known");
    let (_, settings) = watch::channel(Settings { limits, tls, token: None });
    let source = ListeningSource {
        source: SourceId(0),
        listener,
        settings,
        budget: MemoryBudget::new(BUDGET, limits.connections),
        ids: Arc::new(StreamIds::above([])),
        gauges: Arc::default(),
        to,
    };
    (address, tokio::spawn(tcp::run(source, stop.clone())))
}

#[test]
fn a_slow_consumer_gets_every_byte_of_every_peer() {
    block_on(async {
        let (to, mut from) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let (address, server) = listen(Limits::default(), to, &stop).await;
        let sent = lines(40_000);
        for _ in 0..4 {
            let sent = sent.clone();
            tokio::spawn(async move {
                let mut peer = TcpStream::connect(address).await.expect("connected");
                peer.write_all(&sent).await.expect("sent");
            });
        }
        let mut got = Got::default();
        while got.closed.len() < 4 {
            got.take(from.recv().await.expect("open"));
            tokio::task::yield_now().await;
        }
        assert!(got.bytes.values().all(|bytes| *bytes == sent));
        stop.cancel();
        server.await.expect("ended");
        assert!(from.recv().await.is_none());
    });
}

/// A directory with a new certificate for `localhost` and its key.
fn certificate() -> Option<tempfile::TempDir> {
    let openssl = crate::tool::find("openssl")?;
    let dir = tempfile::tempdir().expect("a directory");
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
                     -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE -keyout key.pem -out cert.pem";
    let made = Command::new(openssl).args(arguments.split_whitespace()).current_dir(dir.path()).output().expect("it runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(dir)
}

fn client(dir: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(dir.join("cert.pem")).expect("a certificate")).expect("a root certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[test]
fn a_source_with_tls_accepts_only_tls() {
    let Some(dir) = certificate() else { return };
    block_on(async {
        let (to, mut from) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let files = TlsFiles { cert: "cert.pem".into(), key: "key.pem".into() };
        let tls = files.load(Some(dir.path())).expect("a certificate with its key");
        let (address, server) = listen_with(Limits::default(), Some(tls), to, &stop).await;
        // A peer without TLS is closed and does not become a stream.
        let mut stranger = TcpStream::connect(address).await.expect("connected");
        stranger.write_all(b"{\"plain\":\"text\"}\n").await.expect("sent");
        let sent = [lines(20_000), b"half a li".to_vec()].concat();
        let connector = client(dir.path());
        let all = sent.clone();
        let sender = tokio::spawn(async move {
            let socket = TcpStream::connect(address).await.expect("connected");
            let name = ServerName::try_from("localhost").expect("a name");
            let mut peer = connector.connect(name, socket).await.expect("agreed");
            peer.write_all(&all).await.expect("sent");
            peer.shutdown().await.expect("closed");
        });
        let mut got = Got::default();
        while got.closed.is_empty() && !(sender.is_finished() && got.bytes.is_empty()) {
            got.take(from.recv().await.expect("open"));
        }
        sender.await.expect("sent");
        assert_eq!(got.bytes.values().collect::<Vec<_>>(), [&sent]);
        stop.cancel();
        server.await.expect("ended");
    });
}

#[test]
fn an_unusable_certificate_is_an_error() {
    let Some(dir) = certificate() else { return };
    let load = |cert: &str, key: &str| TlsFiles { cert: cert.into(), key: key.into() }.load(Some(dir.path()));
    let check = |cert: &str, key: &str, expected: &str| {
        let error = load(cert, key).err().expect("refused").to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("missing.pem", "key.pem", "cannot read a certificate from");
    check("cert.pem", "missing.pem", "cannot read a private key from");
    check("key.pem", "key.pem", "no certificate found in");
    check("cert.pem", "cert.pem", "cannot read a private key from");
    fs::write(dir.path().join("other.pem"), fs::read(dir.path().join("key.pem")).expect("read")).expect("written");
    assert!(load("cert.pem", "other.pem").is_ok());
}

#[test]
fn bytes_received_before_the_stop_reach_the_pipeline() {
    block_on(async {
        let (to, mut from) = mpsc::channel(4);
        let stop = CancellationToken::new();
        let (address, server) = listen(Limits::default(), to, &stop).await;
        let mut peer = TcpStream::connect(address).await.expect("connected");
        let mut got = Got::default();
        got.take(from.recv().await.expect("open"));
        peer.write_all(b"one\nhalf a li").await.expect("sent");
        stop.cancel();
        while let Some(message) = from.recv().await {
            got.take(message);
        }
        server.await.expect("ended");
        assert_eq!(got.bytes[&StreamId(1)], b"one\nhalf a li");
        assert_eq!(got.closed, [StreamId(1)]);
    });
}

#[test]
fn idle_peers_are_closed_for_waiting_ones() {
    block_on(async {
        let (to, mut from) = mpsc::channel(4);
        let stop = CancellationToken::new();
        let limits = Limits { connections: 1, idle: Duration::from_millis(50) };
        let (address, _server) = listen(limits, to, &stop).await;
        let _idle = TcpStream::connect(address).await.expect("connected");
        let mut second = TcpStream::connect(address).await.expect("in the backlog");
        second.write_all(b"hello\n").await.expect("sent");
        let mut got = Got::default();
        while got.bytes.get(&StreamId(2)).is_none_or(Vec::is_empty) {
            got.take(from.recv().await.expect("open"));
        }
        assert_eq!(got.closed, [StreamId(1)]);
        assert_eq!(got.bytes[&StreamId(2)], b"hello\n");
    });
}

#[test]
fn stdin_sends_each_read_at_once_and_reports_its_end() {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let (to, mut from) = mpsc::channel(2);
    let gauges = Arc::new(Gauges::default());
    let ended = stdin::spawn(reader, SourceId(0), StreamId(7), gauges, to).expect("a thread");
    let mut got = Got::default();
    got.take(from.blocking_recv().expect("open"));
    writer.write_all(b"one line\n").expect("written");
    got.take(from.blocking_recv().expect("a chunk, though the pipe is open"));
    assert_eq!(got.bytes[&StreamId(7)], b"one line\n");
    let rest = lines(100_000);
    let sent = rest.clone();
    let sender = thread::spawn(move || writer.write_all(&sent));
    while let Some(message) = from.blocking_recv() {
        got.take(message);
    }
    sender.join().expect("joined").expect("written");
    assert_eq!(got.bytes[&StreamId(7)], [b"one line\n".as_slice(), &rest].concat());
    assert_eq!(got.closed, [StreamId(7)]);
    assert!(matches!(ended.blocking_recv(), Ok(stdin::End::Eof)));
}

/// The whole thread with its directory watcher, against a writer that rotates at full speed.
#[test]
fn rotation_at_full_speed_loses_no_line() {
    const LINES: usize = 200_000;
    let dir = tempfile::tempdir().expect("a directory");
    let options = Options {
        source: SourceId(0),
        name: "app".into(),
        paths: vec![dir.path().join("app.log").to_string_lossy().into_owned()],
        exclude: Vec::new(),
        start_at: StartAt::Beginning,
        gauges: Arc::new(Gauges::default()),
    };
    let ids = Arc::new(StreamIds::above([]));
    let tailer = Tailer::new(vec![options], ResumeState::default(), OwnFiles::default(), ids).expect("a tailer");
    let hints = Arc::new(Hints::default());
    let (to, mut from) = mpsc::channel(4);
    let follower = {
        let hints = Arc::clone(&hints);
        thread::spawn(move || tailer.run(&hints, &to))
    };
    // A first start ignores files that were rotated before it. So the first scan must come before the first rotation.
    let path = dir.path().join("app.log");
    let mut file = File::create(&path).expect("created");
    let mut got = Got::default();
    while got.bytes.is_empty() {
        got.take(from.blocking_recv().expect("the follower lives"));
    }
    let writer = thread::spawn(move || {
        let mut rotation = 0;
        for (number, line) in lines(LINES).split_inclusive(|byte| *byte == b'\n').enumerate() {
            file.write_all(line).expect("written");
            if number % 20_000 == 19_999 {
                rotation += 1;
                fs::rename(&path, path.with_extension(format!("log.{rotation}"))).expect("renamed");
                file = File::create(&path).expect("created");
            }
        }
    });
    let mut all = Vec::new();
    let expected = lines(LINES);
    let mut quiet = 0;
    while all.len() < expected.len() && quiet < 100 {
        let Ok(message) = from.try_recv() else {
            quiet += 1;
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        quiet = 0;
        if let Event::Chunk(chunk) = &message.event {
            all.extend_from_slice(&chunk.bytes);
        }
        got.take(message);
    }
    writer.join().expect("joined");
    hints.stop();
    while from.blocking_recv().is_some() {}
    follower.join().expect("joined");
    let differ = all.iter().zip(&expected).position(|(a, b)| a != b);
    assert!(all == expected, "{} of {} bytes, first difference at {differ:?}", all.len(), expected.len());
}
