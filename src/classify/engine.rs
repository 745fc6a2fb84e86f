//! Which pattern wins: candidates by code, type, literal and status, then precedence among those that match.
//!
//! The cost of a record depends on what the record says, not on the number of patterns: one scan finds all literals, and only the rules
//! that the [`Index`] lists for them are compared.

use super::automaton::{Automaton, Tables};
use super::index::{Index, Literals};
use super::message::{LiteralId, Message, searched_parts};
use super::rule::{Fit, Query, Rule, StatusKey, Tier};
use super::tables::tables_of;
use crate::observation::PatternId;
use crate::taxonomy::{Provider, Status};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;

#[derive(Debug)]
pub(super) struct Engine {
    /// By [`PatternId`].
    rules: Vec<Rule>,
    /// The position of each rule when ids are sorted: decides between equals.
    order: Vec<u16>,
    index: Index,
    /// Every literal of every message, by [`LiteralId`].
    literals: Automaton,
}

/// Initial capacity for the literals and rules of a record; enough for nearly all.
const USUAL: usize = 64;

/// How well a rule fits; smaller is better.
type Rank = (bool, Tier, Relation, bool, Reverse<usize>, Reverse<usize>, bool, u16);

/// Whose pattern it is, nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Relation {
    /// It names the record's own provider or gateway.
    Named,
    /// It names no provider.
    Open,
    /// It names another provider.
    Other,
}

/// The weight of a literal of eighteen bytes: no other service uses such a wording by chance.
const DISTINCT: usize = 36;

/// The weight of a wording that any server may write, with an exact status.
const COMMON: usize = 3;

/// The pattern that won.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) id: PatternId,
    /// What decided.
    pub(super) tier: Tier,
    /// Whether the match identifies the provider, too.
    pub(super) distinct: bool,
    /// Its wording is general: it gives no reason of its own.
    pub(super) is_vague: bool,
}

impl Engine {
    /// An engine over these rules; `ids` are their patterns' ids, in the same order.
    #[expect(clippy::cast_possible_truncation, reason = "a catalogue has at most 20,000 patterns")]
    pub(super) fn new(mut rules: Vec<Rule>, ids: &[&str]) -> Self {
        let mut sorted: Vec<u16> = (0..rules.len() as u16).collect();
        sorted.sort_by_key(|rule| ids.get(usize::from(*rule)).copied());
        let mut order = vec![0; rules.len()];
        for (position, rule) in sorted.iter().enumerate() {
            order[usize::from(*rule)] = position as u16;
        }
        let (mut index, mut literals) = (Index::default(), Literals::default());
        for (at, rule) in rules.iter_mut().enumerate() {
            literals.assign_ids(rule);
            index.add(at as u16, rule);
        }
        let tables = tables_of(&literals.texts).unwrap_or_else(|| Tables::build(literals.texts.iter().map(String::as_bytes)));
        Self { rules, order, index, literals: Automaton::new(tables) }
    }

    /// The pattern that wins, and what decided.
    ///
    /// A regex costs much. So each rule is ranked first as if every regex whose literal was found matched, which no real rank can beat;
    /// then rules are tried in that order until none of the rest can win.
    pub(super) fn find(&self, query: &Query<'_>) -> Option<Found> {
        let texts = &query.signals.messages;
        let literals = self.literals_in(texts);
        let best_case = |at| self.rank(at, query, |message| message.may_match(&literals)).map(|rank| (rank, at));
        let mut best_cases: Vec<(Rank, u16)> = self.candidates(query, &literals).into_iter().filter_map(best_case).collect();
        best_cases.sort_unstable();
        let mut best: Option<(Rank, u16)> = None;
        for (best_case, at) in best_cases {
            if best.is_some_and(|(rank, _)| rank < best_case) {
                break;
            }
            let rank = self.rank(at, query, |message| message.may_match(&literals) && message.is_match(texts));
            best = rank.map(|rank| (rank, at)).into_iter().chain(best).min();
        }
        let best = best.map(|best| self.unless_contested(best, query, &literals).unwrap_or(best));
        best.map(|((_, tier, _, _, _, Reverse(weight), ..), at)| {
            // A general wording ranks lower, but what decided is its message.
            let is_vague = self.rules[usize::from(at)].general && matches!(tier, Tier::GeneralType | Tier::Wrapper);
            let tier = if is_vague { Tier::Message } else { tier };
            let distinct = tier != Tier::Message || weight >= DISTINCT;
            Found { id: PatternId(at), tier, distinct, is_vague }
        })
    }

    /// The best pattern that names no provider, if patterns of two vendors claim the wording that won, and the record names none.
    fn unless_contested(&self, (won, at): (Rank, u16), query: &Query<'_>, literals: &[LiteralId]) -> Option<(Rank, u16)> {
        let (_, Tier::Message, _, _, _, weight, ..) = won else { return None };
        let winner = &self.rules[usize::from(at)];
        if winner.providers.is_empty() || query.provider != Provider::UNKNOWN || query.gateway.is_some() {
            return None;
        }
        let texts = &query.signals.messages;
        let rank = |at| self.rank(at, query, |message| message.may_match(literals) && message.is_match(texts));
        let ranked: Vec<(Rank, u16)> =
            self.candidates(query, literals).into_iter().filter_map(|at| Some((rank(at)?, at))).collect();
        let rivals = |(rank, rival): &&(Rank, u16)| {
            let providers = &self.rules[usize::from(*rival)].providers;
            rank.1 == Tier::Message
                && rank.5 == weight
                && !providers.is_empty()
                && !providers.iter().any(|provider| winner.providers.contains(provider))
        };
        ranked.iter().find(rivals)?;
        let open =
            ranked.iter().filter(|(rank, at)| rank.1 <= Tier::Message && self.rules[usize::from(*at)].providers.is_empty());
        open.min().copied()
    }

    /// Whether one pattern matches, whichever pattern wins.
    pub(super) fn matches(&self, id: PatternId, query: &Query<'_>) -> bool {
        let texts = &query.signals.messages;
        let literals = self.literals_in(texts);
        self.rank(id.0, query, |message| message.may_match(&literals) && message.is_match(texts)).is_some()
    }

    /// The literals in the texts, sorted: one scan for all patterns.
    fn literals_in(&self, texts: &[String]) -> Vec<LiteralId> {
        let mut found = Vec::with_capacity(USUAL);
        for part in texts.iter().flat_map(|text| searched_parts(text)) {
            self.literals.find_overlapping(part.as_bytes(), |literal| found.push(literal));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The rules that the index lists for the query, each once.
    fn candidates(&self, query: &Query<'_>, literals: &[LiteralId]) -> Vec<u16> {
        let Index { by_code, by_type, by_status, by_literal, always } = &self.index;
        let mut rules = Vec::with_capacity(USUAL);
        for code in &query.signals.codes {
            rules.extend(get_ignoring_case(by_code, code).into_iter().flatten());
        }
        for name in &query.signals.types {
            rules.extend(get_ignoring_case(by_type, name).into_iter().flatten());
        }
        for literal in literals {
            rules.extend(by_literal.get(*literal as usize).into_iter().flatten());
        }
        for status in StatusKey::all_of(query.status) {
            rules.extend(by_status.get(&status).into_iter().flatten());
        }
        rules.extend(always);
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// How well a rule fits, if `matches` says which messages match.
    fn rank(&self, at: u16, query: &Query<'_>, matches: impl Fn(&Message) -> bool) -> Option<Rank> {
        let rule = &self.rules[usize::from(at)];
        let fit = rule.fit(query, matches)?;
        let fit = if rule.general && matches!(fit.tier, Tier::Type | Tier::Message | Tier::GeneralType) {
            // A wrapper's words and its class say less than the status that stands beside them, unless the pattern asks for that status.
            let is_beaten = rule.statuses.is_empty() && query.status.and_then(Status::http).is_some();
            Fit { tier: if is_beaten { Tier::Wrapper } else { Tier::GeneralType }, ..fit }
        } else {
            fit
        };
        let named = rule.providers.iter().any(|provider| *provider == query.provider || Some(*provider) == query.gateway);
        let open = rule.providers.is_empty() || named;
        // Words that any server writes do not make an error that of the pattern's provider.
        let is_common = fit.tier == Tier::Message && fit.weight <= COMMON;
        if !open && (fit.tier >= Tier::GeneralType || is_common) {
            return None;
        }
        // Another provider's pattern ranks above a bare status, and below every pattern of the record's own provider that says more.
        let foreign = !open && query.provider != Provider::UNKNOWN;
        let weak = foreign || fit.tier >= Tier::GeneralType;
        // Many services send OpenAI's codes: with an unknown provider, a bare code does not identify one. A wording does.
        let relation = match (named, open || fit.tier >= Tier::Message && fit.weight >= DISTINCT) {
            (true, _) => Relation::Named,
            (false, true) => Relation::Open,
            (false, false) => Relation::Other,
        };
        let Fit { tier, keys, weight, lacks_status } = fit;
        Some((weak, tier, relation, lacks_status, Reverse(keys), Reverse(weight), !rule.own, self.order[usize::from(at)]))
    }
}

/// Looks up a word in a map with keys in lower case. Allocates only for a word with capitals.
fn get_ignoring_case<'m, T>(map: &'m FxHashMap<String, T>, word: &str) -> Option<&'m T> {
    if word.bytes().any(|byte| byte.is_ascii_uppercase()) { map.get(&word.to_ascii_lowercase()) } else { map.get(word) }
}
