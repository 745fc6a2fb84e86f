//! Spans of LLM calls that were seen: only the innermost span of a call counts.

use crate::classify::{SpanIds, SpanKind};
use crate::taxonomy::Outcome;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The most spans that a stream remembers; the oldest go first.
pub(super) const MAX_SPANS: usize = 256;

/// The latest spans of calls, events that were counted before the span of their call, and agents that were counted as a call because no
/// call was seen in them yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Traces(pub(super) VecDeque<SpanIds>);

impl Traces {
    /// Whether another span tells of the same call already. Spans arrive in any order.
    pub(super) fn is_repeat(&mut self, span: SpanIds, outcome: Outcome) -> bool {
        let is_good = outcome == Outcome::Success;
        match span.kind {
            SpanKind::Record => false,
            SpanKind::Around => {
                let has_call = self.0.iter().any(|seen| seen.kind != SpanKind::Around && is_inside(*seen, span));
                if !has_call && is_good {
                    self.note(span);
                }
                has_call
            }
            SpanKind::OfCall if self.0.iter().any(|seen| seen.kind == SpanKind::Call && is_same(*seen, span)) => is_good,
            SpanKind::OfCall | SpanKind::Call => {
                let is_linked = |seen: &SpanIds| seen.parent == Some(span.id) || span.parent == Some(seen.id);
                let is_counted = |seen: &SpanIds| match seen.kind {
                    SpanKind::Around => is_inside(span, *seen),
                    SpanKind::OfCall => span.kind == SpanKind::Call && is_same(*seen, span),
                    _ => false,
                };
                let counted = self.0.iter().position(is_counted);
                let is_repeat =
                    counted.is_some() && is_good || self.0.iter().any(|seen| seen.kind == SpanKind::Call && is_linked(seen));
                if let Some(at) = counted {
                    self.0.remove(at);
                }
                if is_good || span.kind == SpanKind::Call {
                    self.note(span);
                }
                is_repeat
            }
        }
    }

    fn note(&mut self, span: SpanIds) {
        if self.0.len() == MAX_SPANS {
            self.0.pop_front();
        }
        self.0.push_back(span);
    }
}

/// Whether both have the ids of one span.
fn is_same(one: SpanIds, other: SpanIds) -> bool {
    (one.trace, one.id) == (other.trace, other.id)
}

/// Whether a call is of the trace of an agent, or its child where no trace is named.
fn is_inside(call: SpanIds, around: SpanIds) -> bool {
    call.trace == around.trace && call.trace != 0 || call.parent == Some(around.id)
}
