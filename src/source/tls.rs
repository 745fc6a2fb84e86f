//! TLS for TCP peers: reads a certificate and its private key from files, once at the start and at every reload.

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// The files of a certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and its chain up to the root, in PEM.
    pub cert: PathBuf,
    /// The private key of the certificate, in PEM.
    pub key: PathBuf,
}

/// Why TLS cannot be set up with these files.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or does not contain the expected item.
    #[error("cannot read {what} from {}", path.display())]
    File {
        /// `a certificate` or `a private key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The parser's error.
        source: pem::Error,
    },
    /// The file contains no certificate.
    #[error("no certificate found in {}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Certificate and key do not match, or use an unsupported algorithm.
    #[error("cannot use the certificate {} with its key", cert.display())]
    Refused {
        /// The certificate file.
        cert: PathBuf,
        /// The error of rustls.
        source: rustls::Error,
    },
}

impl TlsFiles {
    /// Reads both files. Relative paths are resolved against `folder`.
    ///
    /// # Errors
    ///
    /// A file is missing or invalid, or the key does not match the certificate.
    pub fn load(&self, folder: Option<&Path>) -> Result<TlsAcceptor, TlsError> {
        let resolve = |path: &Path| folder.map_or_else(|| path.to_owned(), |folder| folder.join(path));
        let (cert, key) = (resolve(&self.cert), resolve(&self.key));
        let file_error = |what, path: &Path| {
            let path = path.to_owned();
            move |source| TlsError::File { what, path, source }
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&cert).and_then(Iterator::collect);
        let chain = chain.map_err(file_error("a certificate", &cert))?;
        if chain.is_empty() {
            return Err(TlsError::Empty { path: cert });
        }
        let key = PrivateKeyDer::from_pem_file(&key).map_err(file_error("a private key", &key))?;
        let refused = |source| TlsError::Refused { cert: cert.clone(), source };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(refused)?;
        // A log sender never reads, so it never reads a session ticket either. A socket that is closed with an unread ticket
        // is reset, and the sender's last lines are lost.
        config.send_tls13_tickets = 0;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
