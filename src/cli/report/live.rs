//! The report while the log grows: repainted on a terminal, and printed as a whole at the end.

use super::super::args::Format;
use super::super::exit::{CliError, Exit};
use super::super::input::Input;
use super::super::replay::Replay;
use super::super::{output, terminal};
use super::render::render;
use super::summary::Summary;
use super::view::{Depth, View};
use super::{follow, interrupt};
use crate::pipeline::Event;
use crate::time::Timestamp;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// The least time between two repaints.
const REPAINT_INTERVAL: Duration = Duration::from_millis(500);
/// Readers wait when this many pieces are in the channel.
const QUEUED_PIECES: usize = 4;

/// Reads until Ctrl-C or until all inputs have ended (files never do), and shows the report again and again.
pub(super) fn run(
    mut replay: Replay,
    mut summary: Summary,
    inputs: &[Input],
    view: View,
) -> Result<(Summary, Replay, Exit), CliError> {
    let has_failed = Arc::new(AtomicBool::new(false));
    let events = start_readers(&mut replay, inputs, &has_failed);
    let mut screen = Screen::new(view);
    loop {
        match events.recv_timeout(REPAINT_INTERVAL) {
            Ok(event) => replay.pipeline.handle(event, &mut replay.out),
            Err(RecvTimeoutError::Timeout) => {
                replay.pipeline.handle(Event::Tick(Timestamp::from_system(SystemTime::now())), &mut replay.out);
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
        summary.take(&mut replay.pipeline, &mut replay.out);
        if interrupt::is_pressed() || !screen.show(&mut summary, &replay) {
            break;
        }
    }
    replay.pipeline.handle(Event::Drain, &mut replay.out);
    summary.take(&mut replay.pipeline, &mut replay.out);
    summary.finish(&replay.pipeline);
    screen.clear();
    match output::print(&render(&summary, &replay.pipeline, view)) {
        Err(error) if !output::is_closed(&error) => Err(error.into()),
        _ => {
            let exit = if has_failed.load(Ordering::Relaxed) { Exit::Failed } else { Exit::Success };
            Ok((summary, replay, exit))
        }
    }
}

/// Starts a thread per input and returns the channel of their events.
fn start_readers(replay: &mut Replay, inputs: &[Input], has_failed: &Arc<AtomicBool>) -> Receiver<Event> {
    let (sender, events) = mpsc::sync_channel(QUEUED_PIECES);
    for (number, input) in (0..).zip(inputs) {
        let stream = replay.open_stream(number, input);
        let (input, sender, has_failed) = (input.clone(), sender.clone(), Arc::clone(has_failed));
        thread::spawn(move || {
            if let Err(error) = follow::read(stream, &input, &sender) {
                output::print_error(&format!("cannot read {}: {}", input.label(), output::reason(&error)));
                has_failed.store(true, Ordering::Relaxed);
                let _receiver_ended = sender.send(Event::Close(stream));
            }
        });
    }
    events
}

/// The terminal while it is repainted. Any other output gets the report once, at the end.
struct Screen {
    enabled: bool,
    view: View,
    painted_at: Option<Instant>,
}

impl Screen {
    fn new(view: View) -> Self {
        let enabled = view.format == Format::Table && io::stdout().is_terminal();
        Self { enabled, view: View { depth: Depth::Overview, ..view }, painted_at: None }
    }

    /// Repaints if it is time to. False if standard output is closed.
    fn show(&mut self, summary: &mut Summary, replay: &Replay) -> bool {
        if !self.enabled || self.painted_at.is_some_and(|painted_at| painted_at.elapsed() < REPAINT_INTERVAL) {
            return true;
        }
        self.painted_at = Some(Instant::now());
        summary.finish(&replay.pipeline);
        let report = render(summary, &replay.pipeline, self.view);
        let report = String::from_utf8_lossy(&report);
        output::print(terminal::screen(&report, "Ctrl-C prints the details").as_bytes()).is_ok()
    }

    fn clear(&self) {
        if self.painted_at.is_some() {
            let _ignored = output::print(terminal::CLEAR.as_bytes());
        }
    }
}
