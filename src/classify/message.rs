//! One message regex of a pattern, with the literals of which every match contains one.

use super::literals::{Literals, last_line};
use regex_automata::meta;
use regex_automata::util::syntax;
use std::fmt;
use std::sync::OnceLock;

/// A literal of the catalogue, as an index into the engine's list.
pub(super) type LiteralId = u32;

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
    /// A user's regex. It is compiled at once, so that its faults are reported. `without_literal`: the pattern gives a reason why it
    /// has no literal.
    pub(super) fn compile(source: String, without_literal: bool) -> Result<Self, String> {
        let literals = Literals::of(&source, without_literal)?;
        let compiled = OnceLock::from(Some(compile_regex(&source)?));
        Ok(Self::new(literals, LazyRegex { source, compiled }))
    }

    /// A shipped regex, with what the build script found in it. It is compiled when it is first a candidate; the tests compile all.
    pub(super) fn shipped(source: String, literals: Literals) -> Self {
        Self::new(literals, LazyRegex { source, compiled: OnceLock::new() })
    }

    fn new(Literals { texts, weight, is_all }: Literals, regex: LazyRegex) -> Self {
        Self { literals: texts, literal_ids: Vec::new(), regex: (!is_all).then_some(regex), weight }
    }

    /// The same wording, as one that any server may write.
    pub(super) fn weighing_nothing(self) -> Self {
        Self { weight: 1, ..self }
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
#[derive(Clone)]
struct LazyRegex {
    source: String,
    compiled: OnceLock<Option<meta::Regex>>,
}

impl fmt::Debug for LazyRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl LazyRegex {
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
