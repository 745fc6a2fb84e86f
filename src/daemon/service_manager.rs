//! Reports to a service manager by systemd's protocol (sd_notify): ready, reloading, stopping, a line of status, and a
//! watchdog message while lines are handled. Without `$NOTIFY_SOCKET` nothing is sent.
//!
//! The watchdog message comes from the pipeline's thread, once for each second that it handled. A timer of its own would
//! prove only that timers work: a process that no longer handles lines must be detected and restarted.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::{Mutex, PoisonError};
use tracing::warn;

/// The connection to the service manager, if there is one.
#[derive(Debug, Default)]
pub(super) struct ServiceManager {
    to: Option<(UnixDatagram, SocketAddr)>,
    /// Whether it expects watchdog messages.
    watchdog: bool,
    /// The last status that it received.
    status: Mutex<String>,
}

impl ServiceManager {
    /// From `$NOTIFY_SOCKET`, `$WATCHDOG_USEC` and `$WATCHDOG_PID`. A socket that cannot be used is logged; the daemon runs
    /// without it.
    pub(super) fn from_env() -> Self {
        let Some(name) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return Self::default() };
        let number = |name: &str| env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
        let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = is_ours && number("WATCHDOG_USEC").is_some_and(|micros| micros > 0);
        match open(&name) {
            Ok(to) => Self { to: Some(to), watchdog, status: Mutex::default() },
            Err(error) => {
                warn!(%error, socket = %name.to_string_lossy(), "cannot notify the service manager");
                Self::default()
            }
        }
    }

    /// The daemon reads its sources, or a reload ended.
    pub(super) fn ready(&self) {
        self.send("READY=1");
    }

    /// A reload has begun; [`ready`](Self::ready) ends it, successful or not.
    pub(super) fn reloading(&self) {
        // systemd compares this with its own clock, to tell this reload from an earlier one.
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let micros = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000);
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// The daemon ends.
    pub(super) fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=Ending: handling what was read");
    }

    /// One more second was handled. Sends the watchdog message, and the status if it changed. Never blocks.
    pub(super) fn progress(&self, status: &str) {
        if self.to.is_none() {
            return;
        }
        let mut known = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = *known != status;
        let sent = match (is_new, self.watchdog) {
            (true, true) => self.send(&format!("WATCHDOG=1\nSTATUS={status}")),
            (true, false) => self.send(&format!("STATUS={status}")),
            (false, true) => self.send("WATCHDOG=1"),
            (false, false) => return,
        };
        if is_new && sent {
            status.clone_into(&mut known);
        }
    }

    /// Returns whether the message was sent. A busy manager gets the next one.
    fn send(&self, message: &str) -> bool {
        self.to.as_ref().is_some_and(|(socket, address)| socket.send_to_addr(message.as_bytes(), address).is_ok())
    }
}

/// Opens a socket that does not block, because the pipeline must never wait for the manager.
fn open(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}
