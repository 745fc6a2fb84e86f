//! `patterns`: the catalogue, to look at and to prove.

use super::args::{Patterns, PatternsCommand};
use super::{End, Trouble, style};
use crate::classify::{Catalog, Classifier, Pattern, Source};
use crate::config::{build_patterns, load_patterns, read_patterns};
use crate::record::Reader;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn run(args: &Patterns) -> Result<End, Trouble> {
    match &args.command {
        PatternsCommand::List { provider, category, patterns } => list(provider.as_deref(), category.as_deref(), patterns),
        PatternsCommand::Show { id, patterns } => show(id, patterns),
        PatternsCommand::Test { paths } => test(paths),
        PatternsCommand::Coverage => coverage(),
    }
}

fn list(provider: Option<&str>, category: Option<&str>, dirs: &[PathBuf]) -> Result<End, Trouble> {
    let classifier = load_patterns(dirs, &[]).map_err(Trouble::Config)?;
    let wanted = |it: &&Pattern| {
        provider.is_none_or(|wanted| it.providers.iter().any(|id| id == wanted))
            && category.is_none_or(|wanted| it.category.as_str() == wanted)
    };
    let mut rows: Vec<_> = classifier.catalog().patterns().iter().filter(wanted).collect();
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    let width = rows.iter().map(|it| it.id.len()).max().unwrap_or(0);
    let mut out = String::new();
    for it in &rows {
        let _infallible = writeln!(out, "{:width$}  {:22} {:8} {:8} {}", it.id, it.category, it.owner, it.retry, it.title);
    }
    style::print(out.as_bytes())?;
    Ok(End::Good)
}

fn show(id: &str, dirs: &[PathBuf]) -> Result<End, Trouble> {
    let classifier = load_patterns(dirs, &[]).map_err(Trouble::Config)?;
    let catalog = classifier.catalog();
    let Some(pattern) = catalog.by_id(id).and_then(|it| catalog.pattern(it)) else {
        let near: Vec<_> = catalog.patterns().iter().filter(|it| it.id.contains(id)).map(|it| it.id.as_str()).take(5).collect();
        let hint = if near.is_empty() {
            "`llm-triage patterns list` shows all".to_owned()
        } else {
            format!("did you mean {}?", near.join(", "))
        };
        return Err(Trouble::Usage(format!("no pattern is called {id:?}; {hint}")));
    };
    style::print(describe(pattern).as_bytes())?;
    Ok(End::Good)
}

/// A pattern as a person reads it.
pub(super) fn describe(it: &Pattern) -> String {
    let providers = if it.providers.is_empty() { "any".to_owned() } else { it.providers.join(", ") };
    let mut rows = vec![
        ("pattern", it.id.clone()),
        ("title", it.title.clone()),
        ("category", it.category.to_string()),
        ("owner", it.owner.to_string()),
        ("retry", it.retry.to_string()),
        ("providers", providers),
        ("meaning", it.meaning.clone()),
        ("fix", it.fix.clone()),
    ];
    if !it.tags.is_empty() {
        rows.push(("tags", it.tags.join(", ")));
    }
    rows.extend(it.docs.clone().map(|docs| ("docs", docs)));
    rows.push(("defined in", format!("{}:{}", it.file, it.line)));
    rows.extend(it.examples.iter().take(2).map(|example| ("example", example.clone())));
    let width = style::width();
    let mut out = String::new();
    for (name, text) in rows {
        let _infallible = writeln!(out, "{name:<11} {}", style::wrap(&text, width - 12, 12));
    }
    out
}

fn test(paths: &[PathBuf]) -> Result<End, Trouble> {
    let classifier = if paths.iter().all(|it| is_shipped_folder(it)) && !paths.is_empty() {
        from_folder(&paths[0])?
    } else {
        build_patterns(paths, &[]).map_err(Trouble::Config)?
    };
    let reader = Reader::default();
    let own = classifier.catalog().patterns().iter().any(|it| it.own);
    let faults = classifier.check_examples(&reader, own);
    let tested: Vec<_> = classifier.catalog().patterns().iter().filter(|it| it.own || !own).collect();
    let (examples, near) = tested.iter().fold((0, 0), |(a, b), it| (a + it.examples.len(), b + it.near.len()));
    for fault in &faults {
        style::complain(&fault.to_string());
    }
    let line = format!("{} patterns, {examples} examples, {near} near misses, {} wrong\n", tested.len(), faults.len());
    style::print(line.as_bytes())?;
    if faults.is_empty() {
        Ok(End::Good)
    } else {
        Err(Trouble::Config(vec![format!("{} examples or near misses are wrong", faults.len())]))
    }
}

/// A working copy of the shipped catalogue itself: it stands for the compiled-in one.
fn is_shipped_folder(path: &Path) -> bool {
    path.join("providers.toml").is_file() && path.join("signals.toml").is_file()
}

fn from_folder(path: &Path) -> Result<Classifier, Trouble> {
    let files = read_patterns(path).map_err(Trouble::Config)?;
    let sources: Vec<_> = files.iter().map(|(name, text)| Source { name, text, own: false }).collect();
    let catalog =
        Catalog::build(&sources, &[]).map_err(|errors| Trouble::Config(errors.iter().map(ToString::to_string).collect()))?;
    Ok(Classifier::new(Arc::new(catalog)))
}

fn coverage() -> Result<End, Trouble> {
    let classifier = load_patterns(&[], &[]).map_err(Trouble::Config)?;
    let patterns = classifier.catalog().patterns();
    let mut entries: BTreeMap<Vec<u32>, Vec<&str>> = BTreeMap::new();
    let mut providers: BTreeMap<&str, usize> = BTreeMap::new();
    for pattern in patterns {
        for entry in &pattern.covers {
            let key = entry.split('.').map(|it| it.parse().unwrap_or(u32::MAX)).collect();
            entries.entry(key).or_default().push(&pattern.id);
        }
        for provider in &pattern.providers {
            *providers.entry(provider).or_default() += 1;
        }
    }
    let mut out = String::from("entries of the error directory, and the patterns that cover them\n");
    for (entry, ids) in &entries {
        let name: Vec<_> = entry.iter().map(ToString::to_string).collect();
        let _infallible = writeln!(out, "  {:9} {}", name.join("."), style::wrap(&ids.join(" "), style::width() - 12, 12));
    }
    out.push_str("patterns of each provider\n");
    for (provider, count) in &providers {
        let _infallible = writeln!(out, "  {provider:20} {count:4}");
    }
    let any = patterns.iter().filter(|it| it.providers.is_empty()).count();
    let _infallible = writeln!(
        out,
        "  {:20} {any:4}\n{} entries, {} providers, {} patterns",
        "any",
        entries.len(),
        providers.len(),
        patterns.len()
    );
    style::print(out.as_bytes())?;
    Ok(End::Good)
}
