//! `patterns`: lists, shows and tests the catalogue of known errors.

use super::args::{Patterns, PatternsCommand};
use super::exit::{CliError, Exit};
use super::{layout, near, output, terminal};
use crate::classify::{Catalog, Classifier, Pattern, Source};
use crate::config::{build_patterns, load_patterns, read_patterns};
use crate::record::Reader;
use crate::taxonomy::Category;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn run(args: &Patterns) -> Result<Exit, CliError> {
    match &args.command {
        PatternsCommand::List { provider, category, patterns } => list(provider.as_deref(), category.as_deref(), patterns),
        PatternsCommand::Show { id, patterns } => show(id, patterns),
        PatternsCommand::Test { paths } => test(paths),
        PatternsCommand::Coverage => coverage(),
    }
}

fn list(provider: Option<&str>, category: Option<&str>, dirs: &[PathBuf]) -> Result<Exit, CliError> {
    let classifier = load_patterns(dirs, &[]).map_err(CliError::Config)?;
    let providers = classifier.catalog().providers();
    let provider = match provider {
        Some(name) => Some(
            providers
                .by_name(name)
                .map(|provider| providers.id(provider))
                .ok_or_else(|| unknown_provider(&classifier, name))?,
        ),
        None => None,
    };
    if let Some(name) = category.filter(|name| Category::from_text(name).is_none()) {
        let known = || Category::ALL.iter().map(|category| category.as_str());
        let message =
            format!("unknown category {name:?}{}; known are {}", near::did_you_mean(name, known()), near::list(known()));
        return Err(CliError::Usage(message));
    }
    let is_wanted = |pattern: &&Pattern| {
        provider.is_none_or(|wanted| pattern.providers.iter().any(|id| id == wanted))
            && category.is_none_or(|wanted| pattern.category.as_str() == wanted)
    };
    let mut patterns: Vec<_> = classifier.catalog().patterns().iter().filter(is_wanted).collect();
    patterns.sort_by(|a, b| a.id.cmp(&b.id));
    if patterns.is_empty() {
        output::print_error("no pattern is of this provider and category");
    }
    let width = patterns.iter().map(|pattern| pattern.id.len()).max().unwrap_or(0);
    let columns = terminal::line_limit();
    let mut out = String::new();
    for Pattern { id, category, owner, retry, title, .. } in patterns {
        let line = format!("{id:width$}  {category:22} {owner:8} {retry:8} {title}");
        let _infallible = writeln!(out, "{}", layout::cut(&line, columns));
    }
    output::print(out.as_bytes())?;
    Ok(Exit::Success)
}

fn unknown_provider(classifier: &Classifier, name: &str) -> CliError {
    let providers = classifier.catalog().providers();
    let known = providers.iter().map(|(_, spec)| spec.id.as_str());
    let similar = near::did_you_mean(name, known);
    CliError::Usage(format!("unknown provider {name:?}{similar}; `llm-triage patterns coverage` lists all"))
}

fn show(id: &str, dirs: &[PathBuf]) -> Result<Exit, CliError> {
    let classifier = load_patterns(dirs, &[]).map_err(CliError::Config)?;
    let catalog = classifier.catalog();
    let Some(pattern) = catalog.by_id(id).and_then(|id| catalog.pattern(id)) else {
        let ids = catalog.patterns().iter().map(|pattern| pattern.id.as_str());
        let similar = near::did_you_mean(id, ids);
        return Err(CliError::Usage(format!("unknown pattern {id:?}{similar}; `llm-triage patterns list` lists all")));
    };
    output::print(describe(pattern).as_bytes())?;
    Ok(Exit::Success)
}

/// The entry of a shipped pattern in the documentation.
pub(super) fn page_of(pattern: &Pattern) -> Option<String> {
    (!pattern.own).then(|| format!("docs/errors/{}.md#{}", pattern.category, pattern.id))
}

/// The pattern as a table of two columns.
pub(super) fn describe(pattern: &Pattern) -> String {
    let providers = if pattern.providers.is_empty() { "any".to_owned() } else { pattern.providers.join(", ") };
    let mut rows = vec![
        ("pattern", pattern.id.clone()),
        ("title", pattern.title.clone()),
        ("category", pattern.category.to_string()),
        ("owner", pattern.owner.to_string()),
        ("retry", pattern.retry.to_string()),
        ("providers", providers),
        ("meaning", pattern.meaning.clone()),
        ("fix", pattern.fix.clone()),
    ];
    if !pattern.tags.is_empty() {
        rows.push(("tags", pattern.tags.join(", ")));
    }
    rows.extend(pattern.docs.clone().map(|docs| ("docs", docs)));
    rows.extend(page_of(pattern).map(|page| ("page", page)));
    rows.push(("defined in", format!("{}:{}", pattern.file, pattern.line)));
    rows.extend(pattern.examples.to_vec().into_iter().take(2).map(|example| ("example", example)));
    let width = terminal::width();
    let mut out = String::new();
    for (name, text) in rows {
        let _infallible = writeln!(out, "{name:<11} {}", layout::wrap(&text, width - 12, 12));
    }
    out
}

fn test(paths: &[PathBuf]) -> Result<Exit, CliError> {
    let classifier = if paths.iter().all(|path| is_shipped_folder(path)) && !paths.is_empty() {
        classifier_from_folder(&paths[0])?
    } else {
        build_patterns(paths, &[]).map_err(CliError::Config)?
    };
    let (reader, events) = (Reader::default(), classifier.catalog().events());
    let has_own = classifier.catalog().patterns().iter().any(|pattern| pattern.own) || events.iter().any(|event| event.own);
    let mut errors = classifier.check_examples(&reader, has_own);
    errors.extend(classifier.check_events(&reader, has_own));
    let tested_events: Vec<_> = events.iter().filter(|event| event.own || !has_own).collect();
    let tested: Vec<_> = classifier.catalog().patterns().iter().filter(|pattern| pattern.own || !has_own).collect();
    let examples: usize = tested.iter().map(|pattern| pattern.examples.to_vec().len()).sum();
    let near_misses: usize = tested.iter().map(|pattern| pattern.near.to_vec().len()).sum();
    for error in &errors {
        output::print_error(&error.to_string());
    }
    let (patterns, wrong) = (tested.len(), errors.len());
    let examples = examples + tested_events.iter().map(|event| event.examples.len()).sum::<usize>();
    let near_misses = near_misses + tested_events.iter().map(|event| event.near.len()).sum::<usize>();
    let events = tested_events.len();
    let line = format!("{patterns} patterns, {events} events, {examples} examples, {near_misses} near misses, {wrong} wrong\n");
    output::print(line.as_bytes())?;
    if errors.is_empty() {
        Ok(Exit::Success)
    } else {
        Err(CliError::Config(vec![format!("{wrong} examples or near misses are wrong")]))
    }
}

/// Whether the folder is a working copy of the shipped catalogue, which then replaces the compiled-in one.
fn is_shipped_folder(path: &Path) -> bool {
    path.join("providers.toml").is_file() && path.join("signals.toml").is_file()
}

fn classifier_from_folder(path: &Path) -> Result<Classifier, CliError> {
    let files = read_patterns(path).map_err(CliError::Config)?;
    let sources: Vec<_> = files.iter().map(|(name, text)| Source { name, text, own: false }).collect();
    let catalog =
        Catalog::build(&sources, &[]).map_err(|errors| CliError::Config(errors.iter().map(ToString::to_string).collect()))?;
    Ok(Classifier::new(Arc::new(catalog)))
}

fn coverage() -> Result<Exit, CliError> {
    let classifier = load_patterns(&[], &[]).map_err(CliError::Config)?;
    let patterns = classifier.catalog().patterns();
    // By the numbers of an entry, so that 2.10 follows 2.9.
    let mut entries: BTreeMap<Vec<u32>, Vec<&str>> = BTreeMap::new();
    let mut providers: BTreeMap<&str, usize> = BTreeMap::new();
    for pattern in patterns {
        for entry in &pattern.covers {
            let numbers = entry.split('.').map(|number| number.parse().unwrap_or(u32::MAX)).collect();
            entries.entry(numbers).or_default().push(&pattern.id);
        }
        for provider in &pattern.providers {
            *providers.entry(provider).or_default() += 1;
        }
    }
    let heading = "entries of the error directory, and the patterns that cover them";
    let mut out = format!("{}\n", layout::wrap(heading, terminal::width(), 0));
    for (numbers, ids) in &entries {
        let entry: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        let ids = layout::wrap(&ids.join(" "), terminal::width() - 12, 12);
        let _infallible = writeln!(out, "  {:9} {ids}", entry.join("."));
    }
    out.push_str("patterns of each provider\n");
    for (provider, count) in &providers {
        let _infallible = writeln!(out, "  {provider:20} {count:4}");
    }
    let any = patterns.iter().filter(|pattern| pattern.providers.is_empty()).count();
    let (entries, providers, patterns) = (entries.len(), providers.len(), patterns.len());
    let _infallible = writeln!(out, "  {:20} {any:4}\n{entries} entries, {providers} providers, {patterns} patterns", "any");
    output::print(out.as_bytes())?;
    Ok(Exit::Success)
}
