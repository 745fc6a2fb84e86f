//! What a pattern asks of a record, and how well a record fits it.

use super::message::Message;
use crate::record::Signals;
use crate::taxonomy::{Provider, Status};

/// The keys of a pattern, looked up and compiled.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one flag for each key of a pattern that `any` may name")]
pub(super) struct Rule {
    pub(super) providers: Vec<Provider>,
    pub(super) statuses: Vec<StatusKey>,
    pub(super) types: Vec<Word>,
    pub(super) codes: Vec<Word>,
    pub(super) messages: Vec<Message>,
    /// Of the keys with an `any` flag one is enough; every other key that is given must match.
    pub(super) any_type: bool,
    pub(super) any_code: bool,
    pub(super) any_message: bool,
    pub(super) any_status: bool,
    /// Its wording is a wrapper that others put around the real error: any other wording, class or code says more.
    pub(super) general: bool,
    /// From a user's directory: it wins over an equal shipped pattern.
    pub(super) own: bool,
}

/// A type or a code.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// In lower case.
    pub(super) text: String,
    /// Whether it can decide alone.
    pub(super) is_specific: bool,
}

/// A status that a pattern asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum StatusKey {
    Exactly(Status),
    /// `4xx`, by its first digit.
    Class(u16),
    Absent,
}

impl StatusKey {
    /// The keys that match this status.
    pub(super) fn all_of(status: Option<Status>) -> impl Iterator<Item = Self> {
        let class = status.and_then(Status::http).map(|code| Self::Class(code / 100));
        [Some(status.map_or(Self::Absent, Self::Exactly)), class].into_iter().flatten()
    }

    fn matches(self, status: Option<Status>) -> bool {
        match self {
            Self::Exactly(wanted) => status == Some(wanted),
            Self::Class(class) => status.and_then(Status::http).is_some_and(|code| code / 100 == class),
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
    /// The words of a wrapper, where a status says more.
    Wrapper,
}

/// What a record is compared by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a> {
    pub(super) provider: Provider,
    pub(super) gateway: Option<Provider>,
    pub(super) status: Option<Status>,
    pub(super) signals: &'a Signals,
}

/// How much of a rule matched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    pub(super) tier: Tier,
    /// Number of keys that matched.
    pub(super) keys: usize,
    /// Twice the length of the longest matched literal, plus one for an exact status.
    pub(super) weight: usize,
    /// The rule asks for a status and the record has none.
    pub(super) lacks_status: bool,
}

/// Which keys of a rule matched. The inner value of code and type: whether a specific word matched.
struct Matched {
    code: Option<bool>,
    kind: Option<bool>,
    /// The weight of the best message.
    message: Option<usize>,
    status: bool,
}

impl Rule {
    /// How well the query fits, if `matches` says which messages match.
    pub(super) fn fit(&self, query: &Query<'_>, matches: impl Fn(&Message) -> bool) -> Option<Fit> {
        let needs_status = !self.statuses.is_empty() && !self.any_status;
        // A text that was pasted without its status does not contradict a status.
        let may_lack_status = query.status.is_none() && self.needs_message();
        let status = self.statuses.iter().any(|key| key.matches(query.status));
        if needs_status && !status && !may_lack_status {
            return None;
        }
        let found = self.matched(query, status, matches)?;
        if !self.has_one_of_any(&found) {
            return None;
        }
        let Matched { code, kind, message, status } = found;
        // `timeout` and `connection` come from the same words that the message keys match: they are no further evidence.
        let answered = status && query.status.is_some_and(|status| status.http().is_some());
        let keys = [code.is_some(), kind.is_some(), message.is_some(), answered];
        // `"5xx"` says less than `503`.
        let exact = self.statuses.iter().any(|key| matches!(key, StatusKey::Exactly(_)) && key.matches(query.status));
        Some(Fit {
            tier: found.tier(),
            keys: keys.into_iter().filter(|is_matched| *is_matched).count(),
            weight: message.unwrap_or(0) * 2 + usize::from(exact),
            lacks_status: may_lack_status && needs_status,
        })
    }

    /// Which keys match; `None` if a required one does not.
    fn matched(&self, query: &Query<'_>, status: bool, matches: impl Fn(&Message) -> bool) -> Option<Matched> {
        let code = best_of(&self.codes, &query.signals.codes);
        if !self.codes.is_empty() && !self.any_code && code.is_none() {
            return None;
        }
        let kind = best_of(&self.types, &query.signals.types);
        if !self.types.is_empty() && !self.any_type && kind.is_none() {
            return None;
        }
        let message = self.messages.iter().filter(|message| matches(message)).map(|message| message.weight.max(1)).max();
        if self.needs_message() && message.is_none() {
            return None;
        }
        Some(Matched { code, kind, message, status })
    }

    const fn needs_message(&self) -> bool {
        !self.messages.is_empty() && !self.any_message
    }

    fn has_one_of_any(&self, matched: &Matched) -> bool {
        let asked = self.any_code || self.any_type || self.any_message || self.any_status;
        !asked
            || self.any_code && matched.code.is_some()
            || self.any_type && matched.kind.is_some()
            || self.any_message && matched.message.is_some()
            || self.any_status && matched.status
    }
}

impl Matched {
    const fn tier(&self) -> Tier {
        match (self.code, self.kind, self.message) {
            (Some(true), ..) => Tier::Code,
            (_, Some(true), _) => Tier::Type,
            (.., Some(_)) => Tier::Message,
            (Some(false), ..) | (_, Some(false), _) => Tier::GeneralType,
            _ => Tier::Status,
        }
    }
}

/// Whether one of the wanted words was found, and whether a specific one was.
fn best_of(wanted: &[Word], found: &[String]) -> Option<bool> {
    let has = |word: &&Word| found.iter().any(|text| text.eq_ignore_ascii_case(&word.text));
    wanted.iter().filter(has).map(|word| word.is_specific).max()
}
