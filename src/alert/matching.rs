//! Conditions of rows, resolved: which failed calls fit. All text is looked up when the table is built, so that a failed
//! call costs a few comparisons per row.

use super::NameTable;
use super::spec::{Condition, Values};
use crate::observation::Observation;
use crate::taxonomy::{Category, Owner, Provider, Retry, Status};

/// One condition: every part must hold.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    categories: Set,
    owners: Set,
    retries: Set,
    statuses: Set,
    patterns: Set,
    /// By pattern.
    tags: Set,
    providers: Set,
    gateways: Set,
    sources: Set,
    services: Globs,
    models: Globs,
    /// Relays that one runs oneself; `None` where the condition does not ask.
    own_relays: Option<Set>,
}

impl Matcher {
    /// Looks up what a condition names. A name that nothing goes by is told in `faults`.
    pub(super) fn new(condition: &Condition, lexicon: NameTable<'_>, faults: &mut Vec<String>) -> Self {
        let Condition { provider, gateway, service, model, status, category, pattern, tag, owner, retry, source, relay } =
            condition;
        let provider_ids: Vec<&str> = lexicon.providers.iter().map(|(_, spec)| spec.id.as_str()).collect();
        let own_relay = |(provider, _): (Provider, &_)| is_own_relay(lexicon, provider);
        Self {
            categories: Set::named("category", category, &spellings(Category::ALL, |it| it.as_str()), faults),
            owners: Set::named("owner", owner, &spellings(Owner::ALL, |it| it.as_str()), faults),
            retries: Set::named("retry", retry, &spellings(Retry::ALL, |it| it.as_str()), faults),
            statuses: Set::statuses(status, faults),
            patterns: Set::globs(pattern, lexicon.patterns.iter().map(|it| it.id.as_str())),
            tags: Set::tags(tag, lexicon.patterns.iter().map(|pattern| pattern.tags.as_slice())),
            providers: Set::named("provider", provider, &provider_ids, faults),
            gateways: Set::named("gateway", gateway, &provider_ids, faults),
            sources: Set::globs(source, lexicon.sources.iter().map(String::as_str)),
            services: Globs::new(service),
            models: Globs::new(model),
            own_relays: relay.then(|| Set { members: lexicon.providers.iter().map(own_relay).collect(), others: false }),
        }
    }

    /// Whether a failed call fits.
    pub(super) fn fits(&self, seen: &Observation) -> bool {
        self.categories.has(Some(seen.category as usize))
            && self.statuses.has(Some(status_index(seen.effective_status())))
            && self.owners.has(Some(seen.owner as usize))
            && self.retries.has(Some(seen.retry as usize))
            && self.patterns.has(seen.pattern.map(|it| usize::from(it.0)))
            && self.tags.has(seen.pattern.map(|pattern| usize::from(pattern.0)))
            && self.providers.has(Some(seen.provider.index()))
            && self.gateways.has(seen.gateway.map(Provider::index))
            && self.sources.has(Some(usize::from(seen.source.0)))
            && self.own_relays.as_ref().is_none_or(|it| seen.owner == Owner::Gateway || it.has(Some(seen.provider.index())))
            && self.services.fit(seen.service.as_str())
            && self.models.fit(seen.model.as_str())
    }

    /// Why no failed call can fit, if none can.
    pub(super) fn fits_none(&self, lexicon: NameTable<'_>) -> Option<&'static str> {
        let sets = [
            (&self.categories, "its categories exclude each other"),
            (&self.owners, "its owners exclude each other"),
            (&self.retries, "its values of `retry` exclude each other"),
            (&self.statuses, "its statuses exclude each other"),
            (&self.providers, "its providers exclude each other"),
            (&self.gateways, "its gateways exclude each other"),
            (&self.patterns, "no pattern is called so; `llm-triage patterns list` shows them"),
            (&self.tags, "no pattern has such a tag; `llm-triage patterns show` names the tags of a pattern"),
            (&self.sources, "no source is called so; `llm-triage check` shows them"),
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
        let contradicts = asks && !lexicon.patterns.iter().enumerate().any(agrees);
        contradicts.then_some("its patterns are of another category, owner or `retry` than it asks for; leave that out")
    }

    /// Whether every failed call that fits `other` fits this, as far as their keys tell one by one.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let Self {
            categories,
            owners,
            retries,
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

    /// Whether every failed call fits.
    pub(super) fn fits_all(condition: &Condition) -> bool {
        *condition == Condition::default()
    }
}

/// A relay that the operator runs: what it refuses itself is settled there, and not in a vendor's console.
fn is_own_relay(lexicon: NameTable<'_>, provider: Provider) -> bool {
    lexicon.providers.spec(provider).is_some_and(|it| it.relay && it.self_hosted)
}

/// A set of small numbers: categories, statuses, indexes of patterns and providers.
#[derive(Clone, Debug)]
struct Set {
    members: Vec<bool>,
    /// What holds for a number beyond the list, and for nothing at all.
    others: bool,
}

impl Set {
    fn has(&self, index: Option<usize>) -> bool {
        index.and_then(|it| self.members.get(it)).copied().unwrap_or(self.others)
    }

    fn is_empty(&self) -> bool {
        !self.others && !self.members.contains(&true)
    }

    fn covers(&self, other: &Self) -> bool {
        let length = self.members.len().max(other.members.len());
        (self.others || !other.others) && (0..length).all(|it| self.has(Some(it)) || !other.has(Some(it)))
    }

    /// Those of `names` that the values name in full.
    fn named(key: &str, values: &Values, names: &[&str], faults: &mut Vec<String>) -> Self {
        for value in plain(values).filter(|it| !names.contains(it)) {
            faults.push(format!("{key} {value:?} is not known; known are {}", names.join(", ")));
        }
        Self::of(values, names.iter().copied(), |value, name| value == name)
    }

    /// Those of `names` that fit one of the values, in which `*` stands for any text.
    fn globs<'a>(values: &Values, names: impl Iterator<Item = &'a str>) -> Self {
        Self::of(values, names, glob)
    }

    /// Those of the patterns with these tags that have one of the wanted tags and none of the excluded ones.
    fn tags<'a>(values: &Values, patterns: impl Iterator<Item = &'a [String]>) -> Self {
        let others = !values.0.iter().any(|value| !value.starts_with('!'));
        let fits = |tags: &[String]| {
            let has = |wanted: &str| tags.iter().any(|tag| tag == wanted);
            (others || values.0.iter().any(|value| has(value)))
                && !values.0.iter().filter_map(|value| value.strip_prefix('!')).any(has)
        };
        Self { members: patterns.map(fits).collect(), others }
    }

    fn statuses(values: &Values, faults: &mut Vec<String>) -> Self {
        for value in plain(values).filter(|it| !is_status(it)) {
            faults.push(format!(
                "status {value:?} is none; write a number, \"5xx\", \"52x\", \"timeout\", \"connection\" or \"none\""
            ));
        }
        let names: Vec<String> = (0..600).map(status_name).collect();
        let fits = |value: &str, name: &str| {
            value.len() == name.len() && value.bytes().zip(name.bytes()).all(|(v, n)| v == n || v == b'x')
        };
        Self::of(values, names.iter().map(String::as_str), fits)
    }

    fn of<'a>(values: &Values, names: impl Iterator<Item = &'a str>, fits: impl Fn(&str, &str) -> bool) -> Self {
        let others = !values.0.iter().any(|it| !it.starts_with('!'));
        let member = |name: &str| {
            let named = values.0.iter().any(|it| !it.starts_with('!') && fits(it, name));
            let barred = values.0.iter().any(|it| it.strip_prefix('!').is_some_and(|it| fits(it, name)));
            (named || others) && !barred
        };
        Self { members: names.map(member).collect(), others }
    }
}

/// The values without the mark that negates them.
fn plain(values: &Values) -> impl Iterator<Item = &str> {
    values.0.iter().map(|it| it.strip_prefix('!').unwrap_or(it))
}

fn spellings<T: Copy>(all: &[T], spelling: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|it| spelling(*it)).collect()
}

/// 0 to 2 for what is no number, which no HTTP status is.
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
        b"none" | b"timeout" | b"connection" => true,
        [b'1'..=b'5', b'x', b'x'] => true,
        [b'1'..=b'5', b'0'..=b'9', last] => last.is_ascii_digit() || *last == b'x',
        _ => false,
    }
}

/// Values that are compared with free text.
#[derive(Clone, Debug)]
struct Globs(Vec<String>);

impl Globs {
    fn new(values: &Values) -> Self {
        Self(values.0.clone())
    }

    /// Told of equal ones, and of those that ask for nothing.
    fn covers(&self, other: &Self) -> bool {
        self.0.is_empty() || self.0 == other.0
    }

    fn fit(&self, text: &str) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let wanted = self.0.iter().filter(|it| !it.starts_with('!'));
        let barred = self.0.iter().filter_map(|it| it.strip_prefix('!')).any(|it| glob(it, text));
        (wanted.clone().count() == 0 || wanted.clone().any(|it| glob(it, text))) && !barred
    }
}

/// Whether `text` is like `pattern`, in which `*` stands for any text.
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
    fn a_star_stands_for_any_text() {
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
