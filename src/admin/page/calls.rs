//! The tables of calls by provider and window, and of unknown errors.

use super::text::{grouped, percent};
use super::view::View;
use crate::metrics::WINDOWS;
use crate::pipeline::WindowView;
use crate::taxonomy::{Provider, StatusLabel};
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet};

/// The most groups of unknown errors that are shown; `llm-triage suggest` prints all of them.
const MAX_UNKNOWN: usize = 20;

/// Calls and failures of every provider in every window, and below it the failures by status.
pub(super) fn windows(view: &View<'_>) -> Markup {
    let windows = &view.snapshot.windows;
    let cells: BTreeMap<(Provider, Option<StatusLabel>, &str), &WindowView> =
        windows.iter().map(|cell| ((cell.provider, cell.status, cell.window), cell)).collect();
    let providers: BTreeSet<Provider> = windows.iter().map(|cell| cell.provider).collect();
    html! {
        @if !windows.is_empty() {
            h2 { "Calls by window and status" }
            div class="scroll" tabindex="0" role="region" aria-label="Table" {
                table {
                    thead {
                        tr {
                            th scope="col" rowspan="2" { "Provider, status" }
                            @for window in WINDOWS { th class="group" scope="colgroup" colspan="3" { (window) } }
                        }
                        tr {
                            @for _ in WINDOWS {
                                th scope="col" class="n group" { "failed" } th scope="col" class="n" { "calls" } th scope="col" class="n" { "share" }
                            }
                        }
                    }
                    tbody {
                        @for provider in providers {
                            tr {
                                th scope="row" { (view.provider_name(view.names.provider(provider))) }
                                @for window in WINDOWS { (provider_cells(cells.get(&(provider, None, window)).copied())) }
                            }
                            @for status in statuses_of(windows, provider) {
                                tr class="sub" {
                                    th scope="row" { (status) }
                                    @for window in WINDOWS {
                                        @let errors = cells.get(&(provider, Some(status), window)).map_or(0, |cell| cell.errors);
                                        td class="n group" { (grouped(errors)) } td {} td {}
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn statuses_of(windows: &[WindowView], provider: Provider) -> BTreeSet<StatusLabel> {
    windows.iter().filter(|cell| cell.provider == provider).filter_map(|cell| cell.status).collect()
}

/// The three cells of one window: failed, calls, share.
fn provider_cells(cell: Option<&WindowView>) -> Markup {
    let (errors, calls) = cell.map_or((0, 0), |cell| (cell.errors, cell.calls));
    let share = cell.and_then(|cell| cell.ratio).map(percent).unwrap_or_default();
    html! { td class="n group" { (grouped(errors)) } td class="n" { (grouped(calls)) } td class="n" { (share) } }
}

/// Groups of errors that no pattern matches.
pub(super) fn unknown(view: &View<'_>) -> Markup {
    let groups = &view.snapshot.unknown;
    if groups.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Unknown errors" }
        div class="scroll" tabindex="0" role="region" aria-label="Table" {
            table {
                thead {
                    tr {
                        th scope="col" class="n" { "Count" } th scope="col" { "Provider" } th scope="col" { "Message" }
                        th scope="col" { "First" } th scope="col" { "Latest" }
                    }
                }
                tbody {
                    @for group in groups.iter().take(MAX_UNKNOWN) {
                        tr {
                            td class="n" { (grouped(group.count)) }
                            td { (view.provider_name(view.names.provider(group.provider))) }
                            td class="wide" title=(group.example) { code { (group.template) } }
                            td { (view.ago(group.first)) }
                            td { (view.ago(group.last)) }
                        }
                    }
                }
            }
        }
        @if groups.len() > MAX_UNKNOWN {
            p class="soft" { "… and " (groups.len() - MAX_UNKNOWN) " more." }
        }
        p class="soft" { code { "llm-triage suggest" } " prints a pattern for each of them." }
    }
}
