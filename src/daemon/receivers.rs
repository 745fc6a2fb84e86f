//! Receivers from the configuration, and where they stand in it.

use crate::config::Config;
use crate::delivery::{Receiver, ReceiverError, ReceiverOptions};
use crate::taxonomy::Severity;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One table as it was typed: its kind, its place, and itself.
type Typed = (String, String, toml::Table);

/// The receivers that a configuration asks for. `rows` are those that raise alerts.
///
/// # Errors
/// With everything that is wrong with them.
pub(super) fn receivers(config: &Config, rows: &[(String, Severity)]) -> Result<Vec<Receiver>, Vec<String>> {
    let alone = |it: &Typed| {
        let (kind, place, _) = it;
        options([it]).err().map(|error| format!("{place}: `receiver.{kind}`: {}", error.message()))
    };
    let faults: Vec<String> = config.receivers.iter().filter_map(alone).collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let options = options(&config.receivers).map_err(|error| vec![error.message().to_owned()])?;
    // Relative paths of secrets: what systemd's LoadCredential laid ready, else beside the configuration.
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let beside = config.file.as_ref().and_then(|it| it.parent()).map(PathBuf::from);
    let folder = credentials.or(beside);
    options.resolve(folder.as_deref(), rows).map_err(|errors| {
        let told = |it: &ReceiverError| match receiver_place(config, it.receiver()) {
            Some(place) => format!("{place}: {}", chain(it)),
            None => chain(it),
        };
        errors.iter().map(told).collect()
    })
}

/// Where a receiver stands in the configuration. Members of a cluster are called by their receiver's name and their own.
#[must_use]
pub fn receiver_place<'a>(config: &'a Config, name: &str) -> Option<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    config.receivers.iter().find_map(|(kind, place, table)| {
        let count = counts.entry(kind).or_default();
        *count += 1;
        let numbered = if *count == 1 { kind.clone() } else { format!("{kind}-{count}") };
        let called = table.get("name").and_then(|it| it.as_str()).unwrap_or(&numbered);
        let is_it = name == called || name.strip_prefix(called).is_some_and(|it| it.starts_with('/'));
        is_it.then_some(place.as_str())
    })
}

fn options<'a>(tables: impl IntoIterator<Item = &'a Typed>) -> Result<ReceiverOptions, toml::de::Error> {
    let mut all: BTreeMap<String, Vec<toml::Table>> = BTreeMap::new();
    for (kind, _, table) in tables {
        all.entry(kind.clone()).or_default().push(table.clone());
    }
    let all: toml::Table = all.into_iter().map(|(kind, tables)| (kind, toml::Value::from(tables))).collect();
    ReceiverOptions::deserialize(all)
}

/// An error with what is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", chain(source)))
}
