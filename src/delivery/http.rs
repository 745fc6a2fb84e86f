//! A small HTTP client: one request per connection, with a limit on everything: the time for connect, TLS and answer
//! together, and the size of the answer.
//!
//! There is no connection pool. Messages are a minute apart, and a pool adds states in which a dead connection looks alive.

use super::credentials::Credentials;
use super::error::{Failure, SendError};
use super::proxy::{Proxies, Proxy};
use super::secret::Secret;
use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, PROXY_AUTHORIZATION, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, Uri, body::Incoming};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::task::AbortOnDropHandle;

/// How many bytes of an answer that explains an error are read.
pub(super) const MAX_EXPLANATION_BYTES: usize = 8 * 1024;
/// How many bytes the head of a proxy's answer may have.
const MAX_PROXY_HEAD_BYTES: usize = 16 * 1024;
/// How many characters of an explanation are shown.
const SHOWN_CHARS: usize = 200;

/// Fetches a document of our own daemon with one GET request, never through a proxy. `timeout` covers everything from connect to the last byte.
///
/// # Errors
/// When the address is invalid, the server does not answer with success in time, or the body is longer than `max_bytes`.
pub async fn fetch(url: &str, timeout: Duration, max_bytes: usize) -> Result<Bytes, SendError> {
    let endpoint = Endpoint::new(url, timeout, &[], &Proxies::default()).map_err(|why| SendError::Address { why })?;
    let answer = endpoint.request(Method::GET, Vec::new(), max_bytes).await;
    answer.map_err(Failure::into_error)
}

/// An address to send requests to, with the limits and secrets for it.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    authority: String,
    host: String,
    port: u16,
    /// Path and query. They may contain a token.
    path: Secret,
    tls: Option<TlsConfig>,
    timeout: Duration,
    proxy: Option<Proxy>,
    /// The content of the header `Authorization`.
    pub(super) credentials: Option<Credentials>,
}

/// The TLS configuration; its `Debug` output hides the contents.
#[derive(Clone)]
struct TlsConfig(Arc<ClientConfig>);

impl std::fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad("TlsConfig")
    }
}

impl Endpoint {
    /// Checks an address. `roots` are additional root certificates in PEM form; one of the proxies may lead to the address.
    ///
    /// # Errors
    /// What is wrong with the address; the text never contains the address itself.
    pub(super) fn new(url: &str, timeout: Duration, roots: &[u8], proxies: &Proxies) -> Result<Self, &'static str> {
        let uri: Uri = url.trim().parse().map_err(|_| "it is not a URL")?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err("it must begin with http:// or https://"),
        };
        let authority = uri.authority().ok_or("it contains no host")?;
        if authority.as_str().contains('@') {
            return Err("it contains a user and password; use username and password_file, or bearer_token_file");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err("it contains no host");
        }
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Self {
            authority: authority.to_string(),
            proxy: proxies.choose(is_tls, &host, port)?,
            host,
            port,
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned().into(),
            tls: is_tls.then(|| TlsConfig::new(roots)).transpose()?,
            timeout,
            credentials: None,
        })
    }

    /// Appends a fixed path to the configured one.
    pub(super) fn append_path(&mut self, suffix: &str) {
        self.path = format!("{}{suffix}", self.path.reveal().trim_end_matches('/')).into();
    }

    /// Host and port as configured: the part of an address that may be shown.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Sends one message.
    ///
    /// # Errors
    /// When the receiver did not accept it, with what to do next.
    pub(super) async fn post(&self, body: Vec<u8>) -> Result<(), Failure> {
        self.request(Method::POST, body, 0).await.map(drop)
    }

    /// Requests the address without a message.
    ///
    /// # Errors
    /// As for [`Self::post`].
    pub(super) async fn get(&self) -> Result<(), Failure> {
        self.request(Method::GET, Vec::new(), 0).await.map(drop)
    }

    /// Connects, completes the TLS handshake for `https`, and disconnects without a request.
    ///
    /// # Errors
    /// When one of these fails.
    pub(super) async fn probe(&self, limit: Duration) -> Result<(), SendError> {
        let reach = async {
            let stream = self.connect().await?;
            if let Some(tls) = &self.tls {
                self.handshake(tls, stream).await?;
            }
            Ok(())
        };
        let late = || SendError::Timeout { authority: self.authority.clone(), limit };
        timeout(limit, reach).await.unwrap_or_else(|_| Err(late()))
    }

    /// Sends one request and returns the answer's body, of at most `max_bytes`. With `max_bytes = 0` the body of a
    /// successful answer is not read.
    async fn request(&self, method: Method, body: Vec<u8>, max_bytes: usize) -> Result<Bytes, Failure> {
        let late = || SendError::Timeout { authority: self.authority.clone(), limit: self.timeout };
        match timeout(self.timeout, self.exchange(self.prepare(method, body), max_bytes)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::retry(late())),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, max_bytes: usize) -> Result<Bytes, Failure> {
        let stream = self.connect().await.map_err(Failure::retry)?;
        match &self.tls {
            None => self.send(stream, request, max_bytes).await,
            Some(tls) => {
                let stream = self.handshake(tls, stream).await.map_err(Failure::retry)?;
                self.send(stream, request, max_bytes).await
            }
        }
    }

    /// Connects to the server, or to its proxy. A proxy then connects to a server with TLS; other requests are sent to the
    /// proxy itself.
    async fn connect(&self) -> Result<TcpStream, SendError> {
        let (name, host, port) = match &self.proxy {
            None => (self.authority.clone(), &self.host, self.port),
            Some(proxy) => (proxy.name(), &proxy.host, proxy.port),
        };
        let failed = |source| SendError::Connect { authority: name, source };
        let stream = TcpStream::connect((host.as_str(), port)).await.map_err(failed)?;
        match &self.proxy {
            Some(proxy) if self.tls.is_some() => self.tunnel(stream, proxy).await,
            _ => Ok(stream),
        }
    }

    /// Asks the proxy to connect this stream to the server.
    async fn tunnel(&self, mut stream: TcpStream, proxy: &Proxy) -> Result<TcpStream, SendError> {
        let broken = |source: std::io::Error| SendError::Broken { authority: proxy.name(), source: source.into() };
        stream.write_all(&proxy.connect_request(&self.host, self.port)).await.map_err(broken)?;
        let mut head = Vec::new();
        // Byte by byte: what follows the head belongs to the TLS handshake.
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() == MAX_PROXY_HEAD_BYTES {
                return Err(broken(std::io::Error::other("the head of its answer is too long")));
            }
            head.push(stream.read_u8().await.map_err(broken)?);
        }
        let head = String::from_utf8_lossy(&head);
        let code = head.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.trim().parse().ok());
        match code {
            Some(200..300) => Ok(stream),
            Some(code) => Err(SendError::Proxy { proxy: proxy.name(), authority: self.authority.clone(), code }),
            None => Err(broken(std::io::Error::other("its answer has no status"))),
        }
    }

    async fn handshake(&self, TlsConfig(config): &TlsConfig, stream: TcpStream) -> Result<TlsStream<TcpStream>, SendError> {
        let failed = |source| SendError::Tls { authority: self.authority.clone(), source };
        let name = ServerName::try_from(self.host.clone()).map_err(|error| failed(std::io::Error::other(error)))?;
        TlsConnector::from(Arc::clone(config)).connect(name, stream).await.map_err(failed)
    }

    async fn send<S>(&self, stream: S, request: Request<Full<Bytes>>, max_bytes: usize) -> Result<Bytes, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken =
            |error: hyper::Error| Failure::retry(SendError::Broken { authority: self.authority.clone(), source: error.into() });
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // Moves the bytes until the answer has been read; aborted when this function returns.
        let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
        let response = sender.send_request(request).await.map_err(broken)?;
        if !response.status().is_success() {
            return Err(self.failure(response).await);
        }
        match max_bytes {
            0 => Ok(Bytes::new()),
            limit => self.read(response, limit).await.map_err(Failure::retry),
        }
    }

    fn prepare(&self, method: Method, body: Vec<u8>) -> Request<Full<Bytes>> {
        // A proxy that reads the request finds the server in the address.
        let proxy = self.proxy.as_ref().filter(|_| self.tls.is_none());
        let origin = if proxy.is_some() { format!("http://{}", self.authority) } else { String::new() };
        let mut request = Request::builder()
            .method(method)
            .uri(origin + self.path.reveal())
            .header(HOST, self.authority.as_str())
            .header(USER_AGENT, concat!("llm-triage/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/json");
        if let Some(credentials) = &self.credentials {
            request = request.header(AUTHORIZATION, credentials.header());
        }
        if let Some(credentials) = proxy.and_then(|proxy| proxy.credentials.as_ref()) {
            request = request.header(PROXY_AUTHORIZATION, credentials.header());
        }
        request.body(Full::from(body)).expect("the path was taken from a URL, and the rest is fixed")
    }

    async fn read(&self, response: Response<Incoming>, limit: usize) -> Result<Bytes, SendError> {
        let authority = || self.authority.clone();
        match Limited::new(response.into_body(), limit).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(SendError::TooLong { authority: authority(), limit }),
            Err(source) => Err(SendError::Broken { authority: authority(), source }),
        }
    }

    /// What an answer other than success means for the message.
    async fn failure(&self, response: Response<Incoming>) -> Failure {
        let code = response.status().as_u16();
        let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(parse_retry_after);
        let body = Limited::new(response.into_body(), MAX_EXPLANATION_BYTES);
        let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        let error = SendError::Status { authority: self.authority.clone(), code, body: self.without_secrets(&body) };
        match code {
            408 | 425 | 429 | 500.. => Failure::Retry { error, after },
            _ => Failure::Rejected(error),
        }
    }

    /// The beginning of an answer on one line, without the secrets of this endpoint.
    fn without_secrets(&self, answer: &[u8]) -> String {
        let mut text = one_line(answer);
        let proxy = self.proxy.iter().filter_map(|proxy| proxy.credentials.as_ref());
        let secrets = self.credentials.iter().chain(proxy).flat_map(Credentials::secrets).chain([&self.path]);
        for secret in secrets.map(Secret::reveal).filter(|secret| secret.len() > 8) {
            text = text.replace(secret, "(secret)");
        }
        text.chars().take(SHOWN_CHARS).collect()
    }
}

impl TlsConfig {
    /// Trusts the root certificates of the machine and the additional ones.
    fn new(roots: &[u8]) -> Result<Self, &'static str> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        store.add_parsable_certificates(CertificateDer::pem_slice_iter(roots).flatten());
        if store.is_empty() {
            return Err("this machine has no root certificates to check it with; install ca-certificates or set ca_file");
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider supports the default versions")
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }
}

/// The beginning of an explanation, on one line.
pub(super) fn excerpt(text: &[u8]) -> String {
    one_line(text).chars().take(SHOWN_CHARS).collect()
}

fn one_line(text: &[u8]) -> String {
    String::from_utf8_lossy(text).trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Whether a PEM file contains at least one certificate.
pub(super) fn has_certificates(pem: &[u8]) -> bool {
    CertificateDer::pem_slice_iter(pem).any(|certificate| Result::is_ok(&certificate))
}

/// The header `Retry-After`: seconds, or a date.
fn parse_retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value.trim()).ok()?;
    SystemTime::try_from(date).ok()?.duration_since(SystemTime::now()).ok()
}
