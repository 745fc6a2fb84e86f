//! Secrets and what people said out of every text, before it is kept or shown.
//!
//! A key or token is replaced by `[redacted…1234]`: its last four characters stay, so that a person knows which key it was.
//! Of passwords, e-mail addresses, phone numbers, cards and bank accounts nothing stays, and of prompts and answers that an
//! error quotes neither. A secret is known by its form (`forms`), by its name (`named`), by the words around it
//! (`unmarked`), or as a part of an address (`address`). Names of models, ids of requests, UUIDs, paths, numbers and prose
//! stay as they are. [`clean`] makes visible what commands a terminal or hides text; names and messages leave with both done.
//!
//! Texts come in and texts go out; where they are taken from is the caller's business. What was redacted once stays the same
//! when it is redacted again. Tests: here and in the files of this folder, `tests/it/redact.rs`, `tests/it/properties.rs`.

mod address;
mod chat;
mod clean;
mod forms;
mod named;
mod pairs;
mod personal;
mod quoted;
mod span;
mod token;
mod unmarked;

pub use chat::{inert, inert_char, unlinked};
pub use clean::{clean, clean_json, clean_lines};

use aho_corasick::AhoCorasick;
use forms::Forms;
use span::{Kind, Span};
use std::borrow::Cow;
use token::last_four;

/// The most bytes of a message that are kept.
pub const MESSAGE_BYTES: usize = 512;

/// The most bytes of a message that are looked at: what is redacted gets shorter.
const READ_BYTES: usize = MESSAGE_BYTES * 4;

/// A run of this many hexadecimal digits is the hash of a key; ids of requests and traces are shorter.
const HASH_DIGITS: usize = 64;

/// Words without which no secret is known by its name, its neighbours or an address.
const SIGNS: [&str; 41] = [
    "key",
    "token",
    "secret",
    "passw",
    "pwd",
    "passphrase",
    "passcode",
    "auth",
    "cookie",
    "credential",
    "signature",
    "sig=",
    "sig%",
    "session",
    "sid=",
    "jwt",
    "bearer",
    "basic ",
    "sshpass",
    "curl -u",
    "--user",
    "-----BEGIN",
    "://",
    "%40",
    "@",
    "dsn",
    "code=",
    "assertion",
    "webhook",
    "content",
    "prompt",
    "message",
    "input",
    "output",
    "text",
    "parts",
    "completion",
    "arguments",
    "generation",
    "Value: ",
    "flagged: ",
];

/// More words of [`quoted`] and of [`named`].
const MORE_SIGNS: [&str; 14] = [
    "system",
    "instructions",
    "query",
    "question",
    "thinking",
    "reasoning",
    "refusal",
    "history",
    "answer",
    "transcript",
    "documents",
    "delta",
    "conversation",
    "partial_json",
];

/// Takes secrets out of texts. Built once.
#[derive(Clone, Debug)]
pub struct Redactor {
    forms: Forms,
    /// Most texts have none of these, and cost no more than this search.
    signs: AhoCorasick,
    /// What few of the texts with a sign have: hooks, sentences that quote, schemes before credentials, PEM.
    rare_signs: AhoCorasick,
}

impl Default for Redactor {
    fn default() -> Self {
        let signs = AhoCorasick::builder().ascii_case_insensitive(true).build(SIGNS.iter().chain(&MORE_SIGNS));
        let rare = address::HOOKS.iter().chain(&quoted::LEADS).chain(&named::BEFORE_CREDENTIALS).chain([&named::PEM]);
        let rare_signs = AhoCorasick::builder().ascii_case_insensitive(true).build(rare);
        let known = "a short list of short words";
        Self { forms: Forms::default(), signs: signs.expect(known), rare_signs: rare_signs.expect(known) }
    }
}

impl Redactor {
    /// The text without its secrets, and how many there were.
    #[must_use]
    pub fn redact<'t>(&self, text: &'t str) -> (Cow<'t, str>, u64) {
        let spans = self.find(text);
        if spans.is_empty() {
            return (Cow::Borrowed(text), 0);
        }
        let (clean, count) = span::replace(text, spans);
        (Cow::Owned(clean), count)
    }

    fn find(&self, text: &str) -> Vec<Span> {
        let mut spans = Vec::new();
        if self.forms.is_match(text) {
            self.forms.find(text, &mut spans);
        }
        if has_digits(text, 12) {
            find_hashes(text, &mut spans);
        }
        if has_digits(text, 3) {
            personal::find_numbers(text, &mut spans);
        }
        if self.signs.is_match(text) {
            for pair in pairs::pairs(text) {
                named::find(text, &pair, &mut spans);
                quoted::find(text, &pair, &mut spans);
            }
            unmarked::find(text, &mut spans);
            address::find_user_info(text, &mut spans);
            personal::find_email(text, &mut spans);
            if self.rare_signs.is_match(text) {
                named::find_after_words(text, &mut spans);
                named::find_pem(text, &mut spans);
                quoted::find_after_leads(text, &mut spans);
                address::find_hooks(text, &mut spans);
            }
        }
        spans.retain(|span| !is_redacted(text, span));
        spans
    }

    /// Removes secrets from a name or an id that holds one by mistake, and cleans it. The first bytes and the length say of nearly all
    /// names that they hold none.
    pub fn name(&self, name: &mut Cow<'_, str>) {
        let bytes = name.as_bytes();
        // No early end, so that the compiler looks at many bytes at once.
        let has_sign = bytes.iter().fold(false, |found, byte| found | matches!(byte, b'@' | b' ' | b'=' | ..b' ' | b'\x7f'..));
        let is_long = bytes.len() >= 40;
        if !has_sign && !is_long && !self.forms.may_start(bytes) {
            return;
        }
        let is_odd =
            has_sign || self.forms.may_start(bytes) || bytes.len() >= HASH_DIGITS || is_long && self.forms.is_match(name);
        if is_odd && let (Cow::Owned(clean), 1..) = self.redact(name) {
            *name = Cow::Owned(clean);
        }
        if let Cow::Owned(clean) = clean(name) {
            *name = Cow::Owned(clean);
        }
    }

    /// [`Self::redact`], then [`clean()`] on one line, cut to [`MESSAGE_BYTES`] at a character.
    #[must_use]
    pub fn message(&self, text: &str) -> (String, u64) {
        let end = text.floor_char_boundary(READ_BYTES);
        let (redacted, count) = self.redact(text.get(..end).unwrap_or_default());
        // Half a secret at the cut no longer looks like one.
        let length = redacted.len();
        let whole = if end < text.len() { redacted.rfind(char::is_whitespace).unwrap_or(length) } else { length };
        let mut line = String::with_capacity(length);
        for word in redacted.get(..whole).unwrap_or_default().split_ascii_whitespace() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        let mut line = match clean(&line) {
            Cow::Owned(clean) => clean,
            Cow::Borrowed(_) => line,
        };
        line.truncate(line.floor_char_boundary(MESSAGE_BYTES));
        (line, count)
    }

    /// The last four characters of a key that the text shows, whole or masked by its provider (`sk-proj-****4qzA`).
    #[must_use]
    pub fn key_hint<'t>(&self, text: &'t str) -> Option<&'t str> {
        let marked = if self.forms.is_match(text) { self.forms.first(text).and_then(last_four) } else { None };
        marked.or_else(|| masked_hint(text))
    }
}

/// Whether a part is a replacement already.
fn is_redacted(text: &str, span: &Span) -> bool {
    let part = text.get(span.start..span.end).unwrap_or_default();
    let before = text.get(..span.start).unwrap_or_default();
    part.starts_with("[redacted") || part == "[…]" || part == "[e-mail]" || before.ends_with("[redacted…") || part.is_empty()
}

/// Whether there are `least` digits in a text.
fn has_digits(text: &str, least: usize) -> bool {
    text.bytes().filter(u8::is_ascii_digit).nth(least - 1).is_some()
}

/// Hashes of keys, as gateways print them.
fn find_hashes(text: &str, spans: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut at = HASH_DIGITS - 1;
    while at < bytes.len() {
        // One of every 64 bytes would be in a hash.
        let before = bytes[..=at].iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let after = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let start = at + 1 - before;
        // The digest of an image or a file is no key.
        let is_digest = bytes[..start].ends_with(b"sha256:") || bytes[..start].ends_with(b"/");
        if before > 0 && before + after >= HASH_DIGITS && !is_digest {
            spans.push(Span { start, end: at + 1 + after, kind: Kind::Key });
        }
        at += HASH_DIGITS.max(after);
    }
}

fn masked_hint(text: &str) -> Option<&str> {
    let masked = memchr::memmem::find(text.as_bytes(), b"****")?;
    let word = text.get(masked..)?;
    let word = word.get(..token::key_length(word))?.trim_start_matches('*');
    (word.len() >= 4).then(|| word.get(word.len() - 4..)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> String {
        let mut name = Cow::Borrowed(text);
        Redactor::default().name(&mut name);
        name.into_owned()
    }

    #[test]
    fn secrets_leave_their_kind_and_their_last_four() {
        assert_eq!(Redactor::default().redact("key sk-proj-abcdefghijklmnop1234 was used").0, "key [redacted…1234] was used");
        assert_eq!(
            Redactor::default().redact("GET /v1?key=AIzaSyA1234567890abcdefghijk&x=1").0,
            "GET /v1?key=[redacted…hijk]&x=1"
        );
        assert_eq!(
            Redactor::default().redact("proxy https://me:hunter2@proxy.corp:3128/").0,
            "proxy https://[redacted]@proxy.corp:3128/"
        );
        assert_eq!(
            Redactor::default().redact("Authorization: Bearer abc123def456ghi789").0,
            "Authorization: Bearer [redacted…i789]"
        );
    }

    #[test]
    fn addresses_hashes_and_what_was_said_go() {
        let redactor = Redactor::default();
        for (text, clean) in [
            ("for ada.lovelace@example.com.", "for [e-mail]."),
            ("user a@b and @team stay", "user a@b and @team stay"),
            (
                "messages=[{'role': 'user', 'content': 'my card is 4111'}] boom",
                "messages=[{'role': 'user', 'content': '[…]'}] boom",
            ),
            (r#"{\"content\":\"say \\\"hi\\\" now\",\"x\":1}"#, r#"{\"content\":\"[…]\",\"x\":1}"#),
            (
                "[type=string_type, input_value={'a': 'b'}, input_type=dict]",
                "[type=string_type, input_value=[…], input_type=dict]",
            ),
            (
                "Type validation failed: Value: {\"town\":5}. Error message: no",
                "Type validation failed: Value: […]. Error message: no",
            ),
            ("messages.0.content: Input should be a valid list", "messages.0.content: Input should be a valid list"),
        ] {
            assert_eq!(redactor.redact(text).0, clean);
        }
        let hash = "88dc28d0".repeat(8);
        assert_eq!(redactor.redact(&format!("Key Hash (Token) ={hash}.")).0, "Key Hash (Token) =[redacted…28d0].");
        assert_eq!(name("sk-proj-abcdefghijkl1234567"), "[redacted…4567]");
        assert_eq!(name("claude-opus-4-6"), "claude-opus-4-6");
    }

    #[test]
    fn words_that_only_look_alike_stay() {
        for text in ["risk-free", "token=1234", "key=name", "sk-", "a task-oriented skill", "eyJ is how it begins", ""] {
            assert_eq!(Redactor::default().redact(text), (Cow::Borrowed(text), 0));
        }
    }

    #[test]
    fn a_masked_key_still_says_which_one_it_was() {
        assert_eq!(Redactor::default().key_hint("Incorrect API key provided: sk-proj-****************4qzA."), Some("4qzA"));
        assert_eq!(Redactor::default().key_hint("Your api key: ****9f3c is invalid"), Some("9f3c"));
        assert_eq!(Redactor::default().key_hint("no key at all"), None);
    }
}
