//! Sockets that systemd opened for us (socket activation). They are used in place of sockets that we would open.

use listenfd::ListenFd;
use std::env;
use std::net::{SocketAddr, TcpListener};
use tracing::{info, warn};

/// Listening sockets of systemd that are not used yet.
#[derive(Debug, Default)]
pub(super) struct ActivatedSockets(Vec<Socket>);

#[derive(Debug)]
struct Socket {
    /// `FileDescriptorName=` of the unit.
    name: String,
    address: SocketAddr,
    listener: TcpListener,
}

impl ActivatedSockets {
    /// The sockets that this process was started with.
    pub(super) fn from_environment() -> Self {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut passed = ListenFd::from_env();
        let mut sockets = Vec::new();
        for index in 0..passed.len() {
            let name = names.next().unwrap_or_default().to_owned();
            let listener = passed.take_tcp_listener(index).ok().flatten();
            match listener.and_then(|listener| Some((listener.local_addr().ok()?, listener))) {
                Some((address, listener)) => sockets.push(Socket { name, address, listener }),
                None => warn!(index, name, "ignoring a socket of systemd that does not listen on TCP"),
            }
        }
        Self(sockets)
    }

    /// Takes the socket with this address, else the one with this name.
    pub(super) fn take(&mut self, name: &str, address: SocketAddr) -> Option<TcpListener> {
        let found = self.0.iter().position(|socket| socket.address == address);
        let found = found.or_else(|| self.0.iter().position(|socket| socket.name == name))?;
        let Socket { address, listener, .. } = self.0.swap_remove(found);
        info!(name, %address, "listening on a socket of systemd");
        Some(listener)
    }

    /// Logs the sockets that were not taken.
    pub(super) fn warn_of_rest(&self) {
        for Socket { name, address, .. } in &self.0 {
            warn!(name, %address, "no source listens on this socket of systemd; set its FileDescriptorName= to the name of a source");
        }
    }
}
