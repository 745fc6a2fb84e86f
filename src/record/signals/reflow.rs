//! Undoes what a program has drawn for people: colours, boxes, the margins of exception groups, columns, and the wrapping of a
//! text to the width of a terminal.

use super::traceback::BOXED;
use crate::line::{contains, strip_colours};
use std::borrow::Cow;

/// The first line of an exception group, without its margin.
const GROUP: &str = "+ Exception Group Traceback (most recent call last)";
const SIDES: [char; 4] = ['│', '┃', '║', '|'];

/// The text without colours, without the boxes and margins around its lines, and without rich's column for places in the code.
pub(super) fn undrawn(text: &str) -> Cow<'_, str> {
    let text = strip_colours(text);
    let first = text.lines().next().unwrap_or_default();
    let place = place_in_column(first);
    let is_group = contains(&*text, GROUP);
    let is_box = !text.is_ascii() && ["│", "┃", "║"].iter().any(|side| contains(&*text, side)) && !contains(&*text, BOXED);
    if !(place.is_some() || is_group || is_box) || !contains(&*text, "\n") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.lines().enumerate() {
        let line = if index == 0 { place.and_then(|place| line.trim_end().strip_suffix(place)).unwrap_or(line) } else { line };
        let line = if is_group { without_margin(line) } else { Some(line) };
        let line = if is_box { line.and_then(without_box) } else { line };
        let Some(line) = line else { continue };
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(line);
    }
    Cow::Owned(out)
}

/// A line of an exception group without its margin: `    | ` or `  + `. `None`: a line of the drawing.
fn without_margin(line: &str) -> Option<&str> {
    let inner = line.trim_start();
    match inner.as_bytes() {
        [b'|'] => Some(""),
        [b'|' | b'+', b' ', ..] => inner.get(2..),
        [b'+', b'-', ..] => None,
        _ => Some(line),
    }
}

/// A line without the sides of its box; of an edge, the title. `None`: an edge without a title.
fn without_box(line: &str) -> Option<&str> {
    let inner = line.trim();
    if inner.starts_with(['│', '┃', '║']) {
        return Some(inner.trim_matches(SIDES).trim());
    }
    if inner.starts_with(|c| ('─'..='╿').contains(&c)) {
        let title = inner.trim_matches(|c: char| ('─'..='╿').contains(&c) || c == ' ');
        return (!title.is_empty()).then_some(title);
    }
    Some(line)
}

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
