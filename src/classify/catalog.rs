//! The catalogue: patterns and providers as TOML, checked and compiled. Built once, then only read.

use super::engine::{Engine, Rule, StatusKey};
use crate::observation::PatternId;
use crate::taxonomy::{Category, Owner, Provider, ProviderSpec, Providers, Retry, Status};
use regex_automata::meta;
use regex_automata::util::syntax;
use regex_syntax::hir::{Hir, HirKind};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;
use std::fmt;

/// One known error and its verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// Stable, kebab-case, unique.
    pub id: String,
    /// A few words for people.
    pub title: String,
    /// What kind of error it is.
    pub category: Category,
    /// Who can settle it.
    pub owner: Owner,
    /// Whether to retry.
    pub retry: Retry,
    /// The status that was seen where nothing else tells it: what breaks inside an answer came with a 200.
    pub implies: Option<Status>,
    /// What it means.
    pub meaning: String,
    /// What to do, written for the reader at 3 a.m.
    pub fix: String,
    /// Where the provider says so.
    pub docs: Option<String>,
    /// Ids of the providers whose error it is; empty: any.
    pub providers: Vec<String>,
    /// Lines it must win.
    pub examples: Vec<String>,
    /// Lines it must not match.
    pub near: Vec<String>,
    /// The entries of the error directory it covers.
    pub covers: Vec<String>,
    /// The file it came from.
    pub file: String,
    /// The line of that file on which it begins.
    pub line: usize,
    /// From a user's directory.
    pub own: bool,
}

/// A file of the catalogue: its name, for messages, and its text.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The file's name or path.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
    /// From a user's directory: replaces shipped patterns of the same id.
    pub own: bool,
}

/// All patterns and providers that are in force.
#[derive(Debug)]
pub struct Catalog {
    patterns: Vec<Pattern>,
    by_id: FxHashMap<String, PatternId>,
    providers: Providers,
    pub(super) engine: Engine,
    pub(super) signs: Signs,
}

/// What `signals.toml` says: types that do not decide, statuses that types stand for, words of records that are no failures.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signs {
    #[serde(default)]
    generic_types: Vec<String>,
    #[serde(default)]
    pub(super) upstream_status: FxHashMap<String, u16>,
    #[serde(default)]
    pub(super) class_status: FxHashMap<String, u16>,
    #[serde(default)]
    pub(super) benign: Vec<String>,
    #[serde(skip)]
    pub(super) generic: FxHashSet<String>,
}

/// One thing that is wrong with a file of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and how to mend it.
    pub what: String,
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

impl std::error::Error for CatalogError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PatternFile {
    #[serde(default)]
    pattern: Vec<toml::Spanned<Typed>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderFile {
    #[serde(default)]
    provider: Vec<ProviderSpec>,
}

/// A `[[pattern]]` as it was typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    id: String,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    title: String,
    category: Option<Category>,
    owner: Option<Owner>,
    retry: Option<Retry>,
    #[serde(default)]
    providers: Vec<String>,
    #[serde(default)]
    status: Vec<TypedStatus>,
    #[serde(default, rename = "type")]
    types: Vec<String>,
    #[serde(default, rename = "code")]
    codes: Vec<String>,
    #[serde(default)]
    any: Vec<AnyKey>,
    #[serde(default)]
    message: Vec<String>,
    no_literal: Option<String>,
    #[serde(default)]
    general: bool,
    implies_status: Option<u16>,
    #[serde(default)]
    meaning: String,
    #[serde(default)]
    fix: String,
    docs: Option<String>,
    #[serde(default)]
    examples: Vec<String>,
    #[serde(default)]
    near: Vec<String>,
    #[serde(default)]
    covers: Vec<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum AnyKey {
    Code,
    Type,
    Message,
    Status,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TypedStatus {
    Number(u16),
    Text(String),
}

/// The shortest literal that a message regex must require, in bytes.
const LITERAL: usize = 6;
/// The most patterns that a catalogue may hold.
const PATTERNS: usize = 20_000;

impl Catalog {
    /// Compiles the files. Those named `providers.toml` and `signals.toml` hold what their names say; all others hold
    /// patterns. Later files replace patterns of the same id where they are a user's own.
    ///
    /// # Errors
    /// With everything that is wrong, not only the first thing.
    pub fn build(files: &[Source<'_>], extra: &[ProviderSpec]) -> Result<Self, Vec<CatalogError>> {
        let mut errors = Vec::new();
        let mut specs = Vec::new();
        let mut signs = Signs::default();
        let mut typed: Vec<(Typed, Source<'_>, usize)> = Vec::new();
        for file in files {
            let base = file.name.rsplit('/').next().unwrap_or(file.name);
            let result = match base {
                "providers.toml" => toml::from_str::<ProviderFile>(file.text).map(|it| specs.extend(it.provider)),
                "signals.toml" => toml::from_str::<Signs>(file.text).map(|it| signs.extend(it)),
                "escalation.toml" | "fields.toml" => Ok(()),
                _ => toml::from_str::<PatternFile>(file.text).map(|it| {
                    for pattern in it.pattern {
                        let line = line_of(file.text, pattern.span().start);
                        typed.push((pattern.into_inner(), *file, line));
                    }
                }),
            };
            if let Err(error) = result {
                errors.push(syntax_error(file, &error));
            }
        }
        let providers = match Providers::new(specs.into_iter().chain(extra.iter().cloned())) {
            Ok(providers) => providers,
            Err(error) => {
                errors.push(CatalogError { file: "[[provider]]".to_owned(), line: 1, what: error.to_string() });
                return Err(errors);
            }
        };
        let typed = replace(typed, &mut errors);
        let mut patterns = Vec::new();
        let mut rules = Vec::new();
        for (pattern, file, line) in typed {
            let fail = |what: String| CatalogError { file: file.name.to_owned(), line, what };
            match compile(pattern, &file, line, &providers, &signs) {
                Ok((pattern, rule)) => {
                    patterns.push(pattern);
                    rules.push(rule);
                }
                Err(faults) => errors.extend(faults.into_iter().map(fail)),
            }
        }
        if patterns.len() > PATTERNS {
            errors.push(CatalogError { file: "patterns".to_owned(), line: 1, what: format!("more than {PATTERNS} patterns") });
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let by_id = patterns.iter().enumerate().map(|(at, it)| (it.id.clone(), PatternId(at as u16))).collect();
        let ids: Vec<_> = patterns.iter().map(|it| it.id.as_str()).collect();
        let engine =
            Engine::new(rules, &ids).map_err(|what| vec![CatalogError { file: "patterns".to_owned(), line: 1, what }])?;
        Ok(Self { patterns, by_id, providers, engine, signs })
    }

    /// The pattern behind an id that this catalogue gave out.
    #[must_use]
    pub fn pattern(&self, id: PatternId) -> Option<&Pattern> {
        self.patterns.get(usize::from(id.0))
    }

    /// The pattern with this name.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<PatternId> {
        self.by_id.get(id).copied()
    }

    /// All patterns, in the order of their ids' indexes.
    #[must_use]
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// The providers.
    #[must_use]
    pub fn providers(&self) -> &Providers {
        &self.providers
    }
}

impl Signs {
    fn extend(&mut self, other: Self) {
        self.generic.extend(other.generic_types.iter().map(|it| it.to_ascii_lowercase()));
        self.upstream_status
            .extend(other.upstream_status.into_iter().map(|(name, status)| (name.to_ascii_lowercase(), status)));
        self.class_status.extend(other.class_status);
        self.benign.extend(other.benign);
    }
}

/// A user's pattern replaces the shipped one of the same id whole; two of one origin are an error.
fn replace<'a>(all: Vec<(Typed, Source<'a>, usize)>, errors: &mut Vec<CatalogError>) -> Vec<(Typed, Source<'a>, usize)> {
    let mut kept: Vec<(Typed, Source<'a>, usize)> = Vec::with_capacity(all.len());
    let mut places: FxHashMap<String, usize> = FxHashMap::default();
    for (pattern, file, line) in all {
        match places.get(&pattern.id).copied() {
            Some(at) if kept[at].1.own == file.own => {
                let (other, there) = (kept[at].1.name, kept[at].2);
                let what = format!("pattern {:?} is there already ({other}:{there}); give it an id of its own", pattern.id);
                errors.push(CatalogError { file: file.name.to_owned(), line, what });
            }
            Some(at) => kept[at] = (pattern, file, line),
            None => {
                places.insert(pattern.id.clone(), kept.len());
                kept.push((pattern, file, line));
            }
        }
    }
    kept.retain(|(pattern, ..)| !pattern.disabled);
    kept
}

fn compile(
    typed: Typed,
    file: &Source<'_>,
    line: usize,
    providers: &Providers,
    signs: &Signs,
) -> Result<(Pattern, Rule), Vec<String>> {
    let mut faults = Vec::new();
    let id = typed.id;
    let good_id =
        !id.is_empty() && id.len() <= 80 && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !good_id {
        faults.push(format!("pattern id {id:?} is not lower-case letters, digits and `-` (at most 80)"));
    }
    let mut missing = Vec::new();
    for (key, given) in [
        ("title", !typed.title.is_empty()),
        ("category", typed.category.is_some()),
        ("owner", typed.owner.is_some()),
        ("retry", typed.retry.is_some()),
        ("meaning", !typed.meaning.is_empty()),
        ("fix", !typed.fix.is_empty()),
        ("examples", !typed.examples.is_empty()),
    ] {
        if !given {
            missing.push(key);
        }
    }
    if !missing.is_empty() {
        faults.push(format!("pattern {id:?} has no {}; every pattern needs them", missing.join(", ")));
    }
    let mut ids: Vec<Provider> = Vec::new();
    for name in &typed.providers {
        match providers.by_name(name) {
            Some(found) if providers.id(found) == name => ids.push(found),
            Some(found) => faults.push(format!("pattern {id:?} names provider {name:?}; its id is {:?}", providers.id(found))),
            None => {
                faults
                    .push(format!("pattern {id:?} names provider {name:?}, which providers.toml does not have; add it there"));
            }
        }
    }
    let mut statuses = Vec::new();
    for status in &typed.status {
        match status_key(status) {
            Some(key) => statuses.push(key),
            None => faults.push(format!(
                "pattern {id:?}: a status is a number from 100 to 599, \"4xx\", \"5xx\", \"timeout\" or \"connection\""
            )),
        }
    }
    let mut messages = Vec::new();
    for source in &typed.message {
        match Message::compile(source, typed.no_literal.is_some()) {
            Ok(message) => messages.push(message),
            Err(what) => faults.push(format!("pattern {id:?}: message {source:?} {what}")),
        }
    }
    if ids.is_empty() && statuses.is_empty() && typed.types.is_empty() && typed.codes.is_empty() && messages.is_empty() {
        faults.push(format!("pattern {id:?} would match everything; give it a code, type, message or status"));
    }
    if typed.implies_status.is_some_and(|it| Status::from_number(i64::from(it)).is_none()) {
        faults.push(format!("pattern {id:?}: `implies_status` is a number from 100 to 599"));
    }
    let lower = |list: &[String]| list.iter().map(|it| it.to_ascii_lowercase()).collect::<Vec<_>>();
    let is_any = |key: AnyKey| typed.any.contains(&key);
    let generic = |it: &String| signs.generic.contains(it) || it.bytes().all(|b| b.is_ascii_digit()) && it.len() == 3;
    let (types, codes) = (lower(&typed.types), lower(&typed.codes));
    let rule = Rule {
        providers: ids,
        statuses,
        types: types.into_iter().map(|it| (!generic(&it), it)).map(|(specific, it)| (it, specific)).collect(),
        codes: codes.into_iter().map(|it| (!generic(&it), it)).map(|(specific, it)| (it, specific)).collect(),
        messages,
        any_type: is_any(AnyKey::Type),
        any_code: is_any(AnyKey::Code),
        any_message: is_any(AnyKey::Message),
        any_status: is_any(AnyKey::Status),
        general: typed.general,
        own: file.own,
    };
    if !faults.is_empty() {
        return Err(faults);
    }
    let (Some(category), Some(owner), Some(retry)) = (typed.category, typed.owner, typed.retry) else { return Err(faults) };
    let pattern = Pattern {
        id,
        title: typed.title,
        category,
        owner,
        retry,
        implies: typed.implies_status.and_then(|it| Status::from_number(i64::from(it))),
        meaning: typed.meaning,
        fix: typed.fix,
        docs: typed.docs,
        providers: typed.providers,
        examples: typed.examples,
        near: typed.near,
        covers: typed.covers,
        file: file.name.to_owned(),
        line,
        own: file.own,
    };
    Ok((pattern, rule))
}

fn status_key(typed: &TypedStatus) -> Option<StatusKey> {
    match typed {
        TypedStatus::Number(number) => Status::from_number(i64::from(*number)).map(StatusKey::Exactly),
        TypedStatus::Text(text) => match text.as_str() {
            "timeout" => Some(StatusKey::Exactly(Status::Timeout)),
            "connection" => Some(StatusKey::Exactly(Status::Connection)),
            "none" => Some(StatusKey::Absent),
            "1xx" | "2xx" | "3xx" | "4xx" | "5xx" => text.bytes().next().map(|b| StatusKey::Class(u16::from(b - b'0'))),
            number => Status::from_number(number.parse().ok()?).map(StatusKey::Exactly),
        },
    }
}

/// One message regex, compiled, with the literals of which it requires one.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// Lower-case; a text without any of these cannot match. Empty: every text has to be tried.
    pub(super) literals: Vec<String>,
    /// The numbers that the engine gave them.
    pub(super) places: Vec<u32>,
    /// Absent where the literals alone say all: a hit is a match.
    pub(super) regex: Option<meta::Regex>,
    /// The length of the shortest of the literals, for precedence.
    pub(super) weight: usize,
}

impl Message {
    fn compile(source: &str, without_literal: bool) -> Result<Self, String> {
        let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(source);
        let hir = hir.map_err(|error| format!("is no regex: {}", last_line(&error.to_string())))?;
        let literals = required(&hir).unwrap_or_default();
        // A message that says why it has no literal weighs nothing, whatever literals some of its ways have.
        let weight = if without_literal { 0 } else { literals.iter().map(Vec::len).min().unwrap_or(0) };
        if weight < LITERAL && !without_literal {
            let hint = "has no literal of six bytes or more that every match contains; make it more specific, or say in `no_literal` why that cannot be";
            return Err(hint.to_owned());
        }
        let pure = is_pure(&hir);
        let literals: Vec<String> = if literals.iter().any(Vec::is_empty) {
            Vec::new()
        } else {
            literals.iter().map(|it| String::from_utf8_lossy(it).to_ascii_lowercase()).collect()
        };
        let regex = if pure && !literals.is_empty() {
            None
        } else {
            // Candidates are few and short, and their literals were seen already: neither a search of its own for literals nor a
            // whole automaton is worth the time at the start.
            let config = meta::Config::new()
                .auto_prefilter(false)
                .dfa(false)
                .onepass(false)
                .utf8_empty(false)
                .nfa_size_limit(Some(1 << 20))
                .hybrid_cache_capacity(256 << 10);
            let syntax = syntax::Config::new().case_insensitive(true).unicode(false).utf8(false);
            let built = meta::Builder::new().configure(config).syntax(syntax).build(source);
            Some(built.map_err(|error| format!("cannot be used: {}", last_line(&error.to_string())))?)
        };
        Ok(Self { literals, places: Vec::new(), regex, weight })
    }
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or(text).trim()
}

/// Whether the expression is a literal, or a choice of literals, and nothing else.
fn is_pure(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(_) => true,
        HirKind::Alternation(parts) => parts.iter().all(is_pure),
        HirKind::Capture(capture) => is_pure(&capture.sub),
        _ => false,
    }
}

/// Literals of which every match contains at least one; the set whose shortest member is longest.
fn required(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![literal.0.to_vec()]),
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(required).max_by_key(|set| shortest(set)),
        HirKind::Alternation(parts) => {
            let sets: Option<Vec<_>> = parts.iter().map(required).collect();
            sets.map(|sets| sets.into_iter().flatten().collect()).filter(|set: &Vec<Vec<u8>>| set.len() <= 64)
        }
        _ => None,
    }
}

fn shortest(set: &[Vec<u8>]) -> usize {
    set.iter().map(Vec::len).min().unwrap_or(0)
}

fn syntax_error(file: &Source<'_>, error: &toml::de::Error) -> CatalogError {
    let line = error.span().map_or(1, |span| line_of(file.text, span.start));
    CatalogError { file: file.name.to_owned(), line, what: error.message().to_owned() }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1
}
