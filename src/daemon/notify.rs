//! What a service manager hears of us by systemd's protocol (sd_notify): ready, reloading, stopping, a line of status, and
//! that lines are still being handled. Without `$NOTIFY_SOCKET` nobody is told.
//!
//! The sign of life comes from the pipeline's thread, once for each second that it has handled. A timer of its own would
//! say only that timers work: a process whose ingest hangs must be found out and started anew.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Mutex;
use tracing::warn;

/// The way to the service manager, if there is one.
#[derive(Debug, Default)]
pub(super) struct Notify {
    to: Option<(UnixDatagram, SocketAddr)>,
    /// Whether it wants to hear that we are alive.
    watchdog: bool,
    /// The status that it knows.
    status: Mutex<String>,
}

impl Notify {
    /// By `$NOTIFY_SOCKET`, `$WATCHDOG_USEC` and `$WATCHDOG_PID`. A socket that cannot be used is said, and is no reason
    /// not to run.
    pub(super) fn from_env() -> Self {
        let Some(name) = env::var_os("NOTIFY_SOCKET").filter(|it| !it.is_empty()) else { return Self::default() };
        let number = |name: &str| env::var(name).ok().and_then(|it| it.parse::<u64>().ok());
        let for_us = number("WATCHDOG_PID").is_none_or(|it| it == u64::from(std::process::id()));
        let watchdog = for_us && number("WATCHDOG_USEC").is_some_and(|it| it > 0);
        match open(&name) {
            Ok(to) => Self { to: Some(to), watchdog, status: Mutex::default() },
            Err(error) => {
                warn!(%error, socket = %name.to_string_lossy(), "cannot tell the service manager that we run");
                Self::default()
            }
        }
    }

    /// Reading, or reading by the new configuration.
    pub(super) fn ready(&self) {
        self.send("READY=1");
    }

    /// A new configuration is being read; [`ready`](Self::ready) ends it, whatever came of it.
    pub(super) fn reloading(&self) {
        // By the clock that systemd compares with its own, to tell this reload from an earlier one.
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let micros = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000);
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// Told to end.
    pub(super) fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=Ending: what was read is handled first");
    }

    /// A second's worth of lines was handled: we are alive, and this is how it goes. Never waits.
    pub(super) fn progress(&self, status: &str) {
        if self.to.is_none() {
            return;
        }
        let mut said = self.status.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let news = *said != status;
        let sent = match (news, self.watchdog) {
            (true, true) => self.send(&format!("WATCHDOG=1\nSTATUS={status}")),
            (true, false) => self.send(&format!("STATUS={status}")),
            (false, true) => self.send("WATCHDOG=1"),
            (false, false) => return,
        };
        if news && sent {
            status.clone_into(&mut said);
        }
    }

    /// A manager that is busy hears the next one; one that has gone hears none.
    fn send(&self, message: &str) -> bool {
        self.to.as_ref().is_some_and(|(socket, address)| socket.send_to_addr(message.as_bytes(), address).is_ok())
    }
}

/// The pipeline must never wait for the manager, so the socket does not block.
fn open(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}
