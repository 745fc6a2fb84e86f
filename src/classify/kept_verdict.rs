//! A verdict that is given again to records which are alike.

use super::span::SpanIds;
use super::verdict::{Judgement, Texts, Verdict};
use crate::record::{Likeness, LineKind, Record};
use crate::redact::Redactor;
use crate::time::Stamp;
use std::borrow::Cow;

/// A verdict without what is each record's own.
#[derive(Debug)]
pub(super) struct KeptVerdict {
    judgement: Judgement,
    texts: Texts<Box<str>>,
}

/// What a record has of its own.
#[derive(Debug, Default)]
pub(super) struct OwnValues<'a> {
    pub(super) stamp: Option<Stamp>,
    pub(super) values: Likeness<'a>,
    pub(super) host: Option<Cow<'a, str>>,
    pub(super) span: Option<SpanIds>,
}

impl<'a> OwnValues<'a> {
    /// What a record has of its own. `values` are taken from it.
    pub(super) fn of(record: &Record<'a>, values: Likeness<'a>) -> Self {
        let span = SpanIds::of(record.span_path(), record.is_span(), LineKind::None);
        Self { stamp: record.stamp(), values, host: record.host_name(), span }
    }
}

impl KeptVerdict {
    /// Keeps a verdict on a record that has these values of its own.
    pub(super) fn new(verdict: &Verdict<'_>, own: &OwnValues<'_>) -> Self {
        let kept = |text: &Option<Cow<'_, str>>| text.as_deref().map(Box::from);
        let literal = |text: &Option<Cow<'_, str>>, is_own: bool| kept(text).filter(|_| !is_own);
        let Verdict { texts: Texts { service, host, model, request_id, call_id }, judgement } = verdict;
        let texts = Texts {
            service: kept(service),
            host: literal(host, own.host.is_some()),
            model: kept(model),
            request_id: literal(request_id, own.values.request_id.is_some()),
            call_id: literal(call_id, own.values.call_id.is_some()),
        };
        Self { judgement: judgement.clone(), texts }
    }

    /// The verdict on another record.
    pub(super) fn give<'a>(&'a self, redactor: &Redactor, own: OwnValues<'a>) -> Verdict<'a> {
        let OwnValues { stamp, values, mut host, span } = own;
        let Likeness { latency_s, first_token_s, input_tokens, output_tokens, mut request_id, mut call_id, .. } = values;
        [&mut host, &mut request_id, &mut call_id].into_iter().flatten().for_each(|text| redactor.name(text));
        let kept = |text: &'a Option<Box<str>>| text.as_deref().map(Cow::Borrowed);
        let texts = Texts {
            service: kept(&self.texts.service),
            host: host.or(kept(&self.texts.host)),
            model: kept(&self.texts.model),
            request_id: request_id.or(kept(&self.texts.request_id)),
            call_id: call_id.or(kept(&self.texts.call_id)),
        };
        let known = &self.judgement;
        let resets_at = known.resets_after(stamp);
        let judgement =
            Judgement { stamp, resets_at, latency_s, first_token_s, input_tokens, output_tokens, span, ..known.clone() };
        Verdict { texts, judgement }
    }
}
