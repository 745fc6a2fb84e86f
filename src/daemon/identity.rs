//! The name and the address under which alerts and pages refer to this process.

use crate::config::Config;
use crate::delivery::Identity;

/// The identity in alerts, with the port of `config`.
pub(super) fn identity_of(config: &Config) -> Identity {
    Identity { instance: instance(), url: own_url(config) }
}

/// The name of the host: the label `instance`.
pub(super) fn instance() -> String {
    let name = std::env::var("NODE_NAME").or_else(|_| std::env::var("HOSTNAME")).ok();
    let name = name.or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok());
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

/// The page on a row, with `{row}` in place of its id: the configured one, else the page that we serve.
#[must_use]
pub fn runbook_url(config: &Config) -> String {
    config.runbook_url.clone().unwrap_or_else(|| format!("{}runbooks/{{row}}", own_url(config)))
}

/// The page on an error, with `{error}` in place of its id.
pub(super) fn error_url(config: &Config) -> String {
    format!("{}errors/{{error}}", own_url(config))
}

/// The address of our HTTP server for others, with a `/` at the end.
fn own_url(config: &Config) -> String {
    match &config.url {
        Some(url) => url.clone(),
        None if config.listen.ip().is_unspecified() => format!("http://{}:{}/", instance(), config.listen.port()),
        None => format!("http://{}/", config.listen),
    }
}
