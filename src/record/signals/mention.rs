//! Words of trouble that report none: the name of a setting (`request_timeout: None`), a counter at zero (`0 errors`), a
//! sentence that speaks of errors in general (`If this error persists, …`).

use crate::line::WordList;

/// Values that switch a setting off.
const OFF: [&str; 8] = ["false", "none", "null", "nil", "off", "0", "0.0", "0%"];

/// Whether a word of trouble at this place of a text is not the name of a setting.
pub(super) fn is_outside_settings(text: &str, word: &str, at: usize) -> bool {
    let takes_numbers = ["timeout", "limit", "capacity", "quota", "balance", "credit"].contains(&word);
    let end = at + word.len();
    let is_named = is_setting(text, end, takes_numbers) || is_option(text, at);
    let is_told = || takes_numbers && is_told_setting(text, at, word.len());
    !(is_named || is_compared(text, end) || is_told())
}

/// Whether words give a limit its number: `timeout set to 30 seconds`, `default timeout is 600s`, `using a timeout of 30s`.
fn is_told_setting(text: &str, at: usize, length: usize) -> bool {
    const TELLING: [&str; 6] = ["set to ", "is set to ", "is ", "configured: ", "configured as ", "configured to "];
    let rest = text.get(at + length..).unwrap_or_default().trim_start();
    let before = text.get(..at).unwrap_or_default().trim_end();
    let before = before.strip_suffix(" a").unwrap_or(before);
    let told = TELLING.iter().find_map(|words| rest.strip_prefix(words)).or_else(|| {
        let is_used = ["using", "Using"].iter().any(|word| before.ends_with(word));
        rest.strip_prefix("of ").filter(|_| is_used)
    });
    let Some(number) = told.filter(|told| told.starts_with(|c: char| c.is_ascii_digit())) else { return false };
    let after = number.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
    !["exceeded", "expired", "elapsed", "reached", "passed", "hit"].iter().any(|over| after.contains(over))
}

/// Whether the word at this place is of an option of a command line: `--request-timeout 6`.
fn is_option(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let name = before.rsplit(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))).next().unwrap_or_default();
    name.starts_with("--")
}

/// `Timeout of 30000 exceeds the interval of 10000`: two settings that do not fit.
fn is_compared(text: &str, end: usize) -> bool {
    const WORDS: &str = " exceeds the interval";
    let value = text.get(end..).and_then(|rest| rest.strip_prefix(" of "));
    value.is_some_and(|value| value.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(WORDS))
}

/// Whether the word that ends at `end` belongs to the name of a setting that is off or, if it `takes_numbers`, has a number:
/// `clarifyTimeoutError: false`, `timeout=30`, `"request_timeout": null`.
fn is_setting(text: &str, end: usize, takes_numbers: bool) -> bool {
    let rest = text.get(end..).unwrap_or_default();
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let rest = rest.trim_start_matches(['"', '\'', ' ']);
    let Some(value) = rest.strip_prefix([':', '=']) else { return false };
    let value = value.trim_start_matches(['"', '\'', ' ']);
    let length =
        value.find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ')' | '}' | ']' | '"' | '\'')).unwrap_or(value.len());
    let (token, after) = (value.get(..length).unwrap_or_default(), value.get(length..).unwrap_or_default());
    let is_over = ["exceeded", "expired", "elapsed", "reached"].iter().any(|word| after.trim_start().starts_with(word));
    let is_number = || {
        let unit = token.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '_'));
        unit.len() < token.len() && unit.len() <= 7 && unit.bytes().all(|b| b.is_ascii_alphabetic())
    };
    OFF.iter().any(|off| off.eq_ignore_ascii_case(token)) || takes_numbers && !is_over && is_number()
}

/// Whether a text only mentions errors: no verb says that something failed, and no error is introduced.
pub(super) fn only_mentions(text: &str) -> bool {
    let text = text.get(..text.floor_char_boundary(1_024)).unwrap_or_default().to_ascii_lowercase();
    !text.split_inclusive(['.', '!', '?', ';', '\n']).any(reports)
}

/// Whether one sentence, in lower case, reports a failure.
fn reports(sentence: &str) -> bool {
    #[rustfmt::skip]
    static VERBS: WordList<41> = WordList::new([
        "failed", "fails ", "failing", "timed out", "refused", "exceeded", "denied", "rejected", "aborted", "crashed", "unable to",
        "could not", "couldn't", "cannot", "can't", "overloaded", "exhausted", "unavailable", "not found", "not exist", "unauthorized",
        "forbidden", "too many", "invalid", "giving up", "gave up", "not supported", "unsupported", "expired", "blocked", "too long",
        "too large", "disconnected", "reset by", "broken pipe", "hang up", "insufficient", "deactivated", "suspended", "missing",
        "unexpected",
    ]);
    static NOUNS: WordList<6> = WordList::new(["error", "exception", "failure", "timeout", "limit", "quota"]);
    let hedge =
        ["if ", "when ", "in case", "should ", "whether ", "unless "].iter().filter_map(|word| find_word(sentence, word)).min();
    let stated = sentence.get(..hedge.unwrap_or(sentence.len())).unwrap_or_default();
    let is_ascii = sentence.is_ascii();
    VERBS.any_folded(stated.as_bytes(), |_, at| !is_counted_zero(stated, at))
        || NOUNS.any_folded(stated.as_bytes(), |noun, at| introduces(stated, at, noun.len()))
        || !is_ascii
}

fn find_word(text: &str, word: &str) -> Option<usize> {
    text.match_indices(word)
        .map(|(at, _)| at)
        .find(|at| !text.as_bytes().get(at.wrapping_sub(1)).is_some_and(u8::is_ascii_alphabetic))
}

/// `0 failed`, `no failed calls`.
fn is_counted_zero(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default().trim_end();
    let word = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | ',')).next().unwrap_or_default();
    matches!(word, "0" | "no" | "zero" | "without")
}

/// Whether a noun at this place introduces an error: `error: …`, `error while …`, `got an error`, `api error 429`.
fn introduces(text: &str, at: usize, length: usize) -> bool {
    const FOLLOWERS: [&str; 15] = [
        "while",
        "in ",
        "from",
        "when",
        "during",
        "calling",
        "code",
        "response",
        "occurred",
        "status",
        "generating",
        "on ",
        "with",
        "processing",
        "communicating",
    ];
    const LEADERS: [&str; 12] = [
        "got",
        "returned",
        "raised",
        "threw",
        "hit",
        "received",
        "encountered",
        "api",
        "server",
        "fatal",
        "caught",
        "unhandled",
    ];
    let is_in_identifier = text.as_bytes().get(at.wrapping_sub(1)) == Some(&b'_');
    if is_counted_zero(text, at) || is_in_identifier {
        return false;
    }
    let before = text.get(..at).unwrap_or_default().trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
    let after = text.get(at + length..).unwrap_or_default();
    let next = after.trim_start();
    let is_first = !before.contains(|c: char| c.is_alphanumeric());
    let is_marked =
        after.starts_with([':', '=', '(']) && !next.trim_start_matches([':', '=', ' ']).is_empty() || next.starts_with("- ");
    let mut words = before.split_whitespace().rev().filter(|word| !matches!(*word, "an" | "a" | "the" | "with"));
    let is_led = words.next().is_some_and(|word| LEADERS.contains(&word));
    let is_followed = FOLLOWERS.iter().any(|word| next.starts_with(word)) || next.starts_with(|c: char| c.is_ascii_digit());
    is_marked || is_led || is_followed || is_first && !after.starts_with(['s', ']', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_no_trouble() {
        let has_outside_settings = |text: &str, word: &str| {
            text.to_ascii_lowercase().match_indices(word).any(|(at, _)| is_outside_settings(text, word, at))
        };
        for text in
            ["request_timeout: None", "timeout=30", "clarifyTimeoutError: false", "\"timeout\": 1.5,", "timeout: '30s',"]
        {
            assert!(!has_outside_settings(text, "timeout"), "{text}");
        }
        for text in
            ["timeout of 60000ms exceeded", "timeout=30s exceeded", "litellm.Timeout: Request timed out", "read timeout"]
        {
            assert!(has_outside_settings(text, "timeout"), "{text}");
        }
        assert!(has_outside_settings("error: 429", "error"));
        assert!(!has_outside_settings("error: null", "error"));
    }

    #[test]
    fn a_limit_that_words_give_a_number_is_no_trouble() {
        let is_trouble = |text: &str| {
            text.to_ascii_lowercase().match_indices("timeout").any(|(at, _)| is_outside_settings(text, "timeout", at))
        };
        for text in
            ["Timeout set to 30 seconds", "Default timeout is 600s", "Using timeout of 30 seconds", "timeout configured: 30s"]
        {
            assert!(!is_trouble(text), "{text}");
        }
        for text in [
            "Timeout of 30 seconds exceeded",
            "timeout is 30s: expired",
            "the call hit its timeout of 30s",
            "Timeout is fatal",
            "timeout after 30s",
        ] {
            assert!(is_trouble(text), "{text}");
        }
    }

    #[test]
    fn a_mention_is_no_report() {
        for text in [
            "Please retry if you think this is a transient or recoverable error.",
            "If this error persists, contact support.",
            "Done: 12 processed, 0 errors",
            "Summary: 40 ok, 0 failed, 2 skipped",
            "The error above was an exception we were not able to handle.",
            "See the section on error handling in the manual.",
            "raise_or_log_error(uid, gid)",
        ] {
            assert!(only_mentions(text), "{text}");
        }
        for text in [
            "Error: connection reset",
            "request to the model failed",
            "got an error from the provider",
            "the call timed out",
            "API error 529",
            "LLM error while summarising ticket 7",
            "error calling gpt-5-mini",
        ] {
            assert!(!only_mentions(text), "{text}");
        }
    }
}
