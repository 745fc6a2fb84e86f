//! Requests over TLS, and what a reload changes.

use super::Door;
use crate::running::until;
use crate::tool;
use std::fs;
use std::process::Command;

#[test]
fn requests_over_tls_need_the_certificate_and_a_reload_changes_the_token() {
    let (Some(openssl), Some(curl)) = (tool::find("openssl"), tool::find("curl")) else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
                     -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE -keyout key.pem -out cert.pem";
    let (good, said) = tool::run(Command::new(openssl).args(arguments.split_whitespace()).current_dir(&dir), "");
    assert!(good, "{said}");
    let path = |name: &str| dir.path().join(name);
    fs::write(path("token"), "the-first-token").expect("a file");
    let text = "[[source.http]]\nlisten = '127.0.0.1:0'\ncert_file = 'cert.pem'\nkey_file = 'key.pem'\ntoken_file = 'token'\n";
    fs::write(path("config.toml"), text).expect("a file");
    let door = Door::open(&["--config", &path("config.toml").display().to_string()]);
    let send = |scheme: &str, token: &str| {
        let url = format!("{scheme}://{}/", door.address);
        let header = format!("authorization: Bearer {token}");
        let mut command = Command::new(&curl);
        command.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert"]).arg(path("cert.pem"));
        tool::run(command.args(["-H", &header, "-d", "a line", &url]), "").1
    };
    assert_eq!(send("https", "the-first-token"), "204");
    assert_eq!(send("https", "the-second-token"), "401");
    assert_eq!(send("http", "the-first-token"), "000", "plain text is no handshake");
    fs::write(path("token"), "the-second-token").expect("a file");
    door.daemon.signal("HUP");
    until("the second token", || (send("https", "the-second-token") == "204").then_some(()));
    assert_eq!(send("https", "the-first-token"), "401");
    // A token that cannot be used changes nothing.
    fs::write(path("token"), "two words").expect("a file");
    let (status, body) = door.daemon.ask("POST", "/-/reload").expect("an answer");
    assert!(status >= 400 && body.contains("must hold a token"), "{status} {body}");
    assert_eq!(send("https", "the-second-token"), "204");
}
