//! Secrets in addresses: user names and passwords before the host, and addresses that are a secret as a whole.

use super::span::{Kind, Span};
use super::token::{is_random, key_length};

/// Hosts and paths behind which the rest of an address is a key: who has it may post.
pub(super) const HOOKS: [&str; 7] = [
    "hooks.slack.com/services/",
    "hooks.slack.com/workflows/",
    "hooks.slack.com/triggers/",
    "discord.com/api/webhooks/",
    "discordapp.com/api/webhooks/",
    ".webhook.office.com/webhookb2/",
    "api.telegram.org/bot",
];

/// Where user names with passwords, or keys in their place, are.
pub(super) fn find_user_info(text: &str, spans: &mut Vec<Span>) {
    for (at, mark) in text.match_indices("://") {
        let start = at + mark.len();
        if let Some(length) = text.get(start..).and_then(user_info) {
            spans.push(Span { start, end: start + length, kind: Kind::Password });
        }
    }
}

/// Where the keys of [`HOOKS`] are.
pub(super) fn find_hooks(text: &str, spans: &mut Vec<Span>) {
    for hook in HOOKS {
        for (at, _) in text.match_indices(hook) {
            let start = at + hook.len();
            let rest = text.get(start..).unwrap_or_default();
            let end =
                rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | ',')).unwrap_or(rest.len());
            if end >= 16 {
                spans.push(Span { start, end: start + end, kind: Kind::Key });
            }
        }
    }
}

/// The length of `user:password` before the `@` of an address. A password may hold `@`, `/`, `?` and `#` that should have
/// been written with `%`.
fn user_info(rest: &str) -> Option<usize> {
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`' | '\\')).unwrap_or(rest.len());
    let run = rest.get(..end)?;
    let authority = run.get(..run.find(['/', '?', '#']).unwrap_or(run.len()))?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let is_whole = match host.rsplit_once(':') {
        Some((_, port)) => host.starts_with('[') || port.bytes().all(|byte| byte.is_ascii_digit()),
        None => true,
    };
    let at = if is_whole && !has_second_host(run, authority) { authority.rfind('@')? } else { run.rfind('@')? };
    let user = run.get(..at)?;
    let is_key = |word: &str| is_random(word.get(..key_length(word)).unwrap_or_default());
    (!user.starts_with("[redacted") && (user.contains(':') || is_key(user))).then_some(at)
}

/// Whether a path holds another `@host.name`, as where a password has an `@` and a `/` in it.
fn has_second_host(run: &str, authority: &str) -> bool {
    let has_password = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    let path = run.get(authority.len()..).unwrap_or_default();
    let Some((before, after)) = path.rsplit_once('@').filter(|_| has_password) else { return false };
    let host = after.split(['/', ':']).next().unwrap_or_default();
    host.contains('.') && !before.contains(['?', '='])
}
