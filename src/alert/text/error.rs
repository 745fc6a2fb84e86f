//! The page of one error, written from its pattern: what it means, how it reads in a log, and what to do.

use super::row::row_of;
use crate::alert::names::NameTable;
use crate::alert::table::Table;
use crate::classify::Wording;
use crate::observation::PatternId;
use std::fmt::Write as _;

/// The most wordings, and the most words (types, codes, classes), on a page.
const MAX_WORDINGS: usize = 4;
const MAX_WORDS: usize = 12;

/// The page of an error, as Markdown without a heading; empty if there is no such pattern. `row_page` is the address of a
/// runbook, with `{row}` in place of the row's id.
#[must_use]
pub fn error_page(id: PatternId, wordings: &[Wording], table: &Table, names: NameTable<'_>, row_page: &str) -> String {
    let Some(pattern) = names.patterns.get(id.index()) else { return String::new() };
    let providers = if pattern.providers.is_empty() { String::new() } else { format!(" ({})", pattern.providers.join(", ")) };
    let mut page = format!("**{}**{providers}. {}\n\n", pattern.title, pattern.meaning);
    if !wordings.is_empty() {
        let texts: Vec<_> = wordings.iter().take(MAX_WORDINGS).map(|wording| wording.message.as_str()).collect();
        let _infallible = write!(page, "```text\n{}\n```\n\n", texts.join("\n"));
    }
    let _infallible =
        writeln!(page, "- **Fix:** {}\n- **Owner:** {}. **Retry:** {}.", pattern.fix, pattern.owner, pattern.retry);
    let mut statuses: Vec<String> =
        wordings.iter().filter_map(|wording| wording.status).map(|status| status.label().to_string()).collect();
    statuses.sort();
    statuses.dedup();
    if !statuses.is_empty() {
        let _infallible = writeln!(page, "- **Status:** {}.", statuses.join(", "));
    }
    // A word may be a type and a code.
    let mut words: Vec<String> = Vec::new();
    for word in pattern.words.iter().map(|word| format!("`{word}`")) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if !words.is_empty() {
        let more = if words.len() > MAX_WORDS { ", …" } else { "" };
        words.truncate(MAX_WORDS);
        let _infallible = writeln!(page, "- **Types, codes and classes:** {}{more}.", words.join(", "));
    }
    if let Some(row) = row_of(id, wordings.first().and_then(|wording| wording.status), table, names) {
        let _infallible = writeln!(page, "- **Alert:** [`{}`]({}).", row.id, row_page.replace("{row}", &row.id));
    }
    if let Some(docs) = &pattern.docs {
        let _infallible = writeln!(page, "- **More:** <{docs}>");
    }
    page
}
