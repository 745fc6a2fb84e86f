//! Sends the pipeline a tick every second, and notices when the wall clock jumps.

use super::phase::{Phase, Phases};
use crate::pipeline::Event;
use crate::source::{ClockReading, SourceMessage};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Sends a tick every second until `stop`. A tick waits in the channel after the chunks that came before it, so the pipeline
/// sees time and bytes in order.
///
/// The first tick comes after the first scan of the files, because whether there is a backlog must be known before time
/// advances.
pub(super) async fn tick(to: mpsc::Sender<SourceMessage>, phases: Phases, stop: CancellationToken) {
    if stop.run_until_cancelled(phases.reached(Phase::Ready)).await.is_none() {
        return;
    }
    let mut last: Option<ClockReading> = None;
    let mut seconds = interval(Duration::from_secs(1));
    // After a stall, one tick has the effect of many.
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(seconds.tick()).await.is_some() {
        let now = ClockReading::now();
        let event = match last.replace(now) {
            Some(last) if !now.leaps_from(last) => Event::Tick(now.wall),
            Some(_) => {
                warn!("wall clock jumped (clock change or suspend); windows restart at the current time");
                Event::ClockStep(now.wall)
            }
            // Nothing was read before the first tick, so the time until then is a jump too.
            None => Event::ClockStep(now.wall),
        };
        if to.send(event.into()).await.is_err() {
            return;
        }
    }
}
