//! What a person types and sees.

use crate::call::GrainRule;
use crate::classify::{Catalog, Classifier, Traffic, SourceId};
use crate::framing::StreamId;
use crate::pipeline::{Chunk, Clock, Event, Output, Pipeline, Rules, SourceOptions, StreamInfo, Wanted};
use crate::record::Reader;
use crate::time::Timestamp;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

/// Runs the program.
pub fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let mixed = args.iter().any(|it| it == "mixed");
    let catalog = match Catalog::shipped() { Ok(c) => c, Err(e) => { for x in e { eprintln!("{x}"); } return ExitCode::from(78) } };
    let rules = Rules { framing: Default::default(), reader: Reader::default(), classifier: Classifier::new(Arc::new(catalog)) };
    let mut p = Pipeline::new(rules, vec![SourceOptions { name: "stdin".into(), grain: GrainRule::Auto, traffic: if mixed {Traffic::Mixed} else {Traffic::Llm}, zone: None }], Clock::Replay);
    let mut out = Output { wanted: Wanted::All, ..Output::default() };
    p.handle(Event::Open(StreamId(0), StreamInfo { source: SourceId(0), path: None, at_offset: 0, first_line: 1 }), &mut out);
    let mut data = Vec::new();
    std::io::stdin().read_to_end(&mut data).ok();
    p.handle(Event::Chunk(Chunk { stream: StreamId(0), offset: 0, bytes: data.into(), arrived: Timestamp::default() }), &mut out);
    p.handle(Event::Drain, &mut out);
    std::io::stdout().write_all(&out.verdicts).ok();
    ExitCode::SUCCESS
}
