//! Standard input, read on a thread of its own: a `read` from a pipe cannot be cancelled, so no other task may wait for it.

use super::chunk::{CHUNK_BYTES, chunk_event, open_event};
use super::{Gauges, SourceMessage};
use crate::framing::StreamId;
use crate::observation::SourceId;
use crate::pipeline::Event;
use crate::time::Timestamp;
use bytes::Bytes;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::SystemTime;
use tokio::sync::{mpsc, oneshot};

/// Why the input ended.
#[derive(Debug)]
pub enum End {
    /// Everything was read and sent to the pipeline.
    Eof,
    /// A read failed.
    Failed(io::Error),
    /// The pipeline closed its queue.
    Stopped,
}

/// Reads `input` to its end and then reports the reason. The thread is not joined: at shutdown a `read` may block it for
/// ever, and it ends with the process.
///
/// # Errors
///
/// The system cannot start a thread.
pub fn spawn(
    input: impl Read + Send + 'static,
    source: SourceId,
    stream: StreamId,
    gauges: Arc<Gauges>,
    to: mpsc::Sender<SourceMessage>,
) -> io::Result<oneshot::Receiver<End>> {
    let (report, ended) = oneshot::channel();
    thread::Builder::new().name("stdin".into()).spawn(move || {
        gauges.piped.store(true, Ordering::Relaxed);
        gauges.files.store(1, Ordering::Relaxed);
        let end = pump(input, source, stream, &gauges, &to);
        gauges.files.store(0, Ordering::Relaxed);
        // Drop the sender first: the receiver of the report may then wait for the queue to close.
        drop(to);
        // During a shutdown the receiver may be gone already.
        drop(report.send(end));
    })?;
    Ok(ended)
}

fn pump(mut input: impl Read, source: SourceId, stream: StreamId, gauges: &Gauges, to: &mpsc::Sender<SourceMessage>) -> End {
    // Each `read` is sent at once: a pipe must not wait for a full buffer.
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut offset = 0;
    // The sends block while the pipeline is busy; the pipe then fills, and its writer waits too.
    if to.blocking_send(open_event(stream, source).into()).is_err() {
        return End::Stopped;
    }
    let end = loop {
        let read = match input.read(&mut buffer) {
            Ok(0) => break End::Eof,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => break End::Failed(error),
        };
        let now = Timestamp::from_system(SystemTime::now());
        gauges.read_at(now);
        gauges.seen_bytes.fetch_add(read as u64, Ordering::Relaxed);
        let bytes = Bytes::copy_from_slice(buffer.get(..read).unwrap_or_default());
        if to.blocking_send(chunk_event(stream, offset, bytes, now).into()).is_err() {
            return End::Stopped;
        }
        offset += read as u64;
    };
    match to.blocking_send(Event::Close(stream).into()) {
        Ok(()) => end,
        Err(_) => End::Stopped,
    }
}
