//! What a request proves its sender with: a bearer token, or a user name and a password.

use super::secret::Secret;
use hyper::header::HeaderValue;

/// The content of the header `Authorization`, or of `Proxy-Authorization`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credentials {
    scheme: &'static str,
    /// What follows the scheme; graphic ASCII.
    token: Secret,
    password: Option<Secret>,
}

impl Credentials {
    /// A token of graphic ASCII.
    pub(super) fn bearer(token: Secret) -> Self {
        Self { scheme: "Bearer", token, password: None }
    }

    /// Basic authentication (RFC 7617, UTF-8). The user name contains no colon.
    pub(super) fn basic(username: &str, password: Secret) -> Self {
        let token = base64(format!("{username}:{}", password.reveal()).as_bytes());
        Self { scheme: "Basic", token: token.into(), password: Some(password) }
    }

    /// The value of the header.
    pub(super) fn header(&self) -> HeaderValue {
        let text = format!("{} {}", self.scheme, self.token.reveal());
        let mut value = HeaderValue::try_from(text).expect("the token is graphic ASCII");
        value.set_sensitive(true);
        value
    }

    /// The texts that no error message may repeat.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.token).chain(&self.password)
    }
}

/// The standard alphabet, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (at, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let letter = ALPHABET[(bits >> shift & 63) as usize];
            text.push(if at <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}
