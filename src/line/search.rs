//! Search in texts and bytes, and the skipping of terminal colours.

use std::borrow::Cow;

/// Like [`str::find`], for texts that are so short that its preparation would cost more than the search.
pub(crate) fn find(text: impl AsRef<[u8]>, part: impl AsRef<[u8]>) -> Option<usize> {
    memchr::memmem::find(text.as_ref(), part.as_ref())
}

/// Whether `text` contains `part`, byte by byte.
pub(crate) fn contains(text: impl AsRef<[u8]>, part: impl AsRef<[u8]>) -> bool {
    find(text, part).is_some()
}

/// Whether `text` contains `word`; the case of ASCII letters does not matter.
pub(crate) fn contains_folded(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let Some(first) = word.first() else { return true };
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    memchr::memchr2_iter(lower, upper, text)
        .any(|at| text.get(at..at + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word)))
}

/// The length of the escape sequence at the start of `text`, in bytes. `None` if no letter ends it.
pub(super) fn escape_length(text: &[u8]) -> Option<usize> {
    text.iter().position(u8::is_ascii_alphabetic).map(|last| last + 1)
}

/// The line after the colours at its start.
pub(crate) fn skip_colours(mut line: &[u8]) -> &[u8] {
    while line.starts_with(b"\x1b[") {
        let Some(length) = escape_length(line) else { break };
        line = &line[length..];
    }
    line
}

/// The text without its colours.
pub(crate) fn strip_colours(text: &str) -> Cow<'_, str> {
    if !text.contains('\x1b') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = find(rest, "\x1b[") {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        rest = escape_length(escape.as_bytes()).and_then(|length| escape.get(length..)).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}
