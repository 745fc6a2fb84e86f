//! Secrets by their names: the values of `api_key`, `Authorization`, `password`, `cookie` and their like.

use super::pairs::{Form, Pair};
use super::span::{Kind, Span};
use super::token::{is_boundary, is_key_value, is_placeholder, is_random, key_length};

/// What a name says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Secrecy {
    /// Whatever the value looks like.
    Password,
    /// A value that looks like a key or token.
    Key,
    /// A value that a machine made up: names such as `key`, which many harmless things have.
    Weak,
    /// `Authorization`: a scheme and its credentials.
    Authorization,
    /// `Cookie`: several names with values.
    Cookie,
}

/// Endings of names, in small letters and without `-`, `_`, `.`.
const PASSWORDS: [&str; 7] = ["password", "passwd", "pwd", "passphrase", "passcode", "secret", "userpass"];
const KEYS: [&str; 20] = [
    "apikey",
    "accesskey",
    "accesskeyid",
    "secretkey",
    "secretaccesskey",
    "subscriptionkey",
    "accountkey",
    "sharedaccesskey",
    "privatekey",
    "authkey",
    "masterkey",
    "signingkey",
    "encryptionkey",
    "virtualkey",
    "token",
    "jwt",
    "credential",
    "credentials",
    "signature",
    "apisecret",
];
const WEAK: [&str; 9] = ["key", "auth", "sig", "session", "sid", "code", "assertion", "bearer", "dsn"];
/// Names that end like a key's and are not one.
const HARMLESS: [&str; 18] = [
    "cachekey",
    "idempotencykey",
    "partitionkey",
    "primarykey",
    "foreignkey",
    "sortkey",
    "publickey",
    "routingkey",
    "rowkey",
    "objectkey",
    "projectkey",
    "issuekey",
    "hotkey",
    "pagetoken",
    "nexttoken",
    "continuationtoken",
    "errorcode",
    "statuscode",
];

fn secrecy(name: &str) -> Option<Secrecy> {
    let mut plain = [0_u8; 64];
    let mut length = 0;
    for byte in name.bytes().filter(u8::is_ascii_alphanumeric).take(plain.len()) {
        plain[length] = byte.to_ascii_lowercase();
        length += 1;
    }
    let plain = std::str::from_utf8(&plain[..length]).unwrap_or_default();
    let ends_in = |endings: &[&str]| endings.iter().any(|ending| plain.ends_with(ending));
    if ends_in(&HARMLESS) {
        None
    } else if ends_in(&["authorization"]) {
        Some(Secrecy::Authorization)
    } else if ends_in(&["cookie", "cookies"]) {
        Some(Secrecy::Cookie)
    } else if ends_in(&PASSWORDS) {
        Some(Secrecy::Password)
    } else if ends_in(&KEYS) {
        Some(Secrecy::Key)
    } else {
        ends_in(&WEAK).then_some(Secrecy::Weak)
    }
}

/// The secret in a pair, if its name says that there is one.
pub(super) fn find(text: &str, pair: &Pair<'_>, spans: &mut Vec<Span>) {
    let Some(secrecy) = secrecy(pair.name) else { return };
    let Some(value) = text.get(pair.start..pair.end) else { return };
    let mut put = |start: usize, end: usize, kind| spans.push(Span { start, end, kind });
    match (secrecy, pair.form) {
        (_, Form::Nested) => {
            for (start, end) in super::pairs::inner_texts(text, pair.start, pair.end, &[]) {
                if text.get(start..end).is_some_and(is_key_value) {
                    put(start, end, Kind::Key);
                }
            }
        }
        (Secrecy::Password, form) if is_password(value, form) => put(pair.start, pair.end, Kind::Password),
        (Secrecy::Authorization, form) => {
            // A header's value goes to the end of its line.
            let end = if form == Form::Quoted { pair.end } else { line_end(text, pair.start) };
            if let Some((start, end)) = credentials(text, pair.start, end) {
                put(start, end, Kind::Key);
            }
        }
        (Secrecy::Cookie, form) => {
            let end = if form == Form::Quoted { pair.end } else { line_end(text, pair.start) };
            if value.contains('=') && !is_placeholder(value) {
                put(pair.start, end, Kind::Password);
            }
        }
        (Secrecy::Key, _) if is_key_value(value) && !value.contains(' ') => put(pair.start, pair.end, Kind::Key),
        (Secrecy::Weak, _) if is_random(value) && !value.contains(' ') => put(pair.start, pair.end, Kind::Key),
        _ => {}
    }
}

fn line_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    start + rest.find(['\n', '\'', '"', '\\', '}', ')']).unwrap_or(rest.len())
}

/// Whether the value of a password is one, and not what a sentence says about it.
fn is_password(value: &str, form: Form) -> bool {
    let is_path = value.starts_with(['/', '.']);
    let is_sentence = value.ends_with('.') || value.matches(' ').count() >= 2;
    let is_word = value.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b' ');
    match form {
        Form::Quoted | Form::Assigned => !is_placeholder(value) && !is_path && !is_sentence,
        Form::Bare | Form::Nested => !is_placeholder(value) && !is_path && !is_sentence && !is_word && value.len() >= 8,
    }
}

/// Schemes with credentials of several words, up to the end of the line.
const LONG_SCHEMES: [&str; 5] = ["aws4-hmac-sha256", "digest", "hawk", "oauth", "aws4-ecdsa-p256-sha256"];
const SCHEMES: [&str; 9] = ["bearer", "basic", "token", "apikey", "api-key", "key", "negotiate", "ntlm", "splunk"];

/// The credentials in the value of `Authorization`.
fn credentials(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    let value = text.get(start..end)?;
    let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
    let is_one_of = |schemes: &[&str]| schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let rest_start = end - rest.len();
    if is_one_of(&LONG_SCHEMES) {
        return rest.contains('=').then_some((rest_start, end));
    }
    if is_one_of(&SCHEMES) {
        let length = rest.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(rest.len());
        let word = rest.get(..length)?;
        let is_one = !is_placeholder(word) && word.len() >= 6 && !word.bytes().all(|byte| byte.is_ascii_lowercase());
        return is_one.then_some((rest_start, rest_start + length));
    }
    let length = key_length(value);
    value.get(..length).is_some_and(is_key_value).then_some((start, start + length))
}

/// The start of a private key.
pub(super) const PEM: &str = "-----BEGIN ";

/// Words and options of [`find_after_words`], in any case.
pub(super) const BEFORE_CREDENTIALS: [&str; 5] = ["bearer", "basic", "sshpass -p", "curl -u", " --user"];

/// Secrets behind a word and a blank: `Bearer …`, `Basic …`, `sshpass -p …`, `curl -u …`.
pub(super) fn find_after_words(text: &str, spans: &mut Vec<Span>) {
    for (at, _) in text.match_indices(' ') {
        let (before, after) = text.split_at(at);
        let rest = after.trim_start_matches(' ');
        let start = text.len() - rest.len();
        if ends_with_word(before, "bearer") || ends_with_word(before, "basic") {
            let length = key_length(rest);
            let word = rest.get(..length).unwrap_or_default();
            if length >= 12 && is_key_value(word) && rest.as_bytes().get(length) != Some(&b'=') {
                spans.push(Span { start, end: start + length, kind: Kind::Key });
            }
        } else if before.ends_with("sshpass -p") || before.ends_with("curl -u") || before.ends_with(" --user") {
            let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let word = rest.get(..length).unwrap_or_default();
            if before.ends_with("-p") || word.contains(':') {
                spans.push(Span { start, end: start + length, kind: Kind::Password });
            }
        }
    }
}

fn ends_with_word(text: &str, word: &str) -> bool {
    let Some(start) = text.len().checked_sub(word.len()) else { return false };
    text.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(word)) && is_boundary(text, start)
}

/// Private keys in PEM, up to their last line or to the end of the text.
pub(super) fn find_pem(text: &str, spans: &mut Vec<Span>) {
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(PEM)) {
        let start = from + at;
        let rest = text.get(start..).unwrap_or_default();
        let Some(header) = rest.get(PEM.len()..).and_then(|rest| rest.find("-----")).filter(|length| *length <= 40) else {
            return;
        };
        let body = start + PEM.len() + header + 5;
        let end = text.get(body..).and_then(|rest| rest.find("-----END")).map_or(text.len(), |end| body + end);
        if text.get(start..body).is_some_and(|header| header.contains("PRIVATE KEY")) {
            spans.push(Span { start: body, end, kind: Kind::Password });
        }
        from = end.max(body);
    }
}
