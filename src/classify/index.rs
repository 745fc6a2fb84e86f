//! Where the engine finds the rules that a record may fit: by code, type, status or literal.
//!
//! Each rule is in one of these maps, under its most specific required key; a rule whose keys are alternatives is under each of them.

use super::message::LiteralId;
use super::rule::{Rule, StatusKey};
use rustc_hash::FxHashMap;

/// The maps. A rule is a position in the engine's list.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) by_code: FxHashMap<String, Vec<u16>>,
    pub(super) by_type: FxHashMap<String, Vec<u16>>,
    pub(super) by_status: FxHashMap<StatusKey, Vec<u16>>,
    /// By [`LiteralId`].
    pub(super) by_literal: Vec<Vec<u16>>,
    /// Rules that have only a provider, and rules whose message has no literal: candidates for every record.
    pub(super) always: Vec<u16>,
}

/// The distinct literals of all messages, while the index is built.
#[derive(Default)]
pub(super) struct Literals {
    /// By [`LiteralId`].
    pub(super) texts: Vec<String>,
    ids: FxHashMap<String, LiteralId>,
}

impl Literals {
    /// Gives every literal of a rule its id.
    #[expect(clippy::cast_possible_truncation, reason = "the number of literals is limited with that of the patterns")]
    pub(super) fn assign_ids(&mut self, rule: &mut Rule) {
        for message in &mut rule.messages {
            for literal in &message.literals {
                let id = *self.ids.entry(literal.clone()).or_insert_with(|| {
                    self.texts.push(literal.clone());
                    self.texts.len() as LiteralId - 1
                });
                message.literal_ids.push(id);
            }
        }
    }
}

impl Index {
    /// Adds the rule at this position of the engine's list.
    pub(super) fn add(&mut self, at: u16, rule: &Rule) {
        if !rule.codes.is_empty() && !rule.any_code {
            self.add_codes(at, rule);
        } else if !rule.messages.is_empty() && !rule.any_message {
            self.add_messages(at, rule);
        } else if !rule.types.is_empty() && !rule.any_type {
            self.add_types(at, rule);
        } else {
            self.add_alternatives(at, rule);
        }
    }

    fn add_alternatives(&mut self, at: u16, rule: &Rule) {
        if rule.any_code {
            self.add_codes(at, rule);
        }
        if rule.any_type {
            self.add_types(at, rule);
        }
        if rule.any_message {
            self.add_messages(at, rule);
        }
        if rule.any_status || !(rule.any_code || rule.any_type || rule.any_message) {
            self.add_statuses(at, rule);
        }
    }

    fn add_codes(&mut self, at: u16, rule: &Rule) {
        for code in &rule.codes {
            self.by_code.entry(code.text.clone()).or_default().push(at);
        }
    }

    fn add_types(&mut self, at: u16, rule: &Rule) {
        for name in &rule.types {
            self.by_type.entry(name.text.clone()).or_default().push(at);
        }
    }

    fn add_statuses(&mut self, at: u16, rule: &Rule) {
        for status in &rule.statuses {
            self.by_status.entry(*status).or_default().push(at);
        }
        if rule.statuses.is_empty() {
            self.always.push(at);
        }
    }

    fn add_messages(&mut self, at: u16, rule: &Rule) {
        for message in &rule.messages {
            if message.literal_ids.is_empty() {
                self.always.push(at);
            }
            for id in &message.literal_ids {
                let id = *id as usize;
                if id >= self.by_literal.len() {
                    self.by_literal.resize_with(id + 1, Vec::new);
                }
                self.by_literal[id].push(at);
            }
        }
    }
}
