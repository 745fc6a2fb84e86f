//! An HTTP server for tests: it listens on a port of its own, answers as configured, and passes every request to the test.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// How long a test waits for something that should happen at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A running server. It stops when this is dropped.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    heard: mpsc::Receiver<Heard>,
    _tasks: JoinSet<()>,
}

impl Peer {
    /// A server that gives the answers in turn, and repeats the last one. An empty answer is silence.
    pub(crate) async fn start(answers: &[&str]) -> Self {
        Self::serve(answers, None).await
    }

    /// A TLS server with `cert.pem` and `key.pem` from a directory.
    pub(crate) async fn start_tls(answer: &str, dir: &Path) -> Self {
        let cert = CertificateDer::from_pem_file(dir.join("cert.pem")).expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(dir.join("key.pem")).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the default versions")
            .with_no_client_auth()
            .with_single_cert(vec![cert], key)
            .expect("the key belongs to the certificate");
        Self::serve(&[answer], Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn serve(answers: &[&str], tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let address = listener.local_addr().expect("it is bound");
        // A test sends few messages; the server waits when the test does not read them.
        let (sender, heard) = mpsc::channel(100);
        let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut held = Vec::new();
            let mut turn = 0;
            loop {
                let (stream, _) = listener.accept().await.expect("a peer connects");
                let mut stream: Box<dyn Stream> = match &tls {
                    None => Box::new(stream),
                    // A client that does not trust the certificate disconnects.
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => Box::new(stream),
                        Err(_) => continue,
                    },
                };
                let Some(request) = read_request(&mut *stream).await else { continue };
                let answer = &answers[turn.min(answers.len() - 1)];
                turn += 1;
                stream.write_all(answer.as_bytes()).await.expect("the client reads");
                stream.flush().await.expect("the client reads");
                if answer.is_empty() {
                    held.push(stream);
                }
                if sender.send(request).await.is_err() {
                    return;
                }
            }
        });
        Self { address, heard, _tasks: tasks }
    }

    /// The next request.
    pub(crate) async fn hear(&mut self) -> Heard {
        tokio::time::timeout(PATIENCE, self.heard.recv()).await.expect("a request arrives").expect("the server runs")
    }

    /// Whether there is no further request.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.heard.try_recv().is_err()
    }
}

/// An answer with this status line, additional header lines, and body.
pub(crate) fn answer(status: &str, head: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{head}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// A TCP connection, with or without TLS.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

async fn read_request(stream: &mut dyn Stream) -> Option<Heard> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.parse().expect("a length is a number") {
                return Some(Heard { head, body: body.to_owned() });
            }
        }
        if stream.read_buf(&mut bytes).await.expect("the client writes") == 0 {
            return None;
        }
    }
}
