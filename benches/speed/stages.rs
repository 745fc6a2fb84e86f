//! The stages of the hot path. Each runs over a whole corpus and checks the result.

use crate::corpus::{Answer, Corpus};
use crate::measure::timed;
use crate::rivals::lines;
use bytes::Bytes;
use llm_triage::alert::AlertOptions;
use llm_triage::classify::{Catalog, Classifier, Traffic};
use llm_triage::correlate::GrainRule;
use llm_triage::framing::{self, Framer, StreamId};
use llm_triage::observation::{Observation, SourceId};
use llm_triage::pipeline::{Chunk, Clock, Event, Options, Output, Pipeline, Rules, SourceOptions, StreamInfo};
use llm_triage::record::Reader;
use llm_triage::taxonomy::Outcome;
use llm_triage::time::Timestamp;
use llm_triage::window::{Counted, RateOptions, RateTable};
use std::sync::Arc;
use std::time::Duration;

/// The number of bytes that a source reads at once.
const CHUNK: usize = 64 << 10;

/// What all stages share, built once.
pub(crate) struct Bench {
    reader: Reader,
    classifier: Classifier,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let catalog = Catalog::shipped().expect("the shipped patterns are tested");
        Self { reader: Reader::default(), classifier: Classifier::new(Arc::new(catalog)) }
    }

    /// Bytes to events.
    pub(crate) fn framing(&self, corpus: &Corpus) -> Duration {
        let mut framer = Framer::new(framing::Options::DEFAULT, 0, 1);
        let (took, events) = timed(|| {
            let mut events = 0;
            for chunk in corpus.bytes.chunks(CHUNK) {
                framer.push(chunk, Timestamp::default(), |_| events += 1);
            }
            framer.finish(|_| events += 1);
            events
        });
        assert_eq!(events, corpus.answer.events, "events of {}", corpus.name);
        took
    }

    /// Lines to records.
    pub(crate) fn record(&self, corpus: &Corpus) -> Duration {
        let (took, records) = timed(|| {
            let mut records = 0;
            for line in lines(&corpus.bytes) {
                self.reader.read(line, &[], None, |_| records += 1);
            }
            records
        });
        assert_eq!(records, corpus.answer.records, "records of {}", corpus.name);
        took
    }

    /// Lines to verdicts.
    pub(crate) fn classify(&self, corpus: &Corpus) -> Duration {
        let (took, found) = timed(|| {
            let mut found = (0, 0);
            for line in lines(&corpus.bytes) {
                self.reader.read(line, &[], None, |record| {
                    match self.classifier.classify(record, Traffic::Llm).judgement.outcome {
                        Outcome::Success => found.0 += 1,
                        Outcome::Error => found.1 += 1,
                        Outcome::Other => {}
                    }
                });
            }
            found
        });
        assert_eq!(found, (corpus.answer.successes, corpus.answer.errors), "successes and errors of {}", corpus.name);
        took
    }

    /// Calls to windows.
    pub(crate) fn window(&self, calls: &[Observation]) -> Duration {
        let shipped_providers = self.classifier.catalog().providers().len();
        let mut table = RateTable::new(RateOptions { shipped_providers, ..RateOptions::default() });
        let (took, counted) = timed(|| calls.iter().filter(|call| table.observe(call) == Counted::InWindow).count());
        assert_eq!(counted, calls.len(), "calls in windows");
        took
    }

    /// Chunks to counts, as `report` does it; the tally is cleared once per chunk, as the daemon does.
    pub(crate) fn pipeline(&self, corpus: &Corpus) -> Duration {
        let chunks = chunks_of(corpus);
        let (mut pipeline, mut out) = (self.new_pipeline(), Output::default());
        let (took, answer) = timed(|| {
            let mut answer = Answer::default();
            for chunk in chunks {
                pipeline.handle(Event::Chunk(chunk), &mut out);
                add(&mut answer, &mut pipeline);
            }
            pipeline.handle(Event::Drain, &mut out);
            add(&mut answer, &mut pipeline);
            answer
        });
        assert_eq!(answer, corpus.answer, "counts of the pipeline for {}", corpus.name);
        took
    }

    /// The calls in a corpus, in the form that the windows receive.
    pub(crate) fn calls(&self, corpus: &Corpus) -> Vec<Observation> {
        let (mut pipeline, mut out) = (self.new_pipeline(), Output { keep_calls: true, ..Output::default() });
        for chunk in chunks_of(corpus) {
            pipeline.handle(Event::Chunk(chunk), &mut out);
        }
        pipeline.handle(Event::Drain, &mut out);
        out.calls.into_iter().map(|(call, _)| call).collect()
    }

    fn new_pipeline(&self) -> Pipeline {
        let source = SourceOptions { name: "app".to_owned(), grain: GrainRule::Auto, traffic: Traffic::Llm, zone: None };
        let names = vec![source.name.clone()];
        let rules = Rules::new(framing::Options::DEFAULT, Reader::default(), self.classifier.clone(), &[], names)
            .expect("the shipped rows are tested");
        let options = Options {
            sources: vec![source],
            clock: Clock::Replay,
            alerts: AlertOptions::default(),
            series: RateOptions::default().series,
        };
        let mut pipeline = Pipeline::new(rules, options);
        let info = StreamInfo { source: SourceId(0), path: None, at_offset: 0, first_line: 1, encoding: Default::default() };
        pipeline.handle(Event::Open(StreamId(0), info), &mut Output::default());
        pipeline
    }
}

fn chunks_of(corpus: &Corpus) -> Vec<Chunk> {
    let bytes = Bytes::copy_from_slice(&corpus.bytes);
    let starts = (0..bytes.len()).step_by(CHUNK);
    let chunk = |at: usize| bytes.slice(at..bytes.len().min(at + CHUNK));
    let arrived = Timestamp::default();
    starts.map(|at| Chunk { stream: StreamId(0), offset: at as u64, bytes: chunk(at), arrived }).collect()
}

fn add(answer: &mut Answer, pipeline: &mut Pipeline) {
    let tally = pipeline.tally();
    for source in tally.sources.values() {
        answer.lines += source.lines;
        answer.events += source.events;
    }
    answer.records += tally.records.values().sum::<u64>();
    for ((_, outcome), count) in &tally.calls {
        match outcome {
            Outcome::Success => answer.successes += count,
            Outcome::Error => answer.errors += count,
            Outcome::Other => {}
        }
    }
    tally.clear();
}
