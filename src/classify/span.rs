//! Where a record is in a tree of spans, and what a span is to an LLM call.

use crate::record::Facts;
use rustc_hash::FxHasher;
use serde::{Deserialize, Serialize};
use std::hash::Hasher;

/// The place of a record in a tree of spans. Ids are hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanIds {
    /// The trace.
    pub trace: u64,
    /// The span.
    pub id: u64,
    /// The span above it.
    pub parent: Option<u64>,
    /// What the span is.
    pub kind: SpanKind,
}

/// What a span is to an LLM call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpanKind {
    /// The record is no span: it was written in one.
    Record,
    /// A call of a model, as far as the span itself shows.
    Call,
    /// An agent, a chain or a workflow around calls.
    Around,
}

impl SpanIds {
    pub(super) fn of(facts: &Facts<'_>) -> Option<Self> {
        let [trace, id, parent] = facts.span_path;
        if id.is_empty() {
            return None;
        }
        let kind = if facts.is_span { span_kind(facts) } else { SpanKind::Record };
        Some(Self { trace: hash_of_id(trace).unwrap_or(0), id: hash_of_id(id)?, parent: hash_of_id(parent), kind })
    }
}

/// Writers spell one id with and without `0x`, and in both cases. An id of zeros only is none.
fn hash_of_id(id: &[u8]) -> Option<u64> {
    let id = id.strip_prefix(b"0x").unwrap_or(id);
    let mut hasher = FxHasher::default();
    id.iter().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase()));
    id.iter().any(|byte| *byte != b'0').then(|| hasher.finish())
}

fn span_kind(facts: &Facts<'_>) -> SpanKind {
    const AROUND: [&str; 8] =
        ["invoke_agent", "create_agent", "invoke_workflow", "agent", "chain", "workflow", "task", "agent_run"];
    let operation = facts.operation.as_deref();
    if operation.is_some_and(|operation| AROUND.contains(&operation)) { SpanKind::Around } else { SpanKind::Call }
}
