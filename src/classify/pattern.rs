//! One known error: the pattern as people see it, the `[[pattern]]` table as it is written, and the checks between the two.

use super::literals::Literals;
use super::message::Message;
use super::rule::{Rule, StatusKey, Word};
use super::signal_lists::SignalLists;
use crate::taxonomy::{Category, Owner, Provider, Providers, Retry, Status};
use serde::Deserialize;

/// One known error and its verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// Stable, kebab-case, unique.
    pub id: String,
    /// A few words for people.
    pub title: String,
    /// Kind of error, which most rows of the escalation table ask for.
    pub category: Category,
    /// Who can fix the cause.
    pub owner: Owner,
    /// Whether the same request can succeed later.
    pub retry: Retry,
    /// The status of a record that has none: what breaks inside an answer came with a 200.
    pub implies: Option<Status>,
    /// What the error means.
    pub meaning: String,
    /// What to do, for the reader at 3 a.m.
    pub fix: String,
    /// A page of the provider's documentation.
    pub docs: Option<String>,
    /// Ids of the providers that send this error; empty: any provider.
    pub providers: Vec<String>,
    /// The types, codes and exception classes that it matches.
    pub words: Vec<String>,
    /// Lines that the pattern must win.
    pub examples: Lines,
    /// Lines that the pattern must not match.
    pub near: Lines,
    /// Tags of the table `[tags]` in `signals.toml`; the escalation table and the code ask for them.
    pub tags: Vec<String>,
    /// The entries of the error directory that it covers.
    pub covers: Vec<String>,
    /// Name or path of the file that defines it.
    pub file: String,
    /// The line of that file, from 1.
    pub line: usize,
    /// From a user's directory: it can replace a shipped pattern.
    pub own: bool,
}

impl Pattern {
    /// The tag of a router's refusal while it pauses a provider that failed.
    pub const COOLDOWN: &str = "cooldown";
    /// The tag of an error that no other kind of service sends.
    pub(super) const LLM_ONLY: &str = "llm-only";

    /// The tag of an error that gives no reason.
    pub(super) const NO_REASON: &str = "no-reason";

    /// Whether it has this tag.
    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|has| has == tag)
    }
}

/// Lines for the tests of a pattern.
#[derive(Clone, Debug)]
pub enum Lines {
    /// As a user's file has them.
    Written(Vec<String>),
    /// A JSON array of texts, decoded when asked for: a start does not need the lines of a thousand patterns.
    Packed(&'static str),
}

impl Lines {
    /// The lines.
    #[must_use]
    pub fn to_vec(&self) -> Vec<String> {
        match self {
            Self::Written(lines) => lines.clone(),
            Self::Packed(json) => serde_json::from_str(json).unwrap_or_default(),
        }
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self::Written(Vec::new())
    }
}

impl PartialEq for Lines {
    fn eq(&self, other: &Self) -> bool {
        self.to_vec() == other.to_vec()
    }
}

/// What the build script found in a shipped pattern.
pub(super) struct Packed {
    /// Of each message.
    pub(super) literals: Vec<Literals>,
    pub(super) examples: Lines,
    pub(super) near: Lines,
}

/// Where a pattern is defined.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    pub(super) file: &'a str,
    /// From 1.
    pub(super) line: usize,
    /// From a user's directory.
    pub(super) own: bool,
}

/// A `[[pattern]]` table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PatternSpec {
    pub(super) id: String,
    #[serde(default)]
    pub(super) disabled: bool,
    #[serde(default)]
    title: String,
    category: Option<Category>,
    owner: Option<Owner>,
    retry: Option<Retry>,
    #[serde(default)]
    providers: Vec<String>,
    #[serde(default)]
    status: Vec<StatusSpec>,
    #[serde(default, rename = "type")]
    types: Vec<String>,
    #[serde(default, rename = "code")]
    codes: Vec<String>,
    #[serde(default)]
    any: Vec<AnyKey>,
    #[serde(default)]
    message: Vec<String>,
    no_literal: Option<String>,
    #[serde(default)]
    general: bool,
    implies_status: Option<u16>,
    #[serde(default)]
    meaning: String,
    #[serde(default)]
    fix: String,
    docs: Option<String>,
    #[serde(default)]
    examples: Vec<String>,
    #[serde(default)]
    near: Vec<String>,
    /// `None` keeps the tags of the shipped pattern that this one replaces.
    pub(super) tags: Option<Vec<String>>,
    #[serde(default)]
    covers: Vec<String>,
    /// Only a shipped pattern has it.
    #[serde(skip)]
    pub(super) packed: Option<Packed>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum AnyKey {
    Code,
    Type,
    Message,
    Status,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum StatusSpec {
    Number(u16),
    Text(String),
}

/// The longest id of a pattern, in bytes.
const MAX_ID: usize = 80;

impl PatternSpec {
    /// Checks the table and compiles its keys.
    ///
    /// # Errors
    /// With every mistake in the table.
    pub(super) fn compile(
        mut self,
        origin: Origin<'_>,
        providers: &Providers,
        lists: &SignalLists,
    ) -> Result<(Pattern, Rule), Vec<String>> {
        let mut faults = Vec::new();
        self.check_id(&mut faults);
        self.check_required_keys(&mut faults);
        let rule = self.rule(origin, providers, lists, &mut faults);
        self.check_other_keys(&rule, lists, &mut faults);
        let (examples, near) = match self.packed.take() {
            Some(Packed { examples, near, .. }) => (examples, near),
            None => (Lines::Written(self.examples), Lines::Written(self.near)),
        };
        let (Some(category), Some(owner), Some(retry), []) = (self.category, self.owner, self.retry, faults.as_slice()) else {
            return Err(faults);
        };
        let pattern = Pattern {
            id: self.id,
            title: self.title,
            category,
            owner,
            retry,
            implies: self.implies_status.and_then(|number| Status::from_number(i64::from(number))),
            meaning: self.meaning,
            fix: self.fix,
            docs: self.docs,
            providers: self.providers,
            words: [self.types, self.codes].concat(),
            examples,
            near,
            tags: self.tags.unwrap_or_default(),
            covers: self.covers,
            file: origin.file.to_owned(),
            line: origin.line,
            own: origin.own,
        };
        Ok((pattern, rule))
    }

    fn check_id(&self, faults: &mut Vec<String>) {
        let id = &self.id;
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(allowed) {
            faults.push(format!("pattern id {id:?} is not lower-case letters, digits and `-` (at most {MAX_ID})"));
        }
    }

    fn check_required_keys(&self, faults: &mut Vec<String>) {
        let required = [
            ("title", !self.title.is_empty()),
            ("category", self.category.is_some()),
            ("owner", self.owner.is_some()),
            ("retry", self.retry.is_some()),
            ("meaning", !self.meaning.is_empty()),
            ("fix", !self.fix.is_empty()),
            ("examples", self.packed.is_some() || !self.examples.is_empty()),
        ];
        let missing: Vec<_> = required.iter().filter(|(_, is_given)| !is_given).map(|(key, _)| *key).collect();
        if !missing.is_empty() {
            faults.push(format!("pattern {:?} has no {}; every pattern needs them", self.id, missing.join(", ")));
        }
    }

    fn check_other_keys(&self, rule: &Rule, lists: &SignalLists, faults: &mut Vec<String>) {
        let id = &self.id;
        let Rule { providers, statuses, types, codes, messages, .. } = rule;
        if providers.is_empty() && statuses.is_empty() && types.is_empty() && codes.is_empty() && messages.is_empty() {
            faults.push(format!("pattern {id:?} would match everything; give it a code, type, message or status"));
        }
        if self.implies_status.is_some_and(|number| Status::from_number(i64::from(number)).is_none()) {
            faults.push(format!("pattern {id:?}: `implies_status` is a number from 100 to 599"));
        }
        for tag in self.tags.iter().flatten().filter(|tag| !lists.tags.contains_key(*tag)) {
            let known: Vec<_> = lists.tags.keys().map(String::as_str).collect();
            faults.push(format!(
                "pattern {id:?}: unknown tag {tag:?}; known are {}; add others to the table `[tags]` of a signals.toml",
                known.join(", ")
            ));
        }
    }

    fn rule(&mut self, origin: Origin<'_>, providers: &Providers, lists: &SignalLists, faults: &mut Vec<String>) -> Rule {
        let names_provider = !self.providers.is_empty();
        let common: Vec<_> = self.message.iter().map(|regex| names_provider && lists.is_common_wording(regex)).collect();
        let messages = self.messages(faults).into_iter().zip(common);
        let messages =
            messages.map(|(message, is_common)| if is_common { message.weighing_nothing() } else { message }).collect();
        let is_any = |key: AnyKey| self.any.contains(&key);
        let word = |text: &String| {
            let text = text.to_ascii_lowercase();
            Word { is_specific: !lists.is_generic(&text), text }
        };
        Rule {
            providers: self.provider_ids(providers, faults),
            statuses: self.status_keys(faults),
            types: self.types.iter().map(word).collect(),
            codes: self.codes.iter().map(word).collect(),
            messages,
            any_type: is_any(AnyKey::Type),
            any_code: is_any(AnyKey::Code),
            any_message: is_any(AnyKey::Message),
            any_status: is_any(AnyKey::Status),
            general: self.general,
            own: origin.own,
        }
    }

    fn provider_ids(&self, providers: &Providers, faults: &mut Vec<String>) -> Vec<Provider> {
        let mut ids = Vec::with_capacity(self.providers.len());
        for name in &self.providers {
            let id = &self.id;
            match providers.by_name(name) {
                Some(found) if providers.id(found) == name => ids.push(found),
                Some(found) => {
                    faults.push(format!("pattern {id:?} names provider {name:?}; its id is {:?}", providers.id(found)));
                }
                None => faults.push(format!(
                    "pattern {id:?} names provider {name:?}, which providers.toml does not have; add the provider there"
                )),
            }
        }
        ids
    }

    fn status_keys(&self, faults: &mut Vec<String>) -> Vec<StatusKey> {
        let mut keys = Vec::with_capacity(self.status.len());
        for status in &self.status {
            match status.key() {
                Some(key) => keys.push(key),
                None => faults.push(format!(
                    "pattern {:?}: a status is a number from 100 to 599, \"4xx\", \"5xx\", \"timeout\" or \"connection\"",
                    self.id
                )),
            }
        }
        keys
    }

    fn messages(&mut self, faults: &mut Vec<String>) -> Vec<Message> {
        let sources = std::mem::take(&mut self.message);
        if let Some(packed) = &mut self.packed {
            return sources
                .into_iter()
                .zip(packed.literals.drain(..))
                .map(|(text, found)| Message::shipped(text, found))
                .collect();
        }
        let mut messages = Vec::with_capacity(sources.len());
        for source in sources {
            match Message::compile(source.clone(), self.no_literal.is_some()) {
                Ok(message) => messages.push(message),
                Err(fault) => faults.push(format!("pattern {:?}: message {source:?} {fault}", self.id)),
            }
        }
        messages
    }
}

impl StatusSpec {
    fn key(&self) -> Option<StatusKey> {
        match self {
            Self::Number(number) => Status::from_number(i64::from(*number)).map(StatusKey::Exactly),
            Self::Text(text) => match text.as_str() {
                "timeout" => Some(StatusKey::Exactly(Status::Timeout)),
                "connection" => Some(StatusKey::Exactly(Status::Connection)),
                "none" => Some(StatusKey::Absent),
                "1xx" | "2xx" | "3xx" | "4xx" | "5xx" => {
                    text.bytes().next().map(|digit| StatusKey::Class(u16::from(digit - b'0')))
                }
                number => Status::from_number(number.parse().ok()?).map(StatusKey::Exactly),
            },
        }
    }
}
