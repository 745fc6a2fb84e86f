//! Templates of messages: variable parts are masked, so that similar messages have the same template.

use std::borrow::Cow;

/// The maximum length of a template; longer ones are cut.
const MAX_TEMPLATE_BYTES: usize = 256;
/// A word with digits and at least this many bytes is masked as an identifier.
const MIN_ID_BYTES: usize = 16;

/// Masks URLs, quoted text, UUIDs, hexadecimal words, identifiers and numbers, and collapses white space.
///
/// ```
/// use llm_triage::detect::template;
/// assert_eq!(template("Request req_011CVxyzABCDEF87 took 465ms (limit 200)"), "Request <id> took <n>ms (limit <n>)");
/// ```
#[must_use]
pub fn template(message: &str) -> String {
    let mut out = String::with_capacity(message.len().min(MAX_TEMPLATE_BYTES));
    let mut rest = message.trim();
    let mut after_word = false;
    while out.len() < MAX_TEMPLATE_BYTES {
        let Some(first) = rest.chars().next() else { break };
        let (piece, length) = next_piece(rest, first, after_word);
        let (taken, left) = rest.split_at(length);
        if !(piece == " " && out.ends_with(' ')) {
            out.push_str(&piece);
        }
        after_word = taken.ends_with(|c: char| c.is_alphanumeric());
        rest = left;
    }
    out.truncate(out.floor_char_boundary(MAX_TEMPLATE_BYTES));
    out.truncate(out.trim_end().len());
    out
}

/// The masked form of the first piece of `rest`, and the length of that piece in bytes.
fn next_piece(rest: &str, first: char, after_word: bool) -> (Cow<'_, str>, usize) {
    if let Some(length) = url_length(rest) {
        return (Cow::Borrowed("<url>"), length);
    }
    if let Some(length) = quotation_length(rest, first).filter(|_| !after_word) {
        return (Cow::Borrowed("<text>"), length);
    }
    if first.is_ascii_alphanumeric() {
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).unwrap_or(rest.len());
        return (mask_word(rest.split_at(length).0), length);
    }
    if first.is_whitespace() {
        return (Cow::Borrowed(" "), first.len_utf8());
    }
    (Cow::Borrowed(rest.split_at(first.len_utf8()).0), first.len_utf8())
}

fn url_length(rest: &str) -> Option<usize> {
    let scheme = ["https://", "http://", "wss://", "ws://"].into_iter().find(|scheme| rest.starts_with(scheme))?;
    let end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | ')' | ']' | '}' | ',');
    let length = rest.find(end).unwrap_or(rest.len());
    (length > scheme.len()).then_some(length)
}

/// The length of a short quotation with its marks. An apostrophe inside a word does not begin a quotation.
fn quotation_length(rest: &str, mark: char) -> Option<usize> {
    const MAX_QUOTATION: usize = 200;
    if !matches!(mark, '"' | '\'' | '`') {
        return None;
    }
    let window = rest.split_at(rest.floor_char_boundary(MAX_QUOTATION)).0;
    let (at, _) = window.char_indices().skip(1).find(|(_, c)| *c == mark)?;
    let after = rest.split_at(at + 1).1.chars().next();
    (at > 1 && !after.is_some_and(char::is_alphanumeric)).then_some(at + 1)
}

fn mask_word(word: &str) -> Cow<'_, str> {
    if !word.bytes().any(|b| b.is_ascii_digit()) {
        return Cow::Borrowed(word);
    }
    if is_uuid(word) {
        return Cow::Borrowed("<uuid>");
    }
    if word.bytes().all(|b| b.is_ascii_digit()) {
        return Cow::Borrowed("<n>");
    }
    if word.len() >= 8 && word.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Cow::Borrowed("<hex>");
    }
    if word.len() >= MIN_ID_BYTES && word.bytes().filter(u8::is_ascii_digit).count() >= 2 {
        return Cow::Borrowed("<id>");
    }
    Cow::Owned(mask_numbers(word))
}

/// 8-4-4-4-12 hexadecimal digits.
fn is_uuid(word: &str) -> bool {
    let mut parts = word.split('-');
    let matches = |length: usize| move |part: &str| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit());
    [8, 4, 4, 4, 12].into_iter().all(|length| parts.next().is_some_and(matches(length))) && parts.next().is_none()
}

fn mask_numbers(word: &str) -> String {
    let mut out = String::with_capacity(word.len() + 4);
    let mut in_number = false;
    for c in word.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !in_number {
            out.push_str("<n>");
        }
        in_number = c.is_ascii_digit();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_parts_are_masked() {
        for (message, expected) in [
            ("plain words stay", "plain words stay"),
            ("  many\n\tblanks  ", "many blanks"),
            ("took 1.5 s for 12 items", "took <n>.<n> s for <n> items"),
            ("see https://example.com/a?b=1, please", "see <url>, please"),
            ("id 123e4567-e89b-12d3-a456-426614174000 gone", "id <uuid> gone"),
            ("trace deadbeef01 lost", "trace <hex> lost"),
            ("model 'gpt-5' isn't known and won't be", "model <text> isn't known and won't be"),
            ("gpt-5-mini failed", "gpt-<n>-mini failed"),
            ("エラー 429 です", "エラー <n> です"),
            ("\"", "\""),
            ("https://", "https://"),
        ] {
            assert_eq!(template(message), expected);
        }
    }

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        assert_eq!(template(&"é".repeat(1_000)).len(), MAX_TEMPLATE_BYTES);
    }
}
