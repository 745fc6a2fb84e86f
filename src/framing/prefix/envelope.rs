//! What the prefixes of one line say about it.

use crate::framing::lane_key::LaneKey;
use crate::line::Level;
use crate::time::Stamp;

/// What the prefixes of one line say about it. The prefix nearest to the line says it best.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::framing) struct Envelope<'a> {
    /// The lane of the line.
    pub(in crate::framing) lane: LaneKey,
    pub(in crate::framing) stamp: Option<Stamp>,
    pub(in crate::framing) level: Level,
    /// The Kubernetes namespace of the service.
    pub(in crate::framing) namespace: &'a [u8],
    pub(in crate::framing) service: &'a [u8],
    pub(in crate::framing) host: &'a [u8],
    /// The line continues in the next line of the same lane.
    pub(in crate::framing) partial: bool,
}

impl<'a> Envelope<'a> {
    /// Notes that the line is of the lane that `part` names within the lane so far.
    pub(super) fn enter(&mut self, part: &[u8]) {
        self.lane = self.lane.within(part);
    }

    /// Notes the service, which is a lane too.
    pub(super) fn enter_service(&mut self, service: &'a [u8]) {
        self.enter(service);
        self.service = service;
    }

    /// Notes the time that `text` is, if it is one.
    pub(super) fn stamp(&mut self, text: &[u8]) -> Option<()> {
        self.stamp = Some(Stamp::parse(text)?);
        Some(())
    }
}
