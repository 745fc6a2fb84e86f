//! Slow and hostile TCP peers: no received line is lost, and the memory of all connections is bounded.

use crate::replay::Setup;
use llm_triage::framing::{Options, StreamId};
use llm_triage::observation::SourceId;
use llm_triage::pipeline::{Clock, Event, Output, Pipeline, SourceStats, Wanted};
use llm_triage::source::budget::{MemoryBudget, Reservation};
use llm_triage::source::{Gauges, Limits, ListeningSource, Settings, SourceMessage, StreamIds, tcp};
use llm_triage::time::Timestamp;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const GOOD: &str = "{\"provider\":\"openai\",\"status_code\":200,\"event\":\"llm_call\"}\n";

/// A source, and the pipeline that handles its messages.
struct World {
    address: SocketAddr,
    settings: watch::Sender<Settings>,
    gauges: Arc<Gauges>,
    budget: Arc<MemoryBudget>,
    from: mpsc::Receiver<SourceMessage>,
    stop: CancellationToken,
    server: JoinHandle<()>,
    pipeline: Pipeline,
    out: Output,
    reservations: HashMap<StreamId, Arc<Reservation>>,
    most: u64,
    closed: usize,
}

impl World {
    async fn new(limits: Limits, budget: usize, framing: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("known");
        let (settings, seen) = watch::channel(Settings { limits, ..Settings::default() });
        let (to, from) = mpsc::channel(4);
        let (gauges, stop) = (Arc::new(Gauges::default()), CancellationToken::new());
        let budget = MemoryBudget::new(budget, limits.connections);
        let source = ListeningSource {
            source: SourceId(0),
            listener,
            settings: seen,
            budget: Arc::clone(&budget),
            ids: Arc::new(StreamIds::above([])),
            gauges: Arc::clone(&gauges),
            to,
        };
        let server = tokio::spawn(tcp::run(source, stop.clone()));
        let pipeline = Setup { clock: Clock::Live, streams: 0, framing, ..Setup::default() }.pipeline();
        let out = Output { wanted: Wanted::All, ..Output::default() };
        let reservations = HashMap::new();
        Self { address, settings, gauges, budget, from, stop, server, pipeline, out, reservations, most: 0, closed: 0 }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connected")
    }

    /// Handles one message, if one arrives soon.
    async fn step(&mut self) -> bool {
        let Ok(Some(SourceMessage { event, reservation, .. })) =
            tokio::time::timeout(Duration::from_millis(300), self.from.recv()).await
        else {
            return false;
        };
        let stream = match &event {
            Event::Open(stream, _) => {
                self.reservations.extend(reservation.map(|reservation| (*stream, reservation)));
                Some(*stream)
            }
            Event::Chunk(chunk) => Some(chunk.stream),
            Event::Close(stream) => {
                self.closed += 1;
                self.reservations.remove(stream);
                None
            }
            _ => None,
        };
        self.most = self.most.max(self.gauges.buffered_bytes.load(Ordering::Relaxed));
        self.pipeline.handle(event, &mut self.out);
        if let Some((stream, reservation)) = stream.and_then(|stream| self.reservations.get_key_value(&stream)) {
            reservation.set_kept(self.pipeline.kept_bytes(*stream));
        }
        true
    }

    /// Handles messages until `condition` is true.
    async fn until(&mut self, what: &str, mut condition: impl FnMut(&Self) -> bool) {
        for _ in 0..200 {
            while !condition(self) && self.step().await {}
            if condition(self) {
                return;
            }
        }
        panic!("waited in vain for {what}: {:?}", self.stats());
    }

    fn stats(&self) -> SourceStats {
        self.pipeline.snapshot().sources[0].stats.clone()
    }

    fn silence(&mut self) {
        let now = Timestamp::from_system(SystemTime::now()).plus(Duration::from_secs(2));
        self.pipeline.handle(Event::Tick(now), &mut self.out);
    }

    async fn end(mut self) -> SourceStats {
        self.stop.cancel();
        while let Some(message) = self.from.recv().await {
            self.pipeline.handle(message.event, &mut self.out);
        }
        (&mut self.server).await.expect("ended");
        self.stats()
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

const LIMITS: Limits = Limits { connections: 8, idle: Duration::from_secs(600) };
const BUDGET: usize = 4 << 20;

#[test]
fn half_a_line_at_the_end_is_kept_as_partial() {
    block_on(async {
        let mut world = World::new(LIMITS, BUDGET, Options::DEFAULT).await;
        let mut peer = world.connect().await;
        peer.write_all((GOOD.to_owned() + GOOD.trim_end()).as_bytes()).await.expect("sent");
        drop(peer);
        world.until("the end", |world| world.closed == 1).await;
        let stats = world.stats();
        assert_eq!((stats.lines, stats.event_lines, stats.partial_lines), (2, 2, 1));
        let verdicts = String::from_utf8_lossy(&world.out.verdicts).into_owned();
        assert_eq!(verdicts.matches("\"outcome\":\"success\"").count(), 2, "{verdicts}");
        world.end().await;
    });
}

#[test]
fn a_reset_in_the_middle_of_a_line_keeps_the_received_bytes() {
    block_on(async {
        let mut world = World::new(LIMITS, BUDGET, Options::DEFAULT).await;
        let mut peer = world.connect().await;
        peer.write_all((GOOD.to_owned() + "{\"provider\":\"ope").as_bytes()).await.expect("sent");
        world.until("the bytes", |world| world.stats().bytes > GOOD.len() as u64).await;
        // Without linger, closing sends a reset.
        peer.set_zero_linger().expect("set");
        drop(peer);
        world.until("the end", |world| world.closed == 1).await;
        let stats = world.stats();
        assert_eq!((stats.lines, stats.event_lines, stats.partial_lines), (2, 2, 1));
        assert_eq!(stats.bytes, (GOOD.len() + 16) as u64);
        assert_eq!(world.gauges.buffered_bytes.load(Ordering::Relaxed), 0);
        world.end().await;
    });
}

#[test]
fn a_peer_that_sends_single_bytes_gets_the_same_lines() {
    block_on(async {
        let mut world = World::new(LIMITS, BUDGET, Options::DEFAULT).await;
        let mut peer = world.connect().await;
        peer.set_nodelay(true).expect("set");
        let writer = tokio::spawn(async move {
            for byte in GOOD.repeat(20).bytes() {
                peer.write_all(&[byte]).await.expect("sent");
                tokio::task::yield_now().await;
            }
        });
        world.until("all lines", |world| world.stats().lines == 20).await;
        writer.await.expect("sent");
        world.until("the end", |world| world.closed == 1).await;
        assert_eq!(world.stats().events, 20);
        world.end().await;
    });
}

#[test]
fn messages_that_count_their_bytes_need_no_newline() {
    block_on(async {
        let mut world = World::new(LIMITS, BUDGET, Options::DEFAULT).await;
        let mut peer = world.connect().await;
        let message = format!("<134>1 2026-11-20T09:00:01Z web desk 7 - - {}", GOOD.trim_end());
        let counted = format!("{} {message}", message.len()).repeat(3);
        let (first, rest) = counted.split_at(101);
        peer.write_all(first.as_bytes()).await.expect("sent");
        peer.write_all(rest.as_bytes()).await.expect("sent");
        // The connection stays open: the messages are whole without another byte.
        world.until("all messages", |world| world.stats().lines == 3).await;
        assert_eq!(world.stats().bytes, counted.len() as u64);
        drop(peer);
        world.until("the end", |world| world.closed == 1).await;
        assert_eq!(world.stats().events, 3);
        let verdicts = String::from_utf8_lossy(&world.out.verdicts);
        assert_eq!(verdicts.matches("\"outcome\":\"success\"").count(), 3);
        world.end().await;
    });
}

#[test]
fn a_line_without_end_holds_bounded_memory() {
    block_on(async {
        let mut world = World::new(LIMITS, BUDGET, Options::DEFAULT).await;
        let mut endless = world.connect().await;
        let mut other = world.connect().await;
        let writer = tokio::spawn(async move {
            let block = vec![b'x'; 1 << 20];
            for _ in 0..64 {
                endless.write_all(&block).await.expect("sent");
            }
            endless
        });
        world.until("64 MiB", |world| world.stats().bytes >= 64 << 20).await;
        assert!(world.most < 3 << 20, "{} held", world.most);
        other.write_all(GOOD.as_bytes()).await.expect("sent");
        world.until("the other's line", |world| world.stats().lines == 1).await;
        drop(writer.await.expect("sent"));
        world.until("its end", |world| world.closed == 1).await;
        let stats = world.stats();
        assert_eq!((stats.lines, stats.event_lines, stats.partial_lines), (2, 2, 2), "the endless line is partial");
        world.end().await;
    });
}

#[test]
fn lines_of_all_peers_share_the_budget_and_none_is_lost() {
    block_on(async {
        // Each line may have one megabyte, all connections together two.
        let limits = Limits { connections: 16, ..LIMITS };
        let mut world = World::new(limits, 2 << 20, Options::DEFAULT).await;
        let line = format!(
            "{{\"provider\":\"openai\",\"status_code\":200,\"event\":\"llm_call\",\"prompt\":\"{}\"}}\n",
            "p".repeat(900_000)
        );
        let (half, rest) = line.split_at(600_000);
        let mut writers = Vec::new();
        for _ in 0..12 {
            let (mut peer, half, rest) = (world.connect().await, half.to_owned(), rest.to_owned());
            writers.push(tokio::spawn(async move {
                for _ in 0..3 {
                    peer.write_all(half.as_bytes()).await.expect("sent");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    peer.write_all(rest.as_bytes()).await.expect("sent");
                }
            }));
        }
        // A peer with short lines is not delayed.
        let mut small = world.connect().await;
        small.write_all(GOOD.repeat(100).as_bytes()).await.expect("sent");
        drop(small);
        world.until("all lines", |world| world.stats().lines == 136).await;
        for writer in writers {
            writer.await.expect("sent");
        }
        world.until("their ends", |world| world.closed == 13).await;
        assert_eq!(world.stats().events, 136, "no line is lost or cut: {:?}", world.stats());
        assert_eq!(world.stats().partial_lines, 0);
        assert!(world.most <= (2 << 20) + (1 << 20) + (128 << 10), "{} held at once", world.most);
        assert!(world.gauges.waits.load(Ordering::Relaxed) > 0, "at least one peer had to wait");
        assert_eq!(world.gauges.buffered_bytes.load(Ordering::Relaxed), 0);
        world.end().await;
    });
}

#[test]
fn a_larger_budget_lets_waiting_peers_continue() {
    block_on(async {
        let limits = Limits { connections: 2, ..LIMITS };
        let mut world = World::new(limits, 64 << 10, Options::DEFAULT).await;
        let mut first = world.connect().await;
        let mut second = world.connect().await;
        let block = vec![b'x'; 300_000];
        // Both hold half a line. One of them may exceed the budget, but sends no more.
        let (a, b) = tokio::join!(
            tokio::time::timeout(Duration::from_secs(1), first.write_all(&block)),
            tokio::time::timeout(Duration::from_secs(1), second.write_all(&block)),
        );
        drop((a, b));
        while world.step().await {}
        let before = world.stats().bytes;
        assert!(before < 600_000, "one peer waits");
        world.budget.set(8 << 20, 2);
        world.until("both", |world| world.stats().bytes == 600_000).await;
        world.end().await;
    });
}

#[test]
fn peers_beyond_the_connection_limit_wait() {
    block_on(async {
        let limits = Limits { connections: 2, ..LIMITS };
        let mut world = World::new(limits, BUDGET, Options::DEFAULT).await;
        let mut peers = Vec::new();
        for _ in 0..6 {
            let mut peer = world.connect().await;
            peer.write_all(GOOD.as_bytes()).await.expect("sent");
            peers.push(peer);
        }
        world.until("two lines", |world| world.stats().lines == 2).await;
        while world.step().await {}
        assert_eq!((world.stats().lines, world.gauges.files.load(Ordering::Relaxed)), (2, 2));
        // A reload raises the limit.
        world.settings.send_replace(Settings { limits: Limits { connections: 4, ..LIMITS }, ..Settings::default() });
        world.until("two more", |world| world.stats().lines == 4).await;
        while world.step().await {}
        assert_eq!(world.stats().lines, 4);
        drop(peers);
        world.until("the rest", |world| world.stats().lines == 6 && world.closed == 6).await;
        world.end().await;
    });
}

#[test]
fn idle_peers_are_closed_and_a_reload_changes_the_time() {
    block_on(async {
        let mut world = World::new(LIMITS, BUDGET, Options::DEFAULT).await;
        let mut peer = world.connect().await;
        peer.write_all(b"half a li").await.expect("sent");
        world.until("the bytes", |world| world.stats().bytes == 9).await;
        world
            .settings
            .send_replace(Settings { limits: Limits { idle: Duration::from_millis(20), ..LIMITS }, ..Settings::default() });
        world.until("the end", |world| world.closed == 1).await;
        assert_eq!(peer.read(&mut [0; 8]).await.expect("closed"), 0);
        // Indented lines may follow an event, so it is closed only after a second.
        world.silence();
        assert_eq!((world.stats().events, world.stats().partial_lines), (1, 1));
        world.end().await;
    });
}

#[test]
fn a_slow_pipeline_blocks_the_writer_and_gets_every_line() {
    block_on(async {
        let mut world = World::new(LIMITS, BUDGET, Options::DEFAULT).await;
        let mut peer = world.connect().await;
        let lines = 5_000;
        // More than the kernel buffers.
        let line = " ".repeat(8_000) + GOOD;
        let writer = tokio::spawn(async move { peer.write_all(line.repeat(lines).as_bytes()).await });
        // While the pipeline handles nothing, the writer blocks and the buffer stays small.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!writer.is_finished(), "the writer waits");
        assert!(world.gauges.buffered_bytes.load(Ordering::Relaxed) < 1 << 20);
        world.until("all lines", |world| world.stats().lines == lines as u64).await;
        writer.await.expect("no panic").expect("sent");
        world.end().await;
    });
}

#[test]
fn garbage_makes_no_calls_and_does_not_affect_other_peers() {
    block_on(async {
        let mut world = World::new(LIMITS, BUDGET, Options::DEFAULT).await;
        // Typical bytes of a port scanner: TLS, HTTP, NULs, control characters.
        for bytes in [
            &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            &[0; 4_096],
            b"\x01\x02\n\x03",
        ] {
            let mut peer = world.connect().await;
            peer.write_all(bytes).await.expect("sent");
        }
        world.until("their ends", |world| world.closed == 4).await;
        let mut peer = world.connect().await;
        peer.write_all(GOOD.as_bytes()).await.expect("sent");
        drop(peer);
        world.until("the good line", |world| world.closed == 5).await;
        let verdicts = String::from_utf8_lossy(&world.out.verdicts).into_owned();
        assert_eq!(verdicts.matches("\"outcome\":\"success\"").count(), 1);
        assert_eq!(verdicts.matches("\"outcome\":\"error\"").count(), 0, "{verdicts}");
        let stats = world.end().await;
        assert_eq!(stats.lines, stats.event_lines + stats.blank_lines + stats.discarded_lines);
    });
}
