//! The class of an exception at the start of a text, and what follows it.

/// `openai.RateLimitError: …`, `AnthropicException - …`, `RateLimitError("…")`: the class and what follows it.
pub(super) fn class_prefix(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix("Uncaught ").unwrap_or(text);
    let text = text.strip_prefix("raise ").unwrap_or(text);
    let end = class_end(text).unwrap_or(text.len());
    let (word, rest) = (text.get(..end)?, text.get(end..)?);
    let marked = rest.starts_with(": ")
        || rest.starts_with(":\n")
        || rest.starts_with(" - ")
        || rest.starts_with("(\"")
        || rest.starts_with("('")
        || rest == ":"
        || is_lone_class(word) && (rest.is_empty() || rest.starts_with('\n') && rest.trim_start().starts_with("at "));
    let node = rest.strip_prefix(" [").and_then(|text| text.split_once("]: "));
    if let Some((_, after)) = node
        && is_class(word)
    {
        return Some((word, after));
    }
    // tenacity: `RetryError[<Future at 0x7f32 state=finished raised RateLimitError>]`.
    if rest.starts_with(">]") && is_class(word) {
        return Some((word, ""));
    }
    if !marked {
        // `AzureException RateLimitError - …`: two classes in a row.
        let rest_class = rest.strip_prefix(' ').filter(|_| word.ends_with("Exception"));
        return rest_class.filter(|text| text.starts_with(|c: char| c.is_ascii_uppercase())).map(|text| (word, text));
    }
    let rest = if rest.starts_with('(') { rest } else { rest.get(1..).unwrap_or_default() };
    (is_class(word) && !word.is_empty()).then_some((word, rest.strip_prefix("- ").unwrap_or(rest)))
}

/// Where the qualified name at the start of a text ends: `openai.RateLimitError`, `Faraday::TooManyRequestsError`,
/// `OpenAI\\Exceptions\\ErrorException`, `HttpClientErrorException$TooManyRequests`. `None` if the text is nothing else.
fn class_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_capital = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
    let is_joint = |at: usize| match bytes.get(at) {
        Some(b':') => {
            let first = bytes.get(at + 1) == Some(&b':') && is_capital(at + 2);
            first || at > 0 && bytes.get(at - 1) == Some(&b':') && is_capital(at + 1)
        }
        Some(b'\\' | b'$') => is_capital(at + 1),
        Some(byte) => byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'),
        None => true,
    };
    (0..bytes.len()).find(|at| !is_joint(*at))
}

/// Where the first `Class: ` or `Class - ` begins behind the words of a wrapper (`completion(): Exception occured - `), or in a line below.
pub(super) fn class_inside(text: &str) -> Option<usize> {
    let head = text.get(..text.floor_char_boundary(400))?;
    let head = head.get(..head.find('{').unwrap_or(head.len()))?;
    memchr::memchr3_iter(b' ', b'(', b'\n', head.as_bytes()).map(|at| at + 1).take(60).find(|at| {
        let rest = text.get(*at..).unwrap_or_default();
        may_be_class(rest) && class_prefix(rest).is_some_and(|(class, _)| is_class(class) && class.len() > 8)
    })
}

/// A cheap test that rules out most words: whether the word at the start of a text may be a class.
fn may_be_class(text: &str) -> bool {
    let word = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_'));
    let (mut cased, mut length, mut before) = (false, 0, b'.');
    for byte in word {
        cased |= before == b'.' && byte.is_ascii_uppercase();
        (length, before) = (length + 1, byte);
    }
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic());
    first && (cased && length > 8 || text.starts_with("Uncaught ") || text.starts_with("raise "))
}

fn is_class(word: &str) -> bool {
    const ENDINGS: [&str; 15] = [
        "Error",
        "TooManyRequests",
        "Exception",
        "Timeout",
        "Interrupt",
        "Warning",
        "Refused",
        "Reset",
        "Exhausted",
        "Argument",
        "NotFound",
        "Denied",
        "Unavailable",
        "Failure",
        "Fault",
    ];
    let leaf = word.rsplit(['.', ':', '\\', '$']).next().unwrap_or(word);
    let cased = leaf.starts_with(|c: char| c.is_ascii_uppercase());
    cased && (ENDINGS.iter().any(|ending| leaf.ends_with(ending)) || word.contains('.') && leaf.len() > 3)
}

/// Whether a word that ends a text can be the class of an exception that has no message: `draft failed: a.b.AuthenticationException`.
/// `RateLimitError` has a second capital; `Error` and `Timeout` are ordinary words.
fn is_lone_class(word: &str) -> bool {
    let leaf = word.rsplit(['.', ':', '\\', '$']).next().unwrap_or(word);
    leaf.bytes().skip(1).any(|b| b.is_ascii_uppercase()) && (leaf.ends_with("Exception") || leaf.ends_with("Error"))
}

/// The provider in `<Provider>Exception` or `<Provider>Error`, which LiteLLM puts after its own class.
pub(super) fn wrapped_provider<'a>(class: &'a str, after: &str) -> Option<&'a str> {
    // LiteLLM's own classes may be between the two: `litellm.RateLimitError: RateLimitError: OpenAIException - …`.
    const KINDS: [&str; 20] = [
        "API",
        "APIConnection",
        "APIStatus",
        "Authentication",
        "BadGateway",
        "BadRequest",
        "BudgetExceeded",
        "Connection",
        "ContentPolicyViolation",
        "ContextWindowExceeded",
        "HTTP",
        "InternalServer",
        "InvalidRequest",
        "MidStreamFallback",
        "NotFound",
        "PermissionDenied",
        "RateLimit",
        "ServiceUnavailable",
        "UnprocessableEntity",
        "UnsupportedParams",
    ];
    if class.contains('.')
        || !(after.starts_with(' ')
            || after.starts_with('-')
            || after.starts_with(|c: char| c.is_ascii_uppercase() || matches!(c, '{' | 'b' | '<' | '[')))
    {
        return None;
    }
    let name = class.strip_suffix("Exception").or_else(|| class.strip_suffix("Error"))?;
    (!name.is_empty() && name.len() <= 24 && !KINDS.contains(&name)).then_some(name)
}

/// The text inside the parentheses and quotes of a repr: `("Error code: …")`.
pub(super) fn unwrap_repr(text: &str) -> &str {
    let inner = text.strip_prefix("(\"").or_else(|| text.strip_prefix("('"));
    inner.map_or(text, |text| text.trim_end().trim_end_matches([')', ',']).trim_end_matches(['"', '\'']))
}
