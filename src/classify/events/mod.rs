//! Events of known producers: `patterns/events/`. A record is looked up by the name of its event, the operation of its span, the literal
//! beginning of its message, and its logger.

mod glob;
mod spec;

pub(super) use spec::{Counts, EventSpec, OwnFields};
pub use spec::{Event, Example};

use crate::record::Facts;
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use rustc_hash::FxHashMap;
use spec::Condition;
use std::sync::OnceLock;

/// All entries, by what they match.
#[derive(Debug, Default)]
pub(super) struct Events {
    all: Vec<Event>,
    by_name: FxHashMap<Box<str>, Vec<usize>>,
    by_operation: FxHashMap<Box<str>, Vec<usize>>,
    by_kind: FxHashMap<Box<str>, Vec<usize>>,
    /// By the first byte of the message.
    by_first_byte: FxHashMap<u8, Vec<usize>>,
    first_bytes: [u64; 4],
    anywhere: Anywhere,
    by_logger: Vec<(Box<str>, usize)>,
}

/// Entries with a literal that may be anywhere in the message.
#[derive(Debug, Default)]
struct Anywhere {
    /// The first literal of each message.
    literals: Vec<Box<[u8]>>,
    /// Finds all of them in one pass. Built for the first record that may report a failure.
    finder: OnceLock<Option<AhoCorasick>>,
    /// The entry of each literal.
    entries: Vec<usize>,
}

/// An entry that matches a record, and the id in its message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'c, 'a> {
    pub(super) event: &'c Event,
    pub(super) id: Option<&'a [u8]>,
}

impl Events {
    pub(super) fn new(all: Vec<Event>) -> Self {
        let mut this = Self::default();
        for (at, event) in all.iter().enumerate() {
            this.index(at, event);
        }
        Self { all, ..this }
    }

    /// An entry is found by one of its keys; the others are compared then.
    fn index(&mut self, at: usize, event: &Event) {
        let Event { names, operations, loggers, messages, kinds, .. } = event;
        if !names.is_empty() {
            for name in names {
                self.by_name.entry(name.as_str().into()).or_default().push(at);
            }
        } else if !operations.is_empty() {
            for name in operations {
                self.by_operation.entry(name.as_str().into()).or_default().push(at);
            }
        } else if !kinds.is_empty() {
            for name in kinds {
                self.by_kind.entry(name.as_str().into()).or_default().push(at);
            }
        } else if !messages.is_empty() {
            for glob in messages {
                if let Some(byte) = glob.first_byte() {
                    self.first_bytes[usize::from(byte >> 6)] |= 1 << (byte & 63);
                    let known = self.by_first_byte.entry(byte).or_default();
                    if known.last() != Some(&at) {
                        known.push(at);
                    }
                } else {
                    self.anywhere.literals.push(glob.first_literal().into());
                    self.anywhere.entries.push(at);
                }
            }
        } else {
            self.by_logger.extend(loggers.iter().map(|name| (name.as_str().into(), at)));
        }
    }

    pub(super) fn all(&self) -> &[Event] {
        &self.all
    }

    /// The entry that knows a record by the name of its event, the operation of its span, or the beginning of its message.
    pub(super) fn find<'a>(&self, facts: &Facts<'a>) -> Option<Found<'_, 'a>> {
        let named = facts.event_name.and_then(|name| self.by_name.get(name));
        // An event of OpenTelemetry has its full name in the body where the attribute has the short one.
        let bodied = || {
            let body = facts.event_name.and_then(|_| std::str::from_utf8(facts.headline).ok());
            body.and_then(|name| self.by_name.get(name))
        };
        let kind = || facts.kind.and_then(|kind| self.by_kind.get(kind));
        let operation = || facts.operation.as_ref().and_then(|operation| self.by_operation.get(operation.as_ref()));
        let begins = || {
            let first = *facts.headline.first()?;
            let may_begin = self.first_bytes[usize::from(first >> 6)] >> (first & 63) & 1 == 1;
            may_begin.then(|| self.by_first_byte.get(&first)).flatten()
        };
        named
            .and_then(|list| self.first(list, facts))
            .or_else(|| bodied().and_then(|list| self.first(list, facts)))
            .or_else(|| kind().and_then(|list| self.first(list, facts)))
            .or_else(|| operation().and_then(|list| self.first(list, facts)))
            .or_else(|| begins().and_then(|list| self.first(list, facts)))
    }

    /// Whether an entry knows records like this one, as far as fields show that most records have: its conditions are not asked.
    pub(super) fn may_know(&self, facts: &Facts<'_>) -> bool {
        let body = std::str::from_utf8(facts.headline).ok();
        let by_name = [facts.event_name, body].into_iter().flatten().filter_map(|name| self.by_name.get(name));
        let by_kind = facts.kind.and_then(|kind| self.by_kind.get(kind));
        let by_operation = facts.operation.as_ref().and_then(|operation| self.by_operation.get(operation.as_ref()));
        let by_byte = facts.headline.first().and_then(|byte| self.by_first_byte.get(byte));
        let places = by_name.chain(by_kind).chain(by_operation).chain(by_byte).flatten();
        places.filter_map(|at| self.all.get(*at)).any(|event| event.fits(facts).is_some())
    }

    /// The entry that knows a record which may report a failure, by any of its words or its logger.
    pub(super) fn find_failure<'a>(&self, facts: &Facts<'a>) -> Option<Found<'_, 'a>> {
        self.first(&self.anywhere.candidates(facts.headline), facts).or_else(|| self.of_logger(facts))
    }

    fn first<'a>(&self, list: &[usize], facts: &Facts<'a>) -> Option<Found<'_, 'a>> {
        list.iter().filter_map(|at| self.all.get(*at)).find_map(|event| event.find(facts))
    }

    fn of_logger<'a>(&self, facts: &Facts<'a>) -> Option<Found<'_, 'a>> {
        let logger = facts.logger;
        let entries = self.by_logger.iter().filter(|(name, _)| !logger.is_empty() && is_of(logger, name));
        entries.filter_map(|(_, at)| self.all.get(*at)).find_map(|event| event.find(facts))
    }
}

impl Anywhere {
    /// The entries of which the message has the first literal, in their order.
    fn candidates(&self, message: &[u8]) -> Vec<usize> {
        // An automaton of this kind takes the fewest steps. Only for a set of gigabytes it cannot be built.
        let build = || AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(&self.literals).ok();
        let found = self.finder.get_or_init(build).iter().flat_map(|finder| finder.find_overlapping_iter(message));
        let mut found: Vec<usize> = found.filter_map(|found| self.entries.get(found.pattern().as_usize()).copied()).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Event {
    fn find<'c, 'a>(&'c self, facts: &Facts<'a>) -> Option<Found<'c, 'a>> {
        self.fits(facts).filter(|_| self.when.iter().all(|condition| condition.holds(facts)))
    }

    /// Whether a record matches, whatever the conditions say.
    fn fits<'c, 'a>(&'c self, facts: &Facts<'a>) -> Option<Found<'c, 'a>> {
        let Self { names, operations, loggers, messages, kinds, .. } = self;
        let is_body = |name: &String| facts.event_name.is_some() && name.as_bytes() == facts.headline;
        let is_named = names.is_empty() || names.iter().any(|name| facts.event_name == Some(name) || is_body(name));
        let is_kind = kinds.is_empty() || facts.kind.is_some_and(|kind| kinds.iter().any(|known| known == kind));
        let operation =
            || facts.operation.as_ref().is_some_and(|operation| operations.iter().any(|known| known == operation.as_ref()));
        let logger = || loggers.iter().any(|known| is_of(facts.logger, known));
        if !is_named || !is_kind || !operations.is_empty() && !operation() || !loggers.is_empty() && !logger() {
            return None;
        }
        let id = match messages.as_slice() {
            [] => None,
            messages => messages.iter().find_map(|glob| glob.matches(facts.headline))?,
        };
        Some(Found { event: self, id })
    }
}

impl Condition {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        let value = facts.own_field(&self.path);
        match self.values.as_slice() {
            [] => value.is_none(),
            values => value.is_some_and(|value| values.iter().any(|known| is_like(known, &value))),
        }
    }
}

/// Whether a value is this one, or begins so: `QwenCode/*`.
fn is_like(known: &str, value: &str) -> bool {
    known.strip_suffix('*').map_or_else(|| known == value, |begin| value.starts_with(begin))
}

/// Whether a logger is this one or one below it: `openai._base_client` and `httpx2` are of `openai` and `httpx`.
fn is_of(logger: &str, name: &str) -> bool {
    logger.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_', '2', ':', '/']))
}
