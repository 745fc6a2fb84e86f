//! The signals that ask a command to end: it then finishes what it does, and leaves the terminal as it was.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT (Ctrl-C), SIGTERM and SIGHUP (the terminal was closed). None of them is lost between two calls.
#[derive(Debug)]
pub(super) struct EndSignals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` leaves SIGHUP as it is: `nohup` ignores it.
    hangup: Option<Signal>,
}

impl EndSignals {
    /// Takes over the handling of the signals; of SIGHUP only for a command that shows a screen of its own.
    pub(super) fn listen(has_screen: bool) -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: has_screen.then(|| signal(SignalKind::hangup())).transpose()?,
        })
    }

    /// Waits for one of them.
    pub(super) async fn received(&mut self) {
        let Self { interrupt, terminate, hangup } = self;
        let hung_up = async {
            match hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hung_up => {}
        }
    }
}

static RECEIVED: AtomicBool = AtomicBool::new(false);

/// Whether a signal came since [`watch`].
pub(super) fn is_received() -> bool {
    RECEIVED.load(Ordering::Relaxed)
}

/// Notes the signals for [`is_received`], on a thread of its own.
pub(super) fn watch(has_screen: bool) {
    thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            if let Ok(mut signals) = EndSignals::listen(has_screen) {
                signals.received().await;
                RECEIVED.store(true, Ordering::Relaxed);
            }
        });
    });
}
