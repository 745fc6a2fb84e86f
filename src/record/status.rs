//! An HTTP status at the start of a text.

/// Three digits, 100 to 599, with no further digit after them.
pub(super) fn status_prefix(text: &[u8]) -> Option<u16> {
    let digits = text.get(..3)?;
    if !digits.iter().all(u8::is_ascii_digit) || text.get(3).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let status = digits.iter().fold(0u16, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    (100..=599).contains(&status).then_some(status)
}

/// A status with its phrase and nothing else: `429 Too Many Requests`.
pub(super) fn status_line(text: &[u8]) -> Option<u16> {
    const PHRASE_BYTES: usize = 40;
    let phrase = text.get(3..)?.strip_prefix(b" ")?;
    let is_phrase =
        phrase.len() <= PHRASE_BYTES && phrase.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b' ' | b'-' | b'\''));
    status_prefix(text).filter(|_| is_phrase)
}
