//! Texts that were logged as an error and report no failure: entries of another log, talk, settings, counters at zero.

use super::extract::status_in;
use super::mention::is_outside_settings;
use crate::line::{WordList, contains, contains_folded};
use crate::time::Stamp;

/// Whether a text that was logged as an error shows that nothing failed: an entry of another log at a calm level, an access
/// line with a 200, a piece of an answer or of a conversation, a counter of failures at zero.
pub(super) fn declares_calm(text: &str) -> bool {
    let text = text.get(..text.floor_char_boundary(1_024)).unwrap_or_default();
    let text = text.split_once("failed: ").filter(|(before, _)| before.len() < 24).map_or(text, |(_, after)| after);
    let head = text.get(..text.floor_char_boundary(200)).unwrap_or_default();
    let access = ["| 200 |", "HTTP/1.1\" 200", "200 OK "].iter().any(|mark| head.contains(mark));
    let calm = access || is_calm_entry(head, text) || is_talk(head) || is_piece_of_answer(text);
    calm || counts_none(text) || is_aside(text) || lists_headers(text) || is_status_report(text) || is_stamped_line(text)
}

/// The rate limit headers of an answer, and no word for a failure.
fn lists_headers(text: &str) -> bool {
    contains_folded(text, "x-ratelimit-remaining") && status_in(text).is_none() && {
        let rest = text.split("ratelimit").collect::<String>();
        !["error", "exceeded", "too many", "reached", "denied"].iter().any(|word| contains_folded(&rest, word))
    }
}

/// A line of another log without a level and without a word for a failure: `2024/08/12 20:00:01 images.go:996: total blobs: 0`.
fn is_stamped_line(text: &str) -> bool {
    let stamped = Stamp::parse_prefix(text.trim_start_matches('[').as_bytes()).is_some();
    stamped && !names_trouble(text) && status_in(text).is_none()
}

/// Three facts or more, each a name with a value, and no word for a failure: `total blobs: 0`, `Main model: … Git repo: …`,
/// `ttft=0.87`.
fn is_status_report(text: &str) -> bool {
    let pair = |word: &&str| {
        let word = word.trim_end_matches([',', ';']);
        let named = word.strip_suffix(':').or_else(|| word.split_once('=').map(|(name, _)| name));
        named.is_some_and(|name| {
            name.len() > 1 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        })
    };
    text.split_whitespace().filter(pair).take(3).count() == 3
        && !text.contains('<')
        && !names_trouble(text)
        && status_in(text).is_none()
}

/// Text about errors that reports none: the subject of a commit, a line of a table or of a change log, a note in the first
/// person, a success, a deprecation warning of Python.
fn is_aside(text: &str) -> bool {
    const STARTS: [&str; 21] = [
        "feat: ",
        "feat(",
        "fix: ",
        "fix(",
        "docs: ",
        "docs(",
        "chore: ",
        "chore(",
        "refactor: ",
        "perf: ",
        "test: ",
        "✓ ",
        "✔ ",
        "✅ ",
        "I'd ",
        "I've ",
        "I have ",
        "I am ",
        "I want ",
        "| ",
        "- **",
    ];
    const MARKS: [&str; 8] = [
        "resolved by PR #",
        "fixed by PR #",
        "Fixed by #",
        "DeprecationWarning",
        "will be removed in a future",
        "will be removed in 1.",
        "will be removed in 2.",
        "will be removed in v",
    ];
    let start = text.trim_start();
    let refused = || ["cannot", "can't", "unable", "sorry", "not able"].iter().any(|word| contains_folded(start, word));
    STARTS.iter().any(|begin| start.starts_with(begin)) && !refused() || MARKS.iter().any(|mark| contains(text, mark))
}

/// Whether lines were pasted from elsewhere and logged as an error: a configuration, or a conversation about errors.
pub(super) fn is_paste(text: &str) -> bool {
    let text = text.get(..text.floor_char_boundary(4_096)).unwrap_or_default();
    let text = text.split_once("failed: ").filter(|(before, _)| before.len() < 24).map_or(text, |(_, after)| after);
    let talk =
        |line: &str| ["assistant: ", "Assistant: ", "|---", "| ---"].iter().any(|mark| line.trim_start().starts_with(mark));
    is_settings(text) || text.lines().skip(1).take(8).any(talk)
}

/// Lines of a configuration: each is a name with a value, or a bracket, and no name is that of a part of an error.
fn is_settings(text: &str) -> bool {
    const PARTS: [&str; 8] = ["error", "message", "msg", "status", "detail", "reason", "exception", "response"];
    const WHOLE: [&str; 5] = ["code", "type", "cause", "description", "errno"];
    let mut settings = 0;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.bytes().all(|b| matches!(b, b'{' | b'}' | b'[' | b']' | b'(' | b')' | b',')) {
            continue;
        }
        let Some(at) = line.find([':', '=']) else { return false };
        let name = line.get(..at).unwrap_or_default().trim().trim_start_matches("- ").trim_matches(['"', '\'']);
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        let of_error =
            PARTS.iter().any(|part| contains_folded(name, part)) || WHOLE.iter().any(|word| word.eq_ignore_ascii_case(name));
        if !plain || of_error {
            return false;
        }
        let value = line.get(at + 1..).unwrap_or_default();
        if value.len() > 120 || names_trouble(value) || status_in(value).is_some() {
            return false;
        }
        settings += 1;
    }
    settings >= 2
}

/// `2026-11-20 09:16:51 | INFO | …`, and no word for a failure after the level.
fn is_calm_entry(head: &str, text: &str) -> bool {
    let level = head.split(|c: char| !c.is_ascii_alphabetic() && c != '[').find_map(|word| match word {
        "INFO" | "[info" | "[INFO" | "[debug" | "DEBUG" | "TRACE" | "WARN" | "WARNING" | "[warn" | "[WARN" | "[warning"
        | "[WARNING" => Some(Some(word)),
        "ERROR" | "CRITICAL" | "FATAL" | "[error" | "[ERROR" | "Error" | "Exception" => Some(None),
        _ => None,
    });
    let level = level.or_else(|| stamped_level(head).map(Some));
    let Some(Some(level)) = level else { return false };
    let rest = text.split_once(level).map_or("", |(_, rest)| rest);
    if level.trim_start_matches('[').starts_with(['w', 'W']) {
        return !names_trouble(rest) && status_in(rest).is_none();
    }
    !["error", "exception", "failed", "exceeded", "unhandled status"].iter().any(|word| contains_folded(rest, word))
}

/// The level in small letters after a stamp: `2026-11-20 09:16:51 info: …`.
fn stamped_level(head: &str) -> Option<&str> {
    let text = head.trim_start_matches('[');
    let (_, rest) = Stamp::parse_prefix(text.as_bytes())?;
    let rest = text.get(text.len() - rest.len()..)?.trim_start_matches([' ', ']', '|', '-', '[', '(']);
    ["info", "debug", "trace", "verbose"]
        .into_iter()
        .find(|level| rest.starts_with(level))
        .and_then(|level| rest.get(..level.len()))
}

/// One turn of a conversation: `assistant: Sure! …`.
fn is_talk(head: &str) -> bool {
    const SPEAKERS: [&str; 8] = ["assistant", "user", "human", "system", "claude", "ai", "bot", "chatgpt"];
    let Some((speaker, said)) = head.split_once(": ") else { return false };
    // `system: text content blocks must be non-empty` names a part of the request.
    if ["system", "user"].iter().any(|name| speaker.eq_ignore_ascii_case(name)) && names_trouble(said) {
        return false;
    }
    SPEAKERS.iter().any(|name| name.eq_ignore_ascii_case(speaker))
        && !["error", "exception", "api ", "failed", "status", "exceeded"].iter().any(|word| contains_folded(said, word))
}

/// A body, or a part of one, that reports no error: usage counts, or an object with its type.
fn is_piece_of_answer(text: &str) -> bool {
    let body = text.trim_start();
    let piece = contains(body, "_tokens\":") || body.starts_with('{') && contains(body, "\"object\":");
    piece && body.starts_with(['{', '"']) && !contains_folded(body, "error") && !contains_folded(body, "exception")
}

/// Whether a text is a sentence of documentation ("occurs when …") or a progress message.
pub(super) fn explains(text: &str) -> bool {
    const GENERAL: [&str; 11] = [
        ": indicates that ",
        ": occurs when ",
        ": sent when ",
        " you will see a ",
        " which we mistake ",
        " is only set if ",
        "always refers to ",
        " are always included",
        " is only returned ",
        " is described in ",
        " are described in ",
    ];
    const PROGRESS: [&str; 9] = [
        "adjusted ",
        "dispatching ",
        "first byte ",
        "first chunk",
        "started ",
        "listening on",
        "initialized",
        "warming up",
        "connected to ",
    ];
    let general = GENERAL.iter().any(|part| contains_folded(text, part)) && !contains_folded(text, "error");
    general || PROGRESS.iter().any(|part| contains_folded(text, part)) && !names_trouble(text)
}

/// Counters of failures that are all zero: `state=closed failures=0`.
fn counts_none(text: &str) -> bool {
    let counter = |word: &str| {
        let (name, value) = word.split_once(['=', ':'])?;
        let name = name.trim_start_matches(['"', '\'']).trim_end_matches(['"', '\'']);
        let counts = ["fail", "error", "reject", "drop", "retr", "timeout"].iter().any(|part| contains_folded(name, part));
        counts.then(|| matches!(value.trim_end_matches([',', ';']), "0" | "0.0" | "0%" | "none" | "null" | "false"))
    };
    let counters: Vec<bool> = text.split_whitespace().filter_map(counter).collect();
    let others = text.split_whitespace().filter(|word| counter(word).is_none() && *word != "state=closed");
    !counters.is_empty() && counters.iter().all(|zero| *zero) && others.into_iter().all(|word| !names_trouble(word))
}

/// Parts of words for a failure. Wide on purpose: a text at the level of an error that has none of them is no failure.
#[rustfmt::skip]
static TROUBLE: WordList<103> = WordList::new([
    "error", "not specified", "not enabled", "not initialized", "not combined", "too small", "too many", "stopped",
    "crashed", "try again", "no tool", "no model", "no healthy", "no provider", "no channel", "no response", "no content",
    "no such", "returned no", "not logged in", "无效", "不可用", "禁用", "繁忙", "稍后再试", "fail", "exception", "denied", "invalid",
    "exceed", "timeout", "timed out", "refus", "unable", "cannot", "can't", "could not", "couldn't", "not found",
    "not support", "unsupported", "unauthor", "forbidden", "missing", "required", "must ", "limit", "quota", "overload",
    "too long", "too large", "not allowed", "blocked", "expired", "suspend", "unavailable", "capacity", "busy",
    "insufficient", "credit", "balance", "does not", "doesn't", "did not", "didn't", "unknown", "unexpected", "abort",
    "closed", "reset", "rejected", "out of range", "subscriptable", "giving up", "keyerror", "nonetype", "violat",
    "reconnecting", "no longer", "not available", "incorrect", "less capable", "please ensure", "please check", "not valid",
    "not authorized", "not permitted", "disabled", "deactivated", "失败", "错误", "异常", "无法", "不支持", "不存在", "非法", "超", "欠费",
    "过期", "拒绝", "限制", "不足", "违规",
]);

/// Whether a text has a word for a failure.
pub(super) fn names_trouble(text: &str) -> bool {
    let head = text.get(..text.floor_char_boundary(1_024)).unwrap_or_default();
    TROUBLE.any_folded(head.as_bytes(), |word, at| is_outside_settings(head, word, at))
}
