//! The catalogue: all pattern files, the providers and the signal lists, checked and compiled. Built once, then only read.

use super::engine::Engine;
use super::events::{Event, EventSpec, Events};
use super::pattern::{Origin, Pattern, PatternSpec};
use super::rule::Rule;
use super::signal_lists::SignalLists;
use crate::observation::PatternId;
use crate::taxonomy::{ProviderSpec, Providers};
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// A file of the catalogue: its name, for messages, and its text.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The file's name or path.
    pub name: &'a str,
    /// Its content, in TOML.
    pub text: &'a str,
    /// From a user's directory: its patterns replace shipped patterns of the same id.
    pub own: bool,
}

/// All patterns and providers in force.
#[derive(Debug)]
pub struct Catalog {
    patterns: Vec<Pattern>,
    by_id: FxHashMap<String, PatternId>,
    providers: Providers,
    pub(super) engine: Engine,
    pub(super) lists: SignalLists,
    pub(super) events: Events,
}

/// One mistake in a file of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogError {
    /// The file's name or path; `[[provider]]` for a provider of the configuration.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and how to fix it.
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
struct ProviderFile {
    #[serde(default)]
    provider: Vec<ProviderSpec>,
}

/// The most patterns of a catalogue.
const MAX_PATTERNS: usize = 20_000;

impl Catalog {
    /// Compiles these files and nothing else. `providers.toml` and `signals.toml` hold what their names say, `escalation.toml` is for
    /// [`crate::alert`], files in a folder `events` hold events, and all other files patterns. A later file of a user replaces patterns and
    /// events of the same id.
    ///
    /// # Errors
    /// With every mistake in all files.
    pub fn build(files: &[Source<'_>], extra: &[ProviderSpec]) -> Result<Self, Vec<CatalogError>> {
        let (mut all, mut errors) = (Parsed::default(), Vec::new());
        all.read(files, &mut errors);
        Self::compile(all, extra, errors)
    }

    /// Checks and compiles what the files say. `errors`: the mistakes that were found when they were read.
    pub(super) fn compile(
        all: Parsed<'_>,
        extra: &[ProviderSpec],
        mut errors: Vec<CatalogError>,
    ) -> Result<Self, Vec<CatalogError>> {
        let Parsed { specs, lists, patterns, events } = all;
        let providers = match Providers::new(specs.into_iter().chain(extra.iter().cloned())) {
            Ok(providers) => providers,
            Err(error) => {
                errors.push(CatalogError { file: "[[provider]]".to_owned(), line: 1, what: error.to_string() });
                return Err(errors);
            }
        };
        let (patterns, rules) = compile(replace(patterns, &mut errors), &providers, &lists, &mut errors);
        if patterns.len() > MAX_PATTERNS {
            errors.push(error_of_all(format!("more than {MAX_PATTERNS} patterns")));
        }
        let events = compile_events(events, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let by_id = patterns.iter().enumerate().map(|(at, pattern)| (pattern.id.clone(), PatternId::from_index(at))).collect();
        let ids: Vec<_> = patterns.iter().map(|pattern| pattern.id.as_str()).collect();
        let engine = Engine::new(rules, &ids);
        Ok(Self { patterns, by_id, providers, engine, lists, events })
    }

    /// The pattern with an id of this catalogue.
    #[must_use]
    pub fn pattern(&self, id: PatternId) -> Option<&Pattern> {
        self.patterns.get(id.index())
    }

    /// The pattern with this name, if it is in force.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<PatternId> {
        self.by_id.get(id).copied()
    }

    /// All patterns, by [`PatternId`].
    #[must_use]
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// All events of known producers.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        self.events.all()
    }

    /// All providers, shipped and configured.
    #[must_use]
    pub fn providers(&self) -> &Providers {
        &self.providers
    }
}

/// The content of all files.
#[derive(Default)]
pub(super) struct Parsed<'a> {
    pub(super) specs: Vec<ProviderSpec>,
    pub(super) lists: SignalLists,
    pub(super) patterns: Vec<(PatternSpec, Origin<'a>)>,
    pub(super) events: Vec<(EventSpec, Origin<'a>)>,
}

impl<'a> Parsed<'a> {
    /// Adds the content of these files.
    pub(super) fn read(&mut self, files: &[Source<'a>], errors: &mut Vec<CatalogError>) {
        for file in files {
            if let Err(error) = self.add(file, errors) {
                errors.push(error_in(file, &error));
            }
        }
    }

    fn add(&mut self, file: &Source<'a>, errors: &mut Vec<CatalogError>) -> Result<(), toml::de::Error> {
        let mut parts = file.name.rsplit(['/', '\\']);
        let name = parts.next().unwrap_or(file.name);
        if parts.next() == Some("events") {
            self.events.extend(tables::<EventSpec>(file, "event", errors)?);
            return Ok(());
        }
        match name {
            "providers.toml" => self.specs.extend(toml::from_str::<ProviderFile>(file.text)?.provider),
            "signals.toml" => self.lists.extend(toml::from_str(file.text)?),
            "escalation.toml" | "fields.toml" | "endings.toml" | "names.toml" => {}
            _ => self.patterns.extend(tables::<PatternSpec>(file, "pattern", errors)?),
        }
        Ok(())
    }
}

/// The tables `[[key]]` of a file. A table with an error is left out, so that the errors of all tables are found.
fn tables<'a, T: DeserializeOwned>(
    file: &Source<'a>,
    key: &str,
    errors: &mut Vec<CatalogError>,
) -> Result<Vec<(T, Origin<'a>)>, toml::de::Error> {
    let mut all = Vec::new();
    let (mut line, mut counted) = (1, 0);
    for (name, value) in DeTable::parse(file.text)?.into_inner() {
        let fault = |what| CatalogError { file: file.name.to_owned(), line: line_of(file.text, name.span().start), what };
        if name.get_ref() != key {
            errors.push(fault(format!("unknown field `{}`, expected `{key}`", name.get_ref())));
            continue;
        }
        let DeValue::Array(array) = value.into_inner() else {
            errors.push(fault(format!("`{key}` must be an array of tables: write [[{key}]]")));
            continue;
        };
        for table in array {
            let start = table.span().start;
            line += lines_between(file.text, counted, start);
            counted = start;
            match T::deserialize(ValueDeserializer::from(table)) {
                Ok(table) => all.push((table, Origin { file: file.name, line, own: file.own })),
                Err(error) => errors.push(error_in(file, &error)),
            }
        }
    }
    Ok(all)
}

fn error_in(file: &Source<'_>, error: &toml::de::Error) -> CatalogError {
    let line = error.span().map_or(1, |span| line_of(file.text, span.start));
    CatalogError { file: file.name.to_owned(), line, what: error.message().to_owned() }
}

/// A user's pattern replaces the shipped one of the same id, and keeps its tags unless it gives its own. Two patterns of one id and one
/// origin are an error. Disabled patterns are removed.
fn replace<'a>(all: Vec<(PatternSpec, Origin<'a>)>, errors: &mut Vec<CatalogError>) -> Vec<(PatternSpec, Origin<'a>)> {
    let mut kept: Vec<(PatternSpec, Origin<'a>)> = Vec::with_capacity(all.len());
    let mut positions: FxHashMap<String, usize> = FxHashMap::default();
    for (mut pattern, origin) in all {
        match positions.get(&pattern.id).copied() {
            Some(at) if kept[at].1.own == origin.own => {
                let Origin { file, line, .. } = kept[at].1;
                let what = format!("pattern {:?} is already defined ({file}:{line}); give this one another id", pattern.id);
                errors.push(CatalogError { file: origin.file.to_owned(), line: origin.line, what });
            }
            Some(at) => {
                pattern.tags = pattern.tags.or_else(|| kept[at].0.tags.take());
                kept[at] = (pattern, origin);
            }
            None => {
                positions.insert(pattern.id.clone(), kept.len());
                kept.push((pattern, origin));
            }
        }
    }
    kept.retain(|(pattern, _)| !pattern.disabled);
    kept
}

fn compile(
    specs: Vec<(PatternSpec, Origin<'_>)>,
    providers: &Providers,
    lists: &SignalLists,
    errors: &mut Vec<CatalogError>,
) -> (Vec<Pattern>, Vec<Rule>) {
    let (mut patterns, mut rules) = (Vec::with_capacity(specs.len()), Vec::with_capacity(specs.len()));
    for (spec, origin) in specs {
        match spec.compile(origin, providers, lists) {
            Ok((pattern, rule)) => {
                patterns.push(pattern);
                rules.push(rule);
            }
            Err(faults) => errors.extend(faults.into_iter().map(|what| CatalogError {
                file: origin.file.to_owned(),
                line: origin.line,
                what,
            })),
        }
    }
    (patterns, rules)
}

/// As with patterns: a user's event replaces the shipped one of the same id, and is found before shipped ones.
fn compile_events(all: Vec<(EventSpec, Origin<'_>)>, errors: &mut Vec<CatalogError>) -> Events {
    let mut kept: Vec<(EventSpec, Origin<'_>)> = Vec::with_capacity(all.len());
    for (event, origin) in all {
        match kept.iter().position(|(known, _)| known.id == event.id) {
            Some(at) if kept[at].1.own == origin.own => {
                let Origin { file, line, .. } = kept[at].1;
                let what = format!("event {:?} is already defined ({file}:{line}); give this one another id", event.id);
                errors.push(CatalogError { file: origin.file.to_owned(), line: origin.line, what });
            }
            Some(at) => kept[at] = (event, origin),
            None => kept.push((event, origin)),
        }
    }
    kept.retain(|(event, _)| !event.disabled);
    kept.sort_by_key(|(_, origin)| !origin.own);
    let mut events = Vec::with_capacity(kept.len());
    for (event, Origin { file, line, own }) in kept {
        match event.compile(file, line, own) {
            Ok(event) => events.push(event),
            Err(faults) => {
                errors.extend(faults.into_iter().map(|what| CatalogError { file: file.to_owned(), line, what }));
            }
        }
    }
    Events::new(events)
}

fn error_of_all(what: String) -> CatalogError {
    CatalogError { file: "patterns".to_owned(), line: 1, what }
}

/// The line of an offset, from 1.
fn line_of(text: &str, at: usize) -> usize {
    lines_between(text, 0, at) + 1
}

fn lines_between(text: &str, from: usize, to: usize) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes().get(from..to).unwrap_or_default()).count()
}
