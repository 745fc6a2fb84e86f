//! The overview: one line per provider, with its failures now and over the last hour.

use super::text::{grouped, percent};
use super::view::View;
use crate::alert::State;
use crate::pipeline::{TrendView, WindowView};
use crate::taxonomy::Provider;
use crate::time::Timestamp;
use maud::{Markup, html};

/// The window that stands for now.
const NOW: &str = "5m";
/// The height of a sparkline, in its own units.
const HEIGHT: u32 = 20;
/// The width of a minute in a sparkline, in its own units.
const MINUTE_WIDTH: usize = 2;

/// The providers that were called in the last hour. Those with alerts and many failures come first.
pub(super) fn overview(view: &View<'_>) -> Markup {
    let mut lines: Vec<Line<'_>> = view.snapshot.trends.iter().map(|trend| Line::of(view, trend)).collect();
    lines.sort_by_key(|line| (std::cmp::Reverse(line.state), std::cmp::Reverse(line.failed)));
    html! {
        h2 id="providers" { "Providers" }
        @if lines.is_empty() {
            p class="soft" { "No call in the last hour." }
        } @else {
            div class="scroll" tabindex="0" role="region" aria-labelledby="providers" {
                table {
                    thead {
                        tr {
                            th scope="col" { "Provider" } th scope="col" { "State" }
                            th scope="col" class="n" { "Failed, 5 min" } th scope="col" class="n optional" { "Share" }
                            th scope="col" { "Failed by minute, 1 h" } th scope="col" class="optional" { "Last failure" }
                        }
                    }
                    tbody {
                        @for line in &lines {
                            tr {
                                th scope="row" { (line.name) }
                                td { span class={ "state " (line.tone) } { (line.word) } }
                                td class="n" { (grouped(line.failed)) " of " (grouped(line.calls)) }
                                td class="n optional" { (line.share) }
                                td { (sparkline(line.trend)) }
                                td class="optional" { (view.ago_or(line.last_failure, "none")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

struct Line<'a> {
    name: &'a str,
    /// The rank of the state: firing before pending before good.
    state: u8,
    tone: &'static str,
    word: &'static str,
    failed: u64,
    calls: u64,
    share: String,
    trend: &'a TrendView,
    last_failure: Option<Timestamp>,
}

impl<'a> Line<'a> {
    fn of(view: &'a View<'_>, trend: &'a TrendView) -> Self {
        let id = view.names.provider(trend.provider);
        let now = window(view, trend.provider);
        let alerts = |state| view.alerts_in(state).into_iter().filter(|alert| alert.provider == id);
        let worst = alerts(State::Firing).map(|alert| alert.severity).max();
        let is_pending = alerts(State::Pending).next().is_some();
        let (failed, calls) = now.map_or((0, 0), |now| (now.errors, now.calls));
        let (state, tone, word) = match worst {
            Some(severity) => (3, severity.as_str(), "failing"),
            None if is_pending => (2, "waiting", "pending"),
            None if failed > 0 => (1, "waiting", "some fail"),
            None => (0, "good", "good"),
        };
        let failures = view.snapshot.last_failures.iter().filter(|(_, provider, _)| *provider == trend.provider);
        Self {
            name: view.provider_name(id),
            state,
            tone,
            word,
            failed,
            calls,
            share: now.and_then(|now| now.ratio).map(percent).unwrap_or_default(),
            trend,
            last_failure: failures.map(|(_, _, at)| *at).max(),
        }
    }
}

fn window<'a>(view: &'a View<'_>, provider: Provider) -> Option<&'a WindowView> {
    let mut windows = view.snapshot.windows.iter();
    windows.find(|window| window.provider == provider && window.status.is_none() && window.window == NOW)
}

/// Bars of the failures by minute, with the same in words.
fn sparkline(trend: &TrendView) -> Markup {
    let most = trend.errors.iter().copied().max().unwrap_or_default();
    let total: u64 = trend.errors.iter().map(|count| u64::from(*count)).sum();
    if total == 0 {
        return html! { span class="soft" { "none" } };
    }
    let words = format!("{} failed in the last hour, at most {} in a minute", grouped(total), grouped(most.into()));
    let width = trend.errors.len() * MINUTE_WIDTH;
    let bars = trend.errors.iter().enumerate().filter(|(_, count)| **count > 0);
    html! {
        svg class="spark" role="img" aria-label=(words) viewBox={ "0 0 " (width) " " (HEIGHT) } width=(width) height=(HEIGHT) {
            title { (words) }
            @for (minute, count) in bars {
                // One failure among many is still a bar.
                @let height = (u64::from(*count) * u64::from(HEIGHT)).div_ceil(u64::from(most)).max(2);
                rect x=(minute * MINUTE_WIDTH) y=(u64::from(HEIGHT) - height) width=(MINUTE_WIDTH) height=(height) {}
            }
        }
    }
}
