//! The grain of a record: the end of a call, one try inside it, or a further line about a failure.

use crate::record::{Facts, Level, LineKind};
use crate::taxonomy::Grain;

/// The grain that the kind of line suggests.
pub(super) fn grain_of_shape(kind: LineKind<'_>) -> Grain {
    match kind {
        LineKind::None | LineKind::Request { .. } => Grain::Call,
        _ => Grain::Attempt,
    }
}

/// A failure that announces another try is an attempt. One that a library logs about itself is a detail of the application's failure.
/// Also returns whether the failure counts where the application reports none.
pub(super) fn grain_of_failure(facts: &Facts<'_>, shape: Grain) -> (Grain, bool) {
    const LIBRARIES: [&str; 17] = [
        "openai",
        "anthropic",
        "httpx",
        "httpcore",
        "urllib3",
        "google_genai",
        "botocore",
        "mistralai",
        "groq",
        "cohere",
        "backoff",
        "asyncio",
        "LiteLLM Router",
        "aiohttp",
        "requests",
        "uvicorn",
        "langchain",
    ];
    if shape != Grain::Call {
        return (shape, false);
    }
    let is_library = LIBRARIES
        .iter()
        .any(|name| facts.logger.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_', '2'])));
    let headline = facts.headline;
    let is_sdks = headline.starts_with(b"[log_") || starts_with_ignoring_case(headline, b"litellm.acompletion(model=");
    if facts.level == Level::Debug || is_sdks {
        (Grain::Detail, false)
    } else if announces_retry(headline) {
        (Grain::Attempt, false)
    } else if is_library {
        (Grain::Detail, facts.level >= Level::Error)
    } else {
        (Grain::Call, false)
    }
}

fn announces_retry(text: &[u8]) -> bool {
    const HEAD_BYTES: usize = 400;
    let head = &text[..text.len().min(HEAD_BYTES)];
    let has = |words: &[u8]| memchr::memmem::find(head, words).is_some();
    let announced = [b"retrying".as_slice(), b"Retrying", b"will retry", b"api_retry", b"Reconnecting..."].into_iter().any(has);
    announced && !has(b"no more retries") && !has(b"not retrying")
}

fn starts_with_ignoring_case(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
