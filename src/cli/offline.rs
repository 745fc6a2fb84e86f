//! Reading logs once, through the same pipeline that the daemon runs.

use super::args::{Classify, Logs, Only};
use super::crew::Crew;
use super::input::{Feed, Input};
use super::{End, Trouble, style};
use crate::alert::AlertOptions;
use crate::config::{load_patterns, zone};
use crate::correlate::GrainRule;
use crate::framing::{self, StreamId};
use crate::observation::SourceId;
use crate::pipeline::{Chunk, Clock, Event, Options, Output, Pipeline, Rules, SourceOptions, StreamInfo, Wanted};
use crate::record::Reader;
use crate::time::{Timestamp, Zone};
use crate::window::RateOptions;
use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// `classify`: one verdict per record.
pub(super) fn classify(args: &Classify) -> Result<End, Trouble> {
    let mut replay = Replay::new(&args.logs)?;
    replay.out.wanted = match args.only {
        Only::All => Wanted::All,
        Only::Outcome(outcome) => Wanted::Only(outcome),
    };
    let mut stdout = io::BufWriter::with_capacity(256 << 10, io::stdout().lock());
    let live = args.logs.files.is_empty();
    let mut closed = false;
    let end = replay.run(&Input::list(&args.logs.files), &mut |_, out| {
        let written = stdout.write_all(&out.verdicts).and_then(|()| if live { stdout.flush() } else { Ok(()) });
        out.verdicts.clear();
        closed = written.is_err();
        if closed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    match stdout.flush() {
        Err(error) if !style::is_closed(&error) => Err(error.into()),
        _ => Ok(if closed { End::Good } else { end }),
    }
}

/// A pipeline that is told the time by the records themselves.
pub(super) struct Replay {
    pub(super) pipeline: Pipeline,
    pub(super) out: Output,
    zone: Zone,
    reader: Reader,
    threads: usize,
}

/// While there is nothing to read: how often to look whether anybody still waits for the outcome.
const PATIENCE: Duration = Duration::from_millis(100);

/// Inputs that have not ended.
type Feeds<'i> = Vec<(StreamId, Feed, &'i Input)>;

/// Bytes of an input, and where they lie in it.
type Piece = (u64, Vec<u8>);

/// Whoever looks at what came of each piece.
pub(super) type Step<'a> = &'a mut dyn FnMut(&mut Pipeline, &mut Output) -> ControlFlow<()>;

impl Replay {
    /// A replay of the logs that these options describe.
    pub(super) fn new(logs: &Logs) -> Result<Self, Trouble> {
        let zone = logs.tz.as_deref().map(zone_of).transpose()?;
        let classifier = load_patterns(&logs.patterns, &[]).map_err(Trouble::Config)?;
        let sources: Vec<_> = Input::list(&logs.files)
            .iter()
            .map(|it| SourceOptions { name: it.service(), grain: GrainRule::Auto, traffic: logs.traffic, zone })
            .collect();
        let names = sources.iter().map(|it| it.name.clone()).collect();
        let rules = Rules::new(framing::Options::DEFAULT, Reader::default(), classifier, &[], names)
            .map_err(|errors| Trouble::Config(errors.iter().map(ToString::to_string).collect()))?;
        let options =
            Options { sources, clock: Clock::Replay, alerts: AlertOptions::default(), series: RateOptions::default().series };
        let pipeline = Pipeline::new(rules, options);
        Ok(Self {
            pipeline,
            out: Output::default(),
            zone: zone.unwrap_or_default(),
            reader: Reader::default(),
            threads: logs.threads(),
        })
    }

    /// Reads all inputs to their ends, in the order of their times. What cannot be read is said, and the rest is read.
    pub(super) fn run(&mut self, inputs: &[Input], step: Step<'_>) -> Result<End, Trouble> {
        let mut end = End::Good;
        let mut feeds = Vec::new();
        for (at, input) in inputs.iter().enumerate() {
            match input.open() {
                Ok(open) => {
                    let info =
                        StreamInfo { source: SourceId(at as u16), path: Some(input.label()), at_offset: 0, first_line: 1 };
                    self.pipeline.handle(Event::Open(StreamId(at as u32), info), &mut self.out);
                    feeds.push((StreamId(at as u32), Feed::new(open), input));
                }
                Err(error) => {
                    let label = input.label();
                    let bare = label.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
                    let hint = if bare { "; `llm-triage --help` lists the commands" } else { "" };
                    style::complain(&format!("cannot read {label}: {}{hint}", style::reason(&error)));
                    end = End::Failed;
                }
            }
        }
        let mut progress = Progress::new(inputs, self.out.wanted == Wanted::Nothing);
        let rules = Arc::clone(self.pipeline.rules());
        thread::scope(|scope| {
            let mut crew = Crew::new(self.threads, &rules, scope);
            while !feeds.is_empty() {
                if let Some((_, slow, _)) = feeds.iter().find(|(_, feed, _)| !feed.is_ready(Duration::ZERO)) {
                    crew.settle(&mut self.pipeline, &mut self.out);
                    if step(&mut self.pipeline, &mut self.out).is_break() {
                        break;
                    }
                    if !slow.is_ready(PATIENCE) {
                        continue;
                    }
                }
                match self.turn(&mut feeds, &mut crew) {
                    Ok(bytes) => progress.add(bytes),
                    Err((at, error)) => {
                        let label = feeds[at].2.label();
                        style::complain(&format!("cannot read {label} to its end: {}", style::reason(&error)));
                        let (stream, ..) = feeds.remove(at);
                        crew.close(stream, &mut self.pipeline, &mut self.out);
                        end = End::Failed;
                    }
                }
                if step(&mut self.pipeline, &mut self.out).is_break() {
                    break;
                }
            }
            crew.settle(&mut self.pipeline, &mut self.out);
        });
        self.pipeline.handle(Event::Drain, &mut self.out);
        progress.finish();
        let _whatever = step(&mut self.pipeline, &mut self.out);
        Ok(end)
    }

    /// Hands the next piece on: of the only input, or the lines of the one whose time is earliest. How many bytes that were.
    fn turn(&mut self, feeds: &mut Feeds<'_>, crew: &mut Crew) -> Result<u64, (usize, io::Error)> {
        let (at, (offset, bytes)) = if let [(_, feed, _)] = feeds.as_mut_slice() {
            (0, feed.rest().map_err(|error| (0, error))?)
        } else {
            self.earliest(feeds)?
        };
        let Self { pipeline, out, .. } = self;
        let stream = feeds[at].0;
        let count = bytes.len() as u64;
        if bytes.is_empty() {
            feeds.remove(at);
            crew.close(stream, pipeline, out);
        } else {
            let chunk = Chunk { stream, offset, bytes: bytes.into(), arrived: Timestamp::default() };
            crew.chunk(chunk, pipeline, out);
        }
        Ok(count)
    }

    fn earliest(&self, feeds: &mut Feeds<'_>) -> Result<(usize, Piece), (usize, io::Error)> {
        let mut times = Vec::with_capacity(feeds.len());
        for (at, (_, feed, _)) in feeds.iter_mut().enumerate() {
            times.push(feed.peek(&self.reader, self.zone).map_err(|error| (at, error))?);
        }
        // An input that has ended goes first, to be closed.
        if let Some(at) = times.iter().position(Option::is_none) {
            return feeds[at].1.rest().map(|it| (at, it)).map_err(|error| (at, error));
        }
        let first = (0..times.len()).min_by_key(|at| times[*at]).unwrap_or(0);
        let others = times.iter().enumerate().filter(|(at, _)| *at != first).filter_map(|(_, it)| *it).min();
        let until = others.unwrap_or(Timestamp::MAX);
        feeds[first].1.lines_until(until, &self.reader, self.zone).map(|it| (first, it)).map_err(|error| (first, error))
    }
}

/// The zone that `--tz` names.
pub(super) fn zone_of(text: &str) -> Result<Zone, Trouble> {
    zone(text).map_err(Trouble::Usage)
}

/// How far long work has come, on a terminal.
struct Progress {
    on: bool,
    /// Bytes to read, where that is known before.
    total: Option<u64>,
    done: u64,
    shown_at: u64,
}

impl Progress {
    /// Only what takes long is worth a line.
    const WORTH: u64 = 200 << 20;
    /// A new figure comes after so many bytes.
    const STEP: u64 = 16 << 20;

    /// `aside`: the terminal is not written to by the command itself while it reads.
    fn new(inputs: &[Input], aside: bool) -> Self {
        let total: Option<u64> = inputs.iter().map(Input::size).sum();
        let on = io::stderr().is_terminal() && (aside || !io::stdout().is_terminal());
        Self { on: on && total.is_none_or(|it| it > Self::WORTH), total, done: 0, shown_at: 0 }
    }

    fn add(&mut self, bytes: u64) {
        self.done += bytes;
        let begun = self.total.is_some() || self.done > Self::WORTH;
        if !self.on || !begun || self.done < self.shown_at + Self::STEP {
            return;
        }
        self.shown_at = self.done;
        let done = style::bytes(self.done);
        let _gone = match self.total {
            Some(total) => {
                let percent = self.done.saturating_mul(100) / total.max(1);
                write!(io::stderr(), "\r\x1b[Kreading: {}, {} % of {}", done, percent.min(100), style::bytes(total))
            }
            None => write!(io::stderr(), "\r\x1b[Kreading: {done}"),
        };
    }

    fn finish(&self) {
        if self.shown_at > 0 {
            let _gone = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
