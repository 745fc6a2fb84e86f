//! Resolved conditions: which failed calls match a row. Names are looked up when the table is built, so a failed call
//! costs only a few comparisons per row.

use super::spec::{Condition, Values};
use crate::alert::names::NameTable;
use crate::observation::Observation;
use crate::taxonomy::{Category, Ending, Owner, Provider, Retry, Status};

/// One resolved condition: every part must match.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    categories: Set,
    owners: Set,
    retries: Set,
    endings: Set,
    statuses: Set,
    patterns: Set,
    /// By pattern.
    tags: Set,
    providers: Set,
    gateways: Set,
    sources: Set,
    services: Globs,
    models: Globs,
    /// The relays that the operator runs; `None` if the condition does not set `relay`.
    own_relays: Option<Set>,
}

impl Matcher {
    /// Looks up the names in a condition. Unknown names are reported in `faults`.
    pub(super) fn new(condition: &Condition, names: NameTable<'_>, faults: &mut Vec<String>) -> Self {
        let Condition {
            provider,
            gateway,
            service,
            model,
            status,
            category,
            pattern,
            tag,
            owner,
            retry,
            ending,
            source,
            relay,
        } = condition;
        let provider_ids: Vec<&str> = names.providers.iter().map(|(_, spec)| spec.id.as_str()).collect();
        let own_relay = |(provider, _): (Provider, &_)| is_own_relay(names, provider);
        Self {
            categories: Set::named("category", category, &spellings(Category::ALL, Category::as_str), faults),
            owners: Set::named("owner", owner, &spellings(Owner::ALL, Owner::as_str), faults),
            endings: Set::named("ending", ending, &spellings(Ending::ALL, Ending::as_str), faults),
            retries: Set::named("retry", retry, &spellings(Retry::ALL, Retry::as_str), faults),
            statuses: Set::statuses(status, faults),
            patterns: Set::globs(pattern, names.patterns.iter().map(|pattern| pattern.id.as_str())),
            tags: Set::tags(tag, names.patterns.iter().map(|pattern| pattern.tags.as_slice())),
            providers: Set::named("provider", provider, &provider_ids, faults),
            gateways: Set::named("gateway", gateway, &provider_ids, faults),
            sources: Set::globs(source, names.sources.iter().map(String::as_str)),
            services: Globs::new(service),
            models: Globs::new(model),
            own_relays: relay.then(|| Set { members: names.providers.iter().map(own_relay).collect(), others: false }),
        }
    }

    /// Whether a failed call matches.
    pub(super) fn matches(&self, seen: &Observation) -> bool {
        self.categories.has(Some(seen.category as usize))
            && self.statuses.has(Some(status_index(seen.effective_status())))
            && self.owners.has(Some(seen.owner as usize))
            && self.retries.has(Some(seen.retry as usize))
            && self.endings.has(seen.ending.map(|ending| ending as usize))
            && self.patterns.has(seen.pattern.map(|pattern| usize::from(pattern.0)))
            && self.tags.has(seen.pattern.map(|pattern| usize::from(pattern.0)))
            && self.providers.has(Some(seen.provider.index()))
            && self.gateways.has(seen.gateway.map(Provider::index))
            && self.sources.has(Some(usize::from(seen.source.0)))
            && self.refused_by_relay(seen)
            && self.services.matches(seen.service.as_str())
            && self.models.matches(seen.model.as_str())
    }

    fn refused_by_relay(&self, seen: &Observation) -> bool {
        let Some(relays) = &self.own_relays else { return true };
        seen.owner == Owner::Gateway || relays.has(Some(seen.provider.index()))
    }

    /// Why no failed call can match; `None` if one can.
    pub(super) fn matches_nothing(&self, names: NameTable<'_>) -> Option<&'static str> {
        let sets = [
            (&self.categories, "its categories exclude each other"),
            (&self.owners, "its owners exclude each other"),
            (&self.endings, "its endings exclude each other"),
            (&self.retries, "its values of `retry` exclude each other"),
            (&self.statuses, "its statuses exclude each other"),
            (&self.providers, "its providers exclude each other"),
            (&self.gateways, "its gateways exclude each other"),
            (&self.patterns, "no pattern has this id; `llm-triage patterns list` shows all"),
            (&self.tags, "no pattern has such a tag; `llm-triage patterns show` names the tags of a pattern"),
            (&self.sources, "no source has this name; `llm-triage check` shows all"),
        ];
        if let Some((_, why)) = sets.iter().find(|(set, _)| set.is_empty()) {
            return Some(why);
        }
        let agrees = |(at, pattern): (usize, &crate::classify::Pattern)| {
            self.patterns.has(Some(at))
                && self.tags.has(Some(at))
                && self.categories.has(Some(pattern.category as usize))
                && self.owners.has(Some(pattern.owner as usize))
                && self.retries.has(Some(pattern.retry as usize))
        };
        let asks = !self.patterns.others || !self.tags.others;
        let contradicts = asks && !names.patterns.iter().enumerate().any(agrees);
        contradicts
            .then_some("its patterns have another category, owner or `retry` than the condition asks for; leave that out")
    }

    /// Whether every failed call that matches `other` matches this too. Compares key by key, so `false` can be wrong.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let Self {
            categories,
            owners,
            retries,
            endings,
            statuses,
            patterns,
            tags,
            providers,
            gateways,
            sources,
            services,
            models,
            own_relays,
        } = self;
        let sets = [
            (categories, &other.categories),
            (owners, &other.owners),
            (retries, &other.retries),
            (endings, &other.endings),
            (statuses, &other.statuses),
            (patterns, &other.patterns),
            (tags, &other.tags),
            (providers, &other.providers),
            (gateways, &other.gateways),
            (sources, &other.sources),
        ];
        sets.iter().all(|(ours, theirs)| ours.covers(theirs))
            && services.covers(&other.services)
            && models.covers(&other.models)
            && (own_relays.is_none() || other.own_relays.is_some())
    }
}

/// Whether the operator runs this relay: then its refusals are fixed there, not in a vendor's console.
fn is_own_relay(names: NameTable<'_>, provider: Provider) -> bool {
    names.providers.spec(provider).is_some_and(|spec| spec.relay && spec.self_hosted)
}

/// A set of small numbers: categories, statuses, indexes of patterns and providers.
#[derive(Clone, Debug)]
struct Set {
    members: Vec<bool>,
    /// The answer for a missing number and for one beyond the list.
    others: bool,
}

impl Set {
    fn has(&self, index: Option<usize>) -> bool {
        index.and_then(|index| self.members.get(index)).copied().unwrap_or(self.others)
    }

    fn is_empty(&self) -> bool {
        !self.others && !self.members.contains(&true)
    }

    fn covers(&self, other: &Self) -> bool {
        let length = self.members.len().max(other.members.len());
        (self.others || !other.others) && (0..length).all(|index| self.has(Some(index)) || !other.has(Some(index)))
    }

    /// The names that equal one of the values; unknown values are reported in `faults`.
    fn named(key: &str, values: &Values, names: &[&str], faults: &mut Vec<String>) -> Self {
        for value in plain(values).filter(|value| !names.contains(value)) {
            faults.push(format!("unknown {key} {value:?}; known are {}", names.join(", ")));
        }
        Self::of(values, names.iter().copied(), |value, name| value == name)
    }

    /// The names that match one of the values, in which `*` matches any text.
    fn globs<'a>(values: &Values, names: impl Iterator<Item = &'a str>) -> Self {
        Self::of(values, names, glob)
    }

    /// The patterns that have one of the wanted tags and none of the excluded ones. Takes the tags of each pattern.
    fn tags<'a>(values: &Values, patterns: impl Iterator<Item = &'a [String]>) -> Self {
        let others = !values.0.iter().any(|value| !value.starts_with('!'));
        let matches = |tags: &[String]| {
            let has = |wanted: &str| tags.iter().any(|tag| tag == wanted);
            (others || values.0.iter().any(|value| has(value)))
                && !values.0.iter().filter_map(|value| value.strip_prefix('!')).any(has)
        };
        Self { members: patterns.map(matches).collect(), others }
    }

    fn statuses(values: &Values, faults: &mut Vec<String>) -> Self {
        for value in plain(values).filter(|value| !is_status(value)) {
            faults.push(format!(
                "invalid status {value:?}; write a number, \"5xx\", \"52x\", \"timeout\", \"connection\" or \"none\""
            ));
        }
        let names: Vec<String> = (0..600).map(status_name).collect();
        let matches = |value: &str, name: &str| {
            value.len() == name.len() && value.bytes().zip(name.bytes()).all(|(v, n)| v == n || v == b'x')
        };
        Self::of(values, names.iter().map(String::as_str), matches)
    }

    fn of<'a>(values: &Values, names: impl Iterator<Item = &'a str>, matches: impl Fn(&str, &str) -> bool) -> Self {
        let others = !values.0.iter().any(|value| !value.starts_with('!'));
        let member = |name: &str| {
            let included = values.0.iter().any(|value| !value.starts_with('!') && matches(value, name));
            let excluded = values.0.iter().any(|value| value.strip_prefix('!').is_some_and(|value| matches(value, name)));
            (included || others) && !excluded
        };
        Self { members: names.map(member).collect(), others }
    }
}

/// The values without a leading `!`.
fn plain(values: &Values) -> impl Iterator<Item = &str> {
    values.0.iter().map(|value| value.strip_prefix('!').unwrap_or(value))
}

fn spellings<T: Copy>(all: &[T], spelling: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|value| spelling(*value)).collect()
}

/// The code of an HTTP status; 0 to 2, which are not HTTP statuses, for the others.
fn status_index(status: Option<Status>) -> usize {
    match status {
        None => 0,
        Some(Status::Timeout) => 1,
        Some(Status::Connection) => 2,
        Some(Status::Http(code)) => usize::from(code),
    }
}

fn status_name(index: usize) -> String {
    match index {
        0 => "none".to_owned(),
        1 => "timeout".to_owned(),
        2 => "connection".to_owned(),
        code => code.to_string(),
    }
}

fn is_status(value: &str) -> bool {
    match value.as_bytes() {
        b"none" | b"timeout" | b"connection" | [b'1'..=b'5', b'x', b'x'] => true,
        [b'1'..=b'5', b'0'..=b'9', last] => last.is_ascii_digit() || *last == b'x',
        _ => false,
    }
}

/// Values that are compared with free text: names of services and models.
#[derive(Clone, Debug)]
struct Globs(Vec<String>);

impl Globs {
    fn new(values: &Values) -> Self {
        Self(values.0.clone())
    }

    /// `true` only if the lists are equal, or if this one is empty.
    fn covers(&self, other: &Self) -> bool {
        self.0.is_empty() || self.0 == other.0
    }

    fn matches(&self, text: &str) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let mut included = self.0.iter().filter(|value| !value.starts_with('!')).peekable();
        let excluded = self.0.iter().filter_map(|value| value.strip_prefix('!')).any(|value| glob(value, text));
        (included.peek().is_none() || included.any(|value| glob(value, text))) && !excluded
    }
}

/// Whether `text` matches `pattern`, in which `*` matches any text.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = tail.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_any_text() {
        for (pattern, text, expected) in [
            ("auth", "auth", true),
            ("auth", "oauth", false),
            ("*", "", true),
            ("*overload*", "anthropic-overloaded", true),
            ("*-busy", "kimi-busy", true),
            ("*-busy", "kimi-busy-loop", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
