//! What an entry of a producer adds to the facts of a record, and to the verdict on it.

use super::events::{Counts, Event, Found, OwnFields};
use super::span::{SpanKind, hash_of_id};
use super::verdict::{Attribution, Judgement, Role};
use crate::record::{Facts, Level};
use crate::taxonomy::{Grain, Outcome, Provider, Providers, Status};

/// The facts with those that stand in the producer's own fields.
pub(super) fn own_facts<'a>(facts: &Facts<'a>, fields: &OwnFields) -> Facts<'a> {
    let mut own = facts.clone();
    let status = facts.own_field_of(&fields.status).and_then(|status| status.parse().ok()).and_then(Status::from_number);
    own.status = status.or(own.status);
    own.model = facts.own_field_of(&fields.model).or(own.model);
    own.provider = facts.own_field_of(&fields.provider).or(own.provider);
    own.own_error = [&fields.error_type, &fields.error].map(|paths| facts.own_field_of(paths));
    own.message_is_name = !fields.error.is_empty();
    own.has_fault |= own.own_error.iter().any(Option::is_some);
    own
}

/// What joins the record with others of its call: an id, or the producer.
fn chain_of(found: Found<'_, '_>, facts: &Facts<'_>) -> Option<u64> {
    let Event { one_at_a_time, ref fields, ref file, .. } = *found.event;
    let own = || Some(hash_of_id(facts.own_field_of(&fields.call)?.as_bytes()));
    found.id.map(hash_of_id).or_else(own).or_else(|| one_at_a_time.then(|| hash_of_id(file.as_bytes())))
}

/// Takes over what an entry of a producer says of a record.
pub(super) fn apply(providers: &Providers, found: Found<'_, '_>, facts: &Facts<'_>, judgement: &mut Judgement) {
    let Event { counts, outcome, alone, ends_retries, ref fields, ref provider, .. } = *found.event;
    judgement.chain = chain_of(found, facts);
    judgement.decides = found.event.decides && judgement.chain.is_some();
    judgement.repeats = found.event.repeats;
    judgement.provisional = found.event.provisional;
    judgement.withdraws = found.event.withdraws;
    if ends_retries {
        judgement.role = Role::RetryEnd;
    }
    if judgement.outcome == Outcome::Other {
        return;
    }
    if let Some(number) = facts.own_field_of(&fields.attempt) {
        judgement.attempt = number.parse().ok();
    }
    set_default_provider(providers, provider.as_deref(), judgement);
    match (counts, judgement.grain) {
        // A try that worked ends its call.
        (Counts::Attempt, _) if judgement.decides && judgement.outcome == Outcome::Success => judgement.grain = Grain::Call,
        (Counts::Call, _) => {
            judgement.grain = Grain::Call;
            if let Some(span) = judgement.span.as_mut().filter(|span| span.kind == SpanKind::Record) {
                span.kind = SpanKind::OfCall;
            }
        }
        (Counts::Attempt, _) => judgement.grain = Grain::Attempt,
        (Counts::Detail, Grain::Call) => match judgement.span.as_mut().filter(|span| span.kind == SpanKind::Call) {
            Some(span) => span.kind = SpanKind::Around,
            None => judgement.grain = Grain::Detail,
        },
        _ => {}
    }
    if alone && judgement.grain == Grain::Detail && (facts.level >= Level::Error || outcome == Some(Outcome::Error)) {
        judgement.role = Role::Library;
    }
}

/// The provider that the producer calls, where the record shows none or only by a wording.
fn set_default_provider(providers: &Providers, name: Option<&str>, judgement: &mut Judgement) {
    let is_open = judgement.provider == Provider::UNKNOWN
        || matches!(judgement.provider_by, Some(Attribution::Wording | Attribution::Pattern));
    if let Some(provider) = name.filter(|_| is_open).and_then(|name| providers.by_name(name)) {
        judgement.attribute(provider, Attribution::Logger);
    }
}
