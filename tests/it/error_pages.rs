//! A page for each category of errors, generated from the catalogue: each error with its meaning and its fix, under its id.
//! `UPDATE=1 cargo test --test it generated` writes these pages and the other generated files again.

use llm_triage::alert::{NameTable, Table};
use llm_triage::classify::{Catalog, Pattern};
use llm_triage::observation::Observation;
use llm_triage::taxonomy::{Category, Grain, Outcome, Status};
use llm_triage::time::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

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
    let catalog = Catalog::shipped().expect("the shipped files are good");
    let lexicon = NameTable { patterns: catalog.patterns(), providers: catalog.providers(), sources: &[] };
    let table = Table::build(&[], lexicon).expect("the shipped table is good");
    let about: About = toml::from_str(&fs::read_to_string(folder().join("about.toml")).expect("introductions")).expect("TOML");
    let covered: Vec<_> = about.category.iter().map(|category| category.id).collect();
    assert_eq!(covered, Category::ALL, "an introduction for each category, in their order");

    let mut pages: BTreeMap<String, String> = BTreeMap::new();
    let mut index = String::from(
        "# Errors by category\n\nGenerated from `docs/errors/about.toml` and the catalogue. `llm-triage explain WHAT` prints the same for one error.\n\n\
         | category | errors | what it is |\n| --- | --- | --- |\n",
    );
    for introduction in &about.category {
        let patterns: Vec<_> = catalog.patterns().iter().filter(|pattern| pattern.category == introduction.id).collect();
        writeln!(index, "| [{}]({}.md) | {} | {} |", introduction.title, introduction.id, patterns.len(), introduction.means)
            .expect("writing to a text cannot fail");
        pages.insert(format!("{}.md", introduction.id), page(introduction, &patterns, &table, &catalog));
    }
    pages.insert("README.md".to_owned(), index);

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

fn page(about: &Introduction, patterns: &[&Pattern], table: &Table, catalog: &Catalog) -> String {
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
        write!(page, "\n### {}\n\n**{}**", pattern.id, pattern.title).expect("writing to a text cannot fail");
        if !pattern.providers.is_empty() {
            write!(page, " ({})", pattern.providers.join(", ")).expect("writing to a text cannot fail");
        }
        write!(
            page,
            ". {}\n\n- **Fix:** {}\n- **Owner:** {}. **Retry:** {}.\n",
            pattern.meaning, pattern.fix, pattern.owner, pattern.retry
        )
        .expect("writing to a text cannot fail");
        if let Some(docs) = &pattern.docs {
            writeln!(page, "- **More:** <{docs}>").expect("writing to a text cannot fail");
        }
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
