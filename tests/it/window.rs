//! Sliding windows against a naive list of events.

use llm_triage::observation::Observation;
use llm_triage::taxonomy::{Grain, Outcome, Provider, ProviderSpec, Providers, Status, StatusLabel};
use llm_triage::time::Timestamp;
use llm_triage::window::{Counted, RateOptions, RateTable, SlidingWindow};
use proptest::prelude::*;

const START: i64 = 1_795_000_000;

/// Counts every event again.
fn naive(events: &[i64], now: i64) -> [u64; 4] {
    [(60, 1), (300, 1), (900, 15), (3_600, 60)].map(|(span, width): (i64, i64)| {
        let buckets = span / width;
        let newest = now.div_euclid(width);
        let held = |at: &&i64| (newest - buckets + 1..=newest).contains(&at.div_euclid(width));
        events.iter().filter(held).count() as u64
    })
}

fn call(at: i64, provider: Provider, status: Option<Status>) -> Observation {
    let outcome = if status.is_some() { Outcome::Error } else { Outcome::Success };
    Observation { outcome, status, provider, ..Observation::new(Timestamp::from_second(at)) }
}

fn providers() -> Providers {
    let spec = |id: &str| ProviderSpec { id: id.to_owned(), ..ProviderSpec::default() };
    Providers::new([spec("openai"), spec("anthropic")]).expect("good ids")
}

proptest! {
    /// In any order of events and ticks, no count is lost and none is added.
    #[test]
    fn a_window_agrees_with_a_list(steps in proptest::collection::vec((0i64..5_000, 0i64..4_000, any::<bool>()), 1..400)) {
        let (mut window, mut events, mut newest) = (SlidingWindow::default(), Vec::new(), i64::MIN);
        for (ahead, back, tick) in steps {
            let second = START + ahead;
            if tick {
                window.advance(second);
                newest = newest.max(second);
                continue;
            }
            let at = second - back;
            newest = newest.max(at);
            let kept = window.add(at, 1);
            prop_assert_eq!(kept, newest.div_euclid(60) - at.div_euclid(60) < 60);
            events.push(at);
            prop_assert_eq!(window.totals(newest), naive(&events, newest));
        }
        for later in [0, 1, 59, 60, 299, 301, 899, 3_599, 10_000] {
            prop_assert_eq!(window.totals(newest.max(START) + later), naive(&events, newest.max(START) + later));
        }
    }

    /// The order in which the events of a few seconds arrive does not matter.
    #[test]
    fn order_within_the_lateness_bound_does_not_matter(
        events in proptest::collection::vec((0i64..2_000_000, 0i64..5_000), 1..300)
    ) {
        let mut arrivals: Vec<_> = events.iter().map(|(milli, delay)| (milli + delay, START + milli / 1_000)).collect();
        let mut in_order = SlidingWindow::default();
        events.iter().map(|(milli, _)| START + milli / 1_000).for_each(|at| { in_order.add(at, 1); });
        arrivals.sort_unstable();
        let mut delayed = SlidingWindow::default();
        arrivals.iter().for_each(|(_, at)| { delayed.add(*at, 1); });
        let end = START + 2_000;
        prop_assert_eq!(in_order.totals(end), delayed.totals(end));
    }

    /// A restart in the middle does not change a window.
    #[test]
    fn a_window_survives_its_state(events in proptest::collection::vec(0i64..5_000, 1..200), rest in 0i64..5_000) {
        let mut window = SlidingWindow::default();
        events.iter().for_each(|at| { window.add(START + at, 1); });
        let json = serde_json::to_string(&window).expect("plain values");
        let mut restored: SlidingWindow = serde_json::from_str(&json).expect("its own state");
        prop_assert_eq!(&window, &restored);
        window.add(START + rest, 2);
        restored.add(START + rest, 2);
        prop_assert_eq!(window.totals(START + 5_000), restored.totals(START + 5_000));
    }
}

#[test]
fn a_provider_has_a_ratio_once_a_success_was_seen() {
    let openai = providers().by_name("openai").expect("known");
    let mut table = RateTable::new(RateOptions { shipped_providers: 3, series: 10 });
    let ratios = |table: &RateTable| -> Vec<_> {
        table.views(Timestamp::from_second(START)).iter().filter(|view| view.status.is_none()).map(|view| view.ratio).collect()
    };
    table.observe(&call(START, openai, Some(Status::Http(429))));
    assert_eq!(ratios(&table), [None; 4]);
    table.observe(&call(START - 400, openai, None));
    assert_eq!(ratios(&table), [Some(1.0), Some(1.0), Some(0.5), Some(0.5)]);
    // The success has left the windows, but the table still knows that one was seen.
    table.tick(Timestamp::from_second(START + 3_600 - 100));
    let last = table.views(Timestamp::from_second(START + 3_600 - 100));
    assert_eq!(
        last.iter().filter(|view| view.status.is_none()).map(|view| (view.calls, view.ratio)).next_back(),
        Some((1, Some(1.0)))
    );
}

#[test]
fn attempts_are_not_calls_and_old_calls_are_late() {
    let openai = providers().by_name("openai").expect("known");
    let mut table = RateTable::new(RateOptions::default());
    let attempt = Observation { grain: Grain::Attempt, ..call(START, openai, None) };
    assert_eq!(table.observe(&attempt), Counted::NotACall);
    assert_eq!(table.observe(&call(START, openai, None)), Counted::InWindow);
    assert_eq!(table.observe(&call(START - 4_000, openai, None)), Counted::Late);
}

#[test]
fn a_client_that_sends_all_statuses_reaches_the_limit_and_no_more() {
    let openai = providers().by_name("openai").expect("known");
    let mut table = RateTable::new(RateOptions { shipped_providers: 3, series: 10 });
    let now = Timestamp::from_second(START);
    let observe = |table: &mut RateTable, code| table.observe(&call(START, openai, Some(Status::Http(code))));
    let overflowed = (100..600).filter(|code| observe(&mut table, *code) == Counted::Overflow).count() as u64;
    assert!(overflowed > 400, "{overflowed}");
    assert_eq!(observe(&mut table, 429), Counted::InWindow);
    let statuses: Vec<_> =
        table.views(now).into_iter().filter(|view| view.window == "1h").filter_map(|view| view.status).collect();
    assert!(statuses.contains(&StatusLabel(Some(Status::Http(429)))), "usual statuses do not count towards the limit");
    assert_eq!(table.overflow(now), [overflowed; 4]);
    assert_eq!(statuses.len() as u64 + overflowed, 500);
    // An hour later all series are empty, and new ones find room.
    table.tick(Timestamp::from_second(START + 3_700));
    assert_eq!(table.views(Timestamp::from_second(START + 3_700)), []);
    assert_eq!(table.observe(&call(START + 3_700, openai, Some(Status::Http(299)))), Counted::InWindow);
}

#[test]
fn a_table_survives_its_state() {
    let providers = providers();
    let openai = providers.by_name("openai").expect("known");
    let options = RateOptions { shipped_providers: 3, series: 10 };
    let mut table = RateTable::new(options);
    for second in 0..500 {
        let status = (second % 7 == 0).then_some(Status::Timeout);
        table.observe(&call(START + second, openai, status));
    }
    let json = serde_json::to_string(&table.state(&providers)).expect("plain values");
    let restored = RateTable::restore(options, serde_json::from_str(&json).expect("its own state"), &providers);
    let now = Timestamp::from_second(START + 510);
    assert_eq!(table.views(now), restored.views(now));
    assert_eq!(table.state(&providers), restored.state(&providers));
}
