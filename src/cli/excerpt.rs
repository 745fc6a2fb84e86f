//! The line of a file that an error is about, below the error, with a mark under the part that is meant.

use crate::config::Position;
use crate::redact::Redactor;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};

/// A file of settings or patterns that is longer is not shown.
const MAX_FILE_BYTES: u64 = 4 << 20;
/// The longest line that is shown, in characters.
const MAX_LINE: usize = 160;

/// The error, followed by the line that it names. When the error is about a key of a table, the line of this key follows the
/// line of the table. An error without a place, or in a file that cannot be read again, stays as it is.
pub(super) fn with_excerpt(error: &str) -> String {
    let excerpt = Position::of(error).and_then(|at| Some(excerpt(&read(at.file).ok()?, at)));
    match excerpt {
        Some(lines) if !lines.is_empty() => format!("{error}\n{lines}"),
        _ => error.to_owned(),
    }
}

fn read(path: &str) -> io::Result<String> {
    // A pipe, such as /dev/stdin, has nothing more to read and could block.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

fn excerpt(text: &str, at: Position<'_>) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let Some(line) = at.line.checked_sub(1).and_then(|index| lines.get(index)) else { return String::new() };
    let is_table = line.trim_start().starts_with('[');
    let key = is_table.then(|| key_line(&lines, at)).flatten();
    let gutter = key.map_or(at.line, |(number, _)| number).to_string().len();
    let mut out = shown(line, at.line, gutter, key.is_none().then(|| marked(line, at)).flatten());
    if let Some((number, line)) = key {
        out.push('\n');
        let indent = line.chars().take_while(|letter| letter.is_whitespace()).count();
        out.push_str(&shown(line, number, gutter, Some((indent, line.trim().chars().count()))));
    }
    out
}

/// The first line of the table at `at` with a key that the message names between backticks, or at its beginning; else the line with a
/// value that the message quotes, the last one that it quotes first. With its number.
fn key_line<'t>(lines: &[&'t str], at: Position<'_>) -> Option<(usize, &'t str)> {
    let rest = lines.iter().enumerate().skip(at.line);
    let table: Vec<_> = rest.take_while(|(_, line)| !line.starts_with('[')).map(|(index, line)| (index + 1, *line)).collect();
    let named = table.iter().find(|(_, line)| key_of(line).is_some_and(|key| names(at.message, key)));
    let mut quoted: Vec<&str> = at.message.split('"').skip(1).step_by(2).collect();
    quoted.reverse();
    let with_value = || quoted.iter().find_map(|text| table.iter().find(|(_, line)| has_value(line, text)));
    named.or_else(with_value).copied()
}

/// Whether a line like `key = ["value", 1]` has this value.
fn has_value(line: &str, text: &str) -> bool {
    let Some((_, values)) = line.split_once('=') else { return false };
    let is_part = |letter: char| !letter.is_alphanumeric() && !matches!(letter, '_' | '-' | '.');
    values.split(['"', '\'']).any(|value| value == text) || values.split(is_part).any(|value| value == text)
}

/// The key of a line like `key = "value"`.
fn key_of(line: &str) -> Option<&str> {
    let key = line.split_once('=')?.0.trim().trim_matches('"');
    let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    is_key.then_some(key)
}

/// Whether the message names a key: between backticks or quotation marks, maybe as the last part of a path; before a colon or an equals
/// sign; or as a word that only a key can be, with a `_`.
fn names(message: &str, key: &str) -> bool {
    let is_quoted = message.split(['`', '"']).skip(1).step_by(2).any(|name| name.rsplit('.').next() == Some(key));
    let words: Vec<&str> = message.split([' ', ';']).collect();
    let is_word = |at: usize, word: &str| {
        word.strip_suffix(':') == Some(key) || word == key && (key.contains('_') || words.get(at + 1) == Some(&"="))
    };
    is_quoted || words.iter().enumerate().any(|(at, word)| is_word(at, word))
}

/// The first character and the number of characters to mark: the word, the text in quotation marks or the brackets at the column.
/// Without a column, the key of the line if the message names it.
fn marked(line: &str, at: Position<'_>) -> Option<(usize, usize)> {
    let Some(column) = at.column else {
        let key = key_of(line).filter(|key| names(at.message, key))?;
        let lead = line.split_once(key)?.0;
        return Some((lead.chars().count(), key.chars().count()));
    };
    let start = column.checked_sub(1)?;
    let rest: Vec<char> = line.chars().skip(start).collect();
    let is_word = |letter: &char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let length = match rest.first()? {
        quote @ ('"' | '\'') => rest.iter().skip(1).position(|letter| letter == quote).map_or(rest.len(), |end| end + 2),
        '[' | '{' => rest.iter().rposition(|letter| matches!(letter, ']' | '}')).map_or(rest.len(), |end| end + 1),
        _ => rest.iter().take_while(|letter| is_word(letter)).count(),
    };
    Some((start, length.max(1)))
}

/// A line with its number, and below it the marks. Secrets are removed; a line that had one has no marks.
fn shown(line: &str, number: usize, gutter: usize, marks: Option<(usize, usize)>) -> String {
    let (redacted, _) = Redactor::default().redact(line);
    let text: String = redacted.chars().take(MAX_LINE).map(|letter| if letter == '\t' { ' ' } else { letter }).collect();
    let mut out = format!("  {number:>gutter$} | {text}");
    if let Some((start, length)) = marks.filter(|(start, _)| redacted == line && *start <= MAX_LINE) {
        let length = length.min(MAX_LINE - start).max(1);
        // A Chinese or Japanese character takes two columns.
        let lead: String = line.chars().take(start).collect();
        let part: String = line.chars().skip(start).take(length).collect();
        let (before, under) = (super::layout::columns(&lead), super::layout::columns(&part).max(1));
        let _infallible = write!(out, "\n  {:gutter$} | {:before$}{}", "", "", "^".repeat(under));
    }
    out
}
