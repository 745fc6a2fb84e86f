//! The class of an exception at the start of a text, and what follows it.

/// `openai.RateLimitError: …`, `AnthropicException - …`, `RateLimitError("…")`: the class and what follows it.
pub(super) fn class_prefix(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix("Uncaught ").unwrap_or(text);
    let text = text.strip_prefix("raise ").unwrap_or(text);
    let end = text.bytes().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_')))?;
    let (word, rest) = (text.get(..end)?, text.get(end..)?);
    let marked = rest.starts_with(": ")
        || rest.starts_with(":\n")
        || rest.starts_with(" - ")
        || rest.starts_with("(\"")
        || rest.starts_with("('")
        || rest == ":";
    let node = rest.strip_prefix(" [").and_then(|it| it.split_once("]: "));
    if let Some((_, after)) = node
        && is_class(word)
    {
        return Some((word, after));
    }
    if !marked {
        // `AzureException RateLimitError - …`: two classes in a row.
        let rest_class = rest.strip_prefix(' ').filter(|_| word.ends_with("Exception"));
        return rest_class.filter(|it| it.starts_with(|c: char| c.is_ascii_uppercase())).map(|it| (word, it));
    }
    let rest = if rest.starts_with('(') { rest } else { rest.get(1..)? };
    (is_class(word) && !word.is_empty()).then_some((word, rest.strip_prefix("- ").unwrap_or(rest)))
}

/// Where the first `Class: ` or `Class - ` begins behind the words of a wrapper (`completion(): Exception occured - `).
pub(super) fn class_inside(text: &str) -> Option<usize> {
    let head = text.get(..text.floor_char_boundary(400))?;
    let head = head.get(..head.find('{').unwrap_or(head.len()))?;
    memchr::memchr2_iter(b' ', b'(', head.as_bytes()).map(|at| at + 1).take(60).find(|at| {
        let rest = text.get(*at..).unwrap_or_default();
        may_be_class(rest) && class_prefix(rest).is_some_and(|(class, _)| is_class(class) && class.len() > 8)
    })
}

/// Most words are no class, which a look at their first and last letters tells.
pub(super) fn may_be_class(text: &str) -> bool {
    let word = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_'));
    let (mut cased, mut length, mut before) = (false, 0, b'.');
    for byte in word {
        cased |= before == b'.' && byte.is_ascii_uppercase();
        (length, before) = (length + 1, byte);
    }
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic());
    first && (cased && length > 8 || text.starts_with("Uncaught ") || text.starts_with("raise "))
}

pub(super) fn is_class(word: &str) -> bool {
    let leaf = word.rsplit('.').next().unwrap_or(word);
    let cased = leaf.starts_with(|c: char| c.is_ascii_uppercase());
    let endings = [
        "Error",
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
    cased && (endings.iter().any(|it| leaf.ends_with(it)) || word.contains('.') && leaf.len() > 3)
}

/// LiteLLM puts `<Provider>Exception` or `<Provider>Error` behind its own class.
pub(super) fn wrapped_provider<'a>(class: &'a str, after: &str) -> Option<&'a str> {
    if class.contains('.')
        || !(after.starts_with(' ')
            || after.starts_with('-')
            || after.starts_with(|c: char| c.is_ascii_uppercase() || c == '{' || c == 'b'))
    {
        return None;
    }
    // Its own classes may stand between the two: `litellm.RateLimitError: RateLimitError: OpenAIException - …`.
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
    let name = class.strip_suffix("Exception").or_else(|| class.strip_suffix("Error"))?;
    (!name.is_empty() && name.len() <= 24 && !KINDS.contains(&name)).then_some(name)
}

/// `("Error code: …")` of a repr: the inside.
pub(super) fn unwrap_repr(text: &str) -> &str {
    let inner = text.strip_prefix("(\"").or_else(|| text.strip_prefix("('"));
    inner.map_or(text, |it| it.trim_end().trim_end_matches([')', ',']).trim_end_matches(['"', '\'']))
}
