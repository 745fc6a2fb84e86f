//! A key that worked and is refused now: it was rotated, revoked or replaced.

use super::wording::{plural, time_of_day};
use serde::{Deserialize, Serialize};

/// This long without a refusal ends an episode.
const EPISODE_SECONDS: i64 = 900;
/// A success longer ago than this proves nothing about the current key.
const MEMORY_SECONDS: i64 = 86_400;
/// The minimum number of successes that prove that the key was valid.
const MIN_WORKED: u64 = 5;
/// The minimum number of refusals: a single one can have another reason.
const MIN_REFUSED: u64 = 2;
const MAX_HOSTS: usize = 5;

/// Successes and refusals of the key of one service at one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeyHistory {
    /// Successes since the last episode.
    worked: u64,
    last_good: Option<i64>,
    episode: Option<Refusals>,
}

/// One episode of refusals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Refusals {
    worked_before: u64,
    last_good_before: Option<i64>,
    first: i64,
    last: i64,
    refused: u64,
    /// Successes between the first refusal and the latest one: those after it may be those of a repaired key.
    good_since: u64,
    /// Successes after the latest refusal.
    #[serde(default)]
    good_after: u64,
    hosts: Vec<String>,
    hint: Option<String>,
}

/// The finding that a key was changed.
pub(super) struct Rotation {
    pub(super) since: i64,
    pub(super) last: i64,
    pub(super) text: String,
}

impl KeyHistory {
    pub(super) fn good(&mut self, at: i64) {
        if self.episode.as_ref().is_some_and(|episode| at - episode.last > EPISODE_SECONDS) {
            self.episode = None;
            self.worked = 0;
        }
        match &mut self.episode {
            Some(episode) if at >= episode.first => episode.good_after += 1,
            Some(_) => {}
            None => self.worked += 1,
        }
        self.last_good = self.last_good.max(Some(at));
    }

    /// Takes in a refusal.
    pub(super) fn refused(&mut self, at: i64, host: Option<&str>, hint: Option<&str>) {
        if self.episode.as_ref().is_none_or(|episode| at - episode.last > EPISODE_SECONDS) {
            let last_good_before = self.last_good.filter(|last| at - last <= MEMORY_SECONDS);
            self.episode = Some(Refusals {
                worked_before: std::mem::take(&mut self.worked),
                last_good_before,
                first: at,
                last: at,
                refused: 0,
                good_since: 0,
                good_after: 0,
                hosts: Vec::new(),
                hint: None,
            });
        }
        let Some(episode) = &mut self.episode else { return };
        episode.refused += 1;
        episode.good_since += std::mem::take(&mut episode.good_after);
        episode.last = episode.last.max(at);
        if let Some(host) = host.filter(|_| episode.hosts.len() < MAX_HOSTS)
            && !episode.hosts.iter().any(|known| known == host)
        {
            episode.hosts.push(host.to_owned());
        }
        if let Some(hint) = hint {
            episode.hint = Some(hint.to_owned());
        }
    }

    /// The rotation, if the refusals show one: the key worked before, and at least one call in five is refused since.
    pub(super) fn diagnose(&self, service: &str) -> Option<Rotation> {
        let episode = self.episode.as_ref()?;
        let worked_until = episode.last_good_before?;
        let Refusals { worked_before, refused, good_since, .. } = *episode;
        if worked_before < MIN_WORKED || refused < MIN_REFUSED || refused * 4 < good_since {
            return None;
        }
        let key = episode.hint.as_ref().map_or_else(|| "its key".to_owned(), |hint| format!("the key that ends in {hint}"));
        let mut text = format!(
            "{service}: {} succeeded until {}, and {key} has been refused since {} ({})",
            plural(worked_before, "call"),
            time_of_day(worked_until),
            time_of_day(episode.first),
            plural(refused, "time"),
        );
        let hosts = match episode.hosts.as_slice() {
            [] => String::new(),
            [one] => format!(", all on host {one}"),
            hosts => format!(", on {} hosts: {}", hosts.len(), hosts.join(", ")),
        };
        text.push_str(&hosts);
        if good_since > 0 {
            text.push_str("; ");
            text.push_str(&plural(good_since, "call"));
            text.push_str(" succeeded between the refusals, so some processes have a valid key");
        }
        Some(Rotation { since: episode.first, last: episode.last, text })
    }

    /// What is known at the first refusal: whether the key worked before.
    pub(super) fn fact(&self, service: &str) -> Option<String> {
        let episode = self.episode.as_ref()?;
        Some(match episode.last_good_before {
            Some(at) => {
                let worked = plural(episode.worked_before, "call");
                format!("before: {worked} of {service} succeeded, the last at {}", time_of_day(at))
            }
            None => format!("before: no call of {service} to this provider succeeded"),
        })
    }
}
