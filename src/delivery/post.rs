//! One HTTP POST, with a limit on everything: connect, TLS, answer, and the size of the answer.
//!
//! Each message has a connection of its own. They are a minute apart, and a pool would only add states in which a dead
//! connection looks alive.

use super::secret::Secret;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, Uri, body::Incoming};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::task::AbortOnDropHandle;

/// What is read of an answer that says what was wrong.
pub(super) const LONGEST_ANSWER: usize = 8 * 1024;
/// What is shown of it.
const SHOWN_OF_ANSWER: usize = 200;

/// Why a message did not get through.
#[derive(Debug)]
pub enum Failure {
    /// It may get through later.
    Retry {
        /// What happened.
        error: SendError,
        /// The wait the receiver asked for.
        after: Option<Duration>,
    },
    /// It never will.
    Rejected(SendError),
}

impl Failure {
    /// What happened.
    #[must_use]
    pub fn error(&self) -> &SendError {
        match self {
            Self::Retry { error, .. } | Self::Rejected(error) => error,
        }
    }
}

/// What happened to a message.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The host was not found, or nobody listens there.
    #[error("cannot connect to {authority}")]
    Connect {
        /// Host and port.
        authority: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is not who it should be, or speaks no TLS.
    #[error("cannot agree on TLS with {authority}")]
    Tls {
        /// Host and port.
        authority: String,
        /// Why.
        source: std::io::Error,
    },
    /// No answer within the limit.
    #[error("{authority} did not answer within {limit:?}")]
    Timeout {
        /// Host and port.
        authority: String,
        /// The limit.
        limit: Duration,
    },
    /// The connection broke, or what came back is not HTTP.
    #[error("{authority} did not answer in HTTP, or went away")]
    Broken {
        /// Host and port.
        authority: String,
        /// Why.
        source: hyper::Error,
    },
    /// A program that cannot be started.
    #[error("cannot run {program}")]
    Spawn {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A program that did not end well.
    #[error("{program} ended with {status}: {said}")]
    Exit {
        /// The program.
        program: String,
        /// How it ended.
        status: String,
        /// The beginning of what it said on standard error.
        said: String,
    },
    /// Standard output is closed, or full.
    #[error("cannot write to standard output")]
    Stdout {
        /// Why.
        source: std::io::Error,
    },
    /// An answer that is not a success.
    #[error("{authority} answered {code}: {said}")]
    Status {
        /// Host and port.
        authority: String,
        /// The status.
        code: u16,
        /// The beginning of what it said.
        said: String,
    },
}

/// Where messages go.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    authority: String,
    host: String,
    port: u16,
    /// Path and query: these may hold a token.
    path: Secret,
    tls: Option<TlsConfig>,
    timeout: Duration,
    /// A token for the header `Authorization`.
    pub(super) bearer: Option<Secret>,
}

/// The configuration of TLS; it says nothing when it is printed.
#[derive(Clone)]
struct TlsConfig(Arc<ClientConfig>);

impl std::fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad("TlsConfig")
    }
}

impl Endpoint {
    /// Checks an address. `roots` are further root certificates in PEM form.
    ///
    /// # Errors
    /// What is wrong with it; never the address itself.
    pub(super) fn new(url: &str, timeout: Duration, roots: &[u8]) -> Result<Self, &'static str> {
        let uri: Uri = url.trim().parse().map_err(|_| "it is not a URL")?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err("it must begin with http:// or https://"),
        };
        let authority = uri.authority().ok_or("it names no host")?;
        if authority.as_str().contains('@') {
            return Err("it holds a user and password; use bearer_token_file, or url_file for the whole address");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err("it names no host");
        }
        Ok(Self {
            authority: authority.to_string(),
            host,
            port: authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            path: uri.path_and_query().map_or("/", |it| it.as_str()).to_owned().into(),
            tls: is_tls.then(|| TlsConfig::new(roots)).transpose()?,
            timeout,
            bearer: None,
        })
    }

    /// Puts a fixed path behind the one that was given.
    pub(super) fn append_path(&mut self, suffix: &str) {
        self.path = format!("{}{suffix}", self.path.reveal().trim_end_matches('/')).into();
    }

    /// Host and port as they were given: what may be shown of an address.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Sends one message.
    ///
    /// # Errors
    /// When it was not taken, with what is to be done about it.
    pub(super) async fn post(&self, body: Vec<u8>) -> Result<(), Failure> {
        self.ask(self.request(body)).await
    }

    /// Asks for the address, with nothing to say.
    ///
    /// # Errors
    /// As for a message.
    pub(super) async fn get(&self) -> Result<(), Failure> {
        let mut request = self.request(Vec::new());
        *request.method_mut() = Method::GET;
        self.ask(request).await
    }

    /// Connects, agrees on TLS where that is spoken, and goes away.
    ///
    /// # Errors
    /// When that does not work.
    pub(super) async fn probe(&self, limit: Duration) -> Result<(), SendError> {
        let reach = async {
            let stream = self.connect().await?;
            if self.tls.is_some() {
                self.agree(stream).await?;
            }
            Ok(())
        };
        let late = || SendError::Timeout { authority: self.authority.clone(), limit };
        timeout(limit, reach).await.unwrap_or_else(|_| Err(late()))
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Result<(), Failure> {
        let late = || SendError::Timeout { authority: self.authority.clone(), limit: self.timeout };
        match timeout(self.timeout, self.exchange(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(later(late())),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(), Failure> {
        let stream = self.connect().await.map_err(later)?;
        if self.tls.is_none() {
            return self.send(stream, request).await;
        }
        self.send(self.agree(stream).await.map_err(later)?, request).await
    }

    async fn connect(&self) -> Result<TcpStream, SendError> {
        let refused = |source| SendError::Connect { authority: self.authority.clone(), source };
        TcpStream::connect((self.host.as_str(), self.port)).await.map_err(refused)
    }

    async fn agree(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, SendError> {
        let strange = |source| SendError::Tls { authority: self.authority.clone(), source };
        let Some(TlsConfig(config)) = &self.tls else { return Err(strange(std::io::Error::other("no TLS is spoken here"))) };
        let name = ServerName::try_from(self.host.clone()).map_err(|error| strange(std::io::Error::other(error)))?;
        TlsConnector::from(Arc::clone(config)).connect(name, stream).await.map_err(strange)
    }

    async fn send<S>(&self, stream: S, request: Request<Full<Bytes>>) -> Result<(), Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken = |source| later(SendError::Broken { authority: self.authority.clone(), source });
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // Moves the bytes until the answer has been read, and ends with this function.
        let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
        let response = sender.send_request(request).await.map_err(broken)?;
        self.judge(response).await
    }

    fn request(&self, body: Vec<u8>) -> Request<Full<Bytes>> {
        let mut request = Request::post(self.path.reveal())
            .header(HOST, self.authority.as_str())
            .header(USER_AGENT, concat!("llm-triage/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = &self.bearer {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.reveal())).expect("a secret is graphic ASCII");
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        request.body(Full::from(body)).expect("the path was taken from a URL, and the rest is fixed")
    }

    async fn judge(&self, response: Response<Incoming>) -> Result<(), Failure> {
        if response.status().is_success() {
            return Ok(());
        }
        let code = response.status().as_u16();
        let after = response.headers().get(RETRY_AFTER).and_then(|it| it.to_str().ok()).and_then(retry_after);
        let body = Limited::new(response.into_body(), LONGEST_ANSWER);
        let said = body.collect().await.map(|it| it.to_bytes()).unwrap_or_default();
        let error = SendError::Status { authority: self.authority.clone(), code, said: self.shown(&said) };
        Err(match code {
            408 | 425 | 429 | 500.. => Failure::Retry { error, after },
            _ => Failure::Rejected(error),
        })
    }

    /// The beginning of an answer, on one line, without what must not be seen.
    fn shown(&self, answer: &[u8]) -> String {
        let mut text = one_line(answer);
        for secret in self.bearer.iter().chain([&self.path]).map(Secret::reveal).filter(|it| it.len() > 8) {
            text = text.replace(secret, "(secret)");
        }
        text.chars().take(SHOWN_OF_ANSWER).collect()
    }
}

impl TlsConfig {
    /// The machine's root certificates and those given.
    fn new(roots: &[u8]) -> Result<Self, &'static str> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        store.add_parsable_certificates(CertificateDer::pem_slice_iter(roots).flatten());
        if store.is_empty() {
            return Err("no root certificates were found to check it with; install ca-certificates or give ca_file");
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the default versions")
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }
}

/// The beginning of what a program said, on one line.
pub(super) fn shown(said: &[u8]) -> String {
    one_line(said).chars().take(SHOWN_OF_ANSWER).collect()
}

fn one_line(text: &[u8]) -> String {
    String::from_utf8_lossy(text).trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Whether there is any certificate in a PEM file.
pub(super) fn holds_certificates(pem: &[u8]) -> bool {
    CertificateDer::pem_slice_iter(pem).any(|it| it.is_ok())
}

fn later(error: SendError) -> Failure {
    Failure::Retry { error, after: None }
}

/// Seconds, or a date.
fn retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value.trim()).ok()?;
    SystemTime::try_from(date).ok()?.duration_since(SystemTime::now()).ok()
}
