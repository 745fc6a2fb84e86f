//! The paths under which LLM services answer. A path is evidence of an LLM call whether the call worked or failed.

use crate::line::find;

/// Ends of paths that no other kind of service has.
const COINED: [&str; 27] = [
    "/chat/completions",
    "/api/chat",
    "/api/generate",
    "/api/embed",
    "/converse",
    "/converse-stream",
    "/invoke-with-response-stream",
    "/images/generations",
    "/images/edits",
    "/audio/transcriptions",
    "/audio/translations",
    "/audio/speech",
    "/rerank",
    "/moderations",
    "/embeddings",
    "/messages/count_tokens",
    "/v2/chat",
    "/v1/chat",
    "/text-generation/generation",
    "/multimodal-generation/generation",
    "/generate_stream",
    "/codex/responses",
    "/completion",
    "/completions",
    "/infill",
    "/v1/complete",
    "/inference/tgi",
];
/// Ends of paths that LLM services have below a version or a name of their own, and others elsewhere.
const GENERAL: [&str; 6] = ["/messages", "/responses", "/generate", "/invoke", "/videos", "/batches"];
/// Methods at the end of Google's paths.
const METHODS: [&str; 8] = [
    ":generateContent",
    ":streamGenerateContent",
    ":countTokens",
    ":embedContent",
    ":batchEmbedContents",
    ":predict",
    ":rawPredict",
    ":streamRawPredict",
];
/// Parts of paths below which the general ends are those of an LLM service.
const ROOTS: [&str; 8] = ["openai", "anthropic", "claude", "/model/", "/engines/", "/deployments/", "/endpoints/", "/llm"];

/// Whether an LLM service answers under this path, with or without a query.
pub(super) fn is_llm_path(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let is_method = || path.contains(':') && METHODS.iter().any(|method| path.ends_with(method));
    COINED.iter().any(|end| path.ends_with(end))
        || GENERAL.iter().any(|end| path.strip_suffix(end).is_some_and(|root| is_root(root, end)))
        || is_method()
}

/// Whether a general end below `root` is that of an LLM service: below `/v1`, but not below the `/api/v1` that any service has.
fn is_root(root: &str, end: &str) -> bool {
    let version = root.rsplit('/').next().unwrap_or_default();
    let is_version = version.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let is_bare = root.is_empty() && matches!(end, "/responses" | "/generate");
    is_bare || is_version && !root.ends_with("/api/v1") || ROOTS.iter().any(|part| root.contains(part))
}

/// The first LLM path among the words of a text: `request: "POST /v1/messages HTTP/1.1"`.
pub(super) fn llm_path_in(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let mut from = 0;
    // Most texts have no slash, so the words are found from the slashes.
    while let Some(slash) = memchr::memchr(b'/', bytes.get(from..)?) {
        let slash = from + slash;
        let start = bytes.get(from..slash)?.iter().rposition(|byte| is_separator(*byte)).map_or(from, |at| from + at + 1);
        let end = bytes.get(slash..)?.iter().position(|byte| is_separator(*byte)).map_or(bytes.len(), |at| slash + at);
        let word = text.get(start..end)?;
        let path = match find(word, "://") {
            Some(at) => word.get(at + 3..).and_then(|rest| rest.get(rest.find('/')?..)),
            None => Some(word),
        };
        let path = path.filter(|path| path.starts_with('/')).map(|path| path.trim_end_matches([':', '.', ';']));
        if let Some(path) = path.filter(|path| is_llm_path(path)) {
            return Some(path);
        }
        from = end;
    }
    None
}

fn is_separator(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b',' | b'(' | b')' | b'<' | b'>' | b'=')
}

/// The model in a path: `/v1beta/models/gemini-2.5-flash:generateContent`, `/model/amazon.nova-lite-v1:0/converse`.
pub(super) fn model_in_path(path: &str) -> Option<&str> {
    let (_, rest) = ["/models/", "/model/"].iter().find_map(|part| path.split_once(part))?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let name = rest.get(..end)?;
    let name = METHODS.iter().find_map(|method| name.strip_suffix(method)).unwrap_or(name);
    (is_llm_path(path) && (3..=120).contains(&name.len())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_that_of_an_llm_service_with_or_without_a_query() {
        for path in [
            "/v1/chat/completions",
            "/v1/messages?beta=true",
            "/openai/deployments/chat-eu/chat/completions?api-version=2024-10-21",
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
            "/proxy/anthropic/v1/messages",
            "/v1/responses/",
            "/api/chat",
            "/model/amazon.nova-lite-v1:0/invoke",
            "/responses",
        ] {
            assert!(is_llm_path(path), "{path}");
        }
        for path in
            ["/api/v1/messages", "/messages", "/inbox/messages", "/v1/models", "/invoke", "/health", "/api/responses", "/"]
        {
            assert!(!is_llm_path(path), "{path}");
        }
    }

    #[test]
    fn a_path_can_name_the_model() {
        let google = "/gemini/v1beta/models/gemini-2.5-flash:generateContent";
        assert_eq!(model_in_path(google), Some("gemini-2.5-flash"));
        assert_eq!(model_in_path("/model/amazon.nova-lite-v1:0/converse"), Some("amazon.nova-lite-v1:0"));
        assert_eq!(model_in_path("/v1/models/gpt-5"), None);
        assert_eq!(llm_path_in("request: \"POST /v1/messages HTTP/1.1\", host: \"gw\""), Some("/v1/messages"));
        assert_eq!(llm_path_in("GET /inbox/messages failed"), None);
    }
}
