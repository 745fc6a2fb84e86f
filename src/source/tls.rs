//! TLS for peers: a certificate and its key from files, read once at the start.

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Where certificate and key lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that lead from it to its root, in PEM.
    pub cert: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// Why there is no TLS with these files.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One of them cannot be read, or holds nothing of the kind.
    #[error("cannot read {what} from {}", path.display())]
    File {
        /// A certificate or a key.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// There is no certificate in the file.
    #[error("there is no certificate in {}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// They do not belong together, or are of a kind that is not spoken.
    #[error("cannot use the certificate {} with its key", cert.display())]
    Refused {
        /// The certificate.
        cert: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

impl TlsFiles {
    /// Reads both. Relative paths begin in `folder`.
    ///
    /// # Errors
    ///
    /// Where they are not there, or do not belong together.
    pub fn load(&self, folder: Option<&Path>) -> Result<TlsAcceptor, TlsError> {
        let place = |path: &Path| folder.map_or_else(|| path.to_owned(), |it| it.join(path));
        let (cert, key) = (place(&self.cert), place(&self.key));
        let fault = |what, path: &Path| {
            let path = path.to_owned();
            move |source| TlsError::File { what, path, source }
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&cert).and_then(Iterator::collect);
        let chain = chain.map_err(fault("a certificate", &cert))?;
        if chain.is_empty() {
            return Err(TlsError::Empty { path: cert });
        }
        let key = PrivateKeyDer::from_pem_file(&key).map_err(fault("a private key", &key))?;
        let refused = |source| TlsError::Refused { cert: cert.clone(), source };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(refused)?;
        // Whoever only writes logs never reads a ticket; closing with one unread resets the connection and cuts its last lines.
        config.send_tls13_tickets = 0;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
