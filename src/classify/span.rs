//! Where a record is in a tree of spans, and what a span is to an LLM call.

use crate::record::LineKind;
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
    /// The record is no span: its producer writes it in the span of a call, once for that call.
    OfCall,
    /// A call of a model, as far as the span itself shows.
    Call,
    /// An agent, a chain or a workflow around calls.
    Around,
}

impl SpanKind {
    /// Whether the record is a span.
    #[must_use]
    pub fn is_span(self) -> bool {
        matches!(self, Self::Call | Self::Around)
    }
}

impl SpanIds {
    /// `path`: the trace, the span and the span above it; `is_span`: the record is the span itself.
    pub(super) fn of(path: [&[u8]; 3], is_span: bool, line_kind: LineKind<'_>) -> Option<Self> {
        let [trace, id, parent] = path;
        if !is_id(id) {
            return None;
        }
        // The span of an HTTP exchange is one try of the call around it.
        let is_exchange = matches!(line_kind, LineKind::Access { .. } | LineKind::Transport { .. });
        let kind = if is_span && !is_exchange { SpanKind::Call } else { SpanKind::Record };
        let parent = Some(parent).filter(|parent| is_id(parent)).map(hash_of_id);
        Some(Self { trace: hash_of_id(trace), id: hash_of_id(id), parent, kind })
    }
}

/// An id of zeros only is none.
fn is_id(id: &[u8]) -> bool {
    id.strip_prefix(b"0x").unwrap_or(id).iter().any(|byte| *byte != b'0')
}

/// Writers spell one id with and without `0x`, and in both cases. No id is 0.
pub(super) fn hash_of_id(id: &[u8]) -> u64 {
    // Set in small letters, in digits and in a hyphen.
    const SMALL: u64 = u64::from_ne_bytes([0x20; 8]);
    let id = id.strip_prefix(b"0x").unwrap_or(id);
    let mut hasher = FxHasher::default();
    let (words, rest) = id.as_chunks::<8>();
    for word in words {
        hasher.write_u64(u64::from_le_bytes(*word) | SMALL);
    }
    for byte in rest {
        hasher.write_u8(byte.to_ascii_lowercase());
    }
    hasher.finish()
}
