//! Where the daemon stands in its life; `/-/ready` answers by it.

use tokio::sync::watch;

/// Each comes once, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Ports and state are taken; nothing is read yet.
    #[default]
    Starting,
    /// Reading.
    Ready,
    /// Told to end: no more is read, what was read is handled.
    Draining,
    /// The last checkpoint is written.
    Stopped,
}

/// The phase, to be asked or waited for.
#[derive(Clone, Debug)]
pub struct Phases(watch::Sender<Phase>);

impl Default for Phases {
    fn default() -> Self {
        Self(watch::Sender::new(Phase::Starting))
    }
}

impl Phases {
    /// The phase now.
    #[must_use]
    pub fn now(&self) -> Phase {
        *self.0.borrow()
    }

    /// Waits until `phase` is reached or behind.
    pub async fn reached(&self, phase: Phase) {
        // An error would mean that the sender is gone, and we hold one.
        self.0.subscribe().wait_for(|now| *now >= phase).await.ok();
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.0.send_replace(phase);
    }
}
