//! The errors of the catalogue in effect as pages, the user's own among them.

use super::super::state::AdminState;
use super::markdown;
use super::runbook::{document, link};
use crate::taxonomy::Category;
use maud::html;

/// The page of one error. `text` is its Markdown.
pub(in super::super) fn page(state: &AdminState, id: &str, text: &str) -> String {
    document(id, &markdown::render(text, |target| link(state, target))).into_string()
}

/// The list of all errors, by category.
pub(in super::super) fn index(state: &AdminState) -> String {
    let loaded = state.loaded();
    let patterns = loaded.rules.as_ref().map(|rules| rules.catalog().patterns()).unwrap_or_default();
    let list = html! {
        h1 { "Errors" }
        @for category in Category::ALL {
            @let of: Vec<_> = patterns.iter().filter(|pattern| pattern.category == *category).collect();
            @if !of.is_empty() {
                h2 id=(category) { (category) }
                ul {
                    @for pattern in of {
                        li { a href={ "/errors/" (pattern.id) } { (pattern.id) } ": " (pattern.title) }
                    }
                }
            }
        }
    };
    document("Errors", &list).into_string()
}
