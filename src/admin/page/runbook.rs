//! The runbooks as pages: what to do about the alerts of a row.

use super::super::state::AdminState;
use super::{STYLE, markdown};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The page of one row. `text` is its Markdown.
pub(in super::super) fn page(state: &AdminState, row: &str, text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let title = text.lines().next().map_or(row, |line| line.trim_start_matches("# "));
    document(title, &markdown::render(&text, |target| link(state, target))).into_string()
}

/// The list of all runbooks.
pub(in super::super) fn index(state: &AdminState) -> String {
    let loaded = state.loaded();
    let title_of =
        |text: &[u8]| String::from_utf8_lossy(text).lines().next().unwrap_or_default().trim_start_matches("# ").to_owned();
    let list = html! {
        h1 { "Runbooks" }
        ul {
            @for (row, text) in &loaded.runbooks {
                li { a href={ "/runbooks/" (row) } { (title_of(text)) } }
            }
        }
    };
    document("Runbooks", &list).into_string()
}

/// Where a link leads here: to the runbook of another row, to the page of an error, or to a web address. `None` for a file that
/// we do not serve.
pub(super) fn link(state: &AdminState, target: &str) -> Option<String> {
    if super::text::is_web_address(target) {
        return Some(target.to_owned());
    }
    if let Some(page) = target.strip_prefix("../errors/") {
        let id = page.split_once('#').map_or("", |(_, id)| id);
        return Some(format!("/errors/{id}"));
    }
    let row = target.trim_start_matches("./").strip_suffix(".md")?;
    state.loaded().runbooks.contains_key(row).then(|| format!("/runbooks/{row}"))
}

pub(super) fn document(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) " · llm-triage" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    nav aria-label="Pages" { a href="/" { "llm-triage" } a href="/runbooks/" { "Runbooks" } a href="/errors/" { "Errors" } }
                }
                main class="text" { (content) }
            }
        }
    }
}
