//! Verdicts on good calls in records that are not lines of known form: those of OTLP batches. They are compared by their fields.

use super::kept_verdict::{KeptVerdict, OwnValues};
use super::verdict::{Traffic, Verdict};
use crate::record::{Likeness, MissGate, Record};
use crate::redact::Redactor;

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
    verdict: KeptVerdict,
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

    /// The verdict on a record that is known.
    pub(super) fn verdict<'a>(
        &'a self,
        redactor: &Redactor,
        record: &Record<'a>,
        likeness: Likeness<'a>,
    ) -> Option<Verdict<'a>> {
        let cohort = self.places.get(place_of(&likeness))?.cohort.as_deref()?;
        Some(cohort.verdict.give(redactor, OwnValues::of(record, likeness)))
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
        let verdict = KeptVerdict::new(verdict, &OwnValues::of(record, likeness.clone()));
        place.cohort = Some(Box::new(Cohort { traffic, likeness: written.into(), verdict }));
    }
}

fn place_of(likeness: &Likeness<'_>) -> usize {
    // The upper bits are mixed best.
    (likeness.hash >> 40) as usize % PLACES
}
