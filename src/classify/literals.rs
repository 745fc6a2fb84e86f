//! The literals of a regex, of which every match contains one. The build script includes this file and does this for the shipped
//! regexes.

use regex_syntax::hir::{Hir, HirKind};
use serde::{Deserialize, Serialize};

/// The shortest literal that a message regex must require, in bytes.
const MIN_LITERAL: usize = 6;
/// The most literals that a regex may offer as alternatives.
const MAX_LITERALS: usize = 64;

/// What is known of a regex without compiling it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Literals {
    /// In lower case; a text without any of them cannot match. Empty: every text has to be tried.
    pub(crate) texts: Vec<String>,
    /// Length of the shortest one, in bytes: how much a match says. 0 for a pattern that gives a reason why it has no literal.
    pub(crate) weight: usize,
    /// The regex is only these literals: finding one is a match.
    pub(crate) is_all: bool,
}

impl Literals {
    /// Reads a regex. `without_literal`: the pattern gives a reason why it has no literal.
    pub(crate) fn of(source: &str, without_literal: bool) -> Result<Self, String> {
        let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(source);
        let hir = hir.map_err(|error| format!("is not a valid regex: {}", last_line(&error.to_string())))?;
        let literals = required(&hir).unwrap_or_default();
        // With `no_literal` the weight is 0, also where some alternatives have literals.
        let weight = if without_literal { 0 } else { shortest(&literals) };
        if weight < MIN_LITERAL && !without_literal {
            let hint = "has no literal of six bytes or more that every match contains; make it more specific, or give the reason in `no_literal`";
            return Err(hint.to_owned());
        }
        let texts: Vec<String> = if literals.iter().any(Vec::is_empty) {
            Vec::new()
        } else {
            literals.iter().map(|literal| String::from_utf8_lossy(literal).to_ascii_lowercase()).collect()
        };
        let is_all = is_pure(&hir) && !texts.is_empty();
        Ok(Self { texts, weight, is_all })
    }
}

/// The last line of an error of the regex crates, which draws the regex above it.
pub(crate) fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or(text).trim()
}

/// Whether the regex is a literal, or a choice of literals, and nothing else.
fn is_pure(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(_) => true,
        HirKind::Alternation(parts) => parts.iter().all(is_pure),
        HirKind::Capture(capture) => is_pure(&capture.sub),
        _ => false,
    }
}

/// Literals of which every match contains at least one; of several such sets, the one with the longest shortest member.
fn required(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![literal.0.to_vec()]),
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(required).max_by_key(|set| shortest(set)),
        HirKind::Alternation(parts) => {
            let sets: Option<Vec<_>> = parts.iter().map(required).collect();
            sets.map(|sets| sets.into_iter().flatten().collect()).filter(|set: &Vec<Vec<u8>>| set.len() <= MAX_LITERALS)
        }
        _ => None,
    }
}

fn shortest(set: &[Vec<u8>]) -> usize {
    set.iter().map(Vec::len).min().unwrap_or(0)
}
