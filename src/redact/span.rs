//! The parts of a text that must not leave, and what takes their place.

use super::token::last_four;

/// What a part is, which decides what takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A key or token. Its last four characters stay, so that a person knows which key it was.
    Key,
    /// A password: nothing of it stays.
    Password,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// The number of a payment card.
    Card,
    /// The number of a bank account.
    Iban,
    /// What a person or a model said.
    Quoted,
}

/// A part of a text, as byte offsets at character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
}

/// The text with every part replaced, and the number of replacements. Parts may overlap: the first and longest wins.
pub(super) fn replace(text: &str, mut spans: Vec<Span>) -> (String, u64) {
    spans.sort_unstable_by_key(|span| (span.start, usize::MAX - span.end));
    let mut out = String::with_capacity(text.len());
    let (mut copied, mut count) = (0, 0);
    for span in spans {
        let Some(part) = text.get(span.start..span.end) else { continue };
        if span.start < copied {
            // `hunter2@proxy.corp` looks like an e-mail address where it is the end of a password and a host.
            if matches!(span.kind, Kind::Key | Kind::Password | Kind::Quoted) {
                copied = copied.max(span.end);
            }
            continue;
        }
        out.push_str(text.get(copied..span.start).unwrap_or_default());
        put_replacement(&mut out, part, span.kind);
        copied = span.end;
        count += 1;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    (out, count)
}

fn put_replacement(out: &mut String, part: &str, kind: Kind) {
    let fixed = match kind {
        Kind::Key => {
            out.push_str("[redacted");
            if let Some(tail) = last_four(part) {
                out.push('…');
                out.push_str(tail);
            }
            "]"
        }
        Kind::Password => "[redacted]",
        Kind::Email => "[e-mail]",
        Kind::Phone => "[phone]",
        Kind::Card => "[card]",
        Kind::Iban => "[IBAN]",
        Kind::Quoted => "[…]",
    };
    out.push_str(fixed);
}
