//! Records that are alike: which verdicts may be given again.

use super::cache::VerdictCache;
use super::classifier::Classifier;
use super::span::SpanKind;
use super::success::is_success;
use super::verdict::{Judgement, Role, Traffic, Verdict};
use crate::record::{LineKind, Record};
use crate::taxonomy::{Category, Grain, Outcome};

impl Classifier {
    /// The same verdict as [`Self::classify_again`], faster where good calls are alike, too.
    pub fn classify_alike<'a>(&self, record: &'a Record<'a>, traffic: Traffic, cache: &'a mut VerdictCache) -> Verdict<'a> {
        let Some(likeness) = cache.cohorts.likeness(record) else { return self.classify_again(record, traffic, cache) };
        if cache.cohorts.knows(record, &likeness, traffic) {
            return cache.cohorts.verdict(&self.redactor, record, likeness).unwrap_or_else(|| self.classify(record, traffic));
        }
        let verdict = self.classify_again(record, traffic, cache);
        if verdict.judgement.outcome == Outcome::Success && self.hangs_on_fields(record, &verdict) {
            cache.cohorts.keep(record, &likeness, traffic, &verdict);
        }
        verdict
    }

    /// Whether a verdict hangs on nothing but the fields of its record: not on texts elsewhere in it, and of a good call or a record about
    /// something else not on its words either.
    pub(super) fn hangs_on_fields(&self, record: &Record<'_>, verdict: &Verdict<'_>) -> bool {
        let judgement = &verdict.judgement;
        let Judgement { outcome, grain, role, span, redactions, doubtful, chain, .. } = *judgement;
        if judgement.retirement.is_some() || doubtful || chain.is_some() {
            return false;
        }
        let facts = record.facts();
        if self.catalog.events.may_know(&facts) || facts.has_empty_choices || !self.ending_hangs_on_fields(&facts, outcome) {
            return false;
        }
        let is_plain = (grain, role, redactions) == (Grain::Call, Role::Report, 0) && judgement.message.is_none();
        match outcome {
            // A retired model is looked for in the whole text.
            Outcome::Error => {
                judgement.category != Category::Model
                    && facts.line_kind == LineKind::None
                    && self.catalog.events.find_failure(&facts).is_none()
            }
            Outcome::Other => is_plain && !record.has_trouble(),
            Outcome::Success => {
                is_plain
                    && !record.has_trouble()
                    && facts.model.is_some()
                    && is_success(&facts, verdict)
                    && judgement.latency_s == facts.latency_s
                    && span.is_none_or(|span| span.kind != SpanKind::Around)
            }
        }
    }
}
