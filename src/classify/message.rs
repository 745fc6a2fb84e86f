//! One message regex of a pattern, compiled, with the literals of which every match contains one.

use regex_automata::meta;
use regex_automata::util::syntax;
use regex_syntax::hir::{Hir, HirKind};
use std::sync::OnceLock;

/// A literal of the catalogue, as an index into the engine's list.
pub(super) type LiteralId = u32;

/// The shortest literal that a message regex must require, in bytes.
const MIN_LITERAL: usize = 6;
/// The most literals that a regex may offer as alternatives.
const MAX_LITERALS: usize = 64;
/// Of a longer text than the two together, only this much from each end is searched, in bytes.
const HEAD: usize = 6 << 10;
const TAIL: usize = 2 << 10;

/// A message regex.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// In lower case; a text without any of them cannot match. Empty: every text has to be tried.
    pub(super) literals: Vec<String>,
    /// The ids that the index gave to `literals`.
    pub(super) literal_ids: Vec<LiteralId>,
    /// `None` where the regex is only literals: finding one is a match.
    regex: Option<LazyRegex>,
    /// Length of the shortest literal, in bytes: how much a match says.
    pub(super) weight: usize,
}

impl Message {
    /// Reads a regex. `without_literal`: the pattern gives a reason why it has no literal. A shipped regex is compiled when it is
    /// first a candidate, because the tests compile all of them; a user's regex at once, so that its faults are reported.
    pub(super) fn compile(source: &str, without_literal: bool, own: bool) -> Result<Self, String> {
        let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(source);
        let hir = hir.map_err(|error| format!("is not a valid regex: {}", last_line(&error.to_string())))?;
        let literals = required(&hir).unwrap_or_default();
        // With `no_literal` the weight is 0, also where some alternatives have literals.
        let weight = if without_literal { 0 } else { shortest(&literals) };
        if weight < MIN_LITERAL && !without_literal {
            let hint = "has no literal of six bytes or more that every match contains; make it more specific, or give the reason in `no_literal`";
            return Err(hint.to_owned());
        }
        let literals: Vec<String> = if literals.iter().any(Vec::is_empty) {
            Vec::new()
        } else {
            literals.iter().map(|literal| String::from_utf8_lossy(literal).to_ascii_lowercase()).collect()
        };
        let regex = if is_pure(&hir) && !literals.is_empty() { None } else { Some(LazyRegex::new(source, own)?) };
        Ok(Self { literals, literal_ids: Vec::new(), regex, weight })
    }

    /// Whether a text with these literals (sorted) can match.
    pub(super) fn may_match(&self, found: &[LiteralId]) -> bool {
        self.literal_ids.is_empty() || self.literal_ids.iter().any(|id| found.binary_search(id).is_ok())
    }

    /// Whether it matches one of the texts, in which it may.
    pub(super) fn is_match(&self, texts: &[String]) -> bool {
        let Some(regex) = &self.regex else { return true };
        let Some(regex) = regex.get() else { return false };
        texts.iter().flat_map(|text| searched_parts(text)).any(|part| regex.is_match(part.as_bytes()))
    }
}

/// A regex that is compiled when it is first asked for: of a thousand, a process needs a few.
#[derive(Clone, Debug)]
struct LazyRegex {
    source: String,
    compiled: OnceLock<Option<meta::Regex>>,
}

impl LazyRegex {
    /// `at_once` compiles it now.
    fn new(source: &str, at_once: bool) -> Result<Self, String> {
        let compiled = if at_once { OnceLock::from(Some(compile_regex(source)?)) } else { OnceLock::new() };
        Ok(Self { source: source.to_owned(), compiled })
    }

    /// `None` if it cannot be compiled; the tests exclude that for shipped regexes.
    fn get(&self) -> Option<&meta::Regex> {
        self.compiled.get_or_init(|| compile_regex(&self.source).ok()).as_ref()
    }
}

/// The whole text, or head and tail of a long one.
pub(super) fn searched_parts(text: &str) -> impl Iterator<Item = &str> {
    let (head, tail) = if text.len() <= HEAD + TAIL {
        (Some(text), None)
    } else {
        (text.get(..text.floor_char_boundary(HEAD)), text.get(text.ceil_char_boundary(text.len() - TAIL)..))
    };
    head.into_iter().chain(tail)
}

fn compile_regex(source: &str) -> Result<meta::Regex, String> {
    // Few regexes run, on short texts in which their literals were found: a literal search of their own or a whole DFA costs more at the
    // start than it saves.
    let config = meta::Config::new()
        .auto_prefilter(false)
        .dfa(false)
        .onepass(false)
        .utf8_empty(false)
        .nfa_size_limit(Some(1 << 20))
        .hybrid_cache_capacity(256 << 10);
    let syntax = syntax::Config::new().case_insensitive(true).unicode(false).utf8(false);
    let built = meta::Builder::new().configure(config).syntax(syntax).build(source);
    built.map_err(|error| format!("cannot be compiled: {}", last_line(&error.to_string())))
}

fn last_line(text: &str) -> &str {
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
