//! Quotes in a message; inside a JSON string they have backslashes before them.

/// The text after the quotes, backslashes and blanks at its start.
pub(super) fn skip_quotes(text: &[u8]) -> &[u8] {
    let skip = text.iter().take_while(|b| matches!(b, b'"' | b'\\' | b' ')).count();
    &text[skip..]
}
