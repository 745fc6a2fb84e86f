//! Which values of `Host` are answered.
//!
//! A web page whose name is resolved to this machine (DNS rebinding) would read alerts, examples and request ids through the browser of
//! a developer. Its requests carry the name of the page, so only names that belong to this server are answered. An address belongs to
//! it, because the peer has reached it by that address, if need be through a forwarded port.

use hyper::Uri;
use hyper::header::{HOST, HeaderMap};
use hyper::http::uri::Authority;
use std::net::IpAddr;

/// The body of a 421.
pub(super) const UNKNOWN_HOST: &str =
    "this server does not answer to that host name; use its address or localhost, or add the name to http.hosts\n";

/// The names that are answered beside addresses and `localhost`.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    pub(super) fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| bare(&name)).collect())
    }

    /// Whether a request may be answered: it names one of the hosts, or none, as only simple programs do.
    pub(super) fn answer(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let in_head = headers.get_all(HOST).iter().map(|value| value.to_str().ok());
        // A request to a proxy carries the host in its first line.
        in_head
            .chain(uri.authority().map(|authority| Some(authority.as_str())))
            .all(|host| host.is_some_and(|host| self.has(host)))
    }

    fn has(&self, host: &str) -> bool {
        let name = bare(host);
        let address = name.trim_start_matches('[').trim_end_matches(']');
        address.parse::<IpAddr>().is_ok()
            || name == "localhost"
            || name.ends_with(".localhost")
            || name.is_empty()
            || self.0.contains(&name)
    }
}

/// The name without its port and the dot of the root, in lower case.
fn bare(host: &str) -> String {
    let authority = host.parse::<Authority>();
    let name = authority.as_ref().map_or(host, Authority::host);
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn check(host: &'static str, uri: &'static str, expected: bool) {
        let hosts = Hosts::new(["node-7".to_owned(), "Triage.Example:443".to_owned()]);
        let headers = [(HOST, HeaderValue::from_static(host))].into_iter().collect();
        assert_eq!(hosts.answer(&Uri::from_static(uri), &headers), expected, "{host} {uri}");
    }

    #[test]
    fn only_names_of_this_server_are_answered() {
        for host in
            ["localhost", "LOCALHOST:10529", "app.localhost", "127.0.0.1:10529", "[::1]:10529", "10.1.2.3", "10.1.2.3:80"]
        {
            check(host, "/", true);
        }
        for host in ["node-7", "node-7:10529", "NODE-7.", "triage.example", "triage.example:10529"] {
            check(host, "/", true);
        }
        for host in [
            "evil.example",
            "evil.example:10529",
            "localhost.evil.example",
            "node-7.evil.example",
            "xlocalhost",
            "10.1.2.3.nip.io",
        ] {
            check(host, "/", false);
        }
        check("localhost", "http://evil.example/", false);
        check("localhost", "http://localhost/", true);
        assert!(Hosts::default().answer(&Uri::from_static("/"), &HeaderMap::new()), "no browser leaves the host out");
    }
}
