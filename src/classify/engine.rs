//! Which pattern wins: candidates by code, type, literal and status, then precedence among those that match.
//!
//! Each pattern stands in one index, that of its most telling required key, so the cost of a record depends on what the
//! record says and not on how many patterns there are.

use super::PatternId;
use super::catalog::Message;
use crate::record::Signals;
use crate::taxonomy::{Provider, Status};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;

/// What a pattern asks of a record.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) providers: Vec<Provider>,
    pub(super) statuses: Vec<StatusKey>,
    /// Lower-case, with whether the type is specific enough to decide.
    pub(super) types: Vec<(String, bool)>,
    pub(super) codes: Vec<(String, bool)>,
    pub(super) messages: Vec<Message>,
    pub(super) any_type: bool,
    pub(super) any_code: bool,
    pub(super) any_message: bool,
    pub(super) any_status: bool,
    pub(super) own: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatusKey {
    Exactly(Status),
    Class(u16),
    Absent,
}

impl StatusKey {
    fn matches(self, status: Option<Status>) -> bool {
        match self {
            Self::Exactly(wanted) => status == Some(wanted),
            Self::Class(class) => status.and_then(Status::http).is_some_and(|it| it / 100 == class),
            Self::Absent => status.is_none(),
        }
    }
}

/// What decided, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    Code,
    Type,
    Message,
    GeneralType,
    Status,
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a> {
    pub(super) provider: Provider,
    pub(super) gateway: Option<Provider>,
    pub(super) status: Option<Status>,
    pub(super) signals: &'a Signals,
}

#[derive(Debug)]
pub(super) struct Engine {
    rules: Vec<Rule>,
    /// Position of each rule in the order of ids: the last word among equals.
    order: Vec<u16>,
    by_code: FxHashMap<String, Vec<u16>>,
    by_type: FxHashMap<String, Vec<u16>>,
    literals: AhoCorasick,
    by_literal: Vec<Vec<u16>>,
    /// Rules that have nothing but a status, and those whose message has no literal.
    rest: Vec<u16>,
}

/// How well a rule fits; smaller is better.
type Rank = (bool, Tier, Kin, Reverse<usize>, Reverse<usize>, bool, u16);

/// Whose pattern it is, nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kin {
    /// The record's own provider or gateway is named.
    Named,
    /// Everybody's.
    Open,
    /// Some other provider's.
    Other,
}

/// Texts longer than this are looked at from both ends.
const HEAD: usize = 6 << 10;
const TAIL: usize = 2 << 10;

impl Engine {
    pub(super) fn new(rules: Vec<Rule>, ids: &[&str]) -> Result<Self, String> {
        let mut sorted: Vec<u16> = (0..rules.len() as u16).collect();
        sorted.sort_by_key(|it| ids.get(usize::from(*it)).copied());
        let mut order = vec![0; rules.len()];
        for (position, rule) in sorted.iter().enumerate() {
            order[usize::from(*rule)] = position as u16;
        }
        let mut index = Index::default();
        for (at, rule) in rules.iter().enumerate() {
            index.add(at as u16, rule);
        }
        let literals = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&index.literals)
            .map_err(|error| format!("the literals of all patterns together cannot be compiled: {error}"))?;
        let Index { by_code, by_type, by_literal, rest, .. } = index;
        Ok(Self { rules, order, by_code, by_type, literals, by_literal, rest })
    }

    /// The pattern that wins, and what decided it.
    pub(super) fn find(&self, query: &Query<'_>) -> Option<(PatternId, Tier)> {
        let mut best: Option<(Rank, u16)> = None;
        let mut consider = |at: u16| {
            if let Some(rank) = self.rank(at, query)
                && best.as_ref().is_none_or(|(than, _)| rank < *than)
            {
                best = Some((rank, at));
            }
        };
        let lower = |text: &String| text.to_ascii_lowercase();
        for code in query.signals.codes.iter().map(lower) {
            self.by_code.get(&code).into_iter().flatten().for_each(|at| consider(*at));
        }
        for name in query.signals.types.iter().map(lower) {
            self.by_type.get(&name).into_iter().flatten().for_each(|at| consider(*at));
        }
        for text in &query.signals.messages {
            for part in ends(text) {
                for found in self.literals.find_overlapping_iter(part) {
                    self.by_literal[found.pattern().as_usize()].iter().for_each(|at| consider(*at));
                }
            }
        }
        self.rest.iter().for_each(|at| consider(*at));
        best.map(|(rank, at)| (PatternId(at), rank.1))
    }

    /// Whether one pattern matches, whatever others do.
    pub(super) fn matches(&self, id: PatternId, query: &Query<'_>) -> bool {
        self.rank(id.0, query).is_some()
    }

    fn rank(&self, at: u16, query: &Query<'_>) -> Option<Rank> {
        let rule = &self.rules[usize::from(at)];
        let named = rule.providers.iter().any(|it| *it == query.provider || Some(*it) == query.gateway);
        let foreign = !rule.providers.is_empty() && !named && query.provider != Provider::UNKNOWN;
        let fit = rule.fit(query)?;
        let open = rule.providers.is_empty() || named;
        if !open && fit.tier >= Tier::GeneralType {
            return None;
        }
        // Another provider's pattern is better than a bare status, and worse than anything of one's own that says more.
        let weak = foreign || fit.tier >= Tier::GeneralType;
        // Many services speak OpenAI's codes: a bare code of an unknown provider is nobody's own. Wording is.
        let kin = match (named, open || fit.tier >= Tier::Message) {
            (true, _) => Kin::Named,
            (false, true) => Kin::Open,
            (false, false) => Kin::Other,
        };
        Some((weak, fit.tier, kin, Reverse(fit.keys), Reverse(fit.weight), !rule.own, self.order[usize::from(at)]))
    }
}

/// What of a rule matched.
struct Fit {
    tier: Tier,
    keys: usize,
    weight: usize,
}

impl Rule {
    fn fit(&self, query: &Query<'_>) -> Option<Fit> {
        let signals = query.signals;
        let status = self.statuses.iter().any(|it| it.matches(query.status));
        if !self.statuses.is_empty() && !self.any_status && !status {
            return None;
        }
        let code = best_of(&self.codes, &signals.codes);
        if !self.codes.is_empty() && !self.any_code && code.is_none() {
            return None;
        }
        let kind = best_of(&self.types, &signals.types);
        if !self.types.is_empty() && !self.any_type && kind.is_none() {
            return None;
        }
        let needs_message = !self.messages.is_empty() && !self.any_message;
        let message = self
            .messages
            .iter()
            .filter(|it| signals.messages.iter().any(|text| it.is_match(text)))
            .map(|it| it.weight.max(1))
            .max();
        if needs_message && message.is_none() {
            return None;
        }
        let any_asked = self.any_code || self.any_type || self.any_message || self.any_status;
        let any_met = self.any_code && code.is_some()
            || self.any_type && kind.is_some()
            || self.any_message && message.is_some()
            || self.any_status && status;
        if any_asked && !any_met {
            return None;
        }
        let tier = match (code, kind, message) {
            (Some(true), ..) => Tier::Code,
            (_, Some(true), _) => Tier::Type,
            (.., Some(_)) => Tier::Message,
            (Some(false), ..) | (_, Some(false), _) => Tier::GeneralType,
            _ => Tier::Status,
        };
        // `timeout` and `connection` are read off the same words that the message keys match: they are no further evidence.
        let answered = status && query.status.is_some_and(|it| it.http().is_some());
        let keys = [code.is_some(), kind.is_some(), message.is_some(), answered];
        // `"5xx"` is less than `503`.
        let exact = self.statuses.iter().any(|it| matches!(it, StatusKey::Exactly(_)) && it.matches(query.status));
        let weight = message.unwrap_or(0) * 2 + usize::from(exact);
        Some(Fit { tier, keys: keys.into_iter().filter(|it| *it).count(), weight })
    }
}

/// Whether one of the wanted words is there, and whether a specific one is.
fn best_of(wanted: &[(String, bool)], there: &[String]) -> Option<bool> {
    wanted.iter().filter(|(word, _)| there.iter().any(|it| it.eq_ignore_ascii_case(word))).map(|(_, specific)| *specific).max()
}

impl Message {
    fn is_match(&self, text: &str) -> bool {
        match &self.regex {
            Some(regex) => ends(text).any(|part| regex.is_match(part.as_bytes())),
            None => {
                self.literals.iter().any(|literal| ends(text).any(|part| contains_folded(part.as_bytes(), literal.as_bytes())))
            }
        }
    }
}

/// The text, or head and tail of a long one.
fn ends(text: &str) -> impl Iterator<Item = &str> {
    let (head, tail) = if text.len() <= HEAD + TAIL {
        (Some(text), None)
    } else {
        (text.get(..text.floor_char_boundary(HEAD)), text.get(text.ceil_char_boundary(text.len() - TAIL)..))
    };
    head.into_iter().chain(tail)
}

/// Whether `text` holds `word` (lower-case), without regard to ASCII case.
fn contains_folded(text: &[u8], word: &[u8]) -> bool {
    let Some(first) = word.first() else { return true };
    memchr::memchr2_iter(*first, first.to_ascii_uppercase(), text)
        .any(|at| text.get(at..at + word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word)))
}

/// The indexes while they are built.
#[derive(Default)]
struct Index {
    by_code: FxHashMap<String, Vec<u16>>,
    by_type: FxHashMap<String, Vec<u16>>,
    literals: Vec<String>,
    places: FxHashMap<String, usize>,
    by_literal: Vec<Vec<u16>>,
    rest: Vec<u16>,
}

impl Index {
    /// Puts a rule where its most telling required key leads, or under each key of which one is enough.
    fn add(&mut self, at: u16, rule: &Rule) {
        let has = |given: bool, any: bool, want_any: bool| given && any == want_any;
        if has(!rule.codes.is_empty(), rule.any_code, false) {
            self.codes(at, rule);
        } else if has(!rule.messages.is_empty(), rule.any_message, false) {
            self.messages(at, rule);
        } else if has(!rule.types.is_empty(), rule.any_type, false) {
            self.types(at, rule);
        } else if rule.any_code || rule.any_type || rule.any_message {
            if rule.any_status {
                self.rest.push(at);
                return;
            }
            if rule.any_code {
                self.codes(at, rule);
            }
            if rule.any_type {
                self.types(at, rule);
            }
            if rule.any_message {
                self.messages(at, rule);
            }
        } else {
            self.rest.push(at);
        }
    }

    fn codes(&mut self, at: u16, rule: &Rule) {
        for (code, _) in &rule.codes {
            self.by_code.entry(code.clone()).or_default().push(at);
        }
    }

    fn types(&mut self, at: u16, rule: &Rule) {
        for (name, _) in &rule.types {
            self.by_type.entry(name.clone()).or_default().push(at);
        }
    }

    fn messages(&mut self, at: u16, rule: &Rule) {
        for message in &rule.messages {
            if message.literals.is_empty() {
                if !self.rest.contains(&at) {
                    self.rest.push(at);
                }
                continue;
            }
            for literal in &message.literals {
                let place = *self.places.entry(literal.clone()).or_insert_with(|| {
                    self.literals.push(literal.clone());
                    self.by_literal.push(Vec::new());
                    self.literals.len() - 1
                });
                if self.by_literal[place].last() != Some(&at) {
                    self.by_literal[place].push(at);
                }
            }
        }
    }
}
