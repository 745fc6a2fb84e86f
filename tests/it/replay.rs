//! Runs logs through the whole pipeline, with the shipped catalogue and the times of the records as the clock.

use llm_triage::alert::{AlertOptions, Transition};
use llm_triage::classify::{Catalog, Classifier, Traffic};
use llm_triage::correlate::GrainRule;
use llm_triage::framing::{self, StreamId};
use llm_triage::observation::SourceId;
use llm_triage::pipeline::{Chunk, Clock, Event, Options, Output, Pipeline, Rules, SourceOptions, StreamInfo, Wanted};
use llm_triage::record::Reader;
use llm_triage::time::{Timestamp, Zone};
use serde_json::Value;
use std::sync::{Arc, OnceLock};

/// How a log is read.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) traffic: Traffic,
    pub(crate) grain: GrainRule,
    pub(crate) zone: Option<Zone>,
    pub(crate) clock: Clock,
    pub(crate) framing: framing::Options,
    /// Number of streams.
    pub(crate) streams: usize,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            traffic: Traffic::Llm,
            grain: GrainRule::Auto,
            zone: None,
            clock: Clock::Replay,
            framing: framing::Options::DEFAULT,
            streams: 1,
        }
    }
}

/// The shipped catalogue, built once for all tests.
pub(crate) fn classifier() -> Classifier {
    static SHIPPED: OnceLock<Classifier> = OnceLock::new();
    SHIPPED.get_or_init(|| Classifier::new(Arc::new(Catalog::shipped().expect("the shipped catalogue builds")))).clone()
}

impl Setup {
    /// A pipeline with its streams open, all of one source.
    pub(crate) fn pipeline(&self) -> Pipeline {
        let Self { traffic, grain, zone, clock, framing, streams } = self.clone();
        let names = vec!["app".to_owned()];
        let rules = Rules::new(framing, Reader::default(), classifier(), &[], names).expect("the shipped rows are good");
        let sources = vec![SourceOptions { name: "app".to_owned(), grain, traffic, zone }];
        let mut pipeline = Pipeline::new(rules, Options { sources, clock, alerts: AlertOptions::default(), series: 2_000 });
        for stream in 0..streams {
            let info =
                StreamInfo { source: SourceId(0), path: None, at_offset: 0, first_line: 1, encoding: Default::default() };
            pipeline.handle(Event::Open(stream_id(stream), info), &mut Output::default());
        }
        pipeline
    }

    /// Reads a log of one stream to its end.
    pub(crate) fn replay(&self, log: &[u8]) -> Replayed {
        let mut replayed = Replayed::new(self.pipeline());
        replayed.chunk(0, 0, log, Timestamp::default());
        replayed.drain();
        replayed
    }
}

fn stream_id(stream: usize) -> StreamId {
    StreamId(u32::try_from(stream).expect("few streams"))
}

/// A pipeline and its whole output.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) pipeline: Pipeline,
    pub(crate) out: Output,
}

impl Replayed {
    pub(crate) fn new(pipeline: Pipeline) -> Self {
        Self { pipeline, out: Output { wanted: Wanted::All, keep_calls: true, ..Output::default() } }
    }

    pub(crate) fn chunk(&mut self, stream: usize, offset: u64, bytes: &[u8], arrived: Timestamp) {
        let chunk = Chunk { stream: stream_id(stream), offset, bytes: bytes.to_vec().into(), arrived };
        self.pipeline.handle(Event::Chunk(chunk), &mut self.out);
    }

    pub(crate) fn drain(&mut self) {
        self.pipeline.handle(Event::Drain, &mut self.out);
    }

    pub(crate) fn transitions(&self) -> &[Transition] {
        &self.out.transitions
    }

    /// The verdicts as `classify` prints them.
    pub(crate) fn verdicts(&self) -> Vec<Value> {
        let lines = self.out.verdicts.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).expect("a verdict is JSON")).collect()
    }
}
