//! Undoes the wrapping of a text to the width of a terminal.

use crate::line::contains;
use std::borrow::Cow;

/// The text with each run of blanks, line ends and frames of terminal boxes replaced by one blank, so that a text that was
/// wrapped to a width equals the original.
pub(super) fn reflow(text: &str) -> Cow<'_, str> {
    let is_gap = |c: char| c.is_whitespace() || matches!(c, '│' | '┃' | '║');
    let bytes = text.as_bytes();
    let control = || memchr::memchr3(b'\n', b'\t', b'\r', bytes).is_some();
    if text.is_ascii() && !control() && !contains(text, "  ") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let first_line = text.split('\n').next().unwrap_or_default();
    let place = place_in_column(first_line);
    for word in text.split(is_gap).filter(|word| !word.is_empty()) {
        if Some(word) == place {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    Cow::Owned(out)
}

/// `llm.py:288` at the end of a line: rich puts the place in the code into a column of its own.
#[expect(clippy::case_sensitive_file_extension_comparisons, reason = "Python writes the name of a file as it is")]
fn place_in_column(line: &str) -> Option<&str> {
    let line = line.trim_end();
    let (before, last) = line.rsplit_once(' ')?;
    let (file, number) = last.rsplit_once(':')?;
    let is_place = file.ends_with(".py") && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    (is_place && before.ends_with(' ')).then_some(last)
}
