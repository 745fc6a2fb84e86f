//! Verdicts on good calls. Most records of a service are alike in all that a verdict depends on; only the first ones are judged.

use super::span::{SpanIds, SpanKind};
use super::verdict::{Judgement, Role, Texts, Traffic, Verdict};
use crate::record::{Likeness, LineKind, MissGate, Record};
use crate::taxonomy::{Grain, Outcome};
use std::borrow::Cow;

/// Verdicts on good calls, by what their records have in common. Their number is fixed: a new verdict replaces an older one.
#[derive(Debug, Default)]
pub(super) struct Cohorts {
    places: Vec<Place>,
    /// Closed for most records while none is like one before.
    gate: MissGate<STRANGE_RECORDS, STRANGE_SHARE>,
}

/// A place for one verdict. A record is noted when it is seen, and its verdict is kept when one like it comes again: records that are like no
/// other one cost little.
#[derive(Debug, Default)]
struct Place {
    noted: u64,
    cohort: Option<Box<Cohort>>,
}

/// The verdict on records that are alike.
#[derive(Debug)]
struct Cohort {
    traffic: Traffic,
    likeness: Box<[u8]>,
    judgement: Judgement,
    service: Option<String>,
    model: Option<String>,
}

/// Number of verdicts; a power of two. One takes up to 2 KiB.
const PLACES: usize = 2_048;
/// After this many strange records, only one of [`STRANGE_SHARE`] is looked up.
const STRANGE_RECORDS: u32 = 64;
const STRANGE_SHARE: u32 = 16;

impl Cohorts {
    /// What a record has in common with others. `None`: it is not worth a search.
    pub(super) fn likeness<'a>(&mut self, record: &Record<'a>) -> Option<Likeness<'a>> {
        if self.gate.opens() { record.likeness() } else { None }
    }

    /// Whether a record like this one was judged.
    pub(super) fn knows(&mut self, record: &Record<'_>, likeness: &Likeness<'_>, traffic: Traffic) -> bool {
        let cohort = self.places.get(place_of(likeness)).and_then(|place| place.cohort.as_ref());
        let is_known = cohort.is_some_and(|cohort| cohort.traffic == traffic && record.is_like(likeness, &cohort.likeness));
        self.gate.note(is_known);
        is_known
    }

    /// The verdict on a record that is known, without what is the record's own.
    pub(super) fn verdict<'a>(&'a self, record: &Record<'a>, likeness: Likeness<'a>) -> Option<Verdict<'a>> {
        let Cohort { judgement, service, model, .. } = self.places.get(place_of(&likeness))?.cohort.as_deref()?;
        let Likeness { latency_s, first_token_s, input_tokens, output_tokens, request_id, call_id, .. } = likeness;
        let texts = Texts {
            service: service.as_deref().map(Cow::Borrowed),
            host: record.host_name(),
            model: model.as_deref().map(Cow::Borrowed),
            request_id,
            call_id,
        };
        let judgement = Judgement {
            stamp: record.stamp(),
            latency_s,
            first_token_s,
            input_tokens,
            output_tokens,
            span: SpanIds::of(record.span_path(), record.is_span(), LineKind::None),
            ..judgement.clone()
        };
        Some(Verdict { texts, judgement })
    }

    /// Keeps the verdict on a good call, if a record like it was seen before.
    pub(super) fn keep(&mut self, record: &Record<'_>, likeness: &Likeness<'_>, traffic: Traffic, verdict: &Verdict<'_>) {
        self.places.resize_with(PLACES, Place::default);
        let Some(place) = self.places.get_mut(place_of(likeness)) else { return };
        if place.noted != likeness.hash {
            place.noted = likeness.hash;
            return;
        }
        let mut written = Vec::new();
        record.write_likeness(likeness, &mut written);
        let Verdict { texts, judgement } = verdict;
        place.cohort = Some(Box::new(Cohort {
            traffic,
            likeness: written.into(),
            judgement: judgement.clone(),
            service: texts.service.as_deref().map(str::to_owned),
            model: texts.model.as_deref().map(str::to_owned),
        }));
    }
}

/// Whether a verdict is that of a good call as most are, and hangs on nothing but the fields of its record.
pub(super) fn is_usual(verdict: &Verdict<'_>) -> bool {
    let Judgement { outcome, grain, role, span, redactions, .. } = verdict.judgement;
    (outcome, grain, role, redactions) == (Outcome::Success, Grain::Call, Role::Report, 0)
        && span.is_none_or(|span| span.kind != SpanKind::Around)
}

fn place_of(likeness: &Likeness<'_>) -> usize {
    // The upper bits are mixed best.
    (likeness.hash >> 40) as usize % PLACES
}
