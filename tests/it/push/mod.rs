//! Requests over HTTP: each encoding gives the verdicts of a file, 2xx means that the pipeline has everything, and no sender
//! takes more than its share.

mod encode;
mod hostile;
mod killed;
mod node;
mod senders;
mod tls;
mod verdicts;

use crate::running::{PATIENCE, Server, until};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

const JSON: (&str, &str) = ("content-type", "application/json");
const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const GZIP: (&str, &str) = ("content-encoding", "gzip");
const ZSTD: (&str, &str) = ("content-encoding", "zstd");

/// An answer: its status, its head in lower case, its body.
#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// A daemon with an HTTP source on a port of its own.
struct Door {
    daemon: Server,
    address: String,
    dir: tempfile::TempDir,
}

impl Door {
    fn open(more: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (daemon, address) = start(dir.path(), more);
        Self { daemon, address, dir }
    }

    fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        post(&self.address, path, headers, body).expect("an answer")
    }

    /// Ends the daemon. Returns the verdicts.
    fn verdicts(self) -> Vec<serde_json::Value> {
        self.daemon.terminate();
        let text = std::fs::read_to_string(self.dir.path().join("verdicts.jsonl")).expect("verdicts");
        text.lines().map(|line| serde_json::from_str(line).expect("a verdict")).collect()
    }
}

/// Starts a daemon. Returns it and the address of its HTTP source.
fn start(dir: &Path, more: &[&str]) -> (Server, String) {
    let path = |name: &str| dir.join(name).display().to_string();
    let (state, output) = (path("state"), path("verdicts.jsonl"));
    let arguments = ["--http", "127.0.0.1:0", "--state-dir", &state, "--output", &output];
    let arguments: &[&str] = if more.contains(&"--config") { &arguments[2..] } else { &arguments };
    let daemon = Server::run([arguments, more].concat());
    let address = until("the address of the source", || {
        let said = daemon.said();
        let line = said.lines().find(|line| line.contains("taking lines"))?;
        line.split("address=").nth(1).map(|rest| rest.trim().to_owned())
    });
    (daemon, address)
}

/// Sends one request on a connection of its own. `None` if it ends without an answer.
fn post(address: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let len = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {len}\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    // A request that is refused may not be read to its end.
    stream.write_all(body).ok();
    answer(&mut stream)
}

fn answer(stream: &mut TcpStream) -> Option<Answer> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some(Answer { status: head.split(' ').nth(1)?.parse().ok()?, head: head.to_lowercase(), body: body.to_owned() })
}
