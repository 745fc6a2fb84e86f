//! What is known about one stream apart from its bytes: where it comes from, its calls and its clock.

use super::clock::StreamClock;
use super::event::StreamInfo;
use super::options::SourceOptions;
use super::pod::Pod;
use crate::classify::Traffic;
use crate::correlate::{GrainRule, Instances};
use crate::framing::StreamId;
use crate::observation::SourceId;
use crate::redact::clean;

/// What judging and counting a record needs from its stream. The framer is not part of it, because the framer lends the
/// event while its records are counted.
#[derive(Debug)]
pub(super) struct StreamContext {
    pub(super) origin: Origin,
    pub(super) calls: Instances,
    pub(super) clock: StreamClock,
}

/// Where the records of a stream come from.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) id: StreamId,
    pub(super) source: SourceId,
    pub(super) is_file: bool,
    /// `source` of verdicts: the path, else the name of the source.
    pub(super) label: String,
    /// The service and the host of records that name none.
    pub(super) service: Option<String>,
    pub(super) host: Option<String>,
    pub(super) traffic: Traffic,
}

impl StreamContext {
    /// `source` is `None` only if the id of the source is unknown.
    pub(super) fn new(id: StreamId, info: StreamInfo, source: Option<&SourceOptions>) -> Self {
        Self {
            origin: Origin::new(id, info, source),
            calls: Instances::new(source.map_or(GrainRule::Auto, |source| source.grain)),
            clock: StreamClock::new(source.and_then(|source| source.zone)),
        }
    }

    /// Applies a new configuration of the source; what was learned from earlier records is kept.
    pub(super) fn set_options(&mut self, options: &SourceOptions) {
        let Self { origin, calls, clock } = self;
        origin.traffic = options.traffic;
        calls.set_rule(options.grain);
        clock.set_zone(options.zone);
    }
}

impl Origin {
    fn new(id: StreamId, info: StreamInfo, source: Option<&SourceOptions>) -> Self {
        let name = source.map_or("", |source| source.name.as_str());
        // The creator of a file chooses its name, so the name may hold anything.
        let path = info.path.map(|path| clean(&path).into_owned());
        let pod = path.as_deref().and_then(Pod::of_path);
        let service = pod.as_ref().map(|pod| pod.service.clone());
        Self {
            id,
            source: info.source,
            is_file: path.is_some(),
            label: path.unwrap_or_else(|| name.to_owned()),
            service: service.or_else(|| (!name.is_empty()).then(|| name.to_owned())),
            host: pod.map(|pod| pod.name),
            traffic: source.map_or(Traffic::Llm, |source| source.traffic),
        }
    }
}
