//! The tables of sources, of their accounting, and of receivers.

use super::super::accounting::ByteAccounting;
use super::text::grouped;
use super::view::View;
use crate::metrics::SourceReading;
use crate::pipeline::SourceView;
use maud::{Markup, html};

/// How far each source is read, and the accounting below it.
pub(super) fn sources(view: &View<'_>) -> Markup {
    let readings = view.state.metrics.sources();
    let number = |value: Option<u64>| value.map_or_else(|| "–".to_owned(), grouped);
    html! {
        h2 { "Sources" }
        @if view.snapshot.sources.is_empty() {
            p class="soft" { "Nothing has been read yet." }
        } @else {
            div class="scroll" tabindex="0" role="region" aria-label="Table" {
                table {
                    thead {
                        tr {
                            th scope="col" { "Source" } th scope="col" { "Last read" } th scope="col" { "Latest event" }
                            th scope="col" class="n" { "Events behind" } th scope="col" class="n" { "Unread bytes" } th scope="col" class="n" { "Files" }
                        }
                    }
                    tbody {
                        @for source in &view.snapshot.sources {
                            @let values = reading_of(&readings, source).map(|reading| reading.values);
                            tr {
                                th scope="row" { (source.name) }
                                td { (view.ago_or(source.last_read, "never")) }
                                td { (view.ago_or(source.last_event, "none")) }
                                td class="n" { (format!("{:.1} s", source.event_lag_s)) }
                                td class="n" { (number(values.map(|values| values.lag_bytes))) }
                                td class="n" { (number(values.map(|values| values.files))) }
                            }
                        }
                    }
                }
            }
            (accounting(view, &readings))
        }
    }
}

/// What happened to every byte and every line.
fn accounting(view: &View<'_>, readings: &[SourceReading]) -> Markup {
    html! {
        h2 { "Accounting" }
        div class="scroll" tabindex="0" role="region" aria-label="Table" {
            table {
                thead {
                    tr {
                        th scope="col" { "Source" }
                        th scope="col" class="n group" { "Bytes seen" }
                        @for name in ["read", "skipped", "lost"] { th scope="col" class="n" { (name) } }
                        th scope="col" class="n group" { "Lines" }
                        @for name in ["in events", "blank", "discarded", "partial"] { th scope="col" class="n" { (name) } }
                    }
                }
                tbody {
                    @for source in &view.snapshot.sources {
                        @let bytes = ByteAccounting::new(source, reading_of(readings, source));
                        @let lines = &source.stats;
                        tr {
                            th scope="row" { (source.name) }
                            td class="n group" { (grouped(bytes.seen)) }
                            @for number in [bytes.read, bytes.skipped, bytes.lost] { td class="n" { (grouped(number)) } }
                            td class="n group" { (grouped(lines.lines)) }
                            @for number in [lines.event_lines, lines.blank_lines, lines.discarded_lines, lines.partial_lines] {
                                td class="n" { (grouped(number)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn reading_of<'a>(readings: &'a [SourceReading], source: &SourceView) -> Option<&'a SourceReading> {
    readings.iter().find(|reading| reading.name == source.name)
}

/// The notifications that each receiver has not accepted yet.
pub(super) fn receivers(view: &View<'_>) -> Markup {
    let queues = view.state.metrics.queues();
    html! {
        @if !queues.is_empty() {
            h2 { "Receivers" }
            div class="scroll" tabindex="0" role="region" aria-label="Table" {
                table {
                    thead { tr { th scope="col" { "Receiver" } th scope="col" class="n" { "Undelivered alerts" } } }
                    tbody {
                        @for (name, queue) in queues {
                            tr { th scope="row" { (name) } td class="n" { (grouped(queue)) } }
                        }
                    }
                }
            }
        }
    }
}
