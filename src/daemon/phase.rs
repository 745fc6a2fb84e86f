//! The phase of the daemon's life; `/-/ready` answers by it.

use tokio::sync::watch;

/// A phase of the daemon's life. Each comes once, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Ports and state are taken; nothing is read yet.
    #[default]
    Starting,
    /// Sources are read.
    Ready,
    /// The end was requested: no more bytes are read, and those that were read are handled.
    Draining,
    /// The last checkpoint is written.
    Stopped,
}

/// The current phase, to wait for. Clones share it.
#[derive(Clone, Debug)]
pub struct Phases(watch::Sender<Phase>);

impl Default for Phases {
    fn default() -> Self {
        Self(watch::Sender::new(Phase::Starting))
    }
}

impl Phases {
    /// Waits until `phase` or a later one is reached.
    pub async fn reached(&self, phase: Phase) {
        // It would fail only without a sender, and `self` is one.
        self.0.subscribe().wait_for(|now| *now >= phase).await.ok();
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.0.send_replace(phase);
    }
}
