//! What one record of a failure says about which failure it is: who wrote it, where, and its ids.

use super::provenance::Provenance;
use crate::classify::{Attribution, Judgement, Layer, Role, SpanIds, SpanKind, Standing, Texts, Verdict};
use crate::observation::Name;
use crate::taxonomy::{Grain, Provider, Status};
use crate::time::Timestamp;
use rustc_hash::FxHasher;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Who tells of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Teller {
    /// The application, or a layer of it.
    Application,
    /// A library: its failure counts if the application reports none.
    Library,
    /// The access line of a server.
    Access,
    /// The span of an agent, a chain or a workflow around calls.
    Around,
    /// A record with an id that was counted already.
    Repeat,
}

/// One record of a failure.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) at: Timestamp,
    /// Whether the time is the record's own.
    pub(super) timed: bool,
    pub(super) teller: Teller,
    pub(super) head: u64,
    pub(super) layer: Option<Arc<Layer>>,
    pub(super) status: Option<Status>,
    pub(super) model: Name,
    /// Where the record names it for sure.
    pub(super) provider: Option<Provider>,
    pub(super) ids: Ids,
}

/// The ids of a record, as hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ids {
    service: Option<u64>,
    host: Option<u64>,
    /// The id of the request, and its form: ids of different forms name different things.
    request: Option<(u64, u64)>,
    call: Option<u64>,
    pub(super) span: Option<SpanIds>,
}

/// What the ids of two records say of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Same,
    Different,
    Unknown,
}

/// All access lines have one head.
const ACCESS_HEAD: u64 = 1;

impl Told {
    /// `None` if the record is no failure of a call.
    pub(super) fn of(verdict: &Verdict<'_>, provenance: Provenance<'_>) -> Option<Self> {
        let Judgement { grain, role, span, ref layer, .. } = verdict.judgement;
        let teller = match (role, grain) {
            (Role::Access, Grain::Attempt) => Teller::Access,
            (_, Grain::Call) if span.is_some_and(|span| span.kind == SpanKind::Around) => Teller::Around,
            (_, Grain::Call) => Teller::Application,
            (Role::Library, Grain::Detail) => Teller::Library,
            _ => return None,
        };
        Some(Self {
            at: provenance.at,
            timed: provenance.timed,
            teller,
            head: layer.as_ref().map_or(ACCESS_HEAD, |layer| layer.head),
            layer: layer.clone(),
            status: verdict.judgement.upstream_status.or(verdict.judgement.status),
            model: Name::new(verdict.model_text()),
            provider: certain_provider(&verdict.judgement),
            ids: Ids::of(&verdict.texts, span, provenance),
        })
    }

    /// How much it knows of the failure. An access line has a status and no more.
    pub(super) fn standing(&self) -> Standing {
        self.layer.as_ref().map_or(Standing::Status, |layer| layer.standing)
    }

    /// Whether both name a model or a provider, and different ones. Layers spell one model with and without its vendor or version.
    pub(super) fn names_another(&self, failure: &Self) -> bool {
        let (one, other) = (self.model.as_str(), failure.model.as_str());
        let is_other = |(one, other): (Provider, Provider)| one != other;
        !one.contains(other) && !other.contains(one) || self.provider.zip(failure.provider).is_some_and(is_other)
    }
}

fn certain_provider(judgement: &Judgement) -> Option<Provider> {
    let is_guess = matches!(
        judgement.provider_by,
        // A model's vendor is not always who serves it, and models are compared by their names.
        None | Some(
            Attribution::Wording | Attribution::Pattern | Attribution::Context | Attribution::Vocabulary | Attribution::Model
        )
    );
    let is_certain = !is_guess && !judgement.is_sdks && judgement.relay.is_none() && judgement.gateway.is_none();
    Some(judgement.provider).filter(|provider| is_certain && *provider != Provider::UNKNOWN)
}

impl Ids {
    fn of(texts: &Texts<Cow<'_, str>>, span: Option<SpanIds>, provenance: Provenance<'_>) -> Self {
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().map(hash_of::<str>);
        let request = texts.request_id.as_deref().map(|id| (hash_of(id), hash_of(&form_of(id))));
        let Provenance { service, host, .. } = provenance;
        let (service, host) = match (service, host) {
            ("", "") => (text(&texts.service), text(&texts.host)),
            (service, host) => (Some(hash_of(service)), Some(hash_of(host))),
        };
        Self { service, host, request, call: text(&texts.call_id), span }
    }

    /// Whether there is an id of a request, a call or a span.
    pub(super) fn name_a_call(&self) -> bool {
        self.request.is_some() || self.call.is_some() || self.span.is_some()
    }

    /// Whether the records come from different services or machines.
    pub(super) fn are_elsewhere(&self, other: &Self) -> bool {
        let differ = |one: Option<u64>, other: Option<u64>| one.zip(other).is_some_and(|(one, other)| one != other);
        differ(self.service, other.service) || differ(self.host, other.host)
    }

    /// Whether both name a request, in ids of one form, and not the same.
    pub(super) fn name_another_request(&self, other: &Self) -> bool {
        matches!((self.request, other.request), (Some((one, form)), Some((other, other_form))) if form == other_form && one != other)
    }

    pub(super) fn relate(&self, other: &Self) -> Relation {
        if self.name_another_request(other) {
            return Relation::Different;
        }
        if self.request.is_some_and(|(id, _)| other.request.is_some_and(|(other, _)| id == other)) {
            return Relation::Same;
        }
        if let (Some(one), Some(other)) = (self.call, other.call) {
            return if one == other { Relation::Same } else { Relation::Different };
        }
        match (self.span, other.span) {
            (Some(one), Some(other)) => relate_spans(one, other),
            _ => Relation::Unknown,
        }
    }

    /// Adds the ids that another record of the same failure names.
    pub(super) fn complete(&mut self, other: &Self) {
        let innermost = |one: SpanIds, other: SpanIds| if one.kind == SpanKind::Call { one } else { other };
        *self = Self {
            service: self.service.or(other.service),
            host: self.host.or(other.host),
            request: self.request.or(other.request),
            call: self.call.or(other.call),
            span: match (self.span, other.span) {
                (Some(one), Some(other)) => Some(innermost(one, other)),
                (one, other) => one.or(other),
            },
        };
    }
}

/// Spans of one trace are one failure if one is the parent of the other or one is around the other; records that are no spans show with
/// their trace only that they are not of another.
fn relate_spans(one: SpanIds, other: SpanIds) -> Relation {
    if one.trace != other.trace {
        return Relation::Different;
    }
    let are_spans = one.kind.is_span() && other.kind.is_span();
    let is_parent = one.parent == Some(other.id) || other.parent == Some(one.id);
    let is_around = one.kind == SpanKind::Around || other.kind == SpanKind::Around;
    if is_parent || are_spans && (one.id == other.id || is_around) || one.id == other.id && one.kind != other.kind {
        Relation::Same
    } else if are_spans {
        Relation::Different
    } else {
        Relation::Unknown
    }
}

pub(super) fn hash_of<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = FxHasher::default();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The prefix and the length of an id: `req_` and 28.
fn form_of(id: &str) -> (&str, usize) {
    let letters = id.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let prefix = if letters.len() < id.len() && id.as_bytes().get(letters.len()) == Some(&b'_') { letters } else { "" };
    (prefix, id.len())
}
