//! The wait that a provider asks for before another try.

use super::verdict::Judgement;
use crate::observation::MAX_RETRY_AFTER_S;
use crate::record::Signals;
use crate::time::Stamp;
use std::time::Duration;

/// Longer waits are not believed, in seconds.
const MAX_WAIT_S: f64 = 400.0 * 86_400.0;

/// Takes over the wait that the provider asks for: a short one as a span, a long one as the time at which it ends.
pub(super) fn set_wait(signals: &Signals, judgement: &mut Judgement) {
    match signals.retry_after_s.filter(|wait| *wait >= 0.0 && wait.is_finite()) {
        Some(wait) if wait <= MAX_RETRY_AFTER_S => judgement.retry_after_s = Some(wait),
        Some(wait) if wait < MAX_WAIT_S => match judgement.stamp {
            Some(Stamp::Utc(at)) => judgement.resets_at = Some(at.plus(Duration::from_secs_f64(wait))),
            _ => judgement.retry_after_s = Some(wait),
        },
        _ => {}
    }
}
