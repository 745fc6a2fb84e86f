//! Senders that send too much, too slowly, or nothing that can be read; and a pipeline that is full.

use super::encode::{gzip, otlp, zstd, zstd_of_one_byte};
use super::{Answer, Door, GZIP, JSON, PROTOBUF, ZSTD, answer};
use crate::running::{PATIENCE, call, until};
use llm_triage::observation::SourceId;
use llm_triage::pipeline::Event;
use llm_triage::source::budget::MemoryBudget;
use llm_triage::source::{Gauges, Limits, ListeningSource, Settings, SourceMessage, StreamIds, push};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

#[test]
fn what_cannot_be_taken_is_refused_by_the_words_of_the_protocol() {
    let door = Door::open(&[]);
    let status = |path: &str, headers: &[(&str, &str)], body: &[u8]| door.post(path, headers, body).status;
    for (path, headers, body, expected) in [
        ("/v1/logs", &[JSON][..], &b"{\"resourceLogs\":[{]}"[..], 400),
        ("/v1/logs", &[JSON], b"\xff\xfe", 400),
        ("/v1/logs", &[PROTOBUF], b"garbage", 400),
        ("/v1/logs", &[PROTOBUF, GZIP], b"no gzip", 400),
        ("/v1/logs", &[PROTOBUF, ZSTD], b"no zstd", 400),
        ("/", &[ZSTD], &zstd(b"x\n")[..8], 400),
        ("/v1/logs", &[("content-type", "text/plain")], b"{}", 415),
        ("/v1/logs", &[], b"{}", 415),
        ("/v1/logs", &[JSON, ("content-encoding", "br")], b"{}", 415),
        ("/v1/logs", &[PROTOBUF, ("content-encoding", "snappy")], b"", 415),
        ("/loki/api/v1/push", &[PROTOBUF], b"\xff\xff\xff\xff\x0f", 413),
        ("/loki/api/v1/push", &[PROTOBUF], b"\x04\xff", 400),
        ("/loki/api/v1/push", &[JSON], b"{}", 400),
        ("/loki/api/v1/push", &[JSON], b"{\"streams\":[{\"stream\":{},\"values\":[[\"1\"]]}]}", 400),
        ("/v2/logs", &[JSON], b"{}", 404),
        ("/", &[("origin", "https://a.page.example")], b"x\n", 403),
        // Near misses: what is small, empty or without meaning to us is taken.
        ("/v1/logs", &[JSON], b"{}", 200),
        ("/v1/logs", &[JSON], b" {\"resourceLogs\": null, \"more\": 1} ", 200),
        ("/v1/traces", &[PROTOBUF], b"", 200),
        ("/v1/metrics", &[PROTOBUF], b"not read", 200),
        ("/v1/metrics", &[JSON, GZIP], b"not read", 200),
        ("/loki/api/v1/push", &[JSON], b"{\"streams\":[]}", 204),
        ("/", &[], b"", 204),
        ("/?tenant=1", &[], b"[not JSON]\n", 204),
    ] {
        assert_eq!(status(path, headers, body), expected, "{path} {headers:?} {}", String::from_utf8_lossy(body));
    }
    let Answer { head, body, .. } = door.post("/v1/traces", &[JSON], b"[");
    assert!(head.contains("content-type: application/json") && body.contains("\"code\":3,\"message\":\""), "{head} {body}");
    let partial = door.post("/v1/logs", &[JSON], br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[7,{}]}]}]}"#).body;
    assert_eq!(partial, r#"{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"records that are no objects"}}"#);
    let mut stream = TcpStream::connect(&door.address).expect("connected");
    stream.write_all(b"GET /v1/logs HTTP/1.0\r\n\r\n").expect("sent");
    let Answer { status, head, .. } = answer(&mut stream).expect("an answer");
    assert!(status == 405 && head.contains("allow: post"), "{head}");
    // Metrics are seen, and skipped on purpose.
    let series = |name: &str| door.daemon.metric(&format!("llm_triage_source_{name}{{source=\"http\"}}"));
    until("the accounting", || {
        let [seen, read, skipped] = ["seen_bytes_total", "bytes_total", "skipped_bytes_total"].map(&series);
        (seen? == read? + skipped? && skipped? == 16.0).then_some(())
    });
}

#[test]
fn bodies_are_bounded_as_sent_and_as_unpacked() {
    let door = Door::open(&[]);
    let resident = || {
        let metric = door.daemon.metric("process_resident_memory_bytes");
        metric.expect("it is exported")
    };
    let before = resident();
    // The head alone is enough.
    let mut stream = TcpStream::connect(&door.address).expect("connected");
    stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 100000000\r\n\r\n").expect("sent");
    assert_eq!(answer(&mut stream).expect("an answer").status, 413);
    let bomb = gzip(&vec![b' '; 200_000_000]);
    for _ in 0..3 {
        assert_eq!(door.post("/", &[GZIP], &bomb).status, 413);
    }
    // 6 KB that become 200 MB.
    let bomb = zstd_of_one_byte(13, b' ', 1_526);
    for _ in 0..3 {
        assert_eq!(door.post("/", &[ZSTD], &bomb).status, 413);
    }
    // A window of 16 MiB would keep that much in memory; one of 8 MiB is taken.
    assert_eq!(door.post("/", &[ZSTD], &zstd_of_one_byte(14, b' ', 1)).status, 400);
    assert_eq!(door.post("/", &[ZSTD], &zstd_of_one_byte(13, b' ', 1)).status, 204);
    // Small as a message, large as JSON.
    let controls = "\u{1}".repeat(3_000_000);
    let batch = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": controls}}]}]}]});
    assert_eq!(door.post("/v1/logs", &[PROTOBUF], &otlp(&batch)).status, 413);
    // Many values of a few bytes.
    let many = format!("{{\"resourceLogs\":[{}{{}}]}}", "{},".repeat(1_000_000));
    assert_eq!(door.post("/v1/logs", &[JSON], many.as_bytes()).status, 400);
    // Messages within messages.
    let mut deep = Vec::new();
    for _ in 0..10_000 {
        deep = super::encode::bytes(5, &super::encode::bytes(1, &deep));
        if deep.len() > 60_000 {
            break;
        }
    }
    let record = super::encode::bytes(2, &super::encode::bytes(5, &deep));
    assert_eq!(door.post("/v1/logs", &[PROTOBUF], &super::encode::bytes(1, &super::encode::bytes(2, &record))).status, 400);
    let grown = resident() - before;
    assert!(grown < 64e6, "{grown}");
    // It still takes what is good.
    assert_eq!(door.post("/", &[], call(1, 401).as_bytes()).status, 204);
    until("the call", || {
        door.daemon.metric("llm_triage_requests_total{provider=\"openai\",outcome=\"error\"}").filter(|n| *n == 1.0)
    });
}

#[test]
fn garbage_ends_no_process() {
    let door = Door::open(&[]);
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from(state >> 56).expect("8 bits")
    };
    let good = otlp(&json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "x"}}]}]}]}));
    for round in 0..150_usize {
        let mut body: Vec<u8> = if round % 2 == 0 { (0..round).map(|_| next()).collect() } else { good.clone() };
        if round % 2 == 1 {
            let at = usize::from(next()) % body.len();
            body[at] = next();
        }
        for path in ["/v1/logs", "/v1/traces", "/loki/api/v1/push", "/"] {
            let status = door.post(path, &[PROTOBUF], &body).status;
            assert!(matches!(status, 200 | 204 | 400 | 413), "{path} {status} {body:?}");
        }
    }
    door.daemon.terminate();
}

#[test]
fn a_token_is_needed_where_one_is_set() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("token"), "s3cret-of-the-door\n").expect("a file");
    let config = dir.path().join("config.toml");
    std::fs::write(&config, "[[source.http]]\nlisten = '127.0.0.1:0'\ntoken_file = 'token'\n").expect("a file");
    let door = Door::open(&["--config", &config.display().to_string()]);
    let status = |value: &str| door.post("/", &[("authorization", value)], b"x\n").status;
    assert_eq!(status("Bearer s3cret-of-the-door"), 204);
    assert_eq!(status("bearer s3cret-of-the-door"), 204);
    for wrong in ["Bearer s3cret-of-the-doos", "Bearer s3cret", "Bearer ", "Basic s3cret-of-the-door", "s3cret-of-the-door"] {
        assert_eq!(status(wrong), 401, "{wrong}");
    }
    let answer = door.post("/nowhere", &[], b"");
    assert!(answer.status == 401 && answer.head.contains("www-authenticate: bearer"), "{answer:?}");
}

#[test]
fn idle_connections_do_not_keep_out_a_sender() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("config.toml");
    std::fs::write(&config, "[[source.http]]\nlisten = '127.0.0.1:0'\nidle = '10m'\nmax_connections = 4\n").expect("a file");
    let door = Door::open(&["--config", &config.display().to_string()]);
    let idle: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(&door.address).expect("it listens")).collect();
    assert_eq!(door.post("/", &[], b"a line\n").status, 204);
    drop(idle);
}

/// A source with a queue that only the test empties.
struct Held {
    address: String,
    from: mpsc::Receiver<SourceMessage>,
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<()>,
}

impl Held {
    async fn new(room: usize, budget: usize) -> Self {
        Self::with_limits(room, budget, Limits { connections: 8, ..Limits::default() }).await
    }

    async fn with_limits(room: usize, budget: usize, limits: Limits) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("known").to_string();
        let (_, settings) = watch::channel(Settings { limits, ..Settings::default() });
        let (to, from) = mpsc::channel(room);
        let (gauges, stop) = (Arc::new(Gauges::default()), CancellationToken::new());
        let (budget, ids) = (MemoryBudget::new(budget, limits.connections), Arc::new(StreamIds::above([])));
        let source = ListeningSource { source: SourceId(0), listener, settings, budget, ids, gauges, to };
        let ended = tokio::spawn(push::run(source, stop.clone()));
        Self { address, from, stop, ended }
    }

    /// Sends a request from another thread.
    fn post(&self, path: &'static str, body: Vec<u8>) -> tokio::task::JoinHandle<Option<Answer>> {
        let address = self.address.clone();
        tokio::task::spawn_blocking(move || super::post(&address, path, &[JSON], &body))
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

#[test]
fn a_full_pipeline_refuses_whole_requests_and_loses_none() {
    block_on(async {
        let mut held = Held::new(2, 16 << 20).await;
        // The first request opens a stream and fills the queue.
        assert_eq!(held.post("/", b"first\n".to_vec()).await.expect("ended").expect("an answer").status, 204);
        let refused = held.post("/", b"second\n".to_vec()).await.expect("ended").expect("an answer");
        assert!(refused.status == 503 && refused.head.contains("retry-after: 1"), "{refused:?}");
        let mut text = Vec::new();
        let mut take = |message: SourceMessage| {
            if let Event::Chunk(chunk) = message.event {
                assert_eq!(chunk.offset, text.len() as u64, "nothing is missing in between");
                text.extend_from_slice(&chunk.bytes);
            }
        };
        take(held.from.recv().await.expect("the stream"));
        take(held.from.recv().await.expect("the first"));
        // The sender repeats what was refused.
        let again = held.post("/", b"second\n".to_vec());
        take(held.from.recv().await.expect("the second"));
        assert_eq!(again.await.expect("ended").expect("an answer").status, 204);
        held.stop.cancel();
        let close = held.from.recv().await.expect("the end");
        assert!(matches!(close.event, Event::Close(_)), "{close:?}");
        held.ended.await.expect("ended");
        assert_eq!(text, b"first\nsecond\n");
    });
}

#[test]
fn a_peer_that_does_not_read_its_answers_is_disconnected() {
    block_on(async {
        let limits = Limits { connections: 8, idle: Duration::from_millis(100) };
        let held = Held::with_limits(64, 4 << 20, limits).await;
        // Little room for answers.
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("a size");
        let mut peer = socket.connect(held.address.parse().expect("an address")).await.expect("connected");
        let requests = "GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1_000);
        let refused = async { while peer.write_all(requests.as_bytes()).await.is_ok() {} };
        tokio::time::timeout(PATIENCE, refused).await.expect("the server closes the connection");
        held.stop.cancel();
        tokio::time::timeout(PATIENCE, held.ended).await.expect("nothing holds up the end").expect("ended");
    });
}

#[test]
fn memory_that_is_used_up_refuses_requests_until_it_is_free() {
    block_on(async {
        // A request may have 512 KiB; what waits in the queue is about half of the budget.
        let mut held = Held::new(64, 4 << 20).await;
        let body = vec![b'x'; 500_000];
        let mut accepted = 0;
        let refused = loop {
            let answer = held.post("/", body.clone()).await.expect("ended").expect("an answer");
            if answer.status != 204 {
                break answer;
            }
            accepted += 1;
            assert!(accepted < 9, "the budget holds no more");
        };
        assert_eq!(refused.status, 503);
        assert!(accepted >= 2, "{accepted}");
        while let Ok(Some(message)) = tokio::time::timeout(Duration::from_millis(50), held.from.recv()).await {
            drop(message);
        }
        assert_eq!(held.post("/", body).await.expect("ended").expect("an answer").status, 204, "memory is free again");
    });
}

#[test]
fn each_process_of_a_peer_has_a_stream_and_the_oldest_closes_for_a_new_one() {
    block_on(async {
        let mut held = Held::new(4_000, 16 << 20).await;
        let batch = |service: &str, host: &str, version: &str| {
            let pair = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
            let attributes = [pair("service.name", service), pair("host.name", host), pair("telemetry.sdk.version", version)];
            let record = json!({"body": {"stringValue": "x"}});
            json!({"resource": {"attributes": attributes}, "scopeLogs": [{"logRecords": [record]}]})
        };
        let two = [batch("a", "h", "1"), batch("b", "h", "1"), batch("a", "h", "2"), batch("a", "g", "1")];
        let body = json!({"resourceLogs": two}).to_string().into_bytes();
        assert_eq!(held.post("/v1/logs", body).await.expect("ended").expect("an answer").status, 200);
        let (mut opened, mut chunks) = (BTreeSet::new(), Vec::new());
        let mut open_now = 0_usize;
        let mut most = 0;
        let mut take = |held: &mut Held| {
            while let Ok(message) = held.from.try_recv() {
                match message.event {
                    Event::Open(stream, _) => {
                        opened.insert(stream);
                        open_now += 1;
                    }
                    Event::Close(_) => open_now -= 1,
                    Event::Chunk(chunk) => chunks.push(chunk.stream),
                    _ => {}
                }
                most = most.max(open_now);
            }
            (opened.len(), chunks.clone(), most)
        };
        let (streams, chunks, _) = take(&mut held);
        assert_eq!(streams, 3, "the version of the SDK names no process");
        assert_eq!(chunks.first(), chunks.get(2));
        let many: Vec<_> = (0..900).map(|index| batch(&format!("service-{index}"), "h", "1")).collect();
        let body = json!({"resourceLogs": many}).to_string().into_bytes();
        assert_eq!(held.post("/v1/logs", body).await.expect("ended").expect("an answer").status, 200);
        let (streams, _, most) = take(&mut held);
        assert_eq!(streams, 903);
        assert!(most <= 257, "{most} streams are open");
    });
}
