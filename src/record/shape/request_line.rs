//! The request in a line about an exchange: a method, what it asked for, and the text around them.

use crate::record::address::path_of;

/// A request as a server or a client prints it: `POST /v1/messages`, `"POST /v1/messages?beta=true HTTP/1.1"`.
#[derive(Clone, Copy, Debug)]
pub(in crate::record) struct RequestLine<'a> {
    /// The text before the method or its quotes.
    pub(in crate::record) before: &'a [u8],
    /// A path, or a whole address.
    pub(in crate::record) target: &'a [u8],
    /// The text after the target, its protocol and its quotes.
    pub(in crate::record) after: &'a [u8],
    /// The request stands in quotes.
    pub(in crate::record) quoted: bool,
    /// A browser asks whether it may send a request (`OPTIONS`).
    is_preflight: bool,
}

/// The first bytes of a message in which a request is looked for.
const HEAD_BYTES: usize = 400;
/// Slashes that may begin a target.
const SLASHES: usize = 32;
/// The characters that end a target.
const TARGET_ENDS: &[u8] = b" \t\"\\|,'";

impl<'a> RequestLine<'a> {
    /// The first request in a message.
    pub(in crate::record) fn find(message: &'a [u8]) -> Option<Self> {
        let head = &message[..message.len().min(HEAD_BYTES)];
        memchr::memchr_iter(b'/', head).take(SLASHES).find_map(|slash| Self::at(message, slash))
    }

    /// The request whose target has its first slash here.
    fn at(message: &'a [u8], slash: usize) -> Option<Self> {
        let before = &message[..slash];
        let scheme =
            [b"https:".as_slice(), b"http:"].into_iter().find(|scheme| before.ends_with(scheme)).map_or(0, <[u8]>::len);
        let start = slash - scheme;
        // gin puts the path in quotes of its own, fiber has bars between its columns.
        let method_end = trim_end(&before[..start], |b| matches!(b, b' ' | b'\t' | b'"' | b'\\' | b'|')).len();
        if method_end == start || !matches!(before[method_end], b' ' | b'\t' | 0x1b) {
            return None;
        }
        let method = before[..method_end].iter().rev().take_while(|b| b.is_ascii_uppercase()).count();
        let method_start = method_end - method;
        if !is_method(&before[method_start..method_end]) {
            return None;
        }
        let outside = trim_end(&before[..method_start], |b| matches!(b, b'"' | b'\\'));
        let quoted = before[outside.len()..method_start].contains(&b'"');
        let length = message[start..].iter().position(|b| TARGET_ENDS.contains(b)).unwrap_or(message.len() - start);
        Some(Self {
            before: outside,
            target: &message[start..start + length],
            after: skip_protocol(&message[start + length..], quoted),
            quoted,
            is_preflight: before[method_start..method_end] == *b"OPTIONS",
        })
    }

    /// The path that was asked for, without its query. A preflight asks for none.
    pub(in crate::record) fn path(self) -> Option<&'a [u8]> {
        if self.is_preflight {
            return Some(b"*");
        }
        path_of(self.target).map(str::as_bytes)
    }

    /// The target is an address with a host.
    pub(in crate::record) fn is_absolute(self) -> bool {
        !self.target.starts_with(b"/")
    }
}

/// The text without such bytes, and without colours, at its end.
fn trim_end(mut text: &[u8], is_padding: impl Fn(u8) -> bool) -> &[u8] {
    while let Some(last) = text.last() {
        if is_padding(*last) {
            text = &text[..text.len() - 1];
            continue;
        }
        let inside = text[..text.len() - 1].iter().rev().take_while(|b| b.is_ascii_digit() || **b == b';').count();
        match text[..text.len() - 1 - inside].strip_suffix(b"\x1b[") {
            Some(rest) if *last == b'm' => text = rest,
            _ => return text,
        }
    }
    text
}

/// Whether a word is a method of HTTP.
pub(in crate::record) fn is_method(word: &[u8]) -> bool {
    matches!(word, b"POST" | b"GET" | b"PUT" | b"DELETE" | b"HEAD" | b"OPTIONS" | b"PATCH")
}

/// The text after ` HTTP/1.1`, or ` 1.1` as hypercorn writes it, and after the closing quote.
fn skip_protocol(text: &[u8], quoted: bool) -> &[u8] {
    if quoted {
        let end = text.iter().position(|b| *b == b'"').map_or(text.len(), |at| at + 1);
        return &text[end..];
    }
    let rest = text.strip_prefix(b"\"").or_else(|| text.strip_prefix(b"\\\"")).unwrap_or(text).trim_ascii_start();
    match rest.strip_prefix(b"HTTP/").or_else(|| rest.strip_prefix(b"http/")) {
        Some(version) => &version[version.iter().position(|b| !(b.is_ascii_digit() || *b == b'.')).unwrap_or(version.len())..],
        None => rest,
    }
}
