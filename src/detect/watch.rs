//! One provider: all that its calls are looked at for.

use super::finding::{Blame, Finding, FindingKind, clock, many, span};
use super::length::Lengths;
use super::load::Load;
use super::minutes::{Counts, Minutes};
use super::named::Named;
use super::parts::{Split, split};
use super::recovery::Trouble;
use super::repeat::{Habit, Repeats, Signature};
use super::rotation::Key;
use crate::classify::Pattern;
use crate::observation::{Name, Observation};
use crate::taxonomy::{Category, Outcome, Owner, Provider, Retry, Status};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// So many answers without content within ten minutes are more than an accident.
const HOLLOW: u64 = 3;

/// What is remembered of one provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Watch {
    pub(super) minutes: Minutes,
    pub(super) last_good: Option<i64>,
    /// Since when it fails, after it last worked for a while.
    fails_since: i64,
    latest: Latest,
    models: Named<Model>,
    services: Named<Service>,
    lengths: Lengths,
    repeats: Repeats,
    trouble: Trouble,
    hollow: Hollow,
    timeouts_row: Option<String>,
    /// Whether a call failed since it was last looked at.
    dirty: bool,
}

/// The latest failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Latest {
    owner: Option<Owner>,
    /// Nothing came back at all.
    no_answer: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Model {
    minutes: Minutes,
    owner: Option<Owner>,
    load: Load,
    /// The row of calls that were limited.
    limited: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Service {
    minutes: Minutes,
    owner: Option<Owner>,
    key: Key,
    /// The row of calls whose key was refused.
    refused: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Hollow {
    minutes: Minutes,
    since: i64,
    model: String,
}

impl Watch {
    /// Takes in a call that worked.
    pub(super) fn good(&mut self, seen: &Observation) {
        let at = seen.at.second();
        self.minutes.add(at, true);
        self.last_good = self.last_good.max(Some(at));
        self.trouble.good(at);
        if let Some(model) = self.models.touch(seen.model, at) {
            model.minutes.add(at, true);
            model.load.add(at, false, seen.latency_s);
        }
        if let Some(service) = self.services.touch(seen.service, at) {
            service.minutes.add(at, true);
            service.key.good(at);
        }
        if let Some(tokens) = seen.input_tokens {
            self.lengths.add(at, tokens, false);
        }
        self.repeats.good(seen);
    }

    /// Takes in a call that failed.
    pub(super) fn bad(&mut self, seen: &Observation, row: &str, patterns: &[Pattern]) {
        let at = seen.at.second();
        if self.minutes.sum(at, 10).bad == 0 {
            self.fails_since = at;
        }
        self.dirty = true;
        self.minutes.add(at, false);
        self.trouble.bad(at);
        let status = seen.effective_status();
        let no_answer = matches!(status, Some(Status::Timeout | Status::Connection)) || seen.owner == Owner::Network;
        self.latest = Latest { owner: Some(seen.owner), no_answer };
        let limited = seen.category == Category::RateLimitCapacity && status == Some(Status::Http(429));
        if let Some(model) = self.models.touch(seen.model, at) {
            model.minutes.add(at, false);
            model.owner = Some(seen.owner);
            model.load.add(at, limited, None);
            if limited {
                keep(&mut model.limited, row);
            }
        }
        let refused = seen.category == Category::Auth && seen.owner == Owner::Account && status != Some(Status::Http(403));
        if let Some(service) = self.services.touch(seen.service, at) {
            service.minutes.add(at, false);
            service.owner = Some(seen.owner);
            if refused {
                let evidence = seen.evidence.as_deref();
                let (host, hint) = (evidence.and_then(|it| it.host.as_deref()), evidence.and_then(|it| it.key_hint.as_deref()));
                service.key.refused(at, host, hint);
                keep(&mut service.refused, row);
            }
        }
        if let Some(tokens) = seen.input_tokens.filter(|_| is_timeout(status)) {
            self.lengths.add(at, tokens, true);
            keep(&mut self.timeouts_row, row);
        }
        if row == "hollow" {
            if self.hollow.minutes.sum(at, 10).bad == 0 {
                self.hollow.since = at;
            }
            self.hollow.minutes.add(at, false);
            self.hollow.model.clear();
            self.hollow.model.push_str(seen.model.as_str());
        }
        let title = || match seen.pattern.and_then(|it| patterns.get(usize::from(it.0))) {
            Some(pattern) => pattern.title.clone(),
            None => seen.evidence.as_deref().map(|it| super::template(&it.message)).unwrap_or_default(),
        };
        self.repeats.bad(seen, row, title);
    }

    /// Whether there may be something to tell.
    pub(super) fn is_due(&self) -> bool {
        self.dirty || self.trouble.is_open()
    }

    /// Calls in the last five minutes, where most of them failed without an answer.
    pub(super) fn unreachable(&self, at: i64) -> Option<Counts> {
        let counts = self.minutes.sum(at, 5);
        (self.latest.no_answer && self.last_good.is_some() && counts.bad >= 3 && counts.mostly_fail()).then_some(counts)
    }

    /// Looks at all of it, and tells what was found.
    pub(super) fn diagnose(&mut self, at: i64, tell: &mut impl FnMut(Finding)) {
        if let Some(over) = self.trouble.diagnose(at) {
            let text = format!(
                "answers again since {}, after {} in which {} of {} failed",
                clock(over.since),
                span(over.length),
                over.bad,
                many(over.all, "call")
            );
            let advice = "Nothing to do: the alert clears by itself when it stays so.";
            let blame = self.latest.owner.map_or(Blame::Unknown, Blame::from);
            tell(Finding { since: second(over.since), ..found(FindingKind::Recovery, blame, at, text, advice) });
        }
        if !std::mem::take(&mut self.dirty) {
            return;
        }
        self.rotations(at, tell);
        self.limits(at, tell);
        self.long_inputs(at, tell);
        self.hollow(at, tell);
        self.parts(at, tell);
        self.repeats.diagnose(at, |signature, habit| tell(habit_of(signature, habit, at)));
    }

    /// What is known of a service's key at its first refusal.
    pub(super) fn key_fact(&self, service: &str) -> Option<String> {
        self.services.get(service)?.key.fact(service)
    }

    fn rotations(&self, at: i64, tell: &mut impl FnMut(Finding)) {
        for (name, service) in self.services.sorted() {
            if let Some(rotated) = service.key.diagnose(name.as_str()) {
                let advice = format!(
                    "Find which key is valid now, give it to every process of {name} and restart them; a retry cannot help."
                );
                tell(Finding {
                    service: Some(name.to_string()),
                    row: service.refused.clone(),
                    since: second(rotated.since),
                    last: second(rotated.last),
                    ..found(FindingKind::KeyRotation, Blame::Account, at, rotated.text, &advice)
                });
            }
        }
    }

    fn limits(&mut self, at: i64, tell: &mut impl FnMut(Finding)) {
        let limited = self.models.iter_mut().filter(|(_, it)| it.limited.is_some());
        let mut all: Vec<_> =
            limited.filter_map(|(name, it)| Some((*name, it.load.diagnose(at)?, it.limited.clone()))).collect();
        all.sort_by_key(|(name, ..)| *name);
        for (name, limit, row) in all {
            tell(Finding {
                model: Some(name.to_string()),
                row,
                ..found(FindingKind::LoadLimit, Blame::Ours, at, limit.text(name.as_str()), &limit.advice())
            });
        }
    }

    fn long_inputs(&self, at: i64, tell: &mut impl FnMut(Finding)) {
        if self.timeouts_row.is_none() {
            return;
        }
        if let Some(longest) = self.lengths.diagnose() {
            let (row, since) = (self.timeouts_row.clone(), second(longest.since));
            let finding = found(FindingKind::LongInput, Blame::Ours, at, longest.text(), &longest.advice());
            tell(Finding { row, since, ..finding });
        }
    }

    fn hollow(&self, at: i64, tell: &mut impl FnMut(Finding)) {
        let hollow = self.hollow.minutes.sum(at, 10).bad;
        if hollow < HOLLOW {
            return;
        }
        let all = self.minutes.sum(at, 10).all();
        let by = if self.hollow.model.is_empty() { String::new() } else { format!(", lately by {}", self.hollow.model) };
        let text = format!("{hollow} of {} in ten minutes were answered 200 without content{by}", many(all, "call"));
        let advice = "Treat an answer without content as a failure, retry it once, then use another model.";
        let since = second(self.hollow.since);
        tell(Finding {
            row: Some("hollow".to_owned()),
            since,
            ..found(FindingKind::Hollow, Blame::Provider, at, text, advice)
        });
    }

    fn parts(&self, at: i64, tell: &mut impl FnMut(Finding)) {
        // Where nothing is ever seen to work, all that is seen fails.
        if self.last_good.is_none() {
            return;
        }
        let models: Vec<Part> =
            self.models.sorted().into_iter().map(|(name, it)| Part::of(name, &it.minutes, it.owner, at)).collect();
        let services: Vec<Part> =
            self.services.sorted().into_iter().map(|(name, it)| Part::of(name, &it.minutes, it.owner, at)).collect();
        let counts = |parts: &[Part]| parts.iter().map(|it| it.counts).collect::<Vec<_>>();
        let (by_model, by_service) = (split(&counts(&models)), split(&counts(&services)));
        let both = matches!((&by_model, &by_service), (Some(Split::One { .. }), Some(Split::One { .. })));
        let since = second(self.fails_since);
        if let Some(Split::One { at: position, others, rest }) = &by_model {
            let part = &models[*position];
            let blame = match part.owner {
                Some(Owner::Network | Owner::Provider | Owner::Unknown) if !both => Blame::Provider,
                owner => owner.map_or(Blame::Unknown, Blame::from),
            };
            let text = part.alone(&many(*others as u64, "other model"), *rest);
            let advice = format!("Send the calls of {} to another model until it answers again.", part.name);
            let finding = found(FindingKind::OneModel, blame, at, text, &advice);
            tell(Finding { model: Some(part.name.to_string()), since, ..finding });
        }
        if let Some(Split::One { at: position, others, rest }) = &by_service {
            let part = &services[*position];
            let blame = match part.owner {
                Some(Owner::Network | Owner::Provider | Owner::Unknown) if !both => Blame::Ours,
                owner => owner.map_or(Blame::Unknown, Blame::from),
            };
            let text = part.alone(&many(*others as u64, "other service"), *rest);
            let advice = format!("Look at {} itself: its key, its requests, its network, its latest change.", part.name);
            let finding = found(FindingKind::OneService, blame, at, text, &advice);
            tell(Finding { service: Some(part.name.to_string()), since, ..finding });
        }
        let all = |of: &Option<Split>| if let Some(Split::All { parts }) = of { *parts as u64 } else { 0 };
        let (models, services) = (all(&by_model), all(&by_service));
        let alone = matches!(by_model, Some(Split::One { .. })) || matches!(by_service, Some(Split::One { .. }));
        if (models >= 2 || services >= 2) && !alone {
            let who: Vec<String> = [(models, "model"), (services, "service")]
                .into_iter()
                .filter(|(number, _)| *number >= 2)
                .map(|(number, what)| format!("all {}", many(number, what)))
                .collect();
            let counts = self.minutes.sum(at, 5);
            let text = format!("{} fail ({} of {} in five minutes)", who.join(" and "), counts.bad, many(counts.all(), "call"));
            let blame = self.latest.owner.map_or(Blame::Unknown, |it| match Blame::from(it) {
                Blame::Unknown => Blame::Provider,
                blame => blame,
            });
            let advice = "It is no single model or service: look at the provider's status page and at what all calls share.";
            tell(Finding { since, ..found(FindingKind::WholeProvider, blame, at, text, advice) });
        }
    }
}

/// One model or service, for a comparison.
struct Part {
    name: Name,
    counts: Counts,
    owner: Option<Owner>,
}

impl Part {
    fn of(name: &Name, minutes: &Minutes, owner: Option<Owner>, at: i64) -> Self {
        Self { name: *name, counts: minutes.sum(at, 5), owner }
    }

    fn alone(&self, others: &str, rest: Counts) -> String {
        let (bad, all) = (self.counts.bad, many(self.counts.all(), "call"));
        format!("only {} fails ({bad} of {all} in five minutes); {others}: {} of {} failed", self.name, rest.bad, rest.all())
    }
}

fn habit_of(it: &Signature, habit: Habit, at: i64) -> Finding {
    let names: Vec<&str> = [it.service.as_str(), it.model.as_str()].into_iter().filter(|it| !it.is_empty()).collect();
    let who = if names.is_empty() { "the same call".to_owned() } else { names.join(" with ") };
    let blame = Blame::from(it.owner);
    let (kind, text, advice) = match habit {
        Habit::EveryTime { others } => (
            FindingKind::EveryTime,
            format!(
                "{who} fails every time with \"{}\" ({} of {} since {}), while {others} other calls worked",
                it.title,
                it.count,
                it.count,
                clock(it.first)
            ),
            "The same request fails whenever it is made: a retry cannot help; change the request.",
        ),
        Habit::NowAndThen { good } => (
            FindingKind::NowAndThen,
            format!(
                "{who} fails now and then with \"{}\" ({} of {} since {})",
                it.title,
                it.count,
                it.count + good,
                clock(it.first)
            ),
            if it.retry == Retry::No {
                "The same call also works: find out what the failing ones have in common."
            } else {
                "The same call also works: a retry with back-off helps."
            },
        ),
        Habit::Growing { lately } => (
            FindingKind::Growing,
            format!(
                "an error that no pattern knows grows: {lately} in ten minutes, first at {}: \"{}\"",
                clock(it.first),
                it.title
            ),
            "Run `llm-triage suggest` on the log: it writes the pattern to fill in.",
        ),
    };
    Finding {
        service: Some(it.service.clone()).filter(|it| !it.is_empty()),
        model: Some(it.model.clone()).filter(|it| !it.is_empty()),
        row: Some(it.row.clone()),
        since: second(it.grown.filter(|_| kind == FindingKind::Growing).unwrap_or(it.first)),
        last: second(it.last),
        about: it.id,
        ..found(kind, blame, at, text, advice)
    }
}

/// A finding of now about a provider that the caller fills in.
fn found(kind: FindingKind, blame: Blame, at: i64, text: String, advice: &str) -> Finding {
    let (now, advice) = (second(at), advice.to_owned());
    Finding {
        kind,
        provider: Provider::UNKNOWN,
        service: None,
        model: None,
        row: None,
        blame,
        since: now,
        last: now,
        text,
        advice,
        about: 0,
    }
}

const fn second(at: i64) -> Timestamp {
    Timestamp::from_second(at)
}

fn is_timeout(status: Option<Status>) -> bool {
    matches!(status, Some(Status::Timeout | Status::Http(408 | 504 | 524)))
}

/// Sets a text without writing it anew where it is the same.
fn keep(text: &mut Option<String>, value: &str) {
    if text.as_deref() != Some(value) {
        *text = Some(value.to_owned());
    }
}

/// Whether a call is worth a look at all.
pub(super) fn is_call(seen: &Observation) -> bool {
    (seen.is_failed_call() || seen.is_good_call()) && seen.outcome != Outcome::Other
}
