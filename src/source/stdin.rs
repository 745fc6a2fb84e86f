//! Standard input, on a thread of its own: a `read` from a pipe cannot be called off, so nobody may wait for it.

use super::{CHUNK_BYTES, Gauges, SourceMessage, chunk_event, open_event};
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
    /// Everything was read and handed over.
    Eof,
    /// It cannot be read any further.
    Failed(io::Error),
    /// The pipeline does not take any more.
    Stopped,
}

/// Reads `input` to its end and tells then. The thread is let go: at shutdown it may sit in a `read` for ever, and the end of
/// the process ends it.
///
/// # Errors
///
/// Where the system gives no thread.
pub fn spawn(
    input: impl Read + Send + 'static,
    source: SourceId,
    stream: StreamId,
    gauges: Arc<Gauges>,
    to: mpsc::Sender<SourceMessage>,
) -> io::Result<oneshot::Receiver<End>> {
    let (tell, ended) = oneshot::channel();
    thread::Builder::new().name("stdin".into()).spawn(move || {
        gauges.piped.store(true, Ordering::Relaxed);
        gauges.files.store(1, Ordering::Relaxed);
        let end = pump(input, source, stream, &gauges, &to);
        gauges.files.store(0, Ordering::Relaxed);
        // The sender goes first: whoever hears of the end may wait for the channel to close.
        drop(to);
        // Nobody listens any more during a shutdown.
        drop(tell.send(end));
    })?;
    Ok(ended)
}

fn pump(mut input: impl Read, source: SourceId, stream: StreamId, gauges: &Gauges, to: &mpsc::Sender<SourceMessage>) -> End {
    // What one `read` gives goes on at once: a pipe must not wait for a full buffer.
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut offset = 0;
    // The sends wait while the pipeline is busy; the pipe then fills, and its writer waits too.
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
