//! The open connections, and which of them closes when there are too many: the one that is idle for the longest time.
//!
//! A connection is idle while the server waits for its next request. So peers that keep connections alive cannot keep out a probe.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// The open connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    /// The number of the latest event: events are in the order of their numbers, so no clock is needed.
    latest: u64,
    /// By the number of the event since which the connection is idle.
    idle: BTreeMap<u64, CancellationToken>,
}

impl Connections {
    /// A new connection, which is idle.
    pub(super) fn open(&self) -> Connection {
        let connection = Connection { all: self.clone(), close: CancellationToken::new(), idle_since: Mutex::new(None) };
        connection.set_idle();
        connection
    }

    /// Asks the connection that is idle for the longest time to close.
    pub(super) fn close_oldest_idle(&self) {
        if let Some((_, close)) = self.lock().idle.pop_first() {
            close.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open connection.
#[derive(Debug)]
pub(super) struct Connection {
    all: Connections,
    /// Cancelled when the connection is to close for another one.
    pub(super) close: CancellationToken,
    idle_since: Mutex<Option<u64>>,
}

impl Connection {
    /// An answer was made; the connection waits until the peer has read it and sends the next request.
    pub(super) fn set_idle(&self) {
        self.set_busy();
        let now = {
            let mut open = self.all.lock();
            open.latest += 1;
            let now = open.latest;
            open.idle.insert(now, self.close.clone());
            now
        };
        *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// A request arrived.
    pub(super) fn set_busy(&self) {
        let since = self.idle_since.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(since) = since {
            self.all.lock().idle.remove(&since);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.set_busy();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connection_that_is_idle_for_the_longest_time_closes_first() {
        let all = Connections::default();
        let [first, second, busy] = [(); 3].map(|()| all.open());
        busy.set_busy();
        first.set_busy();
        first.set_idle();
        let closed = || [&first, &second, &busy].map(|connection| connection.close.is_cancelled());
        all.close_oldest_idle();
        assert_eq!(closed(), [false, true, false], "the first one had a request since");
        all.close_oldest_idle();
        all.close_oldest_idle();
        assert_eq!(closed(), [true, true, false], "a busy connection stays");
        drop(all.open());
        assert!(all.lock().idle.is_empty(), "a closed connection is forgotten");
    }
}
