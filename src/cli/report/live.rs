//! The report while the log grows: repainted in place, and printed whole at the end.

use super::super::input::{Input, Open};
use super::super::offline::Replay;
use super::super::{End, Trouble, style};
use super::summary::Summary;
use super::{Format, render};
use crate::framing::StreamId;
use crate::observation::SourceId;
use crate::pipeline::{Chunk, Event, StreamInfo};
use crate::time::Timestamp;
use bytes::Bytes;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How often the picture is painted anew, at most.
const REPAINT: Duration = Duration::from_millis(500);
/// How often a file that has ended is looked at again.
const LOOK: Duration = Duration::from_millis(200);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether Ctrl-C was pressed since [`watch_for_interrupt`].
pub(super) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// From now on Ctrl-C ends reading, and what is known so far is shown.
pub(super) fn watch_for_interrupt() {
    thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime
            && runtime.block_on(tokio::signal::ctrl_c()).is_ok()
        {
            INTERRUPTED.store(true, Ordering::Relaxed);
        }
    });
}

/// Reads until all inputs have ended, or for ever where they are files, and shows the report again and again.
pub(super) fn run(
    mut replay: Replay,
    inputs: &[Input],
    labels: Vec<String>,
    format: Format,
) -> Result<(Summary, End), Trouble> {
    // Readers wait when four pieces each are on their way.
    let (to, from) = mpsc::sync_channel(4);
    let failed = Arc::new(AtomicBool::new(false));
    for (at, input) in inputs.iter().enumerate() {
        let stream = StreamId(at as u32);
        let info = StreamInfo { source: SourceId(at as u16), path: Some(input.label()), at_offset: 0, first_line: 1 };
        replay.pipeline.handle(Event::Open(stream, info), &mut replay.out);
        let (input, to, failed) = (input.clone(), to.clone(), Arc::clone(&failed));
        thread::spawn(move || {
            if let Err(error) = read(stream, &input, &to) {
                style::complain(&format!("cannot read {}: {}", input.label(), style::reason(&error)));
                failed.store(true, Ordering::Relaxed);
                // Nobody is left to be told when the other side has ended.
                let _gone = to.send(Event::Close(stream));
            }
        });
    }
    drop(to);
    let mut summary = Summary::new(labels);
    let mut screen = Screen::new(format);
    loop {
        match from.recv_timeout(REPAINT) {
            Ok(event) => replay.pipeline.handle(event, &mut replay.out),
            Err(RecvTimeoutError::Timeout) => {
                replay.pipeline.handle(Event::Tick(Timestamp::from_system(SystemTime::now())), &mut replay.out);
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
        summary.take(&mut replay.pipeline, &mut replay.out);
        if interrupted() || !screen.show(&mut summary, &replay) {
            break;
        }
    }
    replay.pipeline.handle(Event::Drain, &mut replay.out);
    summary.take(&mut replay.pipeline, &mut replay.out);
    summary.finish(&replay.pipeline);
    screen.leave();
    match style::print(&render(&summary, &replay, format)) {
        Err(error) if !style::is_closed(&error) => Err(error.into()),
        _ => Ok((summary, if failed.load(Ordering::Relaxed) { End::Failed } else { End::Good })),
    }
}

/// The part of a terminal that is painted again and again. Anything else gets the report once, at the end.
struct Screen {
    painted: Option<Instant>,
    on: bool,
}

impl Screen {
    fn new(format: Format) -> Self {
        Self { painted: None, on: format == Format::Table && io::stdout().is_terminal() }
    }

    /// Whether there is still somebody to show it to.
    fn show(&mut self, summary: &mut Summary, replay: &Replay) -> bool {
        if !self.on || self.painted.is_some_and(|then| then.elapsed() < REPAINT) {
            return true;
        }
        self.painted = Some(Instant::now());
        summary.finish(&replay.pipeline);
        let text = String::from_utf8_lossy(&render(summary, replay, Format::Table)).into_owned();
        style::print(style::screen(&text, "Ctrl-C prints them all").as_bytes()).is_ok()
    }

    fn leave(&self) {
        if self.painted.is_some() {
            let _gone = style::print(b"\x1b[H\x1b[J");
        }
    }
}

/// Reads one input to its end, and on from there when it is a file.
fn read(stream: StreamId, input: &Input, to: &SyncSender<Event>) -> io::Result<()> {
    let mut follow = match input {
        Input::Stdin => None,
        Input::File(path) => Some(Follow::new(path)),
    };
    let mut open = input.open()?;
    let mut offset = 0;
    loop {
        let mut bytes = vec![0; 64 << 10];
        let event = match open.read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
            Ok(0) => {
                let Some(file) = &mut follow else { break };
                thread::sleep(LOOK);
                let Some(anew) = file.replaced(offset) else { continue };
                open = Open::plain(anew)?;
                offset = 0;
                Event::Truncated { stream }
            }
            Ok(count) => {
                bytes.truncate(count);
                let arrived = Timestamp::from_system(SystemTime::now());
                let chunk = Chunk { stream, offset, bytes: Bytes::from(bytes), arrived };
                offset += count as u64;
                Event::Chunk(chunk)
            }
        };
        if to.send(event).is_err() {
            return Ok(());
        }
    }
    // Nobody is left to be told when the other side has ended.
    let _gone = to.send(Event::Close(stream));
    Ok(())
}

/// A file that may be rotated or cut while it is followed.
struct Follow {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

impl Follow {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), identity: std::fs::metadata(path).ok().map(|it| (it.dev(), it.ino())) }
    }

    /// The file under this path, where it is another one now, or shorter than what was read of it.
    fn replaced(&mut self, read: u64) -> Option<File> {
        let now = std::fs::metadata(&self.path).ok()?;
        let identity = Some((now.dev(), now.ino()));
        if identity == self.identity && now.len() >= read {
            return None;
        }
        let file = File::open(&self.path).ok()?;
        self.identity = identity;
        Some(file)
    }
}
