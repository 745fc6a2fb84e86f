//! The latest failures of a stream with all records that tell of them: layers log one failure several times, and it counts once.
//!
//! A failure is held until a record with the provider's own body decides it, else two to three seconds; it is counted with the verdict of
//! the record that knows most.

use super::told::{Relation, Teller, Told};
use crate::classify::{Layer, Standing};
use crate::observation::{Evidence, Name, Observation};
use crate::taxonomy::{Grain, Provider, Status};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Records of one failure are at most this far apart.
const SPAN: Duration = Duration::from_secs(2);
/// They are at most this many records apart.
const EVENTS: u64 = 200;
/// The most records between a failure and the notice that it is tried again.
const BETWEEN: u64 = 4;
/// The most failures that a stream remembers; beyond, the oldest is counted and forgotten.
pub(super) const MAX_FAILURES: usize = 200;
/// The most heads, and the most texts, of one failure.
const MAX_HEADS: usize = 16;
const MAX_LAYERS: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Failures {
    pub(super) open: VecDeque<Failure>,
    /// The number of the latest record.
    pub(super) number: u64,
    /// The number of the latest record of a success.
    pub(super) success: u64,
    /// When the next failure that is held counts.
    pub(super) due: Option<Timestamp>,
}

/// One failure.
#[derive(Debug)]
pub(super) struct Failure {
    /// The number of its first record.
    pub(super) number: u64,
    /// Its first record, with what later records added.
    pub(super) told: Told,
    /// Who told of it; the first opened it.
    pub(super) heads: Vec<u64>,
    pub(super) layers: Vec<Arc<Layer>>,
    pub(super) standing: Standing,
    /// When it counts, whatever comes.
    pub(super) due: Timestamp,
    /// `None` once it was counted.
    pub(super) held: Option<Observation>,
}

/// What a record is to the failures before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// It tells of no failure of a call.
    None,
    /// It is a failed attempt that announces another one.
    Retry(Try),
    /// It is an answer that a later record may take back.
    Answer,
    /// It is the first record of a failure.
    Opens,
    /// It tells of the failure with this number, and knows so much of it.
    Joins(u64, Standing),
}

/// One of several tries of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// Common to the tries of one call.
    pub(super) chain: u64,
    /// Which one it is, where the record says so.
    pub(super) number: Option<u32>,
    /// The last of them decides, whatever else the stream writes: an entry of the producer says so.
    #[serde(default)]
    pub(super) decides: bool,
}

impl Failures {
    /// Counts a record of any kind.
    pub(super) fn next_record(&mut self) {
        self.number += 1;
    }

    pub(super) fn note_success(&mut self) {
        self.success = self.number;
    }

    /// Finds the failure that a record tells of, or opens one; [`Self::hold`] must follow. Also returns whether it is the first record of an
    /// application about a failure.
    pub(super) fn place(&mut self, told: &Told) -> (Placement, bool) {
        let mut best = (0, None);
        let has_ids = told.ids.name_a_call();
        for (at, failure) in self.open.iter().enumerate() {
            if told.ids.name_another_request(&failure.told.ids) {
                continue;
            }
            // Without ids, a record never tells of a failure that its own head told of.
            let is_own = !has_ids && failure.heads.contains(&told.head);
            if is_own || !self.is_near(failure, told) || failure.told.ids.are_elsewhere(&told.ids) {
                continue;
            }
            let fit = failure.fit(told);
            if fit > best.0 {
                best = (fit, Some(at));
            }
        }
        if let Some(failure) = best.1.and_then(|at| self.open.get_mut(at)) {
            let is_first =
                told.teller == Teller::Application && matches!(failure.told.teller, Teller::Library | Teller::Access);
            failure.add(told);
            return (Placement::Joins(failure.number, told.standing()), is_first);
        }
        if told.teller == Teller::Repeat {
            return (Placement::None, false);
        }
        self.open.push_back(Failure::new(self.number, told));
        (Placement::Opens, true)
    }

    /// Removes the latest failure, if it does not count yet: its call continues. Returns it, and which kind of record reported it.
    pub(super) fn take_latest(&mut self, at: Timestamp, timed: bool) -> Option<(Observation, u64)> {
        let latest = self.open.back()?;
        let is_timed = timed && latest.told.timed;
        let is_near = self.number - latest.number <= BETWEEN && (!is_timed || at.since(latest.told.at) <= SPAN);
        if !is_near || latest.held.is_none() {
            return None;
        }
        let head = latest.told.head;
        let seen = self.open.pop_back()?.held?;
        self.note_due();
        Some((seen, head))
    }

    /// Removes what only a library told of the try that `layer` announces to repeat.
    pub(super) fn take_try(&mut self, layer: &Layer, at: Timestamp) {
        let is_of_try = |failure: &Failure| {
            let is_library = failure.told.teller == Teller::Library && failure.held.is_some();
            let is_near = self.number - failure.number <= EVENTS && at.since(failure.told.at) <= SPAN;
            is_library && is_near && failure.layers.iter().any(|known| known.tells_same(layer))
        };
        if let Some(at) = self.open.iter().rposition(is_of_try) {
            self.open.remove(at);
            self.note_due();
        }
    }

    fn is_near(&self, failure: &Failure, told: &Told) -> bool {
        let apart = failure.told.at.since(told.at).max(told.at.since(failure.told.at));
        let untimed = !failure.told.timed || !told.timed;
        apart <= SPAN && self.number - failure.number <= EVENTS && !(untimed && self.success > failure.number)
    }

    /// Takes the observation of the record that was placed last. Emits the failure if nothing more can be learned.
    pub(super) fn hold(&mut self, seen: Observation, placement: Placement, now: Timestamp, out: &mut impl FnMut(Observation)) {
        let failure = match placement {
            Placement::None | Placement::Retry(_) | Placement::Answer => return,
            Placement::Opens => {
                let Some(failure) = self.open.back_mut() else { return };
                failure.due = whole_second(now.plus(SPAN));
                failure.held = Some(seen);
                failure
            }
            Placement::Joins(number, standing) => {
                let Some(failure) = self.open.iter_mut().find(|failure| failure.number == number) else { return };
                failure.improve(seen, standing);
                failure
            }
        };
        if failure.standing == Standing::Body && matches!(failure.told.teller, Teller::Application) {
            failure.emit(out);
        }
        let is_held = failure.held.is_some();
        self.forget(now, out);
        if is_held || self.due.is_some() {
            self.note_due();
        }
    }

    /// Forgets failures that no later record can tell of.
    fn forget(&mut self, now: Timestamp, out: &mut impl FnMut(Observation)) {
        while let Some(oldest) = self.open.front() {
            let is_far = self.number - oldest.number > EVENTS || now.since(oldest.due) > SPAN;
            if self.open.len() <= MAX_FAILURES && !(is_far && oldest.held.is_none()) {
                return;
            }
            if let Some(mut oldest) = self.open.pop_front() {
                oldest.emit(out);
            }
        }
    }

    pub(super) fn note_due(&mut self) {
        self.due = self.open.iter().filter(|failure| failure.held.is_some()).map(|failure| failure.due).min();
    }

    /// Emits failures that were held long enough. A time far ahead is of a clock that was set back since.
    pub(super) fn release(&mut self, now: Timestamp, out: &mut impl FnMut(Observation)) {
        for failure in &mut self.open {
            if failure.due <= now || failure.due.since(now) > SPAN * 2 {
                failure.emit(out);
            }
        }
        self.forget(now, out);
        self.note_due();
    }
}

impl Failure {
    fn new(number: u64, told: &Told) -> Self {
        Self {
            number,
            heads: vec![told.head],
            layers: told.layer.iter().cloned().collect(),
            standing: told.standing(),
            told: Told { layer: None, ..told.clone() },
            due: told.at,
            held: None,
        }
    }

    /// How well a record fits this failure; 0: not at all. Ids decide, then the text of the error, then who tells of it.
    fn fit(&self, told: &Told) -> u8 {
        match self.told.ids.relate(&told.ids) {
            Relation::Same => return 5,
            Relation::Different => return 0,
            Relation::Unknown => {}
        }
        if told.teller == Teller::Repeat || self.heads.contains(&told.head) || told.names_another(&self.told) {
            return 0;
        }
        let same = |layer: &Arc<Layer>| self.layers.iter().any(|known| known.tells_same(layer));
        if told.layer.as_ref().is_some_and(same) && !self.answers_another(told) {
            return 4;
        }
        let same_status = told.status.is_some() && told.status == self.told.status;
        match (self.told.teller, told.teller) {
            (Teller::Application, Teller::Application) => u8::from(self.is_short_of(told, same_status)),
            (Teller::Access, Teller::Access) => 0,
            _ if self.contradicts(told) => 0,
            _ if same_status => 3,
            _ => 2,
        }
    }

    /// Whether words that no pattern knows are all that the two have in common, and their statuses differ: two calls of one program.
    fn answers_another(&self, told: &Told) -> bool {
        let are_other = |(one, other): (Status, Status)| one != other;
        let is_vague = self.standing <= Standing::Words && told.standing() <= Standing::Words;
        is_vague && self.told.status.zip(told.status).is_some_and(are_other)
    }

    /// Whether both know why a call failed, and not the same: two answers of a provider, or reasons with two statuses.
    fn contradicts(&self, told: &Told) -> bool {
        let know_more = |than: Standing| self.standing >= than && told.standing() >= than;
        let are_other = |(one, other): (Status, Status)| one != other;
        know_more(Standing::Body) || know_more(Standing::Message) && self.told.status.zip(told.status).is_some_and(are_other)
    }

    /// Whether only one of the two gives a reason of its own, or one gives only the status that the other gives too.
    fn is_short_of(&self, told: &Told, same_status: bool) -> bool {
        let told = told.standing();
        (told == Standing::Nothing) != (self.standing == Standing::Nothing)
            || same_status && (told == Standing::Status || self.standing == Standing::Status)
    }

    /// Notes who tells of it, and adds what it did not know of itself.
    fn add(&mut self, told: &Told) {
        if self.heads.len() < MAX_HEADS {
            self.heads.push(told.head);
        }
        if self.layers.len() < MAX_LAYERS {
            self.layers.extend(told.layer.clone());
        }
        if told.teller == Teller::Application {
            self.told.teller = Teller::Application;
        }
        self.told.ids.complete(&told.ids);
        self.told.status = self.told.status.or(told.status);
        self.told.provider = self.told.provider.or(told.provider);
        if self.told.model.is_empty() {
            self.told.model = told.model;
        }
    }

    /// Takes over the verdict of a record that knows more, and what it says beside.
    fn improve(&mut self, mut seen: Observation, standing: Standing) {
        let Some(held) = self.held.as_mut() else { return };
        if standing > self.standing {
            self.standing = standing;
            seen.at = held.at;
            std::mem::swap(held, &mut seen);
        }
        complete(held, seen);
    }

    fn emit(&mut self, out: &mut impl FnMut(Observation)) {
        if let Some(mut held) = self.held.take() {
            held.grain = Grain::Call;
            out(held);
        }
    }
}

/// Fills what `known` does not say from another record of the same failure.
fn complete(known: &mut Observation, other: Observation) {
    if known.provider == Provider::UNKNOWN {
        known.provider = other.provider;
    }
    fill(&mut known.gateway, other.gateway);
    fill(&mut known.status, other.status);
    fill(&mut known.retry_after_s, other.retry_after_s);
    fill(&mut known.latency_s, other.latency_s);
    fill(&mut known.input_tokens, other.input_tokens);
    fill(&mut known.ending, other.ending);
    fill_name(&mut known.model, other.model);
    fill_name(&mut known.service, other.service);
    if let (Some(known), Some(other)) = (known.evidence.as_deref_mut(), other.evidence) {
        // The line stays that of the record whose verdict counts.
        let Evidence { message, request_id, host, key_hint, resets_at, line: _ } = *other;
        if known.message.is_empty() {
            known.message = message;
        }
        fill(&mut known.request_id, request_id);
        fill(&mut known.host, host);
        fill(&mut known.key_hint, key_hint);
        fill(&mut known.resets_at, resets_at);
    }
}

fn fill<T>(known: &mut Option<T>, other: Option<T>) {
    if known.is_none() {
        *known = other;
    }
}

fn fill_name(known: &mut Name, other: Name) {
    if known.is_empty() {
        *known = other;
    }
}

/// The first whole second that is not before `at`: alerts are evaluated by whole seconds, live and in a replay.
fn whole_second(at: Timestamp) -> Timestamp {
    let second = Timestamp::from_second(at.second());
    if second == at { at } else { Timestamp::from_second(at.second() + 1) }
}
