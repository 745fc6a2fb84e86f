//! Requests to the HTTP API of a daemon.

use super::output;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::http::uri::Authority;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The daemon must answer within this time.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of an answer.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// Sends one GET request for `path` and parses the JSON answer.
pub(super) async fn get(url: &Uri, path: &str) -> Result<Value, String> {
    let answer = timeout(TIMEOUT, get_without_timeout(url, path)).await;
    answer.map_err(|_| format!("no answer within {} s", TIMEOUT.as_secs()))?
}

async fn get_without_timeout(url: &Uri, path: &str) -> Result<Value, String> {
    let authority = url.authority().map_or("", Authority::as_str);
    let address = if url.port().is_some() { authority.to_owned() } else { format!("{authority}:80") };
    let path = format!("{}{path}", url.path().trim_end_matches('/'));
    let socket = TcpStream::connect(&address)
        .await
        .map_err(|error| format!("no daemon answers at this address: {}", output::reason(&error)))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(|error| error.to_string())?;
    let request = Request::get(&path).header(HOST, authority).body(Empty::<Bytes>::new()).map_err(|error| error.to_string())?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect().await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(format!("{path} answered {status}; is this address llm-triage?"));
        }
        serde_json::from_slice(&body.to_bytes()).map_err(|_| format!("{path} is not JSON; is this address llm-triage?"))
    };
    tokio::select! {
        answer = answer => answer,
        closed = connection => Err(closed.err().map_or_else(|| "the connection was closed".to_owned(), |error| error.to_string())),
    }
}
