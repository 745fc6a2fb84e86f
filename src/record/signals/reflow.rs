//! Undoes what a program has drawn for people: colours, boxes, the margins of exception groups, columns, and the wrapping of a
//! text to the width of a terminal.

use super::traceback::BOXED;
use crate::line::{contains, strip_colours};
use std::borrow::Cow;

/// The first line of an exception group, without its margin.
const GROUP: &str = "+ Exception Group Traceback (most recent call last)";
const SIDES: [char; 4] = ['│', '┃', '║', '|'];

/// The text without colours, without the boxes and margins around its lines, and without the column at the right edge of the first
/// line and the margin that this layout has below it.
pub(super) fn undrawn(text: &str) -> Cow<'_, str> {
    let text = strip_colours(text);
    if !contains(&*text, "\n") {
        return text;
    }
    let first = text.lines().next().unwrap_or_default();
    let column = right_column(first);
    let is_group = contains(&*text, GROUP);
    let is_box = !text.is_ascii() && ["│", "┃", "║"].iter().any(|side| contains(&*text, side)) && !contains(&*text, BOXED);
    let excerpt = if contains(&*text, " | ") { excerpt_lines(&text) } else { Vec::new() };
    if !(column.is_some() || is_group || is_box || !excerpt.is_empty()) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let margin = if column.is_some() { margin_below(&text) } else { 0 };
    for (index, line) in text.lines().enumerate() {
        let line =
            if index == 0 { column.and_then(|column| line.trim_end().strip_suffix(column)).unwrap_or(line) } else { line };
        let line = if index > 0 { line.get(margin.min(line.len())..).unwrap_or(line).trim_end() } else { line };
        let line = match excerpt.iter().find(|(at, _)| *at == index) {
            Some((_, before)) if before.trim().is_empty() => continue,
            Some((_, before)) => before,
            None => line,
        };
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

/// The lines of an excerpt of source code that Bun and Next.js print above an error, by their index, with what stands before the number of
/// the line: `414 |   throw new Error(`, `> 12 | const x`. What a program would have said is not what went wrong.
fn excerpt_lines(text: &str) -> Vec<(usize, &str)> {
    let numbered: Vec<_> = text.lines().enumerate().filter_map(|(index, line)| Some((index, line_number(line)?))).collect();
    let is_followed = |at: usize| match (numbered.get(at), numbered.get(at + 1)) {
        (Some((line, (number, _))), Some((next, (following, "")))) => {
            *next == line + 1 && number.checked_add(1) == Some(*following)
        }
        _ => false,
    };
    let is_part = |at: usize| is_followed(at) || at.checked_sub(1).is_some_and(is_followed);
    numbered.iter().enumerate().filter(|(at, _)| is_part(*at)).map(|(_, (line, (_, before)))| (*line, *before)).collect()
}

/// The number of a line of source code, and what stands before it.
fn line_number(line: &str) -> Option<(u32, &str)> {
    let bar = line.find(" |").filter(|at| line.get(at + 2..).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')))?;
    let (head, number) = line.get(..bar)?.rsplit_once(' ').unwrap_or(("", line.get(..bar)?));
    Some((number.parse().ok()?, head.trim_end_matches('>').trim()))
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
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let first = right_column(first).and_then(|column| first.trim_end().strip_suffix(column)).unwrap_or(first);
    for word in first.split(is_gap).chain(rest.split(is_gap)).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    Cow::Owned(out)
}

/// The column at the right edge of a line: the place in the code, `llm.py:288`, that rich puts there, or the time, `5:25:06 PM`, of
/// consola.
fn right_column(line: &str) -> Option<&str> {
    let line = line.trim_end();
    let gap = line.rfind("  ")?;
    let column = line.get(gap + 2..)?;
    (is_place(column) || is_clock(column)).then_some(column)
}

#[expect(clippy::case_sensitive_file_extension_comparisons, reason = "Python writes the name of a file as it is")]
fn is_place(column: &str) -> bool {
    let Some((file, number)) = column.rsplit_once(':') else { return false };
    file.ends_with(".py") && !file.contains(' ') && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

/// `17:25:06`, `5:25:06 PM`; newer versions of Node put a narrow blank before `PM`.
fn is_clock(column: &str) -> bool {
    let clock = column.strip_suffix("AM").or(column.strip_suffix("PM")).unwrap_or(column).trim_end();
    let parts: [&str; 3] = match clock.split(':').collect::<Vec<_>>().try_into() {
        Ok(parts) => parts,
        Err(_) => return false,
    };
    let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    parts.iter().all(|part| is_number(part)) && matches!(parts.map(str::len), [1 | 2, 2, 2])
}

/// The indentation, in blanks, that all lines below the first one have.
fn margin_below(text: &str) -> usize {
    // The frames of a stack have a margin of their own, which shows what they are.
    let is_frame = |line: &str| line.trim_start().starts_with("at ");
    let lines = text.lines().skip(1).filter(|line| !line.trim().is_empty() && !is_frame(line));
    lines.map(|line| line.bytes().take_while(|b| *b == b' ').count()).min().unwrap_or(0)
}
