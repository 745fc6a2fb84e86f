//! An SDK that is about to retry: `Retrying request to /chat/completions in 0.4 seconds`.

use crate::record::line_kind::LineKind;

pub(super) fn read(message: &[u8]) -> Option<LineKind<'_>> {
    let retries = message.starts_with(b"Retrying request") || message.starts_with(b"Retrying due to");
    retries.then_some(LineKind::Retry)
}
