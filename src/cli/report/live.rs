//! The report while the log grows: repainted on a terminal, and printed as a whole at the end.

use super::super::args::Format;
use super::super::browser::{Browser, Content, Entry, Next};
use super::super::exit::{CliError, Exit};
use super::super::input::Input;
use super::super::keys::Keys;
use super::super::painter::Painter;
use super::super::replay::Replay;
use super::super::terminal::{self, Styles};
use super::super::{end_signal, format, output};
use super::ranking::Ranking;
use super::render::render;
use super::summary::{Group, Summary};
use super::view::{Depth, View};
use super::{details, error_table, follow, overview};
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
/// How long a key waits at most for its effect while no line comes.
const KEY_INTERVAL: Duration = Duration::from_millis(50);
/// Readers wait when this many pieces are in the channel.
const QUEUED_PIECES: usize = 4;

/// Reads until a signal, `q` or until all inputs have ended (files never do), and shows the report again and again.
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
        match events.recv_timeout(KEY_INTERVAL) {
            Ok(event) => replay.pipeline.handle(event, &mut replay.out),
            Err(RecvTimeoutError::Timeout) => {
                replay.pipeline.handle(Event::Tick(Timestamp::from_system(SystemTime::now())), &mut replay.out);
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
        summary.take(&mut replay.pipeline, &mut replay.out);
        if end_signal::is_received() || !screen.show(&mut summary, &replay) {
            break;
        }
    }
    replay.pipeline.handle(Event::Drain, &mut replay.out);
    summary.take(&mut replay.pipeline, &mut replay.out);
    summary.is_finished = true;
    summary.finish(&replay.pipeline);
    drop(screen);
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
    keys: Option<Keys>,
    browser: Browser,
    painter: Painter,
    content: Content,
    renewed_at: Option<Instant>,
}

impl Screen {
    fn new(view: View) -> Self {
        let enabled = view.format == Format::Table && io::stdout().is_terminal();
        // Every error is an entry, unless the user named a number.
        let view = View { depth: Depth::Overview, top: view.top.or(Some(usize::MAX)), ..view };
        Self {
            enabled,
            view,
            keys: enabled.then(Keys::open).flatten(),
            browser: Browser::default(),
            painter: Painter::default(),
            content: Content::default(),
            renewed_at: None,
        }
    }

    /// Handles the keys, and repaints if something changed. False if the user ends it, or standard output is closed.
    fn show(&mut self, summary: &mut Summary, replay: &Replay) -> bool {
        if !self.enabled {
            return true;
        }
        let (columns, rows) = terminal::size();
        let mut pressed = false;
        while let Some(key) = self.keys.as_ref().and_then(Keys::next) {
            pressed = true;
            if self.browser.press(key, &self.content, rows) == Next::Quit {
                return false;
            }
        }
        let is_old = self.renewed_at.is_none_or(|renewed_at| renewed_at.elapsed() >= REPAINT_INTERVAL);
        if is_old {
            self.renewed_at = Some(Instant::now());
            summary.finish(&replay.pipeline);
            self.content = content(summary, replay, self.view);
        }
        if !is_old && !pressed {
            return true;
        }
        self.painter.paint(self.browser.lines(&self.content, columns, rows)).is_ok()
    }
}

/// The overview, in which each error is an entry with its details.
fn content(summary: &Summary, replay: &Replay, view: View) -> Content {
    let pipeline = &replay.pipeline;
    let styles = Styles::for_stdout();
    let ranking = Ranking::new(summary, pipeline, view.sort, view.top);
    let text = overview::render(summary, pipeline, &ranking, styles);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // The heading of the table, then a line for each error.
    let table = error_table::lines(summary, pipeline, &ranking, styles);
    let first = table.get(1).and_then(|line| lines.iter().position(|other| other == line)).unwrap_or(lines.len());
    let after = (first + ranking.top.len()).min(lines.len());
    let days = summary.span.is_some_and(|(from, to)| !format::is_same_day(from, to));
    let entry = |(group, line): (&&Group, &String)| {
        let mut text = String::new();
        details::write(&mut text, group, summary, pipeline, days, styles);
        Entry {
            key: format!("{} {}", error_table::name(group, pipeline), group.status),
            line: line.clone(),
            details: text.lines().skip(1).map(str::to_owned).collect(),
        }
    };
    Content {
        entries: ranking.top.iter().zip(lines.get(first..after).unwrap_or_default()).map(entry).collect(),
        head: lines.get(..first).unwrap_or_default().to_vec(),
        tail: lines.get(after..).unwrap_or_default().to_vec(),
    }
}
