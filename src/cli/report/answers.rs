//! How the answers of each provider ended, where the log tells it.

use super::super::format;
use crate::observation::Observation;
use crate::taxonomy::{Ending, Provider, Providers};
use rustc_hash::FxHashMap;
use serde_json::{Value, json};

/// The answers of each provider by their ending.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers(FxHashMap<Provider, [u64; Ending::ALL.len()]>);

/// A smaller share of cut answers is not worth a line on the first screen.
const MIN_CUT: f64 = 0.01;

impl Answers {
    pub(super) fn add(&mut self, call: &Observation) {
        if let Some(ending) = call.ending {
            self.0.entry(call.provider).or_default()[ending as usize] += 1;
        }
    }

    /// Provider, ending, number, and its share of the answers of the provider with a known ending.
    fn rows(&self) -> Vec<(Provider, Ending, u64, f64)> {
        let mut providers: Vec<_> = self.0.iter().collect();
        providers.sort_by_key(|(provider, counts)| (std::cmp::Reverse(counts.iter().sum::<u64>()), **provider));
        let rows = providers.into_iter().flat_map(|(provider, counts)| {
            let all: u64 = counts.iter().sum();
            let told = Ending::ALL.iter().zip(counts).filter(|(_, count)| **count > 0);
            told.map(move |(ending, count)| (*provider, *ending, *count, format::share(*count, all)))
        });
        rows.collect()
    }

    pub(super) fn json(&self, providers: &Providers) -> Value {
        let rows = self.rows().into_iter();
        rows.map(|(provider, ending, count, share)| json!({"provider": providers.id(provider), "ending": ending, "count": count, "share": share}))
            .collect()
    }

    /// `12 % of the answers were cut at the output limit`, if they are not few.
    pub(super) fn cut(&self) -> Option<String> {
        let cut: u64 = self.0.values().map(|counts| counts[Ending::Truncated as usize]).sum();
        let all: u64 = self.0.values().flatten().sum();
        let share = format::share(cut, all);
        (cut > 0 && share >= MIN_CUT).then(|| format!("{} of the answers were cut at the output limit", format::percent(share)))
    }

    /// A line for each ending that is not the usual one: `openai: 12 of 300 answers truncated (4 %)`.
    pub(super) fn lines(&self, providers: &Providers) -> Vec<String> {
        let unusual = |ending: Ending| !matches!(ending, Ending::Complete | Ending::ToolCalls);
        let rows = self.rows().into_iter().filter(|(_, ending, ..)| unusual(*ending));
        rows.map(|(provider, ending, count, share)| {
            let answers = format::plural(count, "answer");
            format!("{}: {answers} {ending} ({})", providers.id(provider), format::percent(share))
        })
        .collect()
    }
}
