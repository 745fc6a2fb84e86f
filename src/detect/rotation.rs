//! A key that worked and is refused now: rotated, revoked or replaced.

use super::finding::{clock, many, percent};
use serde::{Deserialize, Serialize};

/// A pause this long between refusals ends an episode, in seconds.
const EPISODE: i64 = 900;
/// What worked longer ago than this says nothing of the key that is in use, in seconds.
const MEMORY: i64 = 86_400;
/// Fewer calls that worked do not show that the key was good.
const WORKED: u64 = 5;
/// One refusal can be anything.
const REFUSED: u64 = 2;
const HOSTS: usize = 5;

/// How the key of one service does at one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    /// Calls that worked since the last episode.
    worked: u64,
    last_good: Option<i64>,
    episode: Option<Episode>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Episode {
    worked_before: u64,
    last_good_before: Option<i64>,
    first: i64,
    last: i64,
    refused: u64,
    good_since: u64,
    hosts: Vec<String>,
    hint: Option<String>,
}

/// A key that was changed.
pub(super) struct Rotated {
    pub(super) since: i64,
    pub(super) last: i64,
    pub(super) text: String,
}

impl Key {
    pub(super) fn good(&mut self, at: i64) {
        if self.episode.as_ref().is_some_and(|it| at - it.last > EPISODE) {
            self.episode = None;
            self.worked = 0;
        }
        match &mut self.episode {
            Some(episode) if at >= episode.first => episode.good_since += 1,
            Some(_) => {}
            None => self.worked += 1,
        }
        self.last_good = self.last_good.max(Some(at));
    }

    /// The key was refused.
    pub(super) fn refused(&mut self, at: i64, host: Option<&str>, hint: Option<&str>) {
        if self.episode.as_ref().is_none_or(|it| at - it.last > EPISODE) {
            let last_good_before = self.last_good.filter(|it| at - it <= MEMORY);
            self.episode = Some(Episode {
                worked_before: std::mem::take(&mut self.worked),
                last_good_before,
                first: at,
                last: at,
                refused: 0,
                good_since: 0,
                hosts: Vec::new(),
                hint: None,
            });
        }
        let Some(episode) = &mut self.episode else { return };
        episode.refused += 1;
        episode.last = episode.last.max(at);
        if let Some(host) = host.filter(|_| episode.hosts.len() < HOSTS)
            && !episode.hosts.iter().any(|it| it == host)
        {
            episode.hosts.push(host.to_owned());
        }
        if let Some(hint) = hint {
            episode.hint = Some(hint.to_owned());
        }
    }

    /// Whether these refusals mean that the key was changed: it worked before, and a good part of the calls is refused since.
    pub(super) fn diagnose(&self, service: &str) -> Option<Rotated> {
        let it = self.episode.as_ref()?;
        let worked_until = it.last_good_before?;
        if it.worked_before < WORKED || it.refused < REFUSED || it.refused * 4 < it.good_since {
            return None;
        }
        let key = it.hint.as_ref().map_or_else(|| "its key".to_owned(), |hint| format!("the key that ends in {hint}"));
        let mut text = format!(
            "{service}: {} worked until {}, and {} was refused from {} on ({})",
            many(it.worked_before, "call"),
            clock(worked_until),
            key,
            clock(it.first),
            many(it.refused, "time"),
        );
        match it.hosts.as_slice() {
            [] => {}
            [one] => text.push_str(&format!(", all on host {one}")),
            hosts => text.push_str(&format!(", on {} hosts: {}", hosts.len(), hosts.join(", "))),
        }
        if it.good_since > 0 {
            let share = percent(it.good_since, it.good_since + it.refused);
            text.push_str(&format!("; {share} still work, so some processes hold a good key"));
        }
        Some(Rotated { since: it.first, last: it.last, text })
    }

    /// What is known at the first refusal already.
    pub(super) fn fact(&self, service: &str) -> Option<String> {
        let it = self.episode.as_ref()?;
        Some(match it.last_good_before {
            Some(at) => {
                format!("before: {} of {service} had worked, the last at {}", many(it.worked_before, "call"), clock(at))
            }
            None => format!("before: no call of {service} to this provider was seen to work"),
        })
    }
}
