//! Verdicts that were given before. A storm repeats the same failure thousands of times; only the first one is judged. Good calls are in
//! `cohort.rs`.

use super::cohort::Cohorts;
use super::verdict::{Judgement, Traffic, Verdict};
use crate::record::Facts;
use crate::taxonomy::Outcome;
use rustc_hash::FxHasher;
use std::hash::Hasher;

/// Verdicts on failures, by everything that they depend on. Their number and their bytes are bounded: a new verdict replaces an older one.
///
/// It belongs to one classifier; use a new cache with another classifier.
#[derive(Debug, Default)]
pub struct VerdictCache {
    slots: Vec<Option<Entry>>,
    /// Bytes of all keys.
    bytes: usize,
    /// Verdicts on good calls.
    pub(super) cohorts: Cohorts,
    /// The key of the latest look-up; a buffer that is used again.
    key: Vec<u8>,
}

#[derive(Debug)]
struct Entry {
    key: Box<[u8]>,
    judgement: Judgement,
    /// Texts that the judgement took from the error and not from a field of the record.
    model: Option<String>,
    request_id: Option<String>,
}

/// Number of verdicts; a power of two.
const SLOTS: usize = 1_024;
/// Longest key, in bytes: longer records are judged each time. A chain of Python tracebacks has up to 12 KiB.
const KEY_BYTES: usize = 16 << 10;
/// The most bytes of all keys; then all verdicts are forgotten.
const ALL_BYTES: usize = 4 << 20;

impl VerdictCache {
    /// Completes `verdict` if an equal record was judged before.
    pub(super) fn recall(&mut self, facts: &Facts<'_>, traffic: Traffic, verdict: &mut Verdict<'_>) -> Recall {
        if !facts.cache_key(&mut self.key, KEY_BYTES) {
            return Recall::TooLong;
        }
        self.key.push(traffic as u8);
        let mut hasher = FxHasher::default();
        hasher.write(&self.key);
        let slot = (hasher.finish() >> 32) as usize % SLOTS;
        match self.slots.get(slot).and_then(Option::as_ref) {
            Some(entry) if *entry.key == *self.key => {
                entry.complete(verdict);
                Recall::Known
            }
            _ => Recall::New(slot),
        }
    }

    /// Keeps the verdict on the record of the latest [`Self::recall`] if it is a failure.
    pub(super) fn keep(&mut self, slot: usize, facts: &Facts<'_>, verdict: &Verdict<'_>) {
        let Verdict { texts, judgement } = verdict;
        // The id of a call is the record's own.
        if judgement.outcome != Outcome::Error || judgement.chain.is_some() {
            return;
        }
        if self.bytes + self.key.len() > ALL_BYTES {
            self.slots.clear();
            self.bytes = 0;
        }
        self.slots.resize_with(SLOTS, || None);
        if let Some(slot) = self.slots.get_mut(slot) {
            self.bytes += self.key.len();
            self.bytes -= slot.as_ref().map_or(0, |known| known.key.len());
            *slot = Some(Entry {
                key: self.key.as_slice().into(),
                judgement: judgement.clone(),
                model: texts.model.as_deref().filter(|_| facts.model.is_none()).map(str::to_owned),
                request_id: texts.request_id.as_deref().filter(|_| facts.request_id.is_none()).map(str::to_owned),
            });
        }
    }
}

/// What the cache knows of a record.
pub(super) enum Recall {
    /// It was judged before; the verdict is complete.
    Known,
    /// It is new; its verdict may be kept in this slot.
    New(usize),
    /// It is too long to keep.
    TooLong,
}

impl Entry {
    fn complete(&self, verdict: &mut Verdict<'_>) {
        let known = &self.judgement;
        let Verdict { texts, judgement } = verdict;
        let resets_at = known.resets_after(judgement.stamp);
        texts.model = texts.model.take().or_else(|| Some(self.model.clone()?.into()));
        texts.request_id = texts.request_id.take().or_else(|| Some(self.request_id.clone()?.into()));
        *judgement = Judgement {
            stamp: judgement.stamp,
            latency_s: judgement.latency_s,
            first_token_s: judgement.first_token_s,
            input_tokens: judgement.input_tokens,
            output_tokens: judgement.output_tokens,
            resets_at,
            span: judgement.span,
            ..known.clone()
        };
    }
}
