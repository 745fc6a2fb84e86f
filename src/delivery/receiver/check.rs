//! The tools that every receiver's check uses: its name, its secrets, and its address.

use super::checked::Receiver;
use super::error::ReceiverError;
use super::kind::ReceiverKind;
use crate::delivery::credentials::Credentials;
use crate::delivery::filter::Filter;
use crate::delivery::http::{Endpoint, has_certificates};
use crate::delivery::proxy::Proxies;
use crate::delivery::secret::Secret;
use crate::delivery::span::PositiveSpan;
use crate::delivery::transport::Transport;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Long enough for a receiver under load, short enough to try again within a minute.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// Alertmanager's own default for repeating a notification.
pub(super) const DEFAULT_REPEAT: Duration = Duration::from_hours(4);
/// A secret is one line.
const MAX_SECRET_BYTES: usize = 4_096;

/// The check of one table.
pub(super) struct Check<'a> {
    /// The receiver's name.
    pub(super) name: String,
    /// The directory of relative paths.
    credentials: Option<&'a Path>,
    proxies: &'a Proxies,
}

impl<'a> Check<'a> {
    /// The check of table number `index` of a kind. A table without a name is called by its kind, with a number from the
    /// second one on.
    pub(super) fn new(
        name: Option<&str>,
        kind: &str,
        index: usize,
        credentials: Option<&'a Path>,
        proxies: &'a Proxies,
    ) -> Self {
        let name = match (name, index) {
            (Some(name), _) => name.to_owned(),
            (None, 0) => kind.to_owned(),
            (None, n) => format!("{kind}-{}", n + 1),
        };
        Self { name, credentials, proxies }
    }

    pub(super) fn missing(&self, key: &'static str, hint: &'static str) -> ReceiverError {
        ReceiverError::Missing { receiver: self.name.clone(), key, hint }
    }

    fn both(&self, first: &'static str, second: &'static str) -> ReceiverError {
        ReceiverError::Both { receiver: self.name.clone(), first, second }
    }

    /// A receiver with a single member.
    pub(super) fn single(
        &self,
        kind: impl ReceiverKind + 'static,
        filter: Filter,
        repeat: Option<PositiveSpan>,
        transport: Transport,
    ) -> Receiver {
        let repeat = repeat.map_or(DEFAULT_REPEAT, |span| span.0);
        let members = vec![(self.name.clone(), transport)];
        Receiver { name: self.name.clone(), kind: Arc::new(kind), filter, repeat, members }
    }

    /// The address, from the configuration or from a file; and the key that it came from.
    pub(super) fn address(&self, url: Option<&str>, url_file: Option<&Path>) -> Result<(&'static str, Secret), ReceiverError> {
        match (url, url_file) {
            (Some(url), None) => Ok(("url", url.to_owned().into())),
            (None, Some(file)) => Ok(("url_file", self.secret("url_file", file)?)),
            (Some(_), Some(_)) => Err(self.both("url", "url_file")),
            (None, None) => Err(self.missing("url", "write the address, or url_file if the address is a secret")),
        }
    }

    /// The endpoint of an address. `key` is where the address came from.
    pub(super) fn endpoint(
        &self,
        key: &'static str,
        url: &str,
        timeout: Option<PositiveSpan>,
        ca_file: Option<&Path>,
    ) -> Result<Endpoint, ReceiverError> {
        let roots = ca_file.map(|file| self.certificates(file)).transpose()?.unwrap_or_default();
        let timeout = timeout.map_or(DEFAULT_TIMEOUT, |span| span.0);
        Endpoint::new(url, timeout, &roots, self.proxies).map_err(|why| ReceiverError::Address {
            receiver: self.name.clone(),
            key,
            why,
        })
    }

    /// The user name and password, or the bearer token, if one of them is configured.
    pub(super) fn credentials(
        &self,
        username: Option<&str>,
        password_file: Option<&Path>,
        bearer_token_file: Option<&Path>,
    ) -> Result<Option<Credentials>, ReceiverError> {
        match (username, password_file, bearer_token_file) {
            (None, None, None) => Ok(None),
            (None, None, Some(file)) => Ok(Some(Credentials::bearer(self.secret("bearer_token_file", file)?))),
            (Some(_), _, Some(_)) => Err(self.both("username", "bearer_token_file")),
            (None, Some(_), Some(_)) => Err(self.both("password_file", "bearer_token_file")),
            (None, Some(_), None) => Err(self.missing("username", "write the name that belongs to password_file")),
            (Some(_), None, None) => {
                Err(self.missing("password_file", "write the password to a file and set the path of the file here"))
            }
            (Some(name), Some(file), None) => {
                if name.is_empty() || name.contains(|c: char| c == ':' || c.is_control()) {
                    return Err(ReceiverError::Username { receiver: self.name.clone() });
                }
                Ok(Some(Credentials::basic(name, self.one_line("password_file", file, |c| !c.is_control())?)))
            }
        }
    }

    /// The secret in a file that contains one line of graphic ASCII.
    pub(super) fn secret(&self, key: &'static str, file: &Path) -> Result<Secret, ReceiverError> {
        self.one_line(key, file, |c| c.is_ascii_graphic())
    }

    fn one_line(&self, key: &'static str, file: &Path, allowed: impl Fn(char) -> bool) -> Result<Secret, ReceiverError> {
        let path = self.path(key, file)?;
        let bytes = self.read(key, &path)?;
        let text = std::str::from_utf8(&bytes).unwrap_or_default().trim();
        if text.is_empty() || text.len() > MAX_SECRET_BYTES || !text.chars().all(allowed) {
            return Err(ReceiverError::Content { receiver: self.name.clone(), key, path });
        }
        Ok(text.to_owned().into())
    }

    fn certificates(&self, file: &Path) -> Result<Vec<u8>, ReceiverError> {
        let path = self.path("ca_file", file)?;
        let pem = self.read("ca_file", &path)?;
        if !has_certificates(&pem) {
            return Err(ReceiverError::Certificates { receiver: self.name.clone(), path });
        }
        Ok(pem)
    }

    fn path(&self, key: &'static str, file: &Path) -> Result<PathBuf, ReceiverError> {
        match (file.is_absolute(), self.credentials) {
            (true, _) => Ok(file.to_owned()),
            (false, Some(folder)) => Ok(folder.join(file)),
            (false, None) => Err(ReceiverError::Relative { receiver: self.name.clone(), key, path: file.to_owned() }),
        }
    }

    fn read(&self, key: &'static str, path: &Path) -> Result<Vec<u8>, ReceiverError> {
        let failed = |source| ReceiverError::File { receiver: self.name.clone(), key, path: path.to_owned(), source };
        std::fs::read(path).map_err(failed)
    }
}
