//! A page for each category of errors, generated from the catalogue: each error with its wording, meaning and fix, under its id.
//! And indexes by status, by provider and by wording.
//! `UPDATE=1 cargo test --test it generated` writes these pages and the other generated files again.

use llm_triage::alert::{NameTable, Table, error_page};
use llm_triage::classify::{Catalog, Classifier, Pattern, Wording};
use llm_triage::observation::{Observation, PatternId};
use llm_triage::taxonomy::{Category, Grain, Outcome, Status};
use llm_triage::time::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Deserialize)]
struct About {
    category: Vec<Introduction>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Introduction {
    id: Category,
    title: String,
    means: String,
    check: Vec<String>,
    call: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors")
}

#[test]
fn the_generated_pages_agree_with_the_catalogue() {
    let classifier = Classifier::new(Arc::new(Catalog::shipped().expect("the shipped files are good")));
    let catalog = classifier.catalog();
    let lexicon = NameTable { patterns: catalog.patterns(), providers: catalog.providers(), sources: &[] };
    let table = Table::build(&[], lexicon).expect("the shipped table is good");
    let about: About = toml::from_str(&fs::read_to_string(folder().join("about.toml")).expect("introductions")).expect("TOML");
    let covered: Vec<_> = about.category.iter().map(|category| category.id).collect();
    assert_eq!(covered, Category::ALL, "an introduction for each category, in their order");

    let mut pages: BTreeMap<String, String> = BTreeMap::new();
    let mut index = String::from(
        "# Errors\n\nGenerated from `docs/errors/about.toml` and the catalogue. `llm-triage explain WHAT` prints the same for one error. Indexes: \
         [by status](by-status.md), [by provider](by-provider.md), [by wording](by-wording.md).\n\n\
         | category | errors | what it is |\n| --- | --- | --- |\n",
    );
    for introduction in &about.category {
        let patterns: Vec<_> = catalog.patterns().iter().filter(|pattern| pattern.category == introduction.id).collect();
        writeln!(index, "| [{}]({}.md) | {} | {} |", introduction.title, introduction.id, patterns.len(), introduction.means)
            .expect("writing to a text cannot fail");
        pages.insert(format!("{}.md", introduction.id), page(introduction, &patterns, &table, &classifier));
    }
    pages.insert("README.md".to_owned(), index);
    let entries = entries(&classifier);
    pages.insert("by-status.md".to_owned(), by_status(&entries));
    pages.insert("by-provider.md".to_owned(), by_provider(&entries));
    pages.insert("by-wording.md".to_owned(), by_wording(&entries));

    for (name, page) in &pages {
        let path = folder().join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, page).expect("docs can be written");
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(there == *page, "docs/errors/{name} is out of date; run UPDATE=1 cargo test --test it generated");
    }
    let files = fs::read_dir(folder()).expect("the pages are there").count();
    assert_eq!(files, pages.len() + 1, "a page without a category");
}

fn page(about: &Introduction, patterns: &[&Pattern], table: &Table, classifier: &Classifier) -> String {
    let catalog = classifier.catalog();
    let mut page = format!(
        "# {}\n\n`{}`: {}\n\nGenerated from `docs/errors/about.toml` and the catalogue: edit those files, not this page. [All categories](README.md)\n\n## Check first\n\n",
        about.title, about.id, about.means
    );
    for (number, check) in (1..).zip(&about.check) {
        writeln!(page, "{number}. {check}").expect("writing to a text cannot fail");
    }
    write!(page, "\n## Whom to call, and when\n\n{}\n\n", about.call).expect("writing to a text cannot fail");
    let rows = rows(about.id, patterns, table, catalog);
    writeln!(page, "Rows of the escalation table that raise alerts for these errors: {}.", rows.join(", "))
        .expect("writing to a text cannot fail");
    write!(
        page,
        "\n## Silence it\n\nA silence is for a row: `amtool silence add row=ROW provider=NAME --duration=2h --comment=WHY`. To remove an error, or to give it \
         another verdict, put a pattern with its id into a directory of your own patterns; `disabled = true` removes it ([how](../../patterns/README.md)).\n"
    )
    .expect("writing to a text cannot fail");
    if !patterns.is_empty() {
        page.push_str("\n## The errors\n");
    }
    for pattern in patterns {
        let id = catalog.by_id(&pattern.id).expect("the pattern is in the catalogue");
        let names = NameTable { patterns: catalog.patterns(), providers: catalog.providers(), sources: &[] };
        let text = error_page(id, &classifier.wordings(id), table, names, "../runbooks/{row}.md");
        write!(page, "\n### {}\n\n{text}", pattern.id).expect("writing to a text cannot fail");
    }
    page
}

/// Links to the rows that errors of the category belong to, the most frequent first.
fn rows(category: Category, patterns: &[&Pattern], table: &Table, catalog: &Catalog) -> Vec<String> {
    let mut seen = Observation::new(Timestamp::default());
    (seen.outcome, seen.grain, seen.category) = (Outcome::Error, Grain::Call, category);
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    let mut count = |seen: &Observation| {
        let row = table.row(table.row_of(seen)).expect("every failed call has a row");
        *found.entry(&row.id).or_default() += 1;
    };
    if patterns.is_empty() {
        count(&seen);
    }
    for pattern in patterns {
        let at = catalog.patterns().iter().position(|other| other.id == pattern.id).expect("the pattern is in the catalogue");
        let id = u16::try_from(at).expect("a catalogue has fewer patterns than u16 has values");
        (seen.owner, seen.retry, seen.pattern) = (pattern.owner, pattern.retry, Some(llm_triage::observation::PatternId(id)));
        seen.provider = pattern.providers.first().and_then(|name| catalog.providers().by_name(name)).unwrap_or_default();
        // The ids of patterns for bare statuses name the status.
        seen.status = pattern.id.strip_prefix("http-").and_then(|rest| Status::from_number(rest.parse().ok()?));
        count(&seen);
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(id, count)| (usize::MAX - count, *id));
    found.iter().map(|(id, _)| format!("[`{id}`](../runbooks/{id}.md)")).collect()
}

/// An error of the catalogue, and how it reads.
struct Entry<'c> {
    pattern: &'c Pattern,
    wordings: Vec<Wording>,
}

fn entries(classifier: &Classifier) -> Vec<Entry<'_>> {
    let patterns = classifier.catalog().patterns().iter().enumerate();
    patterns.map(|(at, pattern)| Entry { pattern, wordings: classifier.wordings(PatternId::from_index(at)) }).collect()
}

/// A line of an index: the link to the error, its title, owner and retry.
fn line(pattern: &Pattern) -> String {
    let Pattern { id, category, title, owner, retry, .. } = pattern;
    format!("| [`{id}`]({category}.md#{id}) | {} | {owner} | {retry} |\n", title.replace('|', "\\|"))
}

const HEAD: &str = "| error | what it is | owner | retry |\n| --- | --- | --- | --- |\n";

/// Sections with a table each, after links to all of them.
fn sections(title: &str, sections: &BTreeMap<String, Vec<&Pattern>>) -> String {
    let links: Vec<_> =
        sections.keys().map(|name| format!("[{name}](#{})", name.to_lowercase().replace(' ', "-").replace('.', ""))).collect();
    let mut page = format!("# {title}\n\nGenerated from the catalogue. [All errors](README.md)\n\n{}\n", links.join(" · "));
    for (name, patterns) in sections {
        page.push_str(&format!("\n## {name}\n\n{HEAD}"));
        patterns.iter().for_each(|pattern| page.push_str(&line(pattern)));
    }
    page
}

fn by_status(entries: &[Entry<'_>]) -> String {
    let mut found: BTreeMap<String, Vec<&Pattern>> = BTreeMap::new();
    for Entry { pattern, wordings } in entries {
        let mut statuses: Vec<_> = wordings.iter().map(|wording| wording.status).collect();
        statuses.sort();
        statuses.dedup();
        for status in statuses {
            let name = status.map_or_else(|| "No status".to_owned(), |status| status.label().to_string());
            found.entry(name).or_default().push(pattern);
        }
    }
    sections("Errors by status", &found)
}

fn by_provider(entries: &[Entry<'_>]) -> String {
    let mut found: BTreeMap<String, Vec<&Pattern>> = BTreeMap::new();
    for Entry { pattern, .. } in entries {
        for provider in &pattern.providers {
            found.entry(provider.clone()).or_default().push(pattern);
        }
        if pattern.providers.is_empty() {
            found.entry("Any provider".to_owned()).or_default().push(pattern);
        }
    }
    sections("Errors by provider", &found)
}

/// Every wording, from A to Z: the first letters of an error lead to it.
fn by_wording(entries: &[Entry<'_>]) -> String {
    const MAX_CHARS: usize = 110;
    let mut lines: BTreeMap<(String, &str), String> = BTreeMap::new();
    for Entry { pattern, wordings } in entries {
        for wording in wordings {
            let key = wording.message.trim_start_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase();
            let mut text: String = wording.message.chars().take(MAX_CHARS).collect();
            if text.len() < wording.message.len() {
                text.push('…');
            }
            // A backtick would end the code, and a bar the cell.
            let text = text.replace('`', "'").replace('|', "\\|");
            let Pattern { id, category, .. } = pattern;
            lines.insert((key, id), format!("| `{text}` | [`{id}`]({category}.md#{id}) |\n"));
        }
    }
    let mut page =
        String::from("# Errors by wording\n\nGenerated from the examples of the catalogue. [All errors](README.md)\n");
    let mut letter = None;
    for ((key, _), line) in &lines {
        let first = key
            .chars()
            .next()
            .filter(char::is_ascii_alphabetic)
            .map_or_else(|| "0-9".to_owned(), |first| first.to_uppercase().to_string());
        if letter.as_ref() != Some(&first) {
            page.push_str(&format!("\n## {first}\n\n| wording | error |\n| --- | --- |\n"));
            letter = Some(first);
        }
        page.push_str(line);
    }
    page
}
