//! TCP, stdin and the thread that follows files: bytes in are bytes out, also where the pipeline is slow.

use llm_triage::framing::StreamId;
use llm_triage::observation::SourceId;
use llm_triage::pipeline::Event;
use llm_triage::source::budget::MemoryBudget;
use llm_triage::source::file::{Hints, Options, OwnFiles, ResumeState, StartAt, Tailer};
use llm_triage::source::tcp::{Limits, Settings, TcpSource};
use llm_triage::source::tls::TlsFiles;
use llm_triage::source::{Gauges, SourceMessage, StreamIds, stdin};
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

/// Room for all peers: enough.
const ROOM: usize = 32 << 20;

/// Bytes per stream, and which streams were closed.
#[derive(Default)]
struct Got {
    bytes: BTreeMap<StreamId, Vec<u8>>,
    closed: Vec<StreamId>,
}

impl Got {
    fn take(&mut self, parcel: SourceMessage) {
        match parcel.event {
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
    (0..count).flat_map(|it| format!("line {it}\n").into_bytes()).collect()
}

/// One thread, as in the daemon.
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
    let (_, settings) = watch::channel(Settings { limits, tls });
    let source = TcpSource {
        source: SourceId(0),
        listener,
        settings,
        budget: MemoryBudget::new(ROOM, limits.connections),
        ids: Arc::new(StreamIds::above([])),
        gauges: Arc::default(),
        to,
    };
    (address, tokio::spawn(source.run(stop.clone())))
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
        assert!(got.bytes.values().all(|it| *it == sent));
        stop.cancel();
        server.await.expect("ended");
        assert!(from.recv().await.is_none());
    });
}

/// A certificate for `localhost` and its key, fresh in a directory.
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
    roots.add(CertificateDer::from_pem_file(dir.join("cert.pem")).expect("a certificate")).expect("it is one");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[test]
fn peers_may_have_to_speak_tls() {
    let Some(dir) = certificate() else { return };
    block_on(async {
        let (to, mut from) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let files = TlsFiles { cert: "cert.pem".into(), key: "key.pem".into() };
        let tls = files.load(Some(dir.path())).expect("they belong together");
        let (address, server) = listen_with(Limits::default(), Some(tls), to, &stop).await;
        // Who does not speak it is let go, and is no stream.
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
fn a_certificate_that_cannot_be_used_is_told() {
    let Some(dir) = certificate() else { return };
    let load = |cert: &str, key: &str| TlsFiles { cert: cert.into(), key: key.into() }.load(Some(dir.path()));
    let check = |cert: &str, key: &str, says: &str| {
        let error = load(cert, key).err().expect("refused").to_string();
        assert!(error.contains(says), "{error}");
    };
    check("missing.pem", "key.pem", "cannot read a certificate from");
    check("cert.pem", "missing.pem", "cannot read a private key from");
    check("key.pem", "key.pem", "no certificate found in");
    check("cert.pem", "cert.pem", "cannot read a private key from");
    fs::write(dir.path().join("other.pem"), fs::read(dir.path().join("key.pem")).expect("read")).expect("written");
    assert!(load("cert.pem", "other.pem").is_ok());
}

#[test]
fn what_has_arrived_before_the_stop_is_handed_over() {
    block_on(async {
        let (to, mut from) = mpsc::channel(4);
        let stop = CancellationToken::new();
        let (address, server) = listen(Limits::default(), to, &stop).await;
        let mut peer = TcpStream::connect(address).await.expect("connected");
        let mut got = Got::default();
        got.take(from.recv().await.expect("open"));
        peer.write_all(b"one\nhalf a li").await.expect("sent");
        stop.cancel();
        while let Some(parcel) = from.recv().await {
            got.take(parcel);
        }
        server.await.expect("ended");
        assert_eq!(got.bytes[&StreamId(1)], b"one\nhalf a li");
        assert_eq!(got.closed, [StreamId(1)]);
    });
}

#[test]
fn idle_peers_make_room_for_those_that_wait() {
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
fn stdin_hands_over_what_one_read_gives_and_tells_its_end() {
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
    while let Some(parcel) = from.blocking_recv() {
        got.take(parcel);
    }
    sender.join().expect("joined").expect("written");
    assert_eq!(got.bytes[&StreamId(7)], [b"one line\n".as_slice(), &rest].concat());
    assert_eq!(got.closed, [StreamId(7)]);
    assert!(matches!(ended.blocking_recv(), Ok(stdin::End::Eof)));
}

/// The whole thread with its watch, against a writer that rotates at full speed.
#[test]
fn rotation_at_full_speed_loses_nothing() {
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
    // What was rotated before anyone looked is no business of a first start; so the first look comes first.
    let path = dir.path().join("app.log");
    let mut file = File::create(&path).expect("created");
    let mut got = Got::default();
    while got.bytes.is_empty() {
        got.take(from.blocking_recv().expect("the follower lives"));
    }
    let writer = thread::spawn(move || {
        let mut rotation = 0;
        for (number, line) in lines(LINES).split_inclusive(|it| *it == b'\n').enumerate() {
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
        let Ok(parcel) = from.try_recv() else {
            quiet += 1;
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        quiet = 0;
        if let Event::Chunk(chunk) = &parcel.event {
            all.extend_from_slice(&chunk.bytes);
        }
        got.take(parcel);
    }
    writer.join().expect("joined");
    hints.stop();
    while from.blocking_recv().is_some() {}
    follower.join().expect("joined");
    let differ = all.iter().zip(&expected).position(|(a, b)| a != b);
    assert!(all == expected, "{} of {} bytes, first difference at {differ:?}", all.len(), expected.len());
}
