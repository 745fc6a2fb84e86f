//! Lines that count tokens and name no model: `inferred 4 tags, used 1095 tokens`. One alone may say anything; a logger that also reports
//! failed calls, and writes the same line again and again, reports its good calls so. `correlate` knows the stream, and decides.

use super::layer::{Habit, writer_of};
use super::outcome::names_failure;
use super::success::{is_beginning, is_ended, is_ending, is_told};
use crate::line::find;
use crate::record::{Facts, Level, LineKind};
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};

/// A longer line is not the report of one call, in bytes.
const LINE_BYTES: usize = 400;
/// The words by which a form is recognised; what a model answered may follow.
const FORM_WORDS: usize = 10;

/// What a line may report by habit. `None`: the line says nothing of the kind, or its logger has no name.
pub(super) fn habit_of(facts: &Facts<'_>) -> Option<Habit> {
    let line = facts.headline.split(|b| *b == b'\n').next()?;
    let calm = matches!(facts.level, Level::Info | Level::Unknown) && matches!(facts.line_kind, LineKind::None);
    let writer = writer_of(facts.logger);
    // Most lines count no tokens.
    if writer == 0 || !calm || line.len() > LINE_BYTES || find(line, b" token").is_none() || names_failure(line) {
        return None;
    }
    let mut hasher = FxHasher::default();
    let (mut number, mut counts, mut ends) = (false, false, false);
    for (at, word) in line.split(|b| matches!(b, b' ' | b',' | b';' | b'(' | b')')).filter(|word| !word.is_empty()).enumerate()
    {
        let word = std::str::from_utf8(word).ok()?.trim_end_matches([':', '.']);
        if is_beginning(word) {
            return None;
        }
        counts |= number && word.starts_with("token");
        ends |= is_told(word) || is_ending(word) || is_ended(word);
        // `1095 prompt tokens`
        number = word.bytes().all(|b| b.is_ascii_digit()) || number && matches!(word, "completion" | "output" | "total");
        if at < FORM_WORDS {
            let is_plain = word.bytes().all(|b| b.is_ascii_alphabetic());
            (if is_plain { word } else { "" }).hash(&mut hasher);
        }
    }
    (counts && ends).then(|| Habit { writer, form: hasher.finish() })
}
