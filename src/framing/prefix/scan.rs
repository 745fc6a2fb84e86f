//! Reading the words of a prefix.

/// The word before the first blank, and the text behind that blank.
pub(super) fn split_word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b' ', text)?;
    Some((&text[..at], &text[at + 1..]))
}

/// The number of bytes at the start of `text` that are of a kind.
pub(super) fn count(text: &[u8], is_of_kind: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|byte| !is_of_kind(*byte)).unwrap_or(text.len())
}

/// Splits after the bytes of a kind at the start of `text`.
pub(super) fn split_while(text: &[u8], is_of_kind: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(count(text, is_of_kind))
}

/// Splits after a number of one to `most` digits.
pub(super) fn split_number(text: &[u8], most: usize) -> Option<(&[u8], &[u8])> {
    let (number, rest) = split_while(text, |byte| byte.is_ascii_digit());
    (1..=most).contains(&number.len()).then_some((number, rest))
}

/// Whether a byte may be in the name of a container, a process or a program.
pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Whether a text is a name as Kubernetes has them: small letters, digits and `-`.
pub(super) fn is_label(text: &[u8]) -> bool {
    let is_inside = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    let is_edge = |byte: Option<&u8>| byte.is_some_and(|byte| *byte != b'-');
    (1..=63).contains(&text.len()) && text.iter().all(is_inside) && is_edge(text.first()) && is_edge(text.last())
}

/// The text behind the escape sequence that ends a colour, if there is one.
pub(super) fn skip_reset(text: &[u8]) -> &[u8] {
    let Some(rest) = text.strip_prefix(b"\x1b[") else { return text };
    let (codes, rest) = split_while(rest, |byte| byte == b'0' || byte == b';');
    if codes.len() <= 3
        && let Some(rest) = rest.strip_prefix(b"m")
    {
        rest
    } else {
        text
    }
}
