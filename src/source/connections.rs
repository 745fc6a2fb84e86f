//! The open connections of an HTTP server, and which of them closes when there are too many: the one that is idle for the longest time.
//!
//! A connection is idle while the server waits for its next request. So peers that keep connections alive cannot keep out a probe.
//! One peer cannot have them all, and this machine is not limited as a peer: a probe from it always gets through.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// The open connections.
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    /// The number of the latest event: events are in the order of their numbers, so no clock is needed.
    latest: u64,
    /// By the number of the event since which the connection is idle.
    idle: BTreeMap<u64, (Option<IpAddr>, CancellationToken)>,
    /// How many connections each peer has.
    of_peer: HashMap<IpAddr, usize>,
}

impl Connections {
    /// A new connection, which is idle. If the peer has `most` connections already, the one that is idle for the longest time
    /// closes for it; `None` if all of them are busy.
    #[must_use]
    pub fn open(&self, address: IpAddr, most: usize) -> Option<Connection> {
        let peer = limited_peer(address);
        if let Some(peer) = peer {
            let mut open = self.lock();
            if open.of_peer.get(&peer).is_some_and(|count| *count >= most) {
                let idle = open.idle.iter().find(|(_, (other, _))| *other == Some(peer)).map(|(since, _)| *since)?;
                if let Some((_, close)) = open.idle.remove(&idle) {
                    close.cancel();
                }
            }
            *open.of_peer.entry(peer).or_default() += 1;
        }
        let connection = Connection { all: self.clone(), peer, close: CancellationToken::new(), idle_since: Mutex::new(None) };
        connection.set_idle();
        Some(connection)
    }

    /// Asks the connection that is idle for the longest time to close.
    pub fn close_oldest_idle(&self) {
        if let Some((_, (_, close))) = self.lock().idle.pop_first() {
            close.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The peer of the counted connections: an address, or the network of an IPv6 host. `None`: this machine.
fn limited_peer(address: IpAddr) -> Option<IpAddr> {
    let address = address.to_canonical();
    let network = match address {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        IpAddr::V4(_) => address,
    };
    (!address.is_loopback()).then_some(network)
}

/// One open connection.
#[derive(Debug)]
pub struct Connection {
    all: Connections,
    peer: Option<IpAddr>,
    /// Cancelled when the connection is to close for another one.
    pub close: CancellationToken,
    idle_since: Mutex<Option<u64>>,
}

impl Connection {
    /// An answer was made; the connection waits until the peer has read it and sends the next request.
    pub fn set_idle(&self) {
        self.set_busy();
        let now = {
            let mut open = self.all.lock();
            open.latest += 1;
            let now = open.latest;
            open.idle.insert(now, (self.peer, self.close.clone()));
            now
        };
        *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// A request arrived.
    pub fn set_busy(&self) {
        let since = self.idle_since.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(since) = since {
            self.all.lock().idle.remove(&since);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.set_busy();
        if let Some(peer) = self.peer {
            let mut open = self.all.lock();
            let rest = open.of_peer.get(&peer).map_or(0, |count| count.saturating_sub(1));
            if rest == 0 {
                open.of_peer.remove(&peer)
            } else {
                open.of_peer.insert(peer, rest)
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connection_that_is_idle_for_the_longest_time_closes_first() {
        let all = Connections::default();
        let open = || all.open(IpAddr::from([127, 0, 0, 1]), 1).expect("loopback has no limit");
        let [first, second, busy] = [(); 3].map(|()| open());
        busy.set_busy();
        first.set_busy();
        first.set_idle();
        let closed = || [&first, &second, &busy].map(|connection| connection.close.is_cancelled());
        all.close_oldest_idle();
        assert_eq!(closed(), [false, true, false], "the first one had a request since");
        all.close_oldest_idle();
        all.close_oldest_idle();
        assert_eq!(closed(), [true, true, false], "a busy connection stays");
        drop(open());
        assert!(all.lock().idle.is_empty(), "a closed connection is forgotten");
    }

    #[test]
    fn one_peer_cannot_have_all_connections() {
        let all = Connections::default();
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let open = |text: &str| all.open(address(text), 2);
        let [first, second] = [(); 2].map(|()| open("192.0.2.1").expect("below the limit"));
        first.set_busy();
        let third = open("192.0.2.1").expect("an idle connection closes for it");
        assert!(second.close.is_cancelled() && !first.close.is_cancelled());
        third.set_busy();
        second.set_busy();
        assert!(open("192.0.2.1").is_none(), "all of its connections are busy");
        assert!(open("::ffff:192.0.2.1").is_none(), "another spelling of the address");
        assert!(open("192.0.2.2").is_some() && open("127.0.0.1").is_some() && open("::1").is_some());
        drop((second, third));
        assert!(open("192.0.2.1").is_some());
        // The hosts of an IPv6 network have as many addresses as they like.
        let network = [open("2001:db8::1"), open("2001:db8::2")];
        network.iter().flatten().for_each(Connection::set_busy);
        assert!(open("2001:db8::3").is_none() && open("2001:db8:0:1::3").is_some());
        drop((first, network));
        assert!(all.lock().of_peer.is_empty(), "a peer without connections is forgotten");
    }
}
