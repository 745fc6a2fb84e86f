//! Which pattern wins: candidates by code, type, literal and status, then precedence among those that match.
//!
//! Each pattern stands in one index, that of its most telling required key, so the cost of a record depends on what the
//! record says and not on how many patterns there are.

use super::catalog::Message;
use crate::observation::PatternId;
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
    /// Its wording is a wrapper that others put around what really went wrong: any other wording, class or code says more.
    pub(super) general: bool,
    pub(super) own: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum StatusKey {
    Exactly(Status),
    Class(u16),
    Absent,
}

impl StatusKey {
    /// The keys that match this status.
    fn all_of(status: Option<Status>) -> impl Iterator<Item = Self> {
        let class = status.and_then(Status::http).map(|it| Self::Class(it / 100));
        [Some(status.map_or(Self::Absent, Self::Exactly)), class].into_iter().flatten()
    }

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
    by_status: FxHashMap<StatusKey, Vec<u16>>,
    /// Every literal of every message; its position is its [`Literal`].
    literals: AhoCorasick,
    /// The rules that a literal alone leads to.
    by_literal: Vec<Vec<u16>>,
    /// Rules that nothing leads to: those of a provider alone, and those whose message has no literal.
    rest: Vec<u16>,
}

/// A literal of the catalogue, as an index.
type Literal = u32;

/// Room for the literals and rules of nearly every record.
const USUAL: usize = 64;

/// The literals that stand in the texts of a query.
struct Seen(Vec<Literal>);

/// How well a rule fits; smaller is better.
type Rank = (bool, Tier, Kin, bool, Reverse<usize>, Reverse<usize>, bool, u16);

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

/// A wording that nobody else would use by chance: the weight of a literal of eighteen bytes.
const DISTINCT: usize = 36;

/// The pattern that won.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) id: PatternId,
    /// What decided.
    pub(super) tier: Tier,
    /// Whether it says whose error it is, too.
    pub(super) distinct: bool,
}

/// Texts longer than this are looked at from both ends.
const HEAD: usize = 6 << 10;
const TAIL: usize = 2 << 10;

impl Engine {
    pub(super) fn new(mut rules: Vec<Rule>, ids: &[&str]) -> Result<Self, String> {
        let mut sorted: Vec<u16> = (0..rules.len() as u16).collect();
        sorted.sort_by_key(|it| ids.get(usize::from(*it)).copied());
        let mut order = vec![0; rules.len()];
        for (position, rule) in sorted.iter().enumerate() {
            order[usize::from(*rule)] = position as u16;
        }
        let mut index = Index::default();
        for (at, rule) in rules.iter_mut().enumerate() {
            index.number(rule);
            index.add(at as u16, rule);
        }
        let literals = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&index.literals)
            .map_err(|error| format!("the literals of all patterns together cannot be compiled: {error}"))?;
        let Index { by_code, by_type, by_status, by_literal, rest, .. } = index;
        Ok(Self { rules, order, by_code, by_type, by_status, literals, by_literal, rest })
    }

    /// The pattern that wins, and what decided it.
    ///
    /// Expressions are dear. So rules are first ranked as if every expression whose literal was seen matched, which no rank
    /// can be better than; then they are tried in that order, until none of the others can win.
    pub(super) fn find(&self, query: &Query<'_>) -> Option<Found> {
        let texts = &query.signals.messages;
        let seen = self.literals_in(texts);
        let hope = |at| self.rank(at, query, |it| it.may_match(&seen)).map(|it| (it, at));
        let mut hopes: Vec<(Rank, u16)> = self.candidates(query, &seen).into_iter().filter_map(hope).collect();
        hopes.sort_unstable();
        let mut best: Option<(Rank, u16)> = None;
        for (hope, at) in hopes {
            if best.is_some_and(|(rank, _)| rank < hope) {
                break;
            }
            let rank = self.rank(at, query, |it| it.may_match(&seen) && it.is_match(texts));
            best = rank.map(|it| (it, at)).into_iter().chain(best).min();
        }
        best.map(|((_, tier, _, _, _, Reverse(weight), ..), at)| {
            // A general wording is a wording still.
            let general = self.rules[usize::from(at)].general && tier == Tier::GeneralType;
            let tier = if general { Tier::Message } else { tier };
            let distinct = tier != Tier::Message || weight >= DISTINCT;
            Found { id: PatternId(at), tier, distinct }
        })
    }

    /// Whether one pattern matches, whatever others do.
    pub(super) fn matches(&self, id: PatternId, query: &Query<'_>) -> bool {
        let texts = &query.signals.messages;
        let seen = self.literals_in(texts);
        self.rank(id.0, query, |it| it.may_match(&seen) && it.is_match(texts)).is_some()
    }

    /// One scan for all patterns, however many there are.
    fn literals_in(&self, texts: &[String]) -> Seen {
        let mut seen = Vec::with_capacity(USUAL);
        for part in texts.iter().flat_map(|it| ends(it)) {
            seen.extend(self.literals.find_overlapping_iter(part).map(|it| it.pattern().as_u32()));
        }
        seen.sort_unstable();
        seen.dedup();
        Seen(seen)
    }

    /// The rules that something in the query leads to, each once.
    fn candidates(&self, query: &Query<'_>, seen: &Seen) -> Vec<u16> {
        let mut rules = Vec::with_capacity(USUAL);
        for code in &query.signals.codes {
            rules.extend(folded(&self.by_code, code).into_iter().flatten());
        }
        for name in &query.signals.types {
            rules.extend(folded(&self.by_type, name).into_iter().flatten());
        }
        for literal in &seen.0 {
            rules.extend(&self.by_literal[*literal as usize]);
        }
        for status in StatusKey::all_of(query.status) {
            rules.extend(self.by_status.get(&status).into_iter().flatten());
        }
        rules.extend(&self.rest);
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// How well a rule fits, where the messages match that are said to.
    fn rank(&self, at: u16, query: &Query<'_>, matches: impl Fn(&Message) -> bool) -> Option<Rank> {
        let rule = &self.rules[usize::from(at)];
        let named = rule.providers.iter().any(|it| *it == query.provider || Some(*it) == query.gateway);
        let foreign = !rule.providers.is_empty() && !named && query.provider != Provider::UNKNOWN;
        let fit = rule.fit(query, matches)?;
        let open = rule.providers.is_empty() || named;
        let fit = if rule.general && fit.tier == Tier::Message { Fit { tier: Tier::GeneralType, ..fit } } else { fit };
        if !open && fit.tier >= Tier::GeneralType {
            return None;
        }
        // Another provider's pattern is better than a bare status, and worse than anything of one's own that says more.
        let weak = foreign || fit.tier >= Tier::GeneralType;
        // Many services speak OpenAI's codes: a bare code of an unknown provider is nobody's own. Wording is.
        let kin = match (named, open || fit.tier >= Tier::Message && fit.weight >= DISTINCT) {
            (true, _) => Kin::Named,
            (false, true) => Kin::Open,
            (false, false) => Kin::Other,
        };
        Some((weak, fit.tier, kin, fit.untold, Reverse(fit.keys), Reverse(fit.weight), !rule.own, self.order[usize::from(at)]))
    }
}

/// What of a rule matched.
struct Fit {
    tier: Tier,
    keys: usize,
    weight: usize,
    /// It asks for a status, and none is told.
    untold: bool,
}

impl Rule {
    fn fit(&self, query: &Query<'_>, matches: impl Fn(&Message) -> bool) -> Option<Fit> {
        let signals = query.signals;
        let status = self.statuses.iter().any(|it| it.matches(query.status));
        // A text that was pasted without its status does not speak against one.
        let untold = query.status.is_none() && !self.messages.is_empty() && !self.any_message;
        if !self.statuses.is_empty() && !self.any_status && !status && !untold {
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
        let message = self.messages.iter().filter(|it| matches(it)).map(|it| it.weight.max(1)).max();
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
        let untold = untold && !self.statuses.is_empty() && !self.any_status;
        Some(Fit { tier, keys: keys.into_iter().filter(|it| *it).count(), weight, untold })
    }
}

/// Whether one of the wanted words is there, and whether a specific one is.
fn best_of(wanted: &[(String, bool)], there: &[String]) -> Option<bool> {
    wanted.iter().filter(|(word, _)| there.iter().any(|it| it.eq_ignore_ascii_case(word))).map(|(_, specific)| *specific).max()
}

impl Message {
    /// Whether a literal was seen without which it cannot match.
    fn may_match(&self, seen: &Seen) -> bool {
        self.places.is_empty() || self.places.iter().any(|it| seen.0.binary_search(it).is_ok())
    }

    /// Whether it matches texts in which it may.
    fn is_match(&self, texts: &[String]) -> bool {
        let Some(regex) = &self.regex else { return true };
        texts.iter().flat_map(|it| ends(it)).any(|part| regex.is_match(part.as_bytes()))
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

/// What is listed under a word in lower case, whatever the case it is asked for in.
fn folded<'m, T>(map: &'m FxHashMap<String, T>, word: &str) -> Option<&'m T> {
    if word.bytes().any(|b| b.is_ascii_uppercase()) { map.get(&word.to_ascii_lowercase()) } else { map.get(word) }
}

/// The indexes while they are built.
#[derive(Default)]
struct Index {
    by_code: FxHashMap<String, Vec<u16>>,
    by_type: FxHashMap<String, Vec<u16>>,
    by_status: FxHashMap<StatusKey, Vec<u16>>,
    literals: Vec<String>,
    places: FxHashMap<String, Literal>,
    by_literal: Vec<Vec<u16>>,
    rest: Vec<u16>,
}

impl Index {
    /// Gives every literal of a rule its number.
    fn number(&mut self, rule: &mut Rule) {
        for message in &mut rule.messages {
            for literal in &message.literals {
                let place = *self.places.entry(literal.clone()).or_insert_with(|| {
                    self.literals.push(literal.clone());
                    self.by_literal.push(Vec::new());
                    self.literals.len() as Literal - 1
                });
                message.places.push(place);
            }
        }
    }

    /// Puts a rule where its most telling required key leads, or under each key of which one is enough.
    fn add(&mut self, at: u16, rule: &Rule) {
        let has = |given: bool, any: bool, want_any: bool| given && any == want_any;
        if has(!rule.codes.is_empty(), rule.any_code, false) {
            self.codes(at, rule);
        } else if has(!rule.messages.is_empty(), rule.any_message, false) {
            self.messages(at, rule);
        } else if has(!rule.types.is_empty(), rule.any_type, false) {
            self.types(at, rule);
        } else {
            if rule.any_code {
                self.codes(at, rule);
            }
            if rule.any_type {
                self.types(at, rule);
            }
            if rule.any_message {
                self.messages(at, rule);
            }
            if rule.any_status || !(rule.any_code || rule.any_type || rule.any_message) {
                self.statuses(at, rule);
            }
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

    fn statuses(&mut self, at: u16, rule: &Rule) {
        for status in &rule.statuses {
            self.by_status.entry(*status).or_default().push(at);
        }
        if rule.statuses.is_empty() {
            self.rest.push(at);
        }
    }

    fn messages(&mut self, at: u16, rule: &Rule) {
        for message in &rule.messages {
            if message.places.is_empty() {
                self.rest.push(at);
            }
            for place in &message.places {
                self.by_literal[*place as usize].push(at);
            }
        }
    }
}
