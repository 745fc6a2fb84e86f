//! A verdict that outlives its record: its names lie beside those of others in one text, so that keeping it costs no allocation.

use super::verdict::Verdict;
use std::borrow::Cow;
use std::ops::Range;

/// A verdict whose names lie in a text of somebody else's.
#[derive(Clone, Debug)]
pub struct OwnedVerdict {
    verdict: Verdict<'static>,
    names: [Option<Range<u32>>; 5],
}

impl Verdict<'_> {
    /// The verdict by itself, its names at the end of `text`.
    pub fn keep(mut self, text: &mut String) -> OwnedVerdict {
        let names = self.names().map(|name| {
            let name = name.take()?;
            let start = text.len();
            text.push_str(&name);
            Some(u32::try_from(start).ok()?..u32::try_from(text.len()).ok()?)
        });
        OwnedVerdict { verdict: self.nameless(), names }
    }

    /// The verdict without the record's own words.
    pub(super) fn nameless(self) -> Verdict<'static> {
        let Verdict {
            stamp,
            outcome,
            grain,
            provider,
            provider_by,
            gateway,
            relay,
            service: _,
            host: _,
            model: _,
            status,
            upstream_status,
            pattern,
            category,
            owner,
            retry,
            confidence,
            retry_after_s,
            resets_at,
            request_id: _,
            call_id: _,
            message,
            key_hint,
            latency_s,
            input_tokens,
            redactions,
            unrecognised,
            doubtful,
            is_sdks,
            is_retry_notice,
            is_transport,
            is_request,
        } = self;
        Verdict {
            stamp,
            outcome,
            grain,
            provider,
            provider_by,
            gateway,
            relay,
            service: None,
            host: None,
            model: None,
            status,
            upstream_status,
            pattern,
            category,
            owner,
            retry,
            confidence,
            retry_after_s,
            resets_at,
            request_id: None,
            call_id: None,
            message,
            key_hint,
            latency_s,
            input_tokens,
            redactions,
            unrecognised,
            doubtful,
            is_sdks,
            is_retry_notice,
            is_transport,
            is_request,
        }
    }
}

impl OwnedVerdict {
    /// The verdict as it was, its names borrowed from the text that [`Verdict::keep`] put them into.
    pub fn open(self, text: &str) -> Verdict<'_> {
        let mut verdict: Verdict<'_> = self.verdict;
        for (name, place) in verdict.names().into_iter().zip(self.names) {
            *name = place.and_then(|it| text.get(it.start as usize..it.end as usize)).map(Cow::Borrowed);
        }
        verdict
    }
}
