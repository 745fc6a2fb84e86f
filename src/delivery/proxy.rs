//! Which proxy leads to an address: the environment variables `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.
//!
//! The rules are those that curl and Go agree on. A variable in lower case wins over the one in upper case. Addresses of this
//! machine (`localhost`, `127.0.0.1`, `::1`) never need a proxy.

use super::credentials::Credentials;
use hyper::Uri;
use std::net::IpAddr;

/// The proxies and their exceptions.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    http: Option<Setting>,
    https: Option<Setting>,
    exceptions: Vec<Exception>,
}

/// The value of one variable; or why it cannot be used, which matters only if an address needs it.
type Setting = Result<Proxy, &'static str>;

/// An HTTP proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// From `http://USER:PASSWORD@HOST:PORT`.
    pub(super) credentials: Option<Credentials>,
}

/// An entry of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    /// `*`
    All,
    /// A host and its subdomains, on one port or on all.
    Host(String, Option<u16>),
    /// The first bits of an IP address.
    Network(IpAddr, u32),
}

impl Proxies {
    /// The variables of this process.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// The variables that a function returns.
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| {
            let value = |name: &str| get(name).filter(|value| !value.trim().is_empty());
            value(&name.to_ascii_lowercase()).or_else(|| value(name))
        };
        let proxy = |name: &str, why: &'static str| get(name).map(|value| Proxy::parse(value.trim()).ok_or(why));
        Self {
            http: proxy("HTTP_PROXY", "the environment variable HTTP_PROXY is not http://HOST:PORT"),
            https: proxy("HTTPS_PROXY", "the environment variable HTTPS_PROXY is not http://HOST:PORT"),
            exceptions: get("NO_PROXY").unwrap_or_default().split([',', ' ']).filter_map(Exception::parse).collect(),
        }
    }

    /// The proxy for an address, if it needs one. `host` has no brackets.
    ///
    /// # Errors
    /// When it needs one, and the value of the variable is invalid.
    pub(super) fn choose(&self, is_tls: bool, host: &str, port: u16) -> Result<Option<Proxy>, &'static str> {
        let Some(proxy) = (if is_tls { &self.https } else { &self.http }) else { return Ok(None) };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if is_this_machine(&host) || self.exceptions.iter().any(|exception| exception.covers(&host, port)) {
            return Ok(None);
        }
        proxy.clone().map(Some)
    }
}

impl Proxy {
    /// Reads `http://[USER[:PASSWORD]@]HOST[:PORT]`; the scheme may be absent.
    fn parse(value: &str) -> Option<Self> {
        let uri: Uri = if value.contains("://") { value.parse() } else { format!("http://{value}").parse() }.ok()?;
        if uri.scheme_str() != Some("http") {
            return None;
        }
        let authority = uri.authority()?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let credentials = authority.as_str().rsplit_once('@').map(|(user, _)| {
            let (username, password) = user.split_once(':').unwrap_or((user, ""));
            Credentials::basic(&decoded(username), decoded(password).into())
        });
        (!host.is_empty()).then(|| Self { host: host.to_owned(), port: authority.port_u16().unwrap_or(80), credentials })
    }

    /// The proxy in an error message.
    pub(super) fn name(&self) -> String {
        format!("the proxy {}", host_and_port(&self.host, self.port))
    }

    /// The request that asks the proxy for a connection to a server.
    pub(super) fn connect_request(&self, host: &str, port: u16) -> Vec<u8> {
        let target = host_and_port(host, port);
        let mut head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
        if let Some(credentials) = &self.credentials {
            head.extend_from_slice(b"Proxy-Authorization: ");
            head.extend_from_slice(credentials.header().as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        head
    }
}

impl Exception {
    fn parse(entry: &str) -> Option<Self> {
        let entry = entry.trim().to_ascii_lowercase();
        if entry == "*" {
            return Some(Self::All);
        }
        if let Some((address, bits)) = entry.split_once('/')
            && let (Ok(address), Ok(bits)) = (address.parse(), bits.parse())
        {
            return Some(Self::Network(address, bits));
        }
        // An IPv6 address without brackets has colons, but no port.
        let is_address = entry.parse::<IpAddr>().is_ok();
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if !is_address && port.parse::<u16>().is_ok() => (host, port.parse().ok()),
            _ => (entry.as_str(), None),
        };
        let host = host.trim_start_matches('*').trim_matches('.').trim_start_matches('[').trim_end_matches(']');
        (!host.is_empty()).then(|| Self::Host(host.to_owned(), port))
    }

    fn covers(&self, host: &str, port: u16) -> bool {
        match self {
            Self::All => true,
            Self::Host(name, only) => {
                let is_host = host.strip_suffix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
                is_host && only.is_none_or(|only| only == port)
            }
            Self::Network(network, bits) => host.parse().is_ok_and(|address| has_prefix(address, *network, *bits)),
        }
    }
}

fn has_prefix(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits)).unwrap_or(0);
            address.to_bits() & mask == network.to_bits() & mask
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits)).unwrap_or(0);
            address.to_bits() & mask == network.to_bits() & mask
        }
        _ => false,
    }
}

fn is_this_machine(host: &str) -> bool {
    let is_loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    is_loopback || host == "localhost" || host.ends_with(".localhost")
}

fn host_and_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The text without percent-encoding; an invalid sequence stays as it is.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) if *byte == b'%' => {
                out.push(value);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::Proxies;

    /// The variables as `NAME=VALUE` lines, an address, and the host of the chosen proxy.
    fn check(variables: &str, url: &str, expected: Option<&str>) {
        let get = |name: &str| variables.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned()));
        let (scheme, rest) = url.split_once("://").expect("a scheme");
        let is_tls = scheme == "https";
        let (host, port) = rest.rsplit_once(':').expect("a port");
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let chosen = Proxies::from_variables(get).choose(is_tls, host, port.parse().expect("a number"));
        let chosen = chosen.unwrap_or_else(|why| panic!("{variables}: {url}: {why}"));
        assert_eq!(chosen.map(|proxy| format!("{}:{}", proxy.host, proxy.port)).as_deref(), expected, "{variables}: {url}");
    }

    #[test]
    fn the_scheme_chooses_the_variable_and_lower_case_wins() {
        let both = "HTTP_PROXY=http://plain:3128\nHTTPS_PROXY=tls:3129/";
        check(both, "http://am.example:9093", Some("plain:3128"));
        check(both, "https://am.example:443", Some("tls:3129"));
        check("HTTP_PROXY=http://plain:3128", "https://am.example:443", None);
        check("http_proxy=http://lower\nHTTP_PROXY=http://upper", "http://am.example:80", Some("lower:80"));
        check("http_proxy=\nHTTP_PROXY=http://[::2]:1", "http://am.example:80", Some("::2:1"));
        check("HTTP_PROXY=http://user:p%40ss@proxy:1", "http://am.example:80", Some("proxy:1"));
        check("", "http://am.example:80", None);
    }

    #[test]
    fn exceptions_and_this_machine_need_no_proxy() {
        let except = |list: &str, url: &str, is_direct: bool| {
            check(&format!("HTTP_PROXY=http://p:1\nno_proxy={list}"), url, (!is_direct).then_some("p:1"));
        };
        for url in ["http://localhost:9093", "http://127.0.0.1:9093", "http://127.8.0.1:1", "http://[::1]:9093"] {
            except("", url, true);
        }
        except("", "http://localhost.example:80", false);
        except("*", "http://am.example:80", true);
        for list in ["example", ".example", "*.example", "EXAMPLE", "x, am.example ,y", "am.example:9093"] {
            except(list, "http://am.example:9093", true);
            except(list, "http://AM.example.:9093", true);
        }
        for list in ["ample", "m.example", "x.am.example", "am.example:80", "am", "example.com"] {
            except(list, "http://am.example:9093", false);
        }
        except("10.1.0.0/16", "http://10.1.2.3:80", true);
        except("10.1.0.0/16", "http://10.2.2.3:80", false);
        except("10.1.2.3", "http://10.1.2.3:80", true);
        except("10.1.2.3:81", "http://10.1.2.3:80", false);
        except("0.0.0.0/0", "http://10.1.2.3:80", true);
        except("fd00::/8", "http://[fd12::1]:80", true);
        except("fd00::/8", "http://[fe80::1]:80", false);
        except("fe80::1", "http://[fe80::1]:80", true);
    }

    #[test]
    fn an_unusable_proxy_is_an_error_only_where_it_is_needed() {
        for value in ["socks5://proxy:1080", "https://proxy:3128", "http://", "::"] {
            let get = |name: &str| (name == "HTTPS_PROXY").then(|| value.to_owned());
            let proxies = Proxies::from_variables(get);
            let why = proxies.choose(true, "hooks.example", 443).expect_err(value);
            assert!(why.contains("HTTPS_PROXY"), "{why}");
            assert_eq!(proxies.choose(true, "127.0.0.1", 443), Ok(None), "{value}");
            assert_eq!(proxies.choose(false, "hooks.example", 80), Ok(None), "{value}");
        }
    }
}
