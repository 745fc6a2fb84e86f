//! Two statuses of a failure: what the application saw, and what the provider itself said where that differs.

use super::signal_lists::SignalLists;
use super::verdict::Judgement;
use crate::record::{Facts, Signals};
use crate::taxonomy::Status;

/// Sets both statuses.
pub(super) fn set_statuses(lists: &SignalLists, facts: &Facts<'_>, signals: &Signals, judgement: &mut Judgement) {
    let named = facts.upstream_status;
    let body = signals.upstream_status.or_else(|| status_of_type(lists, signals, judgement));
    let by_class = || signals.types.iter().find_map(|name| lists.class_status.get(name)).copied();
    let seen = judgement.status.or(signals.status).or_else(|| {
        // SDKs have a class for each status. LiteLLM's class gives the status that LiteLLM answered, whatever the provider answered.
        let is_litellms = signals.types.iter().any(|name| name.starts_with("litellm."));
        let is_bare = body.is_none() && named.is_none();
        let number = if is_bare || is_litellms { by_class() } else { None };
        number.and_then(|number| Status::from_number(i64::from(number)))
    });
    judgement.status = seen.or(body);
    // A status word in a body contradicts a bare status only where the two disagree on what happened.
    judgement.upstream_status = named.or(body).filter(|status| Some(*status) != judgement.status);
}

/// The status that an error type or code stands for.
fn status_of_type(lists: &SignalLists, signals: &Signals, judgement: &Judgement) -> Option<Status> {
    // A type that stands for a 500 says only "our fault"; a 503 or 529 that was seen says more.
    let finer = judgement.status.or(signals.status).and_then(Status::http).is_some_and(|status| (501..600).contains(&status));
    let mut names = signals.types.iter().chain(&signals.codes);
    let number = names.find_map(|name| lists.upstream_status.get(&name.to_ascii_lowercase())).copied();
    Status::from_number(i64::from(number.filter(|number| !(finer && *number == 500))?))
}
