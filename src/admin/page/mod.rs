//! The pages for people. The status page: the headline, one line per provider, the alerts and what to do about them, then the
//! details and the sources. And the runbooks and errors.
//!
//! One document without scripts and without anything from another host. `maud` escapes every value.

mod alerts;
mod calls;
mod error;
mod markdown;
mod overview;
mod runbook;
mod sources;
mod text;
mod view;

pub(super) use error::{index as error_index, page as error_page};
pub(super) use runbook::{index as runbook_index, page as runbook_page};

use super::state::AdminState;
use crate::metrics::PublishedSnapshot;
use crate::time::{Timestamp, format_compact};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use view::View;

const STYLE: &str = include_str!("page.css");
/// The browser reloads the page after this many seconds.
const REFRESH_S: u32 = 15;

/// Renders the page from the latest snapshot.
pub(super) fn render(state: &AdminState, now: Timestamp) -> String {
    let PublishedSnapshot { snapshot, names, .. } = state.metrics.published();
    let loaded = state.loaded();
    let view = View { state, snapshot: &snapshot, names: &names, loaded: &loaded, now };
    document(&view).into_string()
}

fn document(view: &View<'_>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "llm-triage on " (view.state.about.instance) }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content=(REFRESH_S);
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header(view))
                main {
                    (alerts::headline(view))
                    (overview::overview(view))
                    (alerts::alerts(view))
                    (alerts::findings(view))
                    (calls::unknown(view))
                    (calls::windows(view))
                    (sources::sources(view))
                    (sources::receivers(view))
                }
                (footer(view))
            }
        }
    }
}

fn header(view: &View<'_>) -> Markup {
    let about = &view.state.about;
    html! {
        header {
            h1 { "llm-triage" }
            p {
                (about.instance) " · version " (env!("CARGO_PKG_VERSION"))
                " · up " (format_compact(view.now.since(about.started))) " · " time { (view.now) }
            }
        }
    }
}

fn footer(view: &View<'_>) -> Markup {
    let links = [
        ("/runbooks/", "runbooks"),
        ("/errors/", "errors"),
        ("/metrics", "metrics"),
        ("/api/v1/alerts", "alerts"),
        ("/api/v1/windows", "windows"),
        ("/api/v1/unknown", "unknown"),
        ("/api/v1/patterns", "patterns"),
        ("/api/v1/status", "status"),
    ];
    html! {
        footer {
            nav aria-label="Other pages" {
                @for (path, name) in links { a href=(path) { (name) } " " }
            }
            (view.names.patterns().len()) " patterns, " (view.names.rows().len()) " rows; configuration: "
            (view.state.about.config.as_deref().unwrap_or("none"))
        }
    }
}
