//! Spans of LLM calls that were seen: only the innermost span of a call counts.

use crate::classify::{SpanIds, SpanKind};
use crate::taxonomy::Outcome;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The most spans that a stream remembers; the oldest go first.
pub(super) const MAX_SPANS: usize = 256;

/// The latest spans of calls, and of agents that were counted as a call because no call was seen in them yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Traces(pub(super) VecDeque<SpanIds>);

impl Traces {
    /// Whether another span tells of the same call already. Spans arrive in any order.
    pub(super) fn is_repeat(&mut self, span: SpanIds, outcome: Outcome) -> bool {
        match span.kind {
            SpanKind::Record => false,
            SpanKind::Around => {
                let has_call = self.0.iter().any(|seen| seen.kind == SpanKind::Call && is_inside(*seen, span));
                if !has_call && outcome == Outcome::Success {
                    self.note(span);
                }
                has_call
            }
            SpanKind::Call => {
                let is_linked = |seen: &SpanIds| seen.parent == Some(span.id) || span.parent == Some(seen.id);
                let counted = self.0.iter().position(|seen| seen.kind == SpanKind::Around && is_inside(span, *seen));
                let is_repeat = counted.is_some() && outcome == Outcome::Success
                    || self.0.iter().any(|seen| seen.kind == SpanKind::Call && is_linked(seen));
                if let Some(at) = counted {
                    self.0.remove(at);
                }
                self.note(span);
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

/// Whether a call is of the trace of an agent, or its child where no trace is named.
fn is_inside(call: SpanIds, around: SpanIds) -> bool {
    call.trace == around.trace && call.trace != 0 || call.parent == Some(around.id)
}
