//! Looks for causes in the calls of one provider, and writes the findings.

use super::finding::{Blame, Finding, FindingKind};
use super::minutes::{Counts, Minutes};
use super::outlier::{Outlier, find_outlier};
use super::provider::{HOLLOW_ROW, ProviderState};
use super::recovery::Recovery;
use super::repeat::{FailingAlike, FailingRequest, Habit};
use super::wording::{length, plural, time_of_day};
use crate::observation::Name;
use crate::taxonomy::{Owner, Retry};
use crate::time::Timestamp;

/// The minimum number of answers without content in ten minutes.
const MIN_HOLLOW: u64 = 3;

/// Takes the findings. The caller fills in the provider.
type Report<'a> = &'a mut dyn FnMut(Finding);

impl ProviderState {
    /// Looks for all causes.
    pub(super) fn diagnose(&mut self, at: i64, report: Report<'_>) {
        if let Some(recovery) = self.outage.diagnose(at) {
            report(recovery_finding(&recovery, at));
        }
        if !std::mem::take(&mut self.has_failed) {
            return;
        }
        self.find_rotations(at, report);
        self.find_load_limits(at, report);
        self.find_long_inputs(at, report);
        self.find_hollow_answers(at, report);
        self.find_outliers(at, report);
        self.requests.diagnose(at, |alike| {
            if let Some(finding) = habit_finding(alike, at) {
                report(finding);
            }
        });
    }

    fn find_rotations(&self, at: i64, report: Report<'_>) {
        for (name, service) in self.services.sorted() {
            if let Some(rotation) = service.key.diagnose(name.as_str()) {
                let advice = format!(
                    "Find out which key is valid now, set it in every process of {name}, and restart them. A retry does not help."
                );
                report(Finding {
                    service: Some(name.to_string()),
                    row: service.refused_row.clone(),
                    since: Timestamp::from_second(rotation.since),
                    last: Timestamp::from_second(rotation.last),
                    ..Finding::new(FindingKind::KeyRotation, Blame::Account, at, rotation.text, &advice)
                });
            }
        }
    }

    fn find_load_limits(&mut self, at: i64, report: Report<'_>) {
        let limited = self.models.iter_mut().filter(|(_, model)| model.limited_row.is_some());
        let mut limits: Vec<_> =
            limited.filter_map(|(name, model)| Some((*name, model.load.diagnose(at)?, model.limited_row.clone()))).collect();
        limits.sort_by_key(|(name, ..)| *name);
        for (name, limit, row) in limits {
            report(Finding {
                model: Some(name.to_string()),
                row,
                ..Finding::new(
                    FindingKind::LoadLimit,
                    Blame::Ours,
                    at,
                    format!("{}, as of {}", limit.text(name.as_str()), time_of_day(at)),
                    &limit.advice(),
                )
            });
        }
    }

    fn find_long_inputs(&self, at: i64, report: Report<'_>) {
        if self.timeouts_row.is_none() {
            return;
        }
        if let Some(limit) = self.input_lengths.diagnose() {
            let (row, since) = (self.timeouts_row.clone(), Timestamp::from_second(limit.since));
            let text = format!("{}, since {}", limit.text(), time_of_day(limit.since));
            let finding = Finding::new(FindingKind::LongInput, Blame::Ours, at, text, &limit.advice());
            report(Finding { row, since, ..finding });
        }
    }

    fn find_hollow_answers(&self, at: i64, report: Report<'_>) {
        let hollow = self.hollow.minutes.sum(at, 10).bad;
        if hollow < MIN_HOLLOW {
            return;
        }
        let all = plural(self.minutes.sum(at, 10).all(), "call");
        let model = &self.hollow.model;
        let by = if model.is_empty() { String::new() } else { format!(", the latest by {model}") };
        let until = time_of_day(at);
        let text = format!("{hollow} of {all} in the ten minutes to {until} got status 200 without content{by}");
        let advice = "Treat an answer without content as a failure, retry it once, then use another model.";
        report(Finding {
            row: Some(HOLLOW_ROW.to_owned()),
            since: Timestamp::from_second(self.hollow.since),
            ..Finding::new(FindingKind::Hollow, Blame::Provider, at, text, advice)
        });
    }

    /// Compares models and services: one that fails alone, or all that fail.
    fn find_outliers(&self, at: i64, report: Report<'_>) {
        // If no call ever succeeded, successes may not be logged; then everything seems to fail.
        if self.last_good.is_none() {
            return;
        }
        let part = |name: &Name, minutes: &Minutes, owner| Part { name: *name, counts: minutes.sum(at, 5), owner };
        let models = self.models.sorted().into_iter().map(|(name, model)| part(name, &model.minutes, model.owner));
        let models: Vec<Part> = models.collect();
        let services = self.services.sorted().into_iter().map(|(name, state)| part(name, &state.minutes, state.owner));
        let services: Vec<Part> = services.collect();
        let counts = |parts: &[Part]| parts.iter().map(|part| part.counts).collect::<Vec<_>>();
        let (by_model, by_service) = (find_outlier(&counts(&models)), find_outlier(&counts(&services)));
        let is_one = |outlier: &Option<Outlier>| matches!(outlier, Some(Outlier::One { .. }));
        let both = is_one(&by_model) && is_one(&by_service);
        if let Some(Outlier::One { position, others, rest }) = by_model {
            let part = &models[position];
            let others = plural(others as u64, "other model");
            report(self.one_model(part, part.blame(Blame::Provider, both), &part.alone(&others, rest, at), at));
        }
        if let Some(Outlier::One { position, others, rest }) = by_service {
            let part = &services[position];
            let others = plural(others as u64, "other service");
            report(self.one_service(part, part.blame(Blame::Ours, both), &part.alone(&others, rest, at), at));
        }
        if !is_one(&by_model) && !is_one(&by_service) {
            self.find_whole_provider(by_model.as_ref(), by_service.as_ref(), at, report);
        }
    }

    fn one_model(&self, part: &Part, blame: Blame, text: &str, at: i64) -> Finding {
        let advice = format!("Send the calls of {} to another model until it answers again.", part.name);
        Finding {
            model: Some(part.name.to_string()),
            since: Timestamp::from_second(self.failing_since),
            ..Finding::new(FindingKind::OneModel, blame, at, text.to_owned(), &advice)
        }
    }

    fn one_service(&self, part: &Part, blame: Blame, text: &str, at: i64) -> Finding {
        let name = part.name;
        let advice = match blame {
            Blame::Provider => {
                format!("Compare the model, key, region and host of {name} with those of the services that work.")
            }
            _ => format!("Check {name} itself: its key, its requests, its network, its latest change."),
        };
        Finding {
            service: Some(part.name.to_string()),
            since: Timestamp::from_second(self.failing_since),
            ..Finding::new(FindingKind::OneService, blame, at, text.to_owned(), &advice)
        }
    }

    fn find_whole_provider(&self, by_model: Option<&Outlier>, by_service: Option<&Outlier>, at: i64, report: Report<'_>) {
        let failing = |outlier: Option<&Outlier>, noun| match outlier {
            Some(Outlier::All { parts }) => Some(format!("all {}", plural(*parts as u64, noun))),
            _ => None,
        };
        let failing: Vec<String> = [failing(by_model, "model"), failing(by_service, "service")].into_iter().flatten().collect();
        if failing.is_empty() {
            return;
        }
        let counts = self.minutes.sum(at, 5);
        let (bad, all) = (counts.bad, plural(counts.all(), "call"));
        let text = format!("{} fail ({bad} of {all} in the five minutes to {})", failing.join(" and "), time_of_day(at));
        let blame = match self.latest_failures.owner() {
            Owner::Unknown => Blame::Provider,
            owner => Blame::from(owner),
        };
        let advice = "It is no single model or service: check the provider's status page and what all calls share.";
        let finding = Finding::new(FindingKind::WholeProvider, blame, at, text, advice);
        report(Finding { since: Timestamp::from_second(self.failing_since), ..finding });
    }
}

/// One model or service in a comparison.
struct Part {
    name: Name,
    counts: Counts,
    owner: Option<Owner>,
}

impl Part {
    fn alone(&self, others: &str, rest: Counts, at: i64) -> String {
        let (bad, all) = (self.counts.bad, plural(self.counts.all(), "call"));
        let until = time_of_day(at);
        let (name, rest_bad, rest_all) = (self.name, rest.bad, rest.all());
        format!("only {name} fails ({bad} of {all} in the five minutes to {until}); {others}: {rest_bad} of {rest_all} failed")
    }

    /// The owner of the cause if this part fails alone, where the errors themselves do not name one. If a model and a service
    /// fail alone (`both`), the comparison says nothing about the owner.
    fn blame(&self, alone: Blame, both: bool) -> Blame {
        match self.owner {
            Some(Owner::Network | Owner::Unknown) if !both => alone,
            owner => owner.map_or(Blame::Unknown, Blame::from),
        }
    }
}

fn recovery_finding(recovery: &Recovery, at: i64) -> Finding {
    let text = format!(
        "answers again since {}, after {} from {} in which {} of {} failed",
        time_of_day(recovery.since),
        length(recovery.length),
        time_of_day(recovery.first),
        recovery.bad,
        plural(recovery.all, "call")
    );
    let advice = "Nothing to do: the alert resolves by itself if no more calls fail.";
    let finding = Finding::new(FindingKind::Recovery, Blame::from(recovery.owner), at, text, advice);
    Finding { since: Timestamp::from_second(recovery.since), ..finding }
}

/// The most requests that a finding names.
const MAX_NAMED: usize = 2;

fn habit_finding(alike: &FailingAlike<'_>, at: i64) -> Option<Finding> {
    let FailingAlike { habit, count, good, lately, first, last, ref requests, .. } = *alike;
    let request = *requests.first()?;
    let title = &request.title;
    let who = names_of(requests);
    let verb = if requests.len() == 1 { "fails" } else { "fail" };
    let (since, until) = (time_of_day(first), time_of_day(last));
    let (kind, text, advice) = match habit {
        Habit::EveryTime => (
            FindingKind::EveryTime,
            format!(
                "{who} {verb} every time with \"{title}\" ({count} of {count} since {since}), while {good} other calls succeeded"
            ),
            "The same request always fails: a retry does not help. Change the request.",
        ),
        Habit::NowAndThen => (
            FindingKind::NowAndThen,
            format!("{who} {verb} now and then with \"{title}\" ({count} of {} since {since})", count + good),
            if request.retry == Retry::No {
                "The same call also succeeds: find out what the failing ones have in common."
            } else {
                "The same call also succeeds: a retry with back-off helps."
            },
        ),
        Habit::Growing => (
            FindingKind::Growing,
            format!(
                "an error that no pattern matches grows: {lately} in the ten minutes to {until}, first at {since}: \"{title}\""
            ),
            "Run `llm-triage suggest` on the log: it writes a pattern for you to complete.",
        ),
    };
    let growing_since = alike.growing_since.filter(|_| kind == FindingKind::Growing);
    let only = |name: &str| (requests.len() == 1 && !name.is_empty()).then(|| name.to_owned());
    Some(Finding {
        service: only(&request.service),
        model: only(&request.model),
        row: Some(request.row.clone()),
        since: Timestamp::from_second(growing_since.unwrap_or(first)),
        last: Timestamp::from_second(last),
        error_id: alike.error,
        ..Finding::new(kind, Blame::from(request.owner), at, text, advice)
    })
}

/// `checkout with gpt-5, search with gpt-5 and 3 more`.
fn names_of(requests: &[&FailingRequest]) -> String {
    let name = |request: &&FailingRequest| {
        let names = [request.service.as_str(), request.model.as_str()].into_iter().filter(|name| !name.is_empty());
        names.collect::<Vec<_>>().join(" with ")
    };
    let mut names: Vec<String> = requests.iter().map(name).filter(|name| !name.is_empty()).collect();
    let more = names.len().saturating_sub(MAX_NAMED);
    names.truncate(MAX_NAMED);
    match (names.as_slice(), more) {
        ([], _) => "the same call".to_owned(),
        ([one], _) => one.clone(),
        (names, 0) => names.join(" and "),
        (names, more) => format!("{} and {more} more", names.join(", ")),
    }
}
