//! Texts for chats and pages with unknown markup: nothing in them mentions people, is markup, or becomes a link.
//!
//! Characters are replaced by others that look like them, because escapes differ from chat to chat.

use super::clean_lines;
use std::borrow::Cow;

/// The text, cleaned, without mentions, bold text and named links of Slack, Teams, Discord and Mattermost.
#[must_use]
pub fn inert(text: &str) -> String {
    let clean = clean_lines(text).replace("](", "] (");
    clean.chars().map(inert_char).collect()
}

/// What stands for a character that has a meaning in chats.
#[must_use]
pub const fn inert_char(c: char) -> char {
    match c {
        '<' => '‹',
        '>' => '›',
        '@' => '＠',
        '*' => '∗',
        c => c,
    }
}

/// The text of a log, in which no address becomes a link by itself: `https[:]//host`.
///
/// ```
/// use llm_triage::redact::unlinked;
///
/// assert_eq!(unlinked("see https://evil.example/x or www.evil.example"), "see https[:]//evil.example/x or www[.]evil.example");
/// assert_eq!(unlinked("wwwidth: 3, a: //b, ratio 1:2"), "wwwidth: 3, a: //b, ratio 1:2");
/// ```
#[must_use]
pub fn unlinked(text: &str) -> Cow<'_, str> {
    let has_sign = text.contains("://") || text.as_bytes().windows(4).any(|four| four.eq_ignore_ascii_case(b"www."));
    if !has_sign {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.replace("://", "[:]//").chars() {
        let follows_www =
            c == '.' && out.len() >= 3 && out.get(out.len() - 3..).is_some_and(|end| end.eq_ignore_ascii_case("www"));
        if follows_www { out.push_str("[.]") } else { out.push(c) }
    }
    Cow::Owned(out)
}
