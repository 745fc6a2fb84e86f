//! The bearer token that senders must show, read from a file at the start and at every reload.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A token; it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Arc<[u8]>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// Why a file gives no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("cannot read a token from {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// It holds no token, or more than one word.
    #[error("{} must hold a token: one word of visible ASCII characters", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
    },
}

impl Token {
    /// Reads a token. A relative path is resolved against `folder`.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or what it holds is no token.
    pub fn load(path: &Path, folder: Option<&Path>) -> Result<Self, TokenError> {
        let path = folder.map_or_else(|| path.to_owned(), |folder| folder.join(path));
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(source) => return Err(TokenError::File { path, source }),
        };
        let token = text.trim_ascii();
        if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
            return Err(TokenError::Unusable { path });
        }
        Ok(Self(token.into()))
    }

    /// Whether the header `Authorization` shows this token. The time it takes does not depend on how much of it is right.
    pub(super) fn is_shown_by(&self, header: &[u8]) -> bool {
        let Some((scheme, shown)) = header.split_at_checked(7) else { return false };
        let shown = shown.trim_ascii();
        let differing = shown.iter().zip(self.0.iter()).fold(0, |all, (left, right)| all | (left ^ right));
        scheme.eq_ignore_ascii_case(b"bearer ") && shown.len() == self.0.len() && differing == 0
    }
}
