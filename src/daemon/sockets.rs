//! Sockets that systemd has opened for us (socket activation): taken in the place of those that we would open.

use listenfd::ListenFd;
use std::env;
use std::net::{SocketAddr, TcpListener};
use tracing::{info, warn};

/// Listening sockets that nobody has taken yet.
#[derive(Debug, Default)]
pub(super) struct Passed(Vec<Socket>);

#[derive(Debug)]
struct Socket {
    /// `FileDescriptorName=` of the unit.
    name: String,
    address: SocketAddr,
    listener: TcpListener,
}

impl Passed {
    /// Those that this process was started with.
    pub(super) fn from_environment() -> Self {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut passed = ListenFd::from_env();
        let mut sockets = Vec::new();
        for index in 0..passed.len() {
            let name = names.next().unwrap_or_default().to_owned();
            let listener = passed.take_tcp_listener(index).ok().flatten();
            let opened = listener.and_then(|it| Some((it.local_addr().ok()?, it)));
            match opened {
                Some((address, listener)) => sockets.push(Socket { name, address, listener }),
                None => warn!(index, name, "systemd passed a socket that does not listen on TCP; it is left alone"),
            }
        }
        Self(sockets)
    }

    /// The socket for this address, or the one that bears this name.
    pub(super) fn take(&mut self, name: &str, address: SocketAddr) -> Option<TcpListener> {
        let found = self.0.iter().position(|it| it.address == address);
        let found = found.or_else(|| self.0.iter().position(|it| it.name == name))?;
        let Socket { address, listener, .. } = self.0.swap_remove(found);
        info!(name, %address, "listening on a socket of systemd");
        Some(listener)
    }

    /// Says which nobody wanted.
    pub(super) fn warn_of_rest(&self) {
        for Socket { name, address, .. } in &self.0 {
            warn!(name, %address, "systemd passed a socket that no source listens on; name it like one (FileDescriptorName=)");
        }
    }
}
