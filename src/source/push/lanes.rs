//! The streams of a source: one for each peer and each process that it speaks for.

use super::lines::Part;
use super::refusal::Refusal;
use crate::framing::StreamId;
use crate::observation::SourceId;
use crate::pipeline::Event;
use crate::source::budget::MemoryBudget;
use crate::source::chunk::{chunk_event, open_event};
use crate::source::{Gauges, SourceMessage, StreamIds};
use crate::time::Timestamp;
use bytes::Bytes;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// The most open streams of one source. For a further one, the one that was unused for the longest time closes.
const MAX_STREAMS: usize = 256;
/// A request is refused if the pipeline has no room for it after this long.
const ROOM_TIMEOUT: Duration = Duration::from_secs(3);
/// A request waits for room for at most this many of its messages; the pipeline takes the rest one by one.
const ROOM_MESSAGES: usize = 16;

#[derive(Debug)]
struct Lane {
    stream: StreamId,
    offset: u64,
    used: u64,
}

/// The open streams, and the way to the pipeline. Requests are handed over one after the other.
#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) source: SourceId,
    pub(super) budget: Arc<MemoryBudget>,
    pub(super) ids: Arc<StreamIds>,
    pub(super) gauges: Arc<Gauges>,
    pub(super) to: mpsc::Sender<SourceMessage>,
    open: HashMap<(IpAddr, u64), Lane>,
    uses: u64,
}

impl Lanes {
    pub(super) fn new(
        source: SourceId,
        budget: Arc<MemoryBudget>,
        ids: Arc<StreamIds>,
        gauges: Arc<Gauges>,
        to: mpsc::Sender<SourceMessage>,
    ) -> Self {
        Self { source, budget, ids, gauges, to, open: HashMap::new(), uses: 0 }
    }

    /// Hands over a whole request, or nothing of it.
    pub(super) async fn hand_over(&mut self, peer: IpAddr, parts: Vec<Part>) -> Result<(), Refusal> {
        let to = self.to.clone();
        let room = parts.len().clamp(1, ROOM_MESSAGES.min(to.max_capacity()));
        // The room is free again at the end of this statement; only this request and other sources can take it.
        timeout(ROOM_TIMEOUT, to.reserve_many(room)).await.map_err(|_| Refusal::Busy)?.map_err(|_| Refusal::Busy)?;
        let now = Timestamp::from_system(SystemTime::now());
        self.gauges.read_at(now);
        for part in parts {
            self.send(peer, part, now).await?;
        }
        Ok(())
    }

    async fn send(&mut self, peer: IpAddr, part: Part, now: Timestamp) -> Result<(), Refusal> {
        let Part { stream: key, bytes } = part;
        let key = (peer.to_canonical(), key);
        if !self.open.contains_key(&key) {
            self.open_lane(key).await?;
        }
        self.uses += 1;
        let Some(lane) = self.open.get_mut(&key) else { return Err(Refusal::Busy) };
        lane.used = self.uses;
        let bytes = Bytes::from_owner(bytes);
        let len = bytes.len() as u64;
        let chunk = chunk_event(lane.stream, lane.offset, bytes, now);
        lane.offset += len;
        // It fails only when the daemon ends without order.
        self.to.send(chunk.into()).await.map_err(|_| Refusal::Busy)?;
        self.gauges.seen_bytes.fetch_add(len, Ordering::Relaxed);
        Ok(())
    }

    async fn open_lane(&mut self, key: (IpAddr, u64)) -> Result<(), Refusal> {
        if self.open.len() >= MAX_STREAMS
            && let Some(oldest) = self.open.iter().min_by_key(|(_, lane)| lane.used).map(|(key, _)| *key)
            && let Some(lane) = self.open.remove(&oldest)
        {
            self.to.send(Event::Close(lane.stream).into()).await.map_err(|_| Refusal::Busy)?;
        }
        let stream = self.ids.next();
        let reservation = Some(self.budget.open(Arc::clone(&self.gauges)));
        let open = SourceMessage { reservation, ..open_event(stream, self.source).into() };
        self.to.send(open).await.map_err(|_| Refusal::Busy)?;
        self.open.insert(key, Lane { stream, offset: 0, used: self.uses });
        Ok(())
    }

    /// Closes all streams.
    pub(super) async fn close(&mut self) {
        for (_, lane) in self.open.drain() {
            // It fails only when the daemon ends without order.
            self.to.send(Event::Close(lane.stream).into()).await.ok();
        }
    }
}
