//! How a record shows that an answer ended: reasons, counts of tokens, lengths, and whether there is a text.
//!
//! Nothing of a text is kept or searched: only whether it is there. What the facts mean is decided in `classify`.

mod loose;
mod words;

pub use words::{AnswerWords, Reason};

pub(in crate::record) use words::spelled_keys;

use super::facts::Facts;
use super::json::{Escapes, Raw, Value, unescape};
use crate::line::WordList;
use loose::{Key, Visitor, walk};
use words::Part;

/// What a record shows of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Why the model stopped; of several reasons the one that says most.
    pub reason: Option<Reason>,
    /// That reason as the record spells it.
    pub spelled: String,
    /// The record has a reason, and it is null.
    pub has_null_reason: bool,
    /// Tokens received.
    pub output_tokens: Option<u64>,
    /// Tokens sent.
    pub input_tokens: Option<u64>,
    /// Both together.
    pub total_tokens: Option<u64>,
    /// Tokens that the model spent on thinking.
    pub reasoning_tokens: Option<u64>,
    /// Tokens of visible text.
    pub text_tokens: Option<u64>,
    /// The most output tokens that the caller allowed.
    pub cap: Option<u64>,
    /// Whether there is a text: `None` where the record does not say.
    pub has_text: Option<bool>,
    /// Whether the model called tools.
    pub has_tool_calls: Option<bool>,
    /// Whether there are choices.
    pub has_choices: Option<bool>,
    /// A field of its own holds the words of a refusal.
    pub has_refusal: bool,
    /// It is a part of a stream.
    pub is_chunk: bool,
    /// The model that answered.
    pub model: Option<String>,
}

impl Facts<'_> {
    /// What the record shows of an answer. Costs a second look at the whole record, so it is asked only where it may decide.
    #[must_use]
    pub fn answer(&self, words: &AnswerWords) -> Answer {
        let mut reader = Reader {
            words,
            answer: Answer::default(),
            frames: [Frame::default(); FRAMES],
            depth: 1,
            known: 0,
            wants_model: self.model.is_none(),
            status: None,
            is_response: false,
            nested: 0,
        };
        walk(self.raw, &mut reader);
        reader.finish()
    }
}

/// What is known of a container while it is read.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a container")]
struct Frame {
    part: Option<Part>,
    /// What an attribute of OTLP names; its value follows under a key of its own.
    attribute: Option<Part>,
    /// It holds what was asked: only caps are read.
    is_asked: bool,
    /// It holds counts of tokens.
    is_usage: bool,
    /// It holds what the model wrote for itself, or what another role said.
    is_silent: bool,
    /// It has a container that is silent, and one that is not.
    has_silent: bool,
    has_loud: bool,
    /// It names the role of its author.
    has_role: bool,
    has_text: Option<bool>,
    has_tool_calls: bool,
}

struct Reader<'w> {
    words: &'w AnswerWords,
    answer: Answer,
    frames: [Frame; FRAMES],
    /// The number of frames in use; more than there is room for are only counted.
    depth: usize,
    /// The number of keys that were known.
    known: usize,
    wants_model: bool,
    /// The outermost `status` and its depth: the reason of an answer of the Responses API.
    status: Option<(usize, Reason)>,
    is_response: bool,
    /// The number of texts around this one that were JSON themselves.
    nested: u8,
}

/// The depth of containers that is followed.
const FRAMES: usize = 48;
/// The depth of JSON in texts that is followed.
const NESTED: u8 = 3;
/// The longest name of a model, in bytes.
const NAME_BYTES: usize = 255;

impl Visitor for Reader<'_> {
    fn open(&mut self, key: Key<'_>, name: &[u8], is_empty: bool) {
        let above = self.top();
        let part = self.part_of(key.name, above);
        self.known += usize::from(part.is_some());
        let mut frame = Frame {
            part,
            is_asked: above.is_asked || part == Some(Part::Request) || self.words.is_asked(key.name),
            is_usage: above.is_usage || part == Some(Part::Usage),
            is_silent: part == Some(Part::Thought),
            ..Frame::default()
        };
        if !frame.is_asked && !above.is_silent {
            match part {
                Some(Part::Text | Part::Body) if is_empty => frame.has_text = Some(false),
                Some(Part::ToolCalls) => {
                    frame.has_tool_calls = !is_empty;
                    self.answer.has_tool_calls = self.answer.has_tool_calls.or(is_empty.then_some(false));
                }
                Some(Part::Choices) => note(&mut self.answer.has_choices, !is_empty),
                Some(Part::Media) if !is_empty => frame.has_text = Some(true),
                Some(Part::Incomplete) => self.is_response = true,
                Some(Part::Chunk) => self.answer.is_chunk = true,
                _ => {}
            }
            frame.has_tool_calls |= is_tool_call(name);
            frame.is_silent |= is_thought(name);
        }
        if let Some(place) = self.frames.get_mut(self.depth) {
            *place = frame;
        }
        self.depth += 1;
    }

    fn close(&mut self) {
        if self.depth < 2 {
            return;
        }
        self.depth -= 1;
        let Some(mut frame) = self.frames.get(self.depth).copied() else { return };
        if frame.is_silent {
            return self.set_top(|above| above.has_silent = true);
        }
        // A list of nothing but thoughts is a text that is missing.
        let is_thought = matches!(frame.part, Some(Part::Text | Part::Body)) && frame.has_silent && !frame.has_loud;
        // Gemini's `"content":{"role":"model"}` has no parts.
        let is_bare = frame.part == Some(Part::Text) && frame.has_role && !frame.has_silent && !frame.has_loud;
        if is_thought || is_bare {
            frame.has_text = frame.has_text.or(Some(false));
        }
        self.set_top(|above| {
            above.has_loud = true;
            above.has_text = merged(above.has_text, frame.has_text);
            above.has_tool_calls |= frame.has_tool_calls;
        });
    }

    fn value(&mut self, key: Key<'_>, value: Value<'_>) {
        let above = self.top();
        if let (b"key", Value::Text(raw)) = (key.name, value) {
            let part = self
                .words
                .part(raw.bytes)
                .filter(|_| !self.words.is_asked(raw.bytes) || self.words.part(raw.bytes) == Some(Part::Cap));
            self.set_top(|frame| frame.attribute = part.or(Some(Part::Role)));
            return;
        }
        let asked = above.is_asked || self.words.is_asked(key.name);
        let usage = || self.words.usage(key.name).filter(|_| matches!(value, Value::Number(_)));
        let is_words = self.depth == 1 && self.nested == 0 && !key.is_prose;
        let part = usage().filter(|_| above.is_usage || is_words).or_else(|| self.part_of(key.name, above));
        match part {
            Some(Part::Cap) => self.answer.cap = self.answer.cap.or(count(value)),
            _ if asked => {}
            Some(part) => {
                self.known += 1;
                self.take(part, key, value);
            }
            None => self.look_inside(value),
        }
    }

    fn counted(&mut self, number: &[u8], word: &[u8]) {
        if self.words.is_unit(word)
            && let Some(count) = count(Value::Number(number))
        {
            self.note_text(count > 0);
        }
    }
}

impl Reader<'_> {
    fn top(&self) -> Frame {
        self.frames.get(self.depth - 1).copied().unwrap_or_default()
    }

    fn set_top(&mut self, set: impl FnOnce(&mut Frame)) {
        if let Some(frame) = self.frames.get_mut(self.depth - 1) {
            set(frame);
        }
    }

    /// What a key says, where OTLP wraps values into objects that say their type.
    fn part_of(&self, key: &[u8], above: Frame) -> Option<Part> {
        match key {
            b"stringValue" | b"intValue" | b"doubleValue" | b"boolValue" | b"arrayValue" | b"kvlistValue" | b"values" => {
                above.part.or_else(|| self.words.part(key))
            }
            b"value" => above.attribute.or_else(|| self.words.part(key)),
            b"reason" if above.part == Some(Part::Incomplete) => Some(Part::Reason),
            _ => self.words.part(key),
        }
    }

    fn take(&mut self, part: Part, key: Key<'_>, value: Value<'_>) {
        let is_in_filter = part == Part::Filtered && self.is_in_filter();
        let answer = &mut self.answer;
        match (part, value) {
            (Part::Reason, Value::Null) => answer.has_null_reason = true,
            (Part::Reason, Value::Text(raw)) => self.take_reason(raw.bytes),
            (Part::BlockReason, Value::Text(raw)) if !raw.is_empty() => self.take_block(raw.bytes),
            (Part::Incomplete, Value::Null) => self.is_response = true,
            (Part::Status, Value::Text(raw)) => self.take_status(raw.bytes),
            (Part::OutputTokens, _) => answer.output_tokens = answer.output_tokens.max(count(value)),
            (Part::InputTokens, _) => answer.input_tokens = answer.input_tokens.max(count(value)),
            (Part::TotalTokens, _) => answer.total_tokens = answer.total_tokens.max(count(value)),
            (Part::ReasoningTokens, _) | (Part::Thought, Value::Number(_)) => {
                answer.reasoning_tokens = answer.reasoning_tokens.max(count(value));
            }
            (Part::Thought, Value::Bool(true)) => self.set_top(|frame| frame.is_silent = true),
            (Part::TextTokens, _) => answer.text_tokens = answer.text_tokens.max(count(value)),
            (Part::Length, Value::Number(_)) => self.note_text(count(value) != Some(0)),
            (Part::ToolCalls, _) => self.take_tool_calls(value),
            (Part::Text | Part::Body, Value::Null) if !key.is_prose => self.note_text(false),
            (Part::Text, Value::Text(raw)) if !key.is_prose => self.note_words(raw),
            (Part::Body, Value::Text(raw)) if !key.is_prose => self.take_body(raw),
            (Part::Choices, Value::Null) => note(&mut answer.has_choices, false),
            (Part::Choices, Value::Number(_)) => note(&mut answer.has_choices, count(value) != Some(0)),
            (Part::Refusal, Value::Text(raw)) if !key.is_prose && !raw.bytes.trim_ascii().is_empty() => {
                answer.has_refusal = true;
            }
            (Part::Media, Value::Text(raw)) if !raw.is_empty() => self.note_text(true),
            (Part::BlockTypes, Value::Text(raw)) => self.take_type(raw.bytes),
            (Part::Filtered, Value::Bool(true)) if is_in_filter => self.take_block(b"content_filter"),
            (Part::Role, Value::Text(raw)) if matches!(raw.bytes, b"user" | b"system" | b"tool" | b"developer" | b"human") => {
                self.set_top(|frame| frame.is_silent = true);
            }
            (Part::Role, Value::Text(_)) => self.set_top(|frame| frame.has_role = true),
            (Part::Model, Value::Text(raw))
                if !raw.is_empty() && raw.bytes.len() <= NAME_BYTES && self.wants_model && answer.model.is_none() =>
            {
                answer.model = Some(raw.text().into_owned());
            }
            (Part::Chunk, Value::Text(_)) | (Part::Done, Value::Bool(false)) => answer.is_chunk = true,
            (Part::Object, Value::Text(raw)) if raw.bytes.ends_with(b"chunk") => answer.is_chunk = true,
            _ => {}
        }
    }

    fn take_reason(&mut self, spelled: &[u8]) {
        if matches!(spelled.trim_ascii(), b"" | b"null" | b"None" | b"nil" | b"undefined") {
            self.answer.has_null_reason = true;
            return;
        }
        self.set_reason(self.words.reason(spelled), spelled);
    }

    fn take_block(&mut self, spelled: &[u8]) {
        self.set_reason(self.words.reason(spelled).max(Reason::Filtered), spelled);
    }

    fn set_reason(&mut self, reason: Reason, spelled: &[u8]) {
        let answer = &mut self.answer;
        // The first of two equal ones: a gateway's own comes before that of its upstream.
        if answer.reason < Some(reason) {
            answer.reason = Some(reason);
            answer.spelled.clear();
            // Only a failure needs it.
            if !matches!(reason, Reason::Complete | Reason::ToolCalls) {
                let leaf = spelled.rsplit(|b| *b == b'.').next().unwrap_or(spelled);
                answer.spelled.push_str(&String::from_utf8_lossy(leaf.get(..leaf.len().min(64)).unwrap_or_default()));
            }
        }
    }

    fn take_status(&mut self, spelled: &[u8]) {
        let depth = self.depth;
        if self.status.is_none_or(|(known, _)| depth < known) {
            self.status = Some((depth, self.words.reason(spelled)));
        }
    }

    fn take_tool_calls(&mut self, value: Value<'_>) {
        match value {
            Value::Text(raw) if !raw.bytes.trim_ascii().is_empty() => self.set_top(|frame| frame.has_tool_calls = true),
            Value::Number(_) if count(value) != Some(0) => self.set_top(|frame| frame.has_tool_calls = true),
            Value::Null | Value::Number(_) => self.answer.has_tool_calls = self.answer.has_tool_calls.or(Some(false)),
            _ => {}
        }
    }

    /// A body that is JSON is read. If none of its keys is known, it is what the model wrote.
    fn take_body(&mut self, raw: Raw<'_>) {
        let known = self.known;
        self.look_inside(Value::Text(raw));
        if self.known == known {
            self.note_words(raw);
        }
    }

    /// Notes whether there is a text. What stands in its place says nothing of it.
    fn note_words(&mut self, raw: Raw<'_>) {
        let text = raw.bytes.trim_ascii();
        if !is_placeholder(text) {
            self.note_text(!text.is_empty());
        }
    }

    fn note_text(&mut self, has_text: bool) {
        self.set_top(|frame| frame.has_text = merged(frame.has_text, Some(has_text)));
    }

    fn take_type(&mut self, kind: &[u8]) {
        if is_tool_call(kind) {
            self.set_top(|frame| frame.has_tool_calls = true);
        } else if is_thought(kind) && self.top().part != Some(Part::BlockTypes) {
            self.set_top(|frame| frame.is_silent = true);
        }
    }

    fn is_in_filter(&self) -> bool {
        self.frames.iter().take(self.depth).any(|frame| frame.part == Some(Part::Filter))
    }

    /// An object that a logger wrote as a text.
    fn look_inside(&mut self, value: Value<'_>) {
        let Value::Text(raw) = value else { return };
        if self.nested >= NESTED || !matches!(raw.bytes, [b'{' | b'[', _, ..]) {
            return;
        }
        self.nested += 1;
        let depth = self.depth;
        match raw.escapes {
            Escapes::None => walk(raw.bytes, self),
            Escapes::Some => walk(unescape(raw.bytes).as_bytes(), self),
        }
        while self.depth > depth {
            self.close();
        }
        self.nested -= 1;
    }

    fn finish(mut self) -> Answer {
        while self.depth > 1 {
            self.close();
        }
        let top = self.top();
        if let Some((_, reason)) = self.status.filter(|_| self.is_response) {
            self.set_reason(reason, if reason == Reason::Failed { b"failed" } else { b"incomplete" });
        }
        let mut answer = self.answer;
        answer.has_text = top.has_text;
        answer.has_tool_calls = if top.has_tool_calls { Some(true) } else { answer.has_tool_calls };
        answer
    }
}

fn merged(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (one, other) => one.or(other),
    }
}

fn note(slot: &mut Option<bool>, value: bool) {
    *slot = merged(*slot, Some(value));
}

fn count(value: Value<'_>) -> Option<u64> {
    value.as_i64().and_then(|count| u64::try_from(count).ok())
}

/// `tool_use`, `function_call`, `ToolUseBlock`; not a tool that the vendor runs itself.
fn is_tool_call(kind: &[u8]) -> bool {
    let has = |word: &[u8]| kind.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    kind.len() <= 48
        && !has(b"server")
        && !has(b"result")
        && [b"tool_use".as_slice(), b"tooluse", b"tool_call", b"toolcall", b"function_call", b"functioncall"]
            .into_iter()
            .any(has)
}

/// `thinking`, `redacted_thinking`, `reasoning`, `ThinkingBlock`.
fn is_thought(kind: &[u8]) -> bool {
    let has = |word: &[u8]| kind.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    kind.len() <= 48 && (has(b"thinking") || has(b"reasoning"))
}

/// `<masked>`, `[REDACTED]`, `***`: what a logger writes in the place of a text that it keeps back.
fn is_placeholder(text: &[u8]) -> bool {
    static WORDS: WordList<7> = WordList::new(["mask", "redact", "omitted", "removed", "hidden", "scrubbed", "withheld"]);
    const MAX_BYTES: usize = 40;
    let is_bracketed = matches!(text, [b'<', .., b'>'] | [b'[', .., b']'] | [b'{', .., b'}'] | [b'*', .., b'*']);
    is_bracketed && text.len() <= MAX_BYTES && (text.iter().all(|b| *b == b'*') || WORDS.is_in_folded(text))
}
