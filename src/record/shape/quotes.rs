//! Quotes in a message; inside a JSON string they have backslashes before them.

pub(super) fn skip_quotes(text: &[u8]) -> &[u8] {
    let skip = text.iter().take_while(|b| matches!(b, b'"' | b'\\' | b' ')).count();
    &text[skip..]
}
