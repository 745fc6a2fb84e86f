//! Finds what a short word means: everything that the catalogue and the escalation table have a name for.

use super::super::exit::CliError;
use super::super::{layout, near, patterns, terminal};
use super::names::Name;
use super::verdict;
use crate::alert::{NameTable, Row, Table};
use crate::classify::{Classifier, Pattern};
use crate::taxonomy::{Category, Owner, Provider};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The catalogue and the escalation table, for questions about their names.
pub(super) struct Lookup<'c> {
    pub(super) classifier: &'c Classifier,
    pub(super) table: Table,
}

/// The answer to a question.
pub(super) enum Found<'c> {
    Pattern(&'c Pattern),
    Text(String),
    /// The text is no name: it may be the text of an error.
    Nothing,
}

/// The most patterns that a list shows.
const MAX_SHOWN: usize = 25;

impl<'c> Lookup<'c> {
    pub(super) fn new(classifier: &'c Classifier) -> Result<Self, CliError> {
        let catalog = classifier.catalog();
        let names = NameTable { patterns: catalog.patterns(), providers: catalog.providers(), sources: &[] };
        let table =
            Table::build(&[], names).map_err(|errors| CliError::Config(errors.iter().map(ToString::to_string).collect()))?;
        Ok(Self { classifier, table })
    }

    fn patterns(&self) -> &'c [Pattern] {
        self.classifier.catalog().patterns()
    }

    pub(super) fn find(&self, text: &str) -> Found<'c> {
        if is_record(text) {
            return Found::Nothing;
        }
        let catalog = self.classifier.catalog();
        if let Some(pattern) = catalog.by_id(text).and_then(|id| catalog.pattern(id)) {
            return Found::Pattern(pattern);
        }
        if is_status(text) {
            return Found::Text(self.status(None, text));
        }
        if let Some((name, status)) = text.split_once(' ')
            && let (Some(provider), true) = (catalog.providers().by_name(name), is_status(status))
        {
            return Found::Text(self.status(Some(provider), status));
        }
        if let Some(row) = self.table.by_name(text).and_then(|id| self.table.row(id)) {
            return Found::Text(describe_row(row));
        }
        if let Some(category) = Category::from_text(text) {
            let title = format!("{category}: a category of errors");
            return Found::Text(self.list(&title, &|pattern| pattern.category == category));
        }
        if let Some(owner) = Owner::from_text(text).filter(|owner| *owner != Owner::Unknown) {
            let title = format!("{owner}: an owner of errors");
            return Found::Text(self.list(&title, &|pattern| pattern.owner == owner));
        }
        if let Some(provider) = catalog.providers().by_name(text).filter(|provider| *provider != Provider::UNKNOWN) {
            return Found::Text(self.provider(provider));
        }
        if let Some(name) = Name::of(text) {
            return Found::Text(self.name(text, &name));
        }
        if text.split_whitespace().count() > MAX_WORDS { Found::Nothing } else { self.word(text) }
    }

    /// A status, perhaps of one provider: the verdict on it alone, and the patterns for errors that have it.
    fn status(&self, provider: Option<Provider>, status: &str) -> String {
        let id = provider.map(|provider| self.classifier.catalog().providers().id(provider));
        let named = id.map(|id| format!(r#","provider":"{id}""#)).unwrap_or_default();
        let record = format!(r#"{{"level":"error","status":"{status}"{named}}}"#);
        let mut out = verdict::explain(self.classifier, &self.table, &record).text;
        let of = id.map(|id| format!(" of {id}")).unwrap_or_default();
        let title =
            format!("{status}{of} also occurs with these patterns; give the whole text of the error to choose one of them");
        let is_of = |pattern: &Pattern| id.is_none_or(|id| pattern.providers.iter().any(|of| of == id));
        let others = self.select(&|pattern| is_of(pattern) && has_status(pattern, status));
        if !others.is_empty() {
            out.push('\n');
            out.push_str(&table(&title, &others));
        }
        out
    }

    fn provider(&self, provider: Provider) -> String {
        let providers = self.classifier.catalog().providers();
        let Some(spec) = providers.spec(provider) else { return String::new() };
        let parts = [
            ("provider", if spec.name.is_empty() { spec.id.clone() } else { format!("{} ({})", spec.name, spec.id) }),
            ("also named", spec.aliases.join(", ")),
            ("hosts", spec.hosts.join(", ")),
            ("status page", spec.status_page.clone()),
        ];
        let head = verdict::two_columns(parts.into_iter().filter(|(_, text)| !text.is_empty()));
        let own = self.list("its errors", &|pattern| pattern.providers.contains(&spec.id));
        format!("{head}\n{own}")
    }

    /// A name that is no single error: what to look for, and the usual causes.
    fn name(&self, text: &str, name: &Name) -> String {
        let others: Vec<_> = name.names.iter().map(String::as_str).filter(|other| !other.eq_ignore_ascii_case(text)).collect();
        let parts = [
            ("name", text.to_owned()),
            ("meaning", name.meaning.clone()),
            ("look for", name.look_for.clone()),
            ("docs", name.docs.clone()),
            ("also", others.join(", ")),
        ];
        let mut out = verdict::two_columns(parts.into_iter().filter(|(_, text)| !text.is_empty()));
        let usual: Vec<_> =
            name.usual.iter().filter_map(|id| self.patterns().iter().find(|pattern| pattern.id == *id)).collect();
        if !usual.is_empty() {
            out.push('\n');
            out.push_str(&table("usual causes; the whole text of the error chooses one of them", &usual));
        }
        out
    }

    /// A type, a code, a class or another word: the patterns that match it, else those whose texts have it.
    fn word(&self, text: &str) -> Found<'c> {
        let lower = text.to_lowercase();
        // The name alone, without its package or module. The end of an address in a sentence is no name.
        let is_name = !lower.contains(char::is_whitespace);
        let short = if is_name { lower.rsplit(['.', ':', '*', '/']).next().unwrap_or_default() } else { lower.as_str() };
        // `x::Error` says nothing without `x`.
        let short = if matches!(short, "error" | "exception") { lower.as_str() } else { short };
        for word in [lower.as_str(), short] {
            let matches = |known: &String| known.eq_ignore_ascii_case(word) || last_name(known).eq_ignore_ascii_case(word);
            let named = self.select(&|pattern| pattern.words.iter().any(matches));
            let shown = self.select(&|pattern| pattern.examples.to_vec().iter().any(|example| has_word(example, word)));
            let found = if named.is_empty() { &shown } else { &named };
            match found.as_slice() {
                [] => {}
                [one] => return sole(text, one, &shown),
                many => {
                    let title = format!("{text} occurs with these patterns; the whole text of the error chooses one of them");
                    return Found::Text(table(&title, many));
                }
            }
        }
        Found::Nothing
    }

    /// The patterns that have words of a name that no pattern has as a whole, if they are few enough to choose from.
    pub(super) fn related(&self, text: &str) -> Option<String> {
        if is_record(text) || text.split_whitespace().count() > MAX_WORDS {
            return None;
        }
        let found = self.with_parts(text);
        let words = self.words();
        let similar = near::did_you_mean(text, words.iter().map(String::as_str));
        if found.is_empty() || found.len() > MAX_SHOWN {
            return None;
        }
        Some(table(&format!("no pattern names {text}{similar}; these have its words"), &found))
    }

    /// The patterns with the most words of a name, at least half of them; of a text of several words, all.
    fn with_parts(&self, text: &str) -> Vec<&'c Pattern> {
        let parts = parts(text);
        let least = if text.contains(char::is_whitespace) { parts.len() } else { parts.len().div_ceil(2) };
        if parts.is_empty() {
            return Vec::new();
        }
        let count = |pattern: &Pattern| {
            let texts = [&pattern.id, &pattern.title, &pattern.meaning, &pattern.fix].map(|text| text.to_lowercase()).join(" ");
            let examples = pattern.examples.to_vec().join(" ").to_lowercase();
            parts.iter().filter(|part| texts.contains(part.as_str()) || examples.contains(part.as_str())).count()
        };
        let counted: Vec<_> = self.patterns().iter().map(|pattern| (count(pattern), pattern)).collect();
        let most = counted.iter().map(|(count, _)| *count).max().filter(|most| *most >= least);
        let mut found: Vec<_> =
            counted.into_iter().filter(|(count, _)| Some(*count) == most).map(|(_, pattern)| pattern).collect();
        // Those that have them in their names first.
        found.sort_by_key(|pattern| {
            !parts.iter().any(|part| pattern.id.contains(part) || pattern.title.to_lowercase().contains(part))
        });
        found
    }

    fn select(&self, wanted: &dyn Fn(&Pattern) -> bool) -> Vec<&'c Pattern> {
        self.patterns().iter().filter(|pattern| wanted(pattern)).collect()
    }

    fn list(&self, title: &str, wanted: &dyn Fn(&Pattern) -> bool) -> String {
        table(title, &self.select(wanted))
    }

    /// Every name that can be asked for.
    pub(super) fn words(&self) -> BTreeSet<String> {
        let providers = self.classifier.catalog().providers();
        let names = self.patterns().iter().flat_map(|pattern| pattern.words.iter().chain([&pattern.id]).cloned());
        let rows = self.table.rows().iter().map(|row| row.id.clone());
        let categories = Category::ALL.iter().map(|category| category.as_str().to_owned());
        let ids = providers.iter().map(|(_, spec)| spec.id.clone());
        // A number resembles other numbers by chance.
        let is_word = |name: &String| name.contains(char::is_alphabetic);
        let wrappers = Name::all().into_iter().flat_map(|name| name.names).filter(is_word);
        names.chain(rows).chain(categories).chain(ids).chain(wrappers).collect()
    }
}

/// A longer text is the text of an error.
const MAX_WORDS: usize = 3;

/// Whether the text is a status. Numbers from 104 to 199 are none: they are numbers of errors of the operating system.
fn is_status(text: &str) -> bool {
    let is_known = |status| (100..=103).contains(&status) || (200..=599).contains(&status);
    text.parse::<u16>().is_ok_and(is_known) || matches!(text, "timeout" | "connection")
}

/// Whether the text is a line of a log, however short: JSON, or keys with values.
fn is_record(text: &str) -> bool {
    text.starts_with(['{', '[']) || text.contains('=')
}

/// The name of a class without its package.
fn last_name(name: &str) -> &str {
    name.rsplit(['.', ':']).next().unwrap_or(name)
}

/// Whether the text has the word, not as a part of a longer one. A short number must stand where exit codes and error
/// numbers stand.
fn has_word(text: &str, word: &str) -> bool {
    let text = text.to_ascii_lowercase();
    if word.len() < 3 {
        let is_number = word.parse::<i16>().is_ok();
        return is_number
            && [format!("({word})"), format!("errno {word}]"), format!("code {word}")].iter().any(|form| text.contains(form));
    }
    let is_part = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    text.match_indices(word).any(|(at, _)| {
        let bytes = text.as_bytes();
        !is_part(at.checked_sub(1).and_then(|before| bytes.get(before))) && !is_part(bytes.get(at + word.len()))
    })
}

/// The words of an identifier: `IMAGE_PROHIBITED_CONTENT`, `maxRetriesExceeded`, `batch.errors`.
fn parts(name: &str) -> Vec<String> {
    const SHORTEST: usize = 3;
    let mut parts = vec![String::new()];
    let characters: Vec<char> = name.chars().collect();
    for (index, character) in characters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| characters.get(before)).copied().unwrap_or('_');
        let ends_capitals = before.is_uppercase() && characters.get(index + 1).is_some_and(|next| next.is_lowercase());
        if !character.is_alphanumeric() || character.is_uppercase() && (before.is_lowercase() || ends_capitals) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut().filter(|_| character.is_alphanumeric()) {
            part.extend(character.to_lowercase());
        }
    }
    let is_long = |part: &String| part.len() >= SHORTEST && part != "error" && part != "errors" && part != "exception";
    // Without the ending, so that `retries` finds `retry`.
    parts
        .into_iter()
        .filter(is_long)
        .map(|part| part.trim_end_matches("able").trim_end_matches("ies").trim_end_matches('s').to_owned())
        .collect()
}

fn has_status(pattern: &Pattern, status: &str) -> bool {
    let keys = ["\"status\":", "\"status_code\":", "\"status_code\": ", "\"status\": ", "Error code: "];
    pattern.examples.to_vec().iter().any(|example| keys.iter().any(|key| example.contains(&format!("{key}{status}"))))
}

/// The only pattern that names the text, and those that have it in their examples.
fn sole<'c>(text: &str, pattern: &'c Pattern, shown: &[&'c Pattern]) -> Found<'c> {
    let others: Vec<_> = shown.iter().filter(|other| other.id != pattern.id).copied().collect();
    if others.is_empty() {
        return Found::Pattern(pattern);
    }
    let title = format!("{text} also occurs with these patterns; the whole text of the error chooses one of them");
    Found::Text(format!("{}\n{}", patterns::describe(pattern), table(&title, &others)))
}

/// The patterns, one line each.
fn table(title: &str, patterns: &[&Pattern]) -> String {
    let width = terminal::width();
    let mut out = format!("{} ({}):\n", layout::wrap(title, width.saturating_sub(8), 0), patterns.len());
    let shown = &patterns[..patterns.len().min(MAX_SHOWN)];
    let longest = shown.iter().map(|pattern| pattern.id.len()).max().unwrap_or(0);
    let id_width = longest.min(width / 2);
    for pattern in shown {
        let id = layout::pad(&layout::cut(&pattern.id, id_width), id_width);
        let line = format!("  {id} {:8} {:7} {}", pattern.owner, pattern.retry, pattern.title);
        let _infallible = writeln!(out, "{}", layout::cut(&line, width));
    }
    if patterns.len() > MAX_SHOWN {
        let line = format!("  … and {} more: llm-triage patterns list", patterns.len() - MAX_SHOWN);
        let _infallible = writeln!(out, "{}", layout::cut(&line, width));
    }
    out
}

fn describe_row(row: &Row) -> String {
    let severity = row.severity;
    let parts = [
        ("row", format!("{} of the escalation table: {}", row.id, row.title)),
        ("severity", severity.to_string()),
        ("failures", row.matches()),
        ("next", row.next_step()),
        ("fix", row.fix.clone()),
        ("runbook", format!("docs/runbooks/{}.md", row.id)),
    ];
    verdict::two_columns(parts.into_iter().filter(|(_, text)| !text.is_empty()))
}
