//! One line in a carrier's object, and what the object says about it.

use super::object::Object;
use crate::framing::prefix::envelope::Envelope;
use crate::line::Level;
use crate::time::Stamp;
use std::borrow::Cow;

/// How the lines of an object come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::framing) enum Share {
    /// The object brings this line only.
    Whole,
    /// The object brings other lines too.
    Part,
}

/// One line in a carrier's object, and what the object says about it.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    pub(super) text: Cow<'a, [u8]>,
    pub(super) stamp: Option<Stamp>,
    pub(super) level: Level,
    pub(super) namespace: &'a str,
    pub(super) service: &'a str,
    pub(super) host: &'a str,
    /// What names the lane beside service and host: an output, a process.
    pub(super) lane: [&'a str; 2],
    /// The line continues in the next object.
    pub(super) partial: bool,
}

impl<'a> Entry<'a> {
    /// Adds what the `kubernetes` object says that Fluent Bit, Fluentd, Vector and Filebeat add.
    pub(super) fn with_kubernetes(mut self, object: &'a Object<'_>) -> Self {
        let Some(pod) = object.object("kubernetes") else { return self };
        self.namespace = pod.text(&["namespace_name", "pod_namespace", "namespace"]);
        self.service = pod.text(&["container_name", "container/name"]);
        self.host = pod.text(&["pod_name", "pod/name"]);
        self
    }

    pub(super) fn note_in(&'a self, envelope: &mut Envelope<'a>) {
        for part in [self.namespace, self.service, self.host, self.lane[0], self.lane[1]] {
            if !part.is_empty() {
                envelope.enter(part.as_bytes());
            }
        }
        if !self.service.is_empty() {
            (envelope.namespace, envelope.service) = (self.namespace.as_bytes(), self.service.as_bytes());
        }
        if !self.host.is_empty() {
            envelope.host = self.host.as_bytes();
        }
        envelope.stamp = self.stamp.or(envelope.stamp);
        if self.level != Level::Unknown {
            envelope.level = self.level;
        }
        envelope.partial = self.partial;
    }
}
