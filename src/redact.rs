//! Removes secrets from texts before anything is kept or shown.
//!
//! Keys, tokens, hashes of keys, and passwords in addresses are replaced by a mark; the mark shows the last four characters of a key, so
//! that the reader can tell which key it was. E-mail addresses are removed, and so are quoted prompts, answers and arguments: the texts
//! after `content`, `prompt` and similar words. The text of a message leaves this module without secrets, on one line, and within
//! [`MESSAGE_BYTES`].
//!
//! Tests: below, and `tests/it/properties.rs`.

use aho_corasick::{AhoCorasick, MatchKind};
use std::borrow::Cow;

/// The most bytes of a message that are kept.
pub const MESSAGE_BYTES: usize = 512;

/// Prefixes of vendors' secrets, and the fewest bytes that follow in a real one.
const MARKED: [(&str, usize); 22] = [
    ("sk-", 12),
    ("sk_", 16),
    ("AIza", 20),
    ("gsk_", 12),
    ("xai-", 12),
    ("hf_", 12),
    ("pplx-", 12),
    ("r8_", 16),
    ("AKIA", 12),
    ("ASIA", 12),
    ("ya29.", 12),
    ("eyJ", 24),
    ("ghp_", 16),
    ("gho_", 16),
    ("github_pat_", 16),
    ("xoxb-", 12),
    ("xoxp-", 12),
    ("csk-", 12),
    ("fw_", 16),
    ("nvapi-", 16),
    ("tgp_v1_", 16),
    ("dop_v1_", 16),
];

/// Words before a secret of any shape.
const NAMED: [&str; 12] = [
    "Bearer ",
    "bearer ",
    "api_key=",
    "apikey=",
    "api-key=",
    "key=",
    "token=",
    "access_token=",
    "password=",
    "x-api-key: ",
    "Authorization: Basic ",
    "secret=",
];

/// Keys before a quoted prompt, answer or argument, and phrases before one without quotes.
const QUOTING: [&str; 8] =
    ["content", "prompt", "completion", "input_value", "failed_generation", "arguments", "Value: ", "parsing failed: Text: "];

/// Hexadecimal digits in the hash of a key; ids of requests and traces are shorter.
const HASH_DIGITS: usize = 64;

/// Removes secrets from texts. Built once.
#[derive(Clone, Debug)]
pub struct Redactor {
    /// Finds texts that contain any of [`MARKED`], [`NAMED`] and [`QUOTING`]. Most contain none, and cost only this search.
    marks: AhoCorasick,
}

impl Default for Redactor {
    fn default() -> Self {
        let marks = MARKED.iter().map(|(prefix, _)| *prefix).chain(NAMED).chain(QUOTING);
        let marks = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(marks);
        Self { marks: marks.expect("a short list of words always compiles") }
    }
}

impl Redactor {
    /// The text without secrets, and the number of secrets.
    #[must_use]
    pub fn redact<'t>(&self, text: &'t str) -> (Cow<'t, str>, u64) {
        let address = memchr::memchr(b'@', text.as_bytes()).is_some();
        let hash = has_hash(text);
        if !(address || hash || self.marks.is_match(text)) {
            return (Cow::Borrowed(text), 0);
        }
        let (clean, mut count) = redact(text);
        let mut clean = clean.into_owned();
        for pass in [redact_addresses, redact_hashes, redact_quotes] {
            if let Some((next, more)) = pass(&clean) {
                (clean, count) = (next, count + more);
            }
        }
        if count == 0 { (Cow::Borrowed(text), 0) } else { (Cow::Owned(clean), count) }
    }

    /// Removes secrets that were put into a name or an id by mistake. Most names have none, and this check is cheap.
    pub fn name(&self, name: &mut Cow<'_, str>) {
        let bytes = name.as_bytes();
        // The first letters of every prefix. A short name without them, without `@` and without a space has no secret.
        let begins_like_key = matches!(
            bytes.get(..3),
            Some(
                b"sk-"
                    | b"sk_"
                    | b"AIz"
                    | b"gsk"
                    | b"xai"
                    | b"hf_"
                    | b"ppl"
                    | b"r8_"
                    | b"AKI"
                    | b"ASI"
                    | b"ya2"
                    | b"eyJ"
                    | b"ghp"
                    | b"gho"
                    | b"git"
                    | b"xox"
                    | b"csk"
                    | b"fw_"
                    | b"nva"
                    | b"tgp"
                    | b"dop"
            )
        );
        let is_suspect = begins_like_key
            || bytes.len() >= HASH_DIGITS
            || memchr::memchr2(b'@', b' ', bytes).is_some()
            || bytes.len() >= 40 && memchr::memmem::find(bytes, b"sk-").is_some();
        if is_suspect && let (Cow::Owned(clean), 1..) = self.redact(name) {
            *name = Cow::Owned(clean);
        }
    }

    /// [`Self::redact`], then on one line, and cut at a character to [`MESSAGE_BYTES`]. Returns the number of secrets, too.
    #[must_use]
    pub fn message(&self, text: &str) -> (String, u64) {
        // Cut roughly, redact, then cut exactly: half a secret does not look like one.
        let end = text.floor_char_boundary(MESSAGE_BYTES * 4);
        let (clean, count) = self.redact(text.get(..end).unwrap_or_default());
        let mut line = String::with_capacity(clean.len());
        for word in clean.split_ascii_whitespace() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        line.retain(|c| !c.is_control());
        let cut = line.floor_char_boundary(MESSAGE_BYTES);
        line.truncate(cut);
        (line, count)
    }

    /// The last four characters of a key in the text, whole or masked by its provider (`sk-proj-****4qzA`).
    #[must_use]
    pub fn key_hint<'t>(&self, text: &'t str) -> Option<&'t str> {
        let marked = self.marks.is_match(text).then(|| marked_hint(text)).flatten();
        marked.or_else(|| masked_hint(text))
    }
}

fn redact_addresses(text: &str) -> Option<(String, u64)> {
    let is_local = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'%' | b'+' | b'-');
    let is_domain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
    let bytes = text.as_bytes();
    let (mut out, mut copied, mut count) = (String::new(), 0, 0);
    for at in memchr::memchr_iter(b'@', bytes) {
        let start = at - bytes[..at].iter().rev().take_while(|b| is_local(**b)).count();
        let end = at + 1 + bytes[at + 1..].iter().take_while(|b| is_domain(**b)).count();
        let domain = text.get(at + 1..end).unwrap_or_default().trim_end_matches(['.', '-']);
        let top = domain.rsplit_once('.').map_or("", |(_, top)| top);
        if start < copied || start == at || top.len() < 2 || !top.bytes().all(|b| b.is_ascii_alphabetic()) {
            continue;
        }
        out.push_str(text.get(copied..start)?);
        out.push_str("[e-mail]");
        copied = at + 1 + domain.len();
        count += 1;
    }
    out.push_str(text.get(copied..)?);
    (count > 0).then_some((out, count))
}

/// Removes hashes of keys, as gateways print them.
fn redact_hashes(text: &str) -> Option<(String, u64)> {
    let (mut out, mut count) = (String::new(), 0);
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let length = rest.get(at..)?.bytes().take_while(u8::is_ascii_hexdigit).count();
        let (before, after) = rest.split_at_checked(at + length)?;
        if length >= HASH_DIGITS {
            out.push_str(before.get(..at)?);
            out.push_str("[redacted…");
            out.push_str(before.get(before.len() - 4..)?);
            out.push(']');
            count += 1;
        } else {
            out.push_str(before);
        }
        rest = after;
    }
    out.push_str(rest);
    (count > 0).then_some((out, count))
}

/// Whether there is a run of [`HASH_DIGITS`] hexadecimal digits. Every run has a byte at a multiple of that length, so only those are read.
fn has_hash(text: &str) -> bool {
    let bytes = text.as_bytes();
    (HASH_DIGITS - 1..bytes.len()).step_by(HASH_DIGITS).filter(|at| bytes[*at].is_ascii_hexdigit()).any(|at| {
        let before = bytes[..at].iter().rev().take_while(|b| b.is_ascii_hexdigit()).count();
        let after = bytes[at..].iter().take_while(|b| b.is_ascii_hexdigit()).count();
        before + after >= HASH_DIGITS
    })
}

/// Removes prompts, answers and arguments that an error quotes.
fn redact_quotes(text: &str) -> Option<(String, u64)> {
    let (mut out, mut copied, mut count) = (String::new(), 0, 0);
    let mut at = 0;
    while at < text.len() {
        let Some(rest) = text.get(at..) else {
            at += 1;
            continue;
        };
        let word = QUOTING.iter().find(|word| rest.starts_with(**word));
        let Some((start, length)) = word.and_then(|word| quoted(rest, word)).filter(|(_, length)| *length > 0) else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        out.push_str(text.get(copied..at + start)?);
        out.push_str("[…]");
        count += u64::from(rest.get(start..start + length)? != "[…]");
        at += start + length;
        copied = at;
    }
    out.push_str(text.get(copied..)?);
    (count > 0).then_some((out, count))
}

/// Start and length of the quoted text after this word, with which `text` begins, in bytes.
fn quoted(text: &str, word: &str) -> Option<(usize, usize)> {
    let rest = text.get(word.len()..)?;
    if word.ends_with(' ') {
        // The AI SDK quotes a model's text without quotation marks, up to its own next sentence.
        let end = rest.find("Error message:").or_else(|| rest.find(".: ")).unwrap_or(rest.len());
        return Some((word.len(), rest.get(..end)?.trim_end_matches([' ', '.', '\n']).len()));
    }
    let gap = rest.find(|c: char| !matches!(c, '"' | '\'' | '\\' | ':' | '=' | ' '))?.min(rest.len());
    let marks = rest.get(..gap)?;
    if word == "input_value" && marks.starts_with('=') {
        let end = rest.find(", input_type").unwrap_or(rest.len());
        return Some((word.len() + 1, end.saturating_sub(1)));
    }
    let joint = marks.find([':', '='])?;
    let opening = marks.get(joint + 1..)?.trim_start_matches(' ');
    let quote = opening.chars().find(|c| matches!(c, '"' | '\''))?;
    // The closing mark has as many backslashes before it as the opening one.
    let escape = opening.find(quote)?;
    let start = marks.len() - opening.len() + escape + 1;
    let body = rest.get(start..)?;
    let closing = |(at, c): (usize, char)| {
        let slashes = body.as_bytes()[..at].iter().rev().take_while(|b| **b == b'\\').count();
        (c == quote && slashes == escape).then(|| at - escape)
    };
    let end = body.char_indices().find_map(closing).unwrap_or(body.len());
    Some((word.len() + start, end))
}

fn marked_hint(text: &str) -> Option<&str> {
    for (prefix, _) in MARKED.iter().filter(|(prefix, _)| *prefix != "eyJ") {
        for (at, _) in text.match_indices(prefix).take(4) {
            let word = text.get(at..)?;
            let word = word.get(..key_end(word)).unwrap_or_default();
            if word.len() > prefix.len() + 6 {
                return last_four(word);
            }
        }
    }
    None
}

fn masked_hint(text: &str) -> Option<&str> {
    let masked = memchr::memmem::find(text.as_bytes(), b"****")?;
    let word = text.get(masked..)?;
    let word = word.get(..key_end(word))?.trim_start_matches('*');
    (word.len() >= 4).then(|| last_four(word)).flatten()
}

fn redact(text: &str) -> (Cow<'_, str>, u64) {
    let mut out = String::new();
    let (mut copied, mut at, mut count) = (0, 0, 0);
    while at < text.len() {
        let Some(rest) = text.get(at..) else {
            at += 1;
            continue;
        };
        let boundary = at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric();
        let login = if text.get(..at).is_some_and(|before| before.ends_with("://")) { userinfo(rest) } else { None };
        match login.or_else(|| boundary.then(|| secret(rest)).flatten()) {
            Some((keep, length)) => {
                let word = rest.get(keep..keep + length).unwrap_or_default();
                out.push_str(text.get(copied..at + keep).unwrap_or_default());
                out.push_str("[redacted");
                // Show which key it was, and nothing of a password.
                if let Some(tail) = last_four(word).filter(|_| login.is_none()) {
                    out.push('…');
                    out.push_str(tail);
                }
                out.push(']');
                at += keep + length;
                copied = at;
                count += 1;
            }
            None => at += next_candidate(rest),
        }
    }
    if count == 0 {
        return (Cow::Borrowed(text), 0);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    (Cow::Owned(out), count)
}

/// If a secret begins at the start of `text`: the number of bytes before it that stay, and its length in bytes.
fn secret(text: &str) -> Option<(usize, usize)> {
    if let Some((prefix, least)) = MARKED.iter().find(|(prefix, _)| text.starts_with(prefix)) {
        let length = key_end(text);
        return (length >= prefix.len() + least).then_some((0, length));
    }
    let name = NAMED.iter().find(|name| text.starts_with(**name))?;
    let rest = text.get(name.len()..)?;
    let length = key_end(rest);
    let plain = rest.get(..length)?;
    // `token=1234` is a count and `key=name` a word: a secret is long and has digits and letters.
    let mixed = plain.bytes().any(|b| b.is_ascii_digit()) && plain.bytes().any(|b| b.is_ascii_alphabetic());
    (length >= 16 && mixed).then_some((name.len(), length))
}

/// `user:password` before the `@` of an address.
fn userinfo(text: &str) -> Option<(usize, usize)> {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'')).unwrap_or(text.len());
    let at = text.get(..end)?.rfind('@')?;
    text.get(..at)?.contains(':').then_some((0, at))
}

fn key_end(text: &str) -> usize {
    text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*' | '+' | '/'))).unwrap_or(text.len())
}

fn last_four(word: &str) -> Option<&str> {
    let word = word.trim_end_matches('.');
    (word.len() >= 12 || word.len() >= 4 && !word.contains('-')).then(|| word.get(word.len() - 4..)).flatten()
}

/// Bytes to the next position at which a secret can begin.
fn next_candidate(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() && (bytes[at - 1].is_ascii_alphanumeric() || !bytes[at].is_ascii_alphabetic()) {
        at += 1;
    }
    at
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
    fn a_name_that_begins_with_any_mark_is_looked_at() {
        for (mark, least) in MARKED {
            let key = format!("{mark}{}", "1a".repeat(least));
            assert!(name(&key).starts_with("[redacted"), "{key}");
        }
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
