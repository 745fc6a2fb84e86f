//! What was judged a moment ago. A storm says the same thing thousands of times: it is looked into once.

use super::verdict::{Traffic, Verdict};
use crate::record::Record;
use crate::taxonomy::Outcome;
use crate::time::Stamp;
use rustc_hash::FxHasher;
use std::hash::Hasher;

/// Verdicts on failures by all that they hang on. A fixed number: a newer one takes the place of an older.
///
/// It belongs to one classifier: with another, begin anew.
#[derive(Debug, Default)]
pub struct VerdictCache {
    known: Vec<Option<Known>>,
    likeness: Vec<u8>,
}

#[derive(Debug)]
struct Known {
    likeness: Box<[u8]>,
    verdict: Verdict<'static>,
}

/// How many verdicts are kept; a power of two.
const ROOM: usize = 1_024;
/// Longer records are looked into each time.
const LONGEST: usize = 2 << 10;

impl VerdictCache {
    /// Completes the verdict on a record that says what an earlier one said. If there was none, `place` is where
    /// [`Self::keep`] may put it.
    pub(super) fn recall<'a>(&mut self, record: &Record<'a>, traffic: Traffic, verdict: &mut Verdict<'a>) -> Recall {
        if !record.likeness(&mut self.likeness, LONGEST) {
            return Recall::TooLong;
        }
        self.likeness.push(traffic as u8);
        let mut hasher = FxHasher::default();
        hasher.write(&self.likeness);
        let place = (hasher.finish() >> 32) as usize % ROOM;
        match self.known.get(place).and_then(Option::as_ref) {
            Some(known) if *known.likeness == *self.likeness => {
                known.tell(verdict);
                Recall::Known
            }
            _ => Recall::New(place),
        }
    }

    /// Keeps a verdict on the record that [`Self::recall`] was asked for last, where it is one on a failure.
    pub(super) fn keep(&mut self, place: usize, record: &Record<'_>, verdict: &Verdict<'_>) {
        if verdict.outcome != Outcome::Error {
            return;
        }
        if self.known.is_empty() {
            self.known.resize_with(ROOM, || None);
        }
        let mut verdict = verdict.clone();
        let own = verdict.names().map(Option::take);
        let [_, _, model, request_id, _] = own.map(|it| it.map(|it| it.into_owned().into()));
        let mut verdict = verdict.nameless();
        verdict.model = model.filter(|_| record.model().is_none());
        verdict.request_id = request_id.filter(|_| record.request_id().is_none());
        if let Some(slot) = self.known.get_mut(place) {
            *slot = Some(Known { likeness: self.likeness.as_slice().into(), verdict });
        }
    }
}

/// What is known of a record.
pub(super) enum Recall {
    /// All: the verdict is complete.
    Known,
    /// Nothing yet; it may be kept at this place.
    New(usize),
    /// Nothing, and it is too much to keep.
    TooLong,
}

impl Known {
    fn tell(&self, verdict: &mut Verdict<'_>) {
        let known = &self.verdict;
        let wait = match (known.stamp, known.resets_at) {
            (Some(Stamp::Utc(then)), Some(at)) => Some(at.since(then)),
            _ => None,
        };
        let resets_at = match verdict.stamp {
            Some(Stamp::Utc(now)) => wait.map(|it| now.plus(it)),
            _ => None,
        };
        *verdict = Verdict {
            stamp: verdict.stamp,
            service: verdict.service.take(),
            host: verdict.host.take(),
            model: verdict.model.take().or_else(|| known.model.clone()),
            request_id: verdict.request_id.take().or_else(|| known.request_id.clone()),
            call_id: verdict.call_id.take(),
            latency_s: verdict.latency_s,
            input_tokens: verdict.input_tokens,
            resets_at,
            ..known.clone()
        };
    }
}
