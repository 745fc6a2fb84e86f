//! Waits that a changed clock cannot prolong.

use crate::time::Timestamp;
use std::time::Duration;

/// How much of a wait that began at `since` remains. If the clock was set back since then, the wait is over.
pub(super) fn remaining(since: Timestamp, wait: Duration, now: Timestamp) -> Duration {
    if now < since { Duration::ZERO } else { wait.saturating_sub(now.since(since)) }
}

/// Whether a wait that began at `since` is over.
pub(super) fn is_over(since: Timestamp, wait: Duration, now: Timestamp) -> bool {
    remaining(since, wait, now).is_zero()
}
