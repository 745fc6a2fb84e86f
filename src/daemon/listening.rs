//! What a source that listens needs, for TCP and HTTP alike.

use super::peers::Protocol;
use crate::config::SourceKind;
use crate::source::tls::{TlsError, TlsFiles};
use crate::source::{Limits, Settings, Token, TokenError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why a file that a source names cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The certificate or its key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The token.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// A source that listens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listening<'a> {
    pub(super) address: SocketAddr,
    pub(super) protocol: Protocol,
    limits: Limits,
    tls: Option<&'a TlsFiles>,
    token: Option<&'a PathBuf>,
}

impl<'a> Listening<'a> {
    /// `None` for a source that does not listen.
    pub(super) fn of(kind: &'a SourceKind) -> Option<Self> {
        match kind {
            SourceKind::Tcp { listen, limits, tls } => {
                let (protocol, tls) = (Protocol::Lines, tls.as_ref());
                Some(Self { address: *listen, protocol, limits: *limits, tls, token: None })
            }
            SourceKind::Http { listen, limits, tls, token } => {
                let (protocol, tls, token) = (Protocol::Http, tls.as_ref(), token.as_ref());
                Some(Self { address: *listen, protocol, limits: *limits, tls, token })
            }
            SourceKind::File { .. } | SourceKind::Stdin | SourceKind::Absent => None,
        }
    }

    /// Reads the files. Relative paths are in `folder`.
    pub(super) fn settings(self, folder: Option<&Path>) -> Result<Settings, SettingsError> {
        let tls = self.tls.map(|files| files.load(folder)).transpose()?;
        let token = self.token.map(|file| Token::load(file, folder)).transpose()?;
        Ok(Settings { limits: self.limits, tls, token })
    }
}
