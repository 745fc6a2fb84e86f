//! Reads logs once, through the same pipeline as the daemon. The times of the records are its clock.

use super::args::{Args, Logs};
use super::exit::{CliError, Exit};
use super::input::Input;
use super::merge::Merge;
use super::progress::Progress;
use super::workers::WorkerPool;
use super::{near, output};
use crate::alert::AlertOptions;
use crate::config::{load_patterns, zone};
use crate::correlate::GrainRule;
use crate::framing::{self, Encoding, StreamId};
use crate::observation::SourceId;
use crate::pipeline::{Chunk, Clock, Event, Options, Output, Pipeline, Rules, SourceOptions, StreamInfo, Wanted};
use crate::record::Reader;
use crate::time::{Timestamp, Zone};
use crate::window::RateOptions;
use clap::CommandFactory as _;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

/// A pipeline for logs that are read once, and what it gave.
pub(super) struct Replay {
    pub(super) pipeline: Pipeline,
    pub(super) out: Output,
    /// Whether `step` ended the reading before the ends of the inputs.
    pub(super) interrupted: bool,
    zone: Zone,
    reader: Reader,
    threads: usize,
}

/// While no input is ready: how often `step` is called, so that it can end the command.
const IDLE_STEP: Duration = Duration::from_millis(100);

/// Called after each piece of input with the results so far; it can end the command.
pub(super) type Step<'a> = &'a mut dyn FnMut(&mut Pipeline, &mut Output) -> ControlFlow<()>;

impl Replay {
    /// A replay of the logs that the arguments name.
    pub(super) fn new(logs: &Logs, inputs: &[Input]) -> Result<Self, CliError> {
        let zone = logs.tz.as_deref().map(zone_of).transpose()?;
        let classifier = load_patterns(&logs.patterns, &[]).map_err(CliError::Config)?;
        let sources: Vec<_> = inputs
            .iter()
            .map(|input| SourceOptions { name: input.service(), grain: GrainRule::Auto, traffic: logs.traffic, zone })
            .collect();
        let names = sources.iter().map(|source| source.name.clone()).collect();
        let rules = Rules::new(framing::Options::DEFAULT, Reader::default(), classifier, &[], names)
            .map_err(|errors| CliError::Config(errors.iter().map(ToString::to_string).collect()))?;
        let options =
            Options { sources, clock: Clock::Replay, alerts: AlertOptions::default(), series: RateOptions::default().series };
        let pipeline = Pipeline::new(rules, options);
        Ok(Self {
            pipeline,
            out: Output::default(),
            interrupted: false,
            zone: zone.unwrap_or_default(),
            reader: Reader::default(),
            threads: logs.threads(),
        })
    }

    /// Reads all inputs to their ends, in the order of their times. Reports an input that cannot be read and reads the
    /// others.
    pub(super) fn run(&mut self, inputs: &[Input], step: Step<'_>) -> Exit {
        let (mut feeds, mut exit) = open_all(inputs);
        let mut progress = Progress::new(inputs, self.out.wanted == Wanted::Nothing);
        let rules = Arc::clone(self.pipeline.rules());
        thread::scope(|scope| {
            let mut workers = WorkerPool::new(self.threads, &rules, scope);
            while !feeds.is_empty() {
                if let Some(waiting) = feeds.waiting() {
                    workers.flush(&mut self.pipeline, &mut self.out);
                    if step(&mut self.pipeline, &mut self.out).is_break() {
                        self.interrupted = true;
                        break;
                    }
                    if !waiting.is_ready(IDLE_STEP) {
                        continue;
                    }
                }
                match self.read_piece(&mut feeds, &mut workers) {
                    Ok(bytes) => progress.add(bytes),
                    Err((number, error)) => {
                        if let Some(feed) = feeds.remove(number) {
                            let (label, reason) = (feed.input().label(), output::reason(&error));
                            output::print_error(&format!("cannot read {label} to its end: {reason}"));
                            workers.close(stream_of(number), &mut self.pipeline, &mut self.out);
                        }
                        exit = Exit::Failed;
                    }
                }
                if !feeds.is_empty() && step(&mut self.pipeline, &mut self.out).is_break() {
                    self.interrupted = true;
                    break;
                }
            }
            workers.flush(&mut self.pipeline, &mut self.out);
        });
        self.pipeline.handle(Event::Drain, &mut self.out);
        progress.finish();
        let _ended_anyway = step(&mut self.pipeline, &mut self.out);
        exit
    }

    /// Opens the stream of an input in the pipeline. The number of an input is that of its source and of its stream.
    pub(super) fn open_stream(&mut self, number: u16, input: &Input) -> StreamId {
        let stream = stream_of(number.into());
        let info = StreamInfo {
            source: SourceId(number),
            path: Some(input.label()),
            at_offset: 0,
            first_line: 1,
            encoding: Encoding::Utf8,
        };
        self.pipeline.handle(Event::Open(stream, info), &mut self.out);
        stream
    }

    /// Reads the next piece and hands it to the workers. Returns the number of bytes; an error comes with the number of its input.
    fn read_piece(&mut self, feeds: &mut Merge<'_>, workers: &mut WorkerPool) -> Result<u64, (usize, io::Error)> {
        let (number, (offset, bytes)) = feeds.next(&self.reader, self.zone)?;
        let (stream, count) = (stream_of(number), bytes.len() as u64);
        if bytes.is_empty() {
            feeds.remove(number);
            workers.close(stream, &mut self.pipeline, &mut self.out);
        } else {
            if offset == 0
                && let (Some(feed), Ok(source)) = (feeds.feed(number), u16::try_from(number))
            {
                // Not before its first bytes: of thousands of files, few have streams at the same time.
                self.open_stream(source, feed.input());
            }
            let Self { pipeline, out, .. } = self;
            let chunk = Chunk { stream, offset, bytes: bytes.into(), arrived: Timestamp::from_system(SystemTime::now()) };
            workers.chunk(chunk, pipeline, out);
        }
        Ok(count)
    }
}

/// Opens the inputs; [`Exit::Failed`] if one of them cannot be opened.
fn open_all(inputs: &[Input]) -> (Merge<'_>, Exit) {
    let (mut feeds, mut exit) = (Merge::new(inputs.len()), Exit::Success);
    for input in inputs {
        let open = input.open();
        if let Err(error) = &open {
            let label = input.label();
            let hint = hint_of_command(&label);
            output::print_error(&format!("cannot read {label}: {}{hint}", output::reason(error)));
            exit = Exit::Failed;
        }
        feeds.push(input, open.ok());
    }
    (feeds, exit)
}

/// The stream of the input with this number.
fn stream_of(number: usize) -> StreamId {
    StreamId(u32::try_from(number).unwrap_or(u32::MAX))
}

/// What was perhaps meant by a file name that has the form of a command.
fn hint_of_command(label: &str) -> String {
    if !label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
        return String::new();
    }
    let command = Args::command();
    let meant = near::did_you_mean(label, command.get_subcommands().map(clap::Command::get_name));
    if meant.is_empty() {
        "; `llm-triage --help` lists the commands".to_owned()
    } else {
        format!(";{} `llm-triage --help` lists the commands", meant.trim_start_matches(','))
    }
}

/// The time zone that `--tz` names.
pub(super) fn zone_of(text: &str) -> Result<Zone, CliError> {
    zone(text).map_err(CliError::Usage)
}
