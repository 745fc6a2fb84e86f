//! Receivers behind a proxy, and receivers that ask for a user name and a password.

use crate::peer::{Peer, answer};
use crate::tool;
use llm_triage::delivery::{Identity, Proxies, ReceiverError, ReceiverOptions, SendError, notify_test};
use llm_triage::taxonomy::Severity;
use llm_triage::time::Timestamp;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

const NOW: Timestamp = Timestamp::from_second(1_800_000_000);

fn rows() -> Vec<(String, Severity)> {
    vec![("auth".to_owned(), Severity::Critical)]
}

/// Sends a test alert to the first receiver, with this proxy for both schemes.
async fn send(options: &str, proxy: &str) -> Result<(), SendError> {
    let options: ReceiverOptions = toml::from_str(options).expect("good options");
    let proxies = Proxies::from_variables(|name| ["HTTP_PROXY", "https_proxy"].contains(&name).then(|| proxy.to_owned()));
    let receivers = options.resolve_behind(&proxies, None, Some(&rows())).expect("good receivers");
    let identity = Identity { instance: "node-7".to_owned(), url: "http://node-7:10529".to_owned() };
    notify_test(&receivers[0], &identity, NOW).await.remove(0).1
}

/// Writes a file and returns its path.
fn file(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

#[tokio::test]
async fn a_proxy_gets_the_whole_address_of_a_plain_request() {
    let mut proxy = Peer::start(&[&answer("200 OK", "", ""), &answer("502 Bad Gateway", "", "dXNlcjpwYXNzd29yZA==")]).await;
    let options = "[[alertmanager]]\nurls = ['http://am.example:9093/prefix']";
    let address = format!("http://user:password@{}", proxy.address);
    send(options, &address).await.expect("the proxy answers");
    let heard = proxy.hear().await;
    assert!(heard.head.starts_with("post http://am.example:9093/prefix/api/v2/alerts http/1.1\r\n"), "{}", heard.head);
    assert!(heard.head.contains("\r\nhost: am.example:9093\r\n"), "{}", heard.head);
    assert!(heard.head.contains("\r\nproxy-authorization: basic dxnlcjpwyxnzd29yza=="), "{}", heard.head);
    assert!(!heard.head.contains("\r\nauthorization:"), "{}", heard.head);
    assert!(heard.body.contains("LLMTriageTest"));

    let error = send(options, &address).await.expect_err("the proxy refuses").to_string();
    assert_eq!(error, "am.example:9093 answered 502: (secret)");
}

#[tokio::test]
async fn a_receiver_on_this_machine_is_never_behind_the_proxy() {
    let mut receiver = Peer::start(&[&answer("200 OK", "", "")]).await;
    let mut proxy = Peer::start(&[&answer("200 OK", "", "")]).await;
    let options = format!("[[webhook]]\nurl = 'http://{}/hook'", receiver.address);
    send(&options, &proxy.address.to_string()).await.expect("the receiver answers");
    assert!(receiver.hear().await.head.starts_with("post /hook http/1.1\r\n"));
    assert!(proxy.is_quiet());
}

/// A proxy that gives one answer to CONNECT and then, if it has one, forwards to `server`. Passes on the request's head.
async fn tunnel(answer: &'static str, server: Option<SocketAddr>) -> (SocketAddr, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
    let address = listener.local_addr().expect("it is bound");
    let (sender, head) = oneshot::channel();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.expect("a client connects");
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(client.read_u8().await.expect("the client writes"));
        }
        client.write_all(answer.as_bytes()).await.expect("the client reads");
        sender.send(String::from_utf8(bytes).expect("text")).expect("the test waits");
        if let Some(server) = server {
            let mut server = TcpStream::connect(server).await.expect("the server listens");
            // How the connection ends is not the test's matter.
            drop(copy_bidirectional(&mut client, &mut server).await);
        }
    });
    (address, head)
}

#[tokio::test]
async fn a_proxy_connects_to_a_server_with_tls() {
    let Some(openssl) = tool::find("openssl") else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (is_success, output) = tool::run(
        Command::new(openssl)
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=hooks.example", "-addext", "subjectAltName=DNS:hooks.example"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", &path("key.pem"), "-out", &path("cert.pem")]),
        "",
    );
    assert!(is_success, "{output}");
    let mut server = Peer::start_tls(&answer("200 OK", "", ""), dir.path()).await;
    let options =
        format!("[[webhook]]\nurl = 'https://hooks.example/services?token=a-long-secret'\nca_file = '{}'", path("cert.pem"));
    let (proxy, head) = tunnel("HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n", Some(server.address)).await;
    send(&options, &format!("http://user:p%40ss@{proxy}")).await.expect("the server answers");
    let connect =
        "CONNECT hooks.example:443 HTTP/1.1\r\nHost: hooks.example:443\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n\r\n";
    assert_eq!(head.await.as_deref(), Ok(connect));
    let heard = server.hear().await;
    assert!(heard.head.starts_with("post /services?token=a-long-secret http/1.1\r\n"), "{}", heard.head);
    assert!(!heard.head.contains("proxy-authorization"), "{}", heard.head);

    let (proxy, _head) = tunnel("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", None).await;
    let error = send(&options, &format!("http://{proxy}")).await.expect_err("the proxy refuses").to_string();
    assert_eq!(error, format!("the proxy {proxy} answered 407 when asked to connect to hooks.example"));
    let (proxy, _head) = tunnel("SSH-2.0-OpenSSH_9.9\r\n\r\n", None).await;
    let error = send(&options, &format!("http://{proxy}")).await.expect_err("it is no proxy");
    assert!(matches!(error, SendError::Broken { .. }), "{error}");
}

#[tokio::test]
async fn an_alertmanager_and_a_webhook_get_a_user_name_and_a_password() {
    let dir = tempfile::tempdir().expect("a directory");
    let password = file(dir.path(), "password", "correct horse: battery\n");
    // base64 of `llm-triage:correct horse: battery`, as the peer returns it in its explanation.
    let encoded = "bGxtLXRyaWFnZTpjb3JyZWN0IGhvcnNlOiBiYXR0ZXJ5";
    let echo = answer("403 Forbidden", "", &format!("no: {encoded} correct horse: battery"));
    let mut peer = Peer::start(&[&echo]).await;
    let address = peer.address;
    for table in [format!("[[alertmanager]]\nurls = ['http://{address}']"), format!("[[webhook]]\nurl = 'http://{address}'")] {
        let options = format!("{table}\nusername = 'llm-triage'\npassword_file = '{password}'");
        let error = send(&options, "").await.expect_err("it refuses").to_string();
        assert_eq!(error, format!("{address} answered 403: no: (secret) (secret)"));
        let head = peer.hear().await.head;
        assert!(head.contains(&format!("\r\nauthorization: basic {}", encoded.to_ascii_lowercase())), "{head}");
    }
}

#[test]
fn incomplete_credentials_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let (word, empty) = (file(dir.path(), "word", "s3cret\n"), file(dir.path(), "empty", "\n"));
    let check = |keys: &str, expected: &str| {
        let options: ReceiverOptions =
            toml::from_str(&format!("[[alertmanager]]\nurls = ['http://am']\n{keys}")).expect("well-formed");
        let errors = options.resolve_behind(&Proxies::default(), None, Some(&rows())).expect_err(keys);
        assert_eq!(
            errors.iter().map(ReceiverError::to_string).collect::<Vec<_>>(),
            [format!("receiver alertmanager: {expected}")]
        );
    };
    check("username = 'x'", "password_file is missing; write the password to a file and set the path of the file here");
    check(&format!("password_file = '{word}'"), "username is missing; write the name that belongs to password_file");
    check(
        &format!("username = 'x'\npassword_file = '{word}'\nbearer_token_file = '{word}'"),
        "both username and bearer_token_file are set; remove one of them",
    );
    check(
        &format!("username = 'a:b'\npassword_file = '{word}'"),
        "username must not be empty, and must not contain a colon or a control character",
    );
    check(
        &format!("username = 'x'\npassword_file = '{empty}'"),
        &format!("password_file {empty} must contain one line of plain text"),
    );
}
